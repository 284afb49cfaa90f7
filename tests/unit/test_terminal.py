"""News text on a terminal is text, whatever orders it holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.commands.watch import describe
from pipeline.terminal import harmless
from transforms.raise_alerts import raise_alert
from transforms.records import Alert, ChangeType, Direction, Evidence, Member, Position, Status, StoryUpdate

HOSTILE = [
    "\x1b]0;owned\x07title", "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "\x1b[2J\x1b[H", "\x9b31mred", "over\rwritten", "a\nERROR b",
    "\u202eturned\u202c", "bell\x07", "null\x00", "lone \ud800 surrogate", "100 %s %(x)s {0}", "[bold]markup[/bold]", "=cmd|' /C calc'!A0",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_order_to_the_terminal_is_left(text: str) -> None:
    shown = harmless(text)
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert not any(character in shown for character in "\u202e\u2066\u2028")
    assert shown.encode()


@pytest.mark.parametrize("text", ["मेटा ने कहा", "ميتا تتراجع", "メタは後退", "Größe – “quoted”", "emoji 🙂 ok"])
def test_letters_of_every_script_stay(text: str) -> None:
    assert harmless(text) == text


def test_long_text_is_cut_with_a_sign() -> None:
    assert harmless("a" * 5000, 10) == "aaaaaaaaaa…"


def alert(headline: str, actor: str = "Meta") -> Alert:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    member = Member(
        article="a", position=Position("news", 0, 0), sha256="", url="https://example.org/a", title=headline, publisher="p", language="ar",
        at=at, received_at=at, direction=Direction.CLOSING, change_type=ChangeType.LICENCE, status=Status.ANNOUNCED, contested=True, score=0.9,
        actors=(actor,), evidence=(Evidence(0, 5, headline + " more"),), model="m",
    )  # fmt: skip
    return raise_alert(StoryUpdate(story_id="s", actor=actor, before=(), members=(member,), received_at=at), 5)


@pytest.mark.parametrize("text", HOSTILE)
def test_alert_with_hostile_headline_and_actor_is_printed_harmlessly(text: str) -> None:
    shown = describe(alert(text, actor=text)).plain
    assert not any(ord(character) < 0x20 and character != "\n" for character in shown)
    # Five lines of ours, and no line break from the headline.
    assert len(shown.splitlines()) == 4


def test_alert_says_who_what_how_sure_and_where() -> None:
    shown = describe(alert("Meta tightens its licence")).plain
    for part in (
        "CLOSING",
        "Meta",
        "licence, announced",
        "contested",
        "score 0.90",
        "Meta tightens its licence",
        "1 article from 1 publisher, ar",
    ):
        assert part in shown

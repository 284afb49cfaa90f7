"""News text on a terminal is text, whatever orders it holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from pipeline.commands.watch import describe, escape_controls, is_notable
from pipeline.terminal import harmless
from transforms.raise_alerts import AlertRules, raise_alert
from transforms.records import Alert, AlertState, ChangeType, Direction, Evidence, Member, Position, RawMessage, Status, StoryUpdate

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
        article="a", position=Position("news", 0, 0), sha256="", url="https://example.org/a", title="t", publisher="p", language="ar",
        at=at, received_at=at, direction=Direction.CLOSING, change_type=ChangeType.LICENCE, status=Status.ANNOUNCED, contested=True, score=0.9,
        actors=(actor,), evidence=(Evidence(0, 5, "e"),), model="m",
    )  # fmt: skip
    plain = raise_alert(StoryUpdate(story_id="s", actor=actor, before=(), members=(member,), received_at=at), AlertRules(5)).alert
    # Put in afterwards: half a surrogate pair comes through no topic, and must be harmless all the same.
    articles = (msgspec.structs.replace(plain.articles[0], title=headline, evidence=(Evidence(0, 5, headline + " more"),)),)
    return msgspec.structs.replace(plain, headline=headline, articles=articles)


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


def test_story_that_another_one_takes_over_is_merged_and_not_withdrawn() -> None:
    plain = alert("Meta tightens its licence")
    over = {"state": AlertState.RETRACTED, "retracted_because": "merged", "merged_into": "3f2a"}
    merged = describe(msgspec.structs.replace(plain, **over)).plain
    assert "MERGED" in merged
    assert "the same change as alert 3f2a" in merged
    assert "WITHDRAWN" not in merged.upper()
    assert len(merged.splitlines()) == 3
    withdrawn = describe(msgspec.structs.replace(plain, **over | {"merged_into": "", "retracted_because": "corrected"})).plain
    assert "WITHDRAWN" in withdrawn
    assert "withdrawn: the report was corrected" in withdrawn


def test_alert_names_its_id_by_which_others_point_to_it() -> None:
    plain = alert("Meta tightens its licence")
    assert f"alert {plain.alert_id}" in describe(plain).plain


def test_json_for_a_terminal_holds_no_order_and_means_the_same() -> None:
    text = "\x7f \x80 \x9b31m \x9d \xa0 Größe 文"
    escaped = escape_controls(msgspec.json.encode({"headline": text}))
    assert json.loads(escaped) == {"headline": text}
    assert not any(0x7F <= ord(character) < 0xA0 for character in escaped.decode())


@pytest.mark.parametrize(
    ("headers", "expected"), [((("notable", b"true"),), True), ((("notable", b"false"),), False), ((("actor", b"Meta"),), True)]
)
def test_header_says_whether_an_alert_is_shown(headers: tuple[tuple[str, bytes], ...], *, expected: bool) -> None:
    message = RawMessage(position=Position("alerts", 0, 0), timestamp_milliseconds=0, key=b"", value=b"{}", headers=headers)
    assert is_notable(message) is expected

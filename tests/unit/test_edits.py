"""A hundred edits of the story set's articles, fifty of wording and fifty of what is said: who is told, and who is not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.assess import LightPath, raw_line
from pipeline.settings import Settings
from transforms.flag_policy_change import assessment
from transforms.group_stories import StoryLimits
from transforms.key_articles import key_by_actor
from transforms.link_stories import link
from transforms.model.decision import Decision
from transforms.model.judge import Judgement
from transforms.records import Assessment, ChangeType, Direction, Evidence, Member, Novelty, Position, Status
from transforms.story_facts import what_changed
from transforms.text.sentences import split_sentences

SET = Path(__file__).resolve().parents[2] / "seeds" / "stories.jsonl"
ROWS = [row for line in SET.read_text("utf-8").splitlines() if (row := json.loads(line))["flag"] and not row["copy_of"]][::5][:50]
AT = datetime(2026, 11, 24, tzinfo=UTC)
NEXT_STATUS = {"proposed": "in_force", "announced": "in_force", "in_force": "announced", "rumoured": "announced", "denied": "announced"}
# What papers do to a text without changing what it says, in turn.
COSMETIC = (
    lambda row: row | {"title": row["title"] + " – update"},
    lambda row: row | {"text": row["text"] + "\n(red.)"},
    lambda row: row | {"text": re.sub(r"(?<=[.。]) ", "  ", row["text"]), "publisher": row["publisher"].upper()},
    lambda row: row | {"title": row["title"].rstrip(".") + "."},
    lambda row: row | {"text": row["text"].replace("-", "\u2011", 1) + " "},
)
# What a correction does: a number, how far the change is, its kind, its direction, or that there is none.
MATERIAL = (
    lambda row: row | {"text": re.sub(r"\d+", lambda found: f"{int(found[0]) + 37}", row["text"] + " 47 + 13")},
    lambda row: row | {"status": NEXT_STATUS[row["status"]]},
    lambda row: row | {"change_type": "platform" if row["change_type"] != "platform" else "licence"},
    lambda row: row | {"direction": "closing" if row["direction"] == "opening" else "opening"},
    lambda row: row | {"flag": False, "novelty": "none", "actors": []},
)


def corrected(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """The row with a correction; where that is one of the labels, its text is another one too."""
    changed = MATERIAL[number % 5](row)
    return changed | {"text": f"{changed['text']} (Corrected.)"}


@pytest.fixture(scope="module")
def path() -> LightPath:
    return LightPath(Settings())


def judge(path: LightPath, row: dict[str, Any], offset: int) -> Assessment:
    """The article with its labels in place of the judgement; an unflagged one keeps a doubt."""
    raw = raw_line("news", offset, json.dumps(row, ensure_ascii=False).encode(), AT)
    annotated = path.annotate(raw)
    decision = Decision(
        row["flag"], 0.9 if row["flag"] else 0.2, Novelty(row["novelty"]), Direction(row["direction"]), ChangeType(row["change_type"]),
        Status(row["status"]), row["contested"], (),
    )  # fmt: skip
    content = annotated.document.article.content
    spans = [span for span in split_sentences(content) if span[0] >= len(row["title"])][:3]
    found = assessment(annotated, Judgement(decision, [], None, tuple(row["actors"])), "labels")
    return msgspec.structs.replace(
        found, evidence=tuple(Evidence(start, end, content[start:end]) for start, end in spans), position=Position("news", 0, offset)
    )


def told(path: LightPath, before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """What subscribers are told of the edit."""
    known: dict[str, tuple[Member, ...]] = {}
    for actor, member in key_by_actor(judge(path, before, 0)):
        known[actor], _ = link(actor, known.get(actor, ()), member, StoryLimits())
    changes: set[str] = set()
    for actor, member in key_by_actor(judge(path, after, 1)):
        known[actor], updates = link(actor, known.get(actor, ()), member, StoryLimits())
        changes.update(change for update in updates for change in what_changed(update.before, update.members))
    return changes


def test_edits_of_wording_are_silent_and_corrections_are_told(path: LightPath) -> None:
    cosmetic = [not told(path, row, COSMETIC[number % 5](row)) for number, row in enumerate(ROWS)]
    material = [bool(told(path, row, corrected(number, row))) for number, row in enumerate(ROWS)]
    assert len(cosmetic) == len(material) == 50
    wrong = [ROWS[number]["id"] for results in (cosmetic, material) for number, is_right in enumerate(results) if not is_right]
    assert sum(cosmetic) + sum(material) >= 95, wrong


def test_article_that_no_longer_reports_its_change_is_taken_back(path: LightPath) -> None:
    assert told(path, ROWS[0], corrected(4, ROWS[0])) == {"retracted"}

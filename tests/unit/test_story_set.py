"""The story set is what issue STORIES asks for, and its labels are of the closed sets."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

from transforms.records import ChangeType, Direction, Novelty, Status

ROWS = [json.loads(line) for line in (Path(__file__).resolve().parents[2] / "seeds" / "stories.jsonl").read_text("utf-8").splitlines()]

FIELDS = {Direction: "direction", ChangeType: "change_type", Status: "status", Novelty: "novelty"}


def test_set_is_large_and_varied_enough() -> None:
    sizes = Counter(row["story"] for row in ROWS if row["story"])
    assert len(sizes) >= 40
    assert sum(sizes.values()) / len(sizes) >= 5.9
    assert len({row["language"] for row in ROWS}) >= 10
    assert [row for row in ROWS if row["novelty"] == "retrospective"]


def test_labels_are_of_the_closed_sets_and_agree_within_a_story() -> None:
    direction_of: dict[str, str] = {}
    assert len({row["id"] for row in ROWS}) == len({row["url"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        for kind in (Direction, ChangeType, Status, Novelty):
            kind(row[FIELDS[kind]])
        assert datetime.fromisoformat(row["published_at"]).tzinfo
        assert row["flag"] == bool(row["story"]) == bool(row["actors"])
        assert row["title"]
        assert len(row["text"]) > 20
        assert direction_of.setdefault(row["story"], row["direction"]) == row["direction"]


def test_copies_point_to_articles_of_the_set() -> None:
    ids = {row["id"] for row in ROWS}
    copies = [row["copy_of"] for row in ROWS if row["copy_of"]]
    assert len(copies) >= 5
    assert set(copies) <= ids

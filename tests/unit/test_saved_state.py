"""State that version 0.1.0 saved is read by this one: the bytes of each kind of state, as that version wrote them.

A field may be added with a default. When one of these fails, running deployments cannot be upgraded: see CONTRIBUTING.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from connectors.kafka.partitions import Announced, Announcement
from transforms.coding import RecordCoder
from transforms.group_stories import StoryLimits
from transforms.link_stories import link
from transforms.records import Direction, Members, Position

SAVED = Path(__file__).resolve().parents[1] / "saved_state"


def saved_members() -> Members:
    members: Members = RecordCoder(Members).decode((SAVED / "members-0.1.0.msgpack").read_bytes())
    return members


def test_stories_of_an_actor_are_read() -> None:
    first, second = saved_members().members
    assert (first.position, first.direction, first.at) == (
        Position("news.articles", 3, 14), Direction.CLOSING, datetime(2026, 2, 17, 8, 30, tzinfo=UTC)
    )  # fmt: skip
    assert (second.stands_for, second.edits) == (3, 1)
    assert first.evidence[0].text == "Harrowgate"


def test_article_known_from_saved_state_raises_nothing_new() -> None:
    members = saved_members().members
    assert link("Harrowgate Labs", members, members[0], StoryLimits()) == (members, [])


def test_saved_state_is_written_so_that_it_reads_back_the_same() -> None:
    coder = RecordCoder(Members)
    assert coder.decode(coder.encode(saved_members())) == saved_members()


def test_places_of_reading_are_read() -> None:
    listing = b'{"cluster":"c1","partitions":{"news.articles/0":"c1/t1"}}'
    reading = b'{"identity":"c1/t1","start_offset":42,"is_read":true}'
    assert msgspec.json.decode(listing, type=Announced) == Announced("c1", {"news.articles/0": "c1/t1"})
    assert msgspec.json.decode(reading, type=Announcement) == Announcement("c1/t1", 42, is_read=True)


def test_field_of_a_newer_version_does_not_stop_this_one() -> None:
    newer = msgspec.msgpack.decode((SAVED / "members-0.1.0.msgpack").read_bytes())
    newer["members"][0]["added_later"] = {"deep": [1]}
    assert RecordCoder(Members).decode(msgspec.msgpack.encode(newer)) == saved_members()


def test_state_of_another_kind_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        RecordCoder(Members).decode(msgspec.msgpack.encode({"members": [{"article": 1}]}))

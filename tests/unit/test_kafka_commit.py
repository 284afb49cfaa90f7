"""The group's offsets: bundles are finalised in any order, and the newest offset is the one that is committed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from connectors.kafka import commit
from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection


class FakeAdmin:
    """Keeps what is committed, instead of asking a broker."""

    def __init__(self) -> None:
        self.committed: dict[str, int] = {}
        self.has_committed = threading.Event()
        self.failures: list[Exception] = []

    def ask(self, question: Callable[[Any], Any]) -> Any:
        if self.failures:
            raise self.failures.pop()
        return question(self)

    def alter_group_offsets(self, _group: str, offsets: dict[Any, Any]) -> dict[Any, Any]:
        self.committed |= {f"{key.topic}/{key.partition}": value.offset for key, value in offsets.items()}
        self.has_committed.set()
        return {}


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> FakeAdmin:
    fake = FakeAdmin()
    monkeypatch.setattr(commit, "share_admin", lambda _connection: fake)
    monkeypatch.setattr(commit, "GATHER_SECONDS", 0.05)
    monkeypatch.setattr(commit, "RETRY_SECONDS", 0.05)
    return fake


def committer() -> commit.OffsetCommitter:
    return commit.OffsetCommitter(KafkaConnection(bootstrap_servers="nowhere:1"), "group")


def test_older_offset_that_is_finalised_later_does_not_take_the_place_of_the_newer_one(admin: FakeAdmin) -> None:
    one = committer()
    one.commit("news/0", 2474, "topic-a")
    one.commit("news/0", 2464, "topic-a")
    assert admin.has_committed.wait(10)
    assert admin.committed == {"news/0": 2474}


def test_topic_that_was_made_anew_begins_again(admin: FakeAdmin) -> None:
    one = committer()
    one.commit("news/0", 2474, "topic-a")
    one.commit("news/0", 3, "topic-b")
    assert admin.has_committed.wait(10)
    assert admin.committed == {"news/0": 3}


def test_failure_of_any_kind_delays_the_offsets_and_does_not_end_their_commits(admin: FakeAdmin) -> None:
    admin.failures = [FileNotFoundError("password"), ValueError("odd"), BrokerUnreachableError("away")]
    committer().commit("news/0", 7, "topic-a")
    assert admin.has_committed.wait(10)
    assert admin.committed == {"news/0": 7}

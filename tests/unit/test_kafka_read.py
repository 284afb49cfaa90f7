"""Polls: when they come, what wakes them, and what they show."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest
from kafka import TopicPartition
from kafka.errors import OffsetOutOfRangeError
from prometheus_client import REGISTRY

from connectors.kafka import fetch, measure, read
from connectors.kafka.connection import KafkaConnection
from connectors.kafka.fetch import PartitionBuffer, SharedConsumer
from connectors.kafka.partitions import WAKE, Announcement, ReadingPlan
from connectors.kafka.read import PollPartition, align_timer


@pytest.mark.parametrize(("now", "pause", "at"), [(100.01, 0.5, 100.5), (100.49, 0.5, 100.5), (100.5, 0.5, 101.0), (100.2, 0.0, 100.2)])
def test_next_poll_is_the_next_multiple_of_the_pause(now: float, pause: float, at: float) -> None:
    assert align_timer(now, pause) == pytest.approx(at)


class FakeConsumer:
    """Knows where partitions begin and end."""

    earliest = 0

    def find_earliest(self, _topic: str, _partition: int) -> int:
        return self.earliest

    def find_end(self, _topic: str, _partition: int) -> int:
        return 120


def test_lag_of_a_partition_that_stands_still_is_asked_and_it_is_shown_as_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "share_consumer", lambda _connection: FakeConsumer())
    buffer = PartitionBuffer(20)
    buffer.set_aside_until = float("inf")
    measure.show_partition(KafkaConnection(bootstrap_servers="nowhere:1"), ReadingPlan(), "standing", 0, buffer)
    labels = {"topic": "standing", "partition": "0"}
    names = ("openweight_consumer_lag_records", "openweight_end_offset", "openweight_partition_stopped")
    assert [REGISTRY.get_sample_value(name, labels) for name in names] == [100, 120, 1]


def test_lag_in_seconds_is_the_age_of_what_waits_and_none_when_nothing_does() -> None:
    buffer = PartitionBuffer(20)
    buffer.put([SimpleNamespace(offset=20, timestamp=100_000, serialized_key_size=3, serialized_value_size=5, serialized_header_size=-1)])
    buffer.end_offset = 22
    assert buffer.waits_seconds(130.0) == 30
    buffer.pop()
    assert buffer.waits_seconds(131.0) == 31, "the next has not come yet, and is no older"
    buffer.next_offset = 22
    assert buffer.waits_seconds(140.0) == 0


class Reading:
    """The state of a partition's reader."""

    def __init__(self, stored: Announcement | None) -> None:
        self.stored = stored

    def read(self) -> bytes | None:
        return msgspec.json.encode(self.stored) if self.stored else None

    def write(self, value: bytes) -> None:
        self.stored = msgspec.json.decode(value, type=Announcement)


class Timer:
    def __init__(self) -> None:
        self.set_at: list[object] = []

    def set(self, at: object) -> None:
        self.set_at.append(at)


@pytest.mark.parametrize(
    ("stored", "polls"),
    [(Announcement("id", 42, is_read=True, paused_in_run="run"), 1), (Announcement("id", 42, is_read=False), 0), (None, 0)],
)
def test_wake_has_only_a_partition_that_is_read_poll_and_changes_nothing(stored: Announcement | None, polls: int) -> None:
    reading, timer = Reading(stored), Timer()
    wake = msgspec.json.encode(Announcement("", WAKE, is_read=True))
    PollPartition(KafkaConnection(bootstrap_servers="nowhere:1"), ReadingPlan()).process(("news/0", wake), reading, timer)
    assert (reading.stored, len(timer.set_at)) == (stored, polls)


def test_partition_that_is_read_no_more_shows_no_lag() -> None:
    labels = {"topic": "deleted", "partition": "0"}
    measure.CONSUMER_LAG.labels("deleted", 0).set(100)
    measure.PARTITION_STOPPED.labels("deleted", 0).set(1)
    measure.hide_partition(ReadingPlan(), "deleted", 0, 20)
    names = ("lag_records", "lag_seconds", "position")
    assert [REGISTRY.get_sample_value(f"openweight_consumer_{name}", labels) for name in names] == [0, 0, 20]
    assert REGISTRY.get_sample_value("openweight_partition_stopped", labels) == 0


class OutOfRange:
    """kafka-python's consumer: the answer to what was asked comes with the next poll, and is that the offset is not there."""

    def __init__(self) -> None:
        self.asked: list[TopicPartition] = []
        self.assigned: list[TopicPartition] = []

    def assign(self, keys: list[TopicPartition]) -> None:
        self.assigned = list(keys)
        self.asked = [key for key in self.asked if key in keys]

    def seek(self, key: TopicPartition, offset: int) -> None:
        pass

    def position(self, _key: TopicPartition, timeout_ms: int) -> int:  # noqa: ARG002 - kafka-python's name
        return 20

    def poll(self, **_options: object) -> dict[TopicPartition, list[object]]:
        answers, self.asked = self.asked, self.assigned
        if answers:
            raise OffsetOutOfRangeError(dict.fromkeys(answers, 20))
        return {}

    def highwater(self, _key: TopicPartition) -> int:
        return 120


class LosingConsumer(FakeConsumer, SharedConsumer):
    """The process's consumer of a broker that keeps offsets from `earliest` on."""

    earliest = 60


def test_partition_whose_offset_is_gone_is_shown_as_stopped_at_every_poll_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = KafkaConnection(bootstrap_servers="nowhere:1")
    consumer, kafka = LosingConsumer(connection), OutOfRange()
    monkeypatch.setattr(fetch, "open_consumer", lambda _connection: kafka)
    # The time of one poll after the other; within a poll it stands still, and the broker has not answered yet.
    now = [1000.0]
    monkeypatch.setattr(fetch, "time", SimpleNamespace(monotonic=lambda: now[0]))
    for module in (read, measure):
        monkeypatch.setattr(module, "share_consumer", lambda _connection: consumer)
    monkeypatch.setattr(read, "MEASURE_SECONDS", 0)
    poll, reading, timer = PollPartition(connection, ReadingPlan()), Reading(Announcement("id", 20, is_read=True)), Timer()
    labels = {"topic": "gone", "partition": "0"}

    def shown() -> float | None:
        now[0] += 1
        list(poll.poll("gone/0", reading, timer))
        return REGISTRY.get_sample_value("openweight_partition_stopped", labels)

    # The first poll asks, the second one is told.
    assert [shown() for _ in range(6)][1:] == [1] * 5
    assert kafka.assigned == []
    assert reading.stored == Announcement("id", 20, is_read=True)
    assert REGISTRY.get_sample_value("openweight_consumer_lag_records", labels) == 100
    consumer.earliest = 20
    assert shown() == 0
    assert kafka.assigned == [TopicPartition("gone", 0)]

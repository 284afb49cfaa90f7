"""The shared consumer's buffers: what nobody takes is dropped, and what stands still says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import OffsetOutOfRangeError, TopicAuthorizationFailedError

from connectors.kafka import fetch
from connectors.kafka.connection import KafkaConnection
from connectors.kafka.fetch import SharedConsumer


class FakeConsumer:
    """A broker with endless partitions: each poll brings 500 records of every assigned one."""

    def __init__(self) -> None:
        self.assigned: list[TopicPartition] = []
        self.positions: dict[TopicPartition, int] = {}
        self.failure: Exception | None = None

    def assign(self, keys: list[TopicPartition]) -> None:
        self.assigned = list(keys)

    def seek(self, key: TopicPartition, offset: int) -> None:
        self.positions[key] = offset

    def poll(self, **_options: object) -> dict[TopicPartition, list[Any]]:
        if self.failure is not None:
            raise self.failure
        fetched = {}
        for key in self.assigned:
            first = self.positions[key]
            fetched[key] = [SimpleNamespace(offset=offset, timestamp=0) for offset in range(first, first + 500)]
            self.positions[key] = first + 500
        return fetched

    def highwater(self, _key: TopicPartition) -> int:
        return 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        self.now += 0.1
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fetch, "time", clock)
    return clock


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> FakeConsumer:
    consumer = FakeConsumer()
    monkeypatch.setattr(fetch, "open_consumer", lambda _connection: consumer)
    return consumer


def shared() -> SharedConsumer:
    return SharedConsumer(KafkaConnection(bootstrap_servers="nowhere:1"))


def drain(one: SharedConsumer, partition: int, offset: int) -> int:
    buffer = one.take("news", partition, offset)
    while buffer.records:
        buffer.pop()
    return buffer.next_offset


def test_buffers_that_nobody_takes_any_more_do_not_starve_the_others(clock: Clock, consumer: FakeConsumer) -> None:
    one = shared()
    for partition in (1, 2, 3):
        one.take("news", partition, 0)
    offset = 0
    for _ in range(50):
        offset = drain(one, 0, offset)
    stuck_at = offset
    assert drain(one, 0, offset) == stuck_at
    clock.now += fetch.FORGET_SECONDS
    drain(one, 0, offset)
    assert drain(one, 0, offset) > stuck_at
    assert consumer.assigned == [TopicPartition("news", 0)]


def test_partition_whose_topic_is_refused_is_stopped_until_refusals_end(clock: Clock, consumer: FakeConsumer) -> None:
    one = shared()
    assert not one.take("news", 0, 0).is_stopped
    drain(one, 0, 0)
    consumer.failure = TopicAuthorizationFailedError({"news"})
    buffer = one.take("news", 0, 500)
    assert buffer.is_stopped
    clock.now += fetch.REFUSED_SECONDS
    assert not buffer.is_stopped


def test_partition_that_lost_its_place_is_stopped(consumer: FakeConsumer) -> None:
    consumer.failure = OffsetOutOfRangeError({TopicPartition("news", 0): 0})
    buffer = shared().take("news", 0, 0)
    assert (buffer.is_lost, buffer.is_stopped) == (True, True)


def test_partition_that_is_set_aside_is_stopped(clock: Clock) -> None:
    buffer = fetch.PartitionBuffer(0)
    assert not buffer.is_stopped
    buffer.set_aside_until = clock.now + fetch.SET_ASIDE_SECONDS
    assert buffer.is_stopped

"""The shared consumer's buffers: what nobody takes is dropped, and what stands still says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import OffsetOutOfRangeError, TopicAuthorizationFailedError, UnsupportedCodecError

from connectors.kafka import fetch
from connectors.kafka.connection import KafkaConnection
from connectors.kafka.fetch import SharedConsumer


class FakeConsumer:
    """A broker with endless partitions: each poll brings 500 records of every assigned one, of `record_bytes` each."""

    record_bytes = 100

    def __init__(self) -> None:
        self.assigned: list[TopicPartition] = []
        self.positions: dict[TopicPartition, int] = {}
        self.failure: Exception | None = None
        self.unpacked: object = None

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
            fetched[key] = [fetched_record(offset, self.record_bytes) for offset in range(first, first + 500)]
            self.positions[key] = first + 500
        return fetched

    def highwater(self, _key: TopicPartition) -> int:
        return 1_000_000

    @property
    def _fetcher(self) -> SimpleNamespace:
        """kafka-python's own name for what is just being unpacked."""
        return SimpleNamespace(_next_partition_records=self.unpacked)

    def close(self, timeout_ms: int) -> None:
        pass


def fetched_record(offset: int, size_bytes: int = 100) -> SimpleNamespace:
    return SimpleNamespace(
        offset=offset, timestamp=0, serialized_key_size=-1, serialized_value_size=size_bytes, serialized_header_size=-1
    )  # fmt: skip


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


@pytest.mark.parametrize("error", [UnsupportedCodecError("zstd"), ValueError("a batch that is none")])
def test_what_was_fetched_and_not_handed_on_is_read_again_when_a_partition_is_set_aside(
    clock: Clock, consumer: FakeConsumer, error: Exception
) -> None:
    one = shared()
    drain(one, 0, 0)
    buffer = one.take("news", 1, 0)
    for _ in range(100):
        buffer.pop()
    # All 500 were fetched, the batch behind them cannot be unpacked, and partition 0 is the one that asks for more.
    consumer.failure = error
    consumer.unpacked = SimpleNamespace(topic_partition=TopicPartition("news", 1), next_fetch_offset=500)
    one.take("news", 0, drain(one, 0, 500))
    set_aside = one.take("news", 1, 100)
    assert (set_aside.is_stopped, set_aside.next_offset, len(set_aside.records)) == (True, 100, 0)
    consumer.failure = None
    clock.now += fetch.SET_ASIDE_SECONDS
    assert one.take("news", 1, 100).pop().offset == 100


def test_buffers_are_bounded_in_bytes_too(clock: Clock, consumer: FakeConsumer) -> None:
    consumer.record_bytes = fetch.BUFFER_BYTES // 400
    one = shared()
    buffer = one.take("news", 1, 0)
    assert not one.take("news", 0, 0).records
    while buffer.records:
        buffer.pop()
    clock.now += fetch.POLL_PAUSE_SECONDS
    assert one.take("news", 0, 0).records

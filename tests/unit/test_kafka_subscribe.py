"""Reading to the end outside the job: what is a standstill, and what is only the caller's own time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connectors.kafka import subscribe
from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection
from connectors.kafka.partitions import ReadingPlan
from transforms.records import Position, RawMessage

CONNECTION, PLAN = KafkaConnection(bootstrap_servers="nowhere:1"), ReadingPlan(topics=("news",))


class FakeConsumer:
    """Stands behind what it has handed out."""

    offset = 0

    def position(self, _key: object, timeout_ms: int) -> int:
        assert timeout_ms == 0
        return self.offset

    def assignment(self) -> list[object]:
        return []

    def assign(self, _keys: object) -> None:
        pass

    def seek(self, _key: object, offset: int) -> None:
        self.offset = offset

    def close(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(subscribe, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(subscribe, "partition_offsets", lambda *_: ({"news/0": 0}, {"news/0": 4}))
    return clock


def hand_out(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Has each poll bring `count` messages of four."""
    consumer = FakeConsumer()
    monkeypatch.setattr(subscribe, "open_consumer", lambda _connection: consumer)

    def poll(*_: object) -> list[RawMessage]:
        offsets = range(consumer.offset, consumer.offset + count)
        consumer.offset += count
        return [RawMessage(position=Position("news", 0, offset), timestamp_milliseconds=0, key=None, value=b"") for offset in offsets]

    monkeypatch.setattr(subscribe, "_poll", poll)


def test_time_that_the_caller_takes_for_a_message_is_no_standstill(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    hand_out(monkeypatch, 2)
    read = []
    for message in subscribe.read_to_end(CONNECTION, PLAN):
        clock.now += 2 * subscribe.STANDSTILL_SECONDS
        read.append(message.position.offset)
    assert read == [0, 1, 2, 3]


def test_broker_that_hands_out_nothing_more_is_given_up(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    hand_out(monkeypatch, 0)
    monkeypatch.setattr(FakeConsumer, "position", lambda *_, timeout_ms: setattr(clock, "now", clock.now + 10) or timeout_ms)
    with pytest.raises(BrokerUnreachableError, match="nothing came for 20 s"):
        list(subscribe.read_to_end(CONNECTION, PLAN))

"""Messages are made to fit before they are sent."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaTimeoutError
from prometheus_client import REGISTRY

from connectors.kafka import produce
from connectors.kafka.connection import KafkaConnection
from connectors.kafka.fit_message import TRUNCATED_HEADER, WritingPlan, admit_message, fit_message, measure_message
from transforms.records import OutgoingMessage

NOW = 1_800_000_000.0


def message(**fields: object) -> OutgoingMessage:
    return OutgoingMessage(**{"topic": "t", "key": b"k", "value": b"v"} | fields)


def test_message_that_fits_is_left_as_it_is() -> None:
    fitting = message(headers=(("a", b"b"),), timestamp_milliseconds=1_700_000_000_000)
    assert fit_message(fitting, 1000, NOW) is fitting


def test_neither_key_nor_value_gets_an_empty_key() -> None:
    assert fit_message(message(key=None, value=None), 1000, NOW).key == b""


@pytest.mark.parametrize("timestamp", [-1, 1_800_007_200_000, 10**17])
def test_timestamp_that_a_broker_refuses_is_taken_away(timestamp: int) -> None:
    assert fit_message(message(timestamp_milliseconds=timestamp), 1000, NOW).timestamp_milliseconds is None


def test_too_large_value_is_cut_and_says_its_size() -> None:
    large = message(value=b"x" * 5000)
    cut = fit_message(large, 2000, NOW)
    assert measure_message(cut) == 2000
    assert cut.headers == ((TRUNCATED_HEADER, b"%d" % measure_message(large)),)


def test_too_many_headers_are_cut_from_the_last_on() -> None:
    cut = fit_message(message(headers=tuple((f"h{number}", b"x" * 10) for number in range(10_000))), 50_000, NOW)
    assert measure_message(cut) <= 50_000
    assert cut.headers[0] == ("h0", b"x" * 10)
    assert cut.headers[-1][0] == TRUNCATED_HEADER
    assert cut.value == b"v"


@given(
    key=st.none() | st.binary(max_size=4000),
    value=st.none() | st.binary(max_size=9000),
    headers=st.lists(st.tuples(st.text(max_size=300), st.binary(max_size=3000)), max_size=8),
)
def test_every_message_fits_and_what_fitted_is_kept(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    original = message(key=key, value=value, headers=tuple(headers))
    fitting = fit_message(original, 2000, NOW)
    assert measure_message(fitting) <= 2000
    assert fitting.key is not None or fitting.value is not None
    assert (value or b"").startswith(fitting.value or b"")
    assert (fitting.value is None) is (value is None)


def test_limit_of_a_topic_wins_over_the_general_one() -> None:
    plan = WritingPlan(limit_bytes=10, topic_limits=(("wide", 20),))
    assert [plan.limit_of("wide"), plan.limit_of("other")] == [20, 10]


def count_left_out() -> float:
    return REGISTRY.get_sample_value("openweight_rejected_total", {"stage": "write", "reason": "too_large"}) or 0


def test_large_message_is_cut_on_the_rejected_topic_and_left_out_and_counted_on_others() -> None:
    plan = WritingPlan(limit_bytes=2000, topic_limits=())
    before = count_left_out()
    cut = admit_message(plan, message(topic="other.rejected", value=b"x" * 5000))
    assert cut is not None
    assert measure_message(cut) == 2000
    assert admit_message(plan, message(topic="openweight.assessments", value=b"x" * 5000)) is None
    assert count_left_out() == before + 1


class FakeProducer:
    """Counts how many threads send at once, and what happens after it was closed."""

    def __init__(self) -> None:
        self.inside = self.at_most = 0
        self.is_refusing = False
        self.closed = threading.Event()
        self.entered = threading.Event()

    def send(self, _topic: str, **_options: object) -> object:
        if self.is_refusing:
            raise KafkaTimeoutError
        self.inside += 1
        self.at_most = max(self.at_most, self.inside)
        # Gives another thread the chance to come in, which it must not take.
        self.entered.wait(0.02)
        self.inside -= 1
        return object()

    def close(self, timeout: float) -> None:
        assert timeout > 0
        self.closed.set()


def test_threads_share_one_producer_and_a_failed_one_is_replaced_and_closed_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[FakeProducer] = []

    def open_fake(*_: object) -> FakeProducer:
        opened.append(FakeProducer())
        return opened[-1]

    monkeypatch.setattr(produce, "open_producer", open_fake)
    shared = produce.SharedProducer(KafkaConnection(bootstrap_servers="nowhere:1"), WritingPlan())
    threads = [threading.Thread(target=shared.send, args=(message(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [one.at_most for one in opened] == [1]
    opened[0].is_refusing = True
    with pytest.raises(produce.DeliveryFailedError):
        shared.send(message())
    assert opened[0].closed.wait(10)
    shared.send(message())
    assert len(opened) == 2

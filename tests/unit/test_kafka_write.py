"""Messages are made to fit before they are sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.write import TRUNCATED_HEADER, WritingPlan, fit_message, measure_message
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

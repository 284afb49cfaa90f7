"""Attempt: one bad record never stops its neighbours, and a wrong wiring is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.typehints.decorators import TypeCheckError

from transforms.attempt import Attempt, Refused, raw_message, reject, run_guarded
from transforms.records import Article, Document, Position, RawMessage


def message(offset: int) -> RawMessage:
    return RawMessage(position=Position("news", 0, offset), timestamp_milliseconds=0, key=b"key", value=b"value")


def article(raw: RawMessage) -> Article:
    return Article(raw=raw, received_at=datetime(2026, 1, 1, tzinfo=UTC), sha256="", id="", url="", title="", content="")


def moody(raw: RawMessage) -> Article:
    if raw.position.offset == 1:
        raise Refused("too_blue", "it is blue")
    if raw.position.offset == 2:
        raise SystemExit(3)
    if raw.position.offset == 3:
        raise ValueError("\ud800 cannot be written")
    return article(raw)


def takes_document(document: Document) -> Article:
    return document.article


def no_annotations(raw):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - the point of the test
    return raw


def test_refused_and_failing_records_are_set_aside_and_the_rest_goes_on() -> None:
    with TestPipeline("DirectRunner") as pipeline:
        messages = pipeline | beam.Create([message(offset) for offset in range(5)]).with_output_types(RawMessage)
        attempted = messages | Attempt("moody", moody)
        assert_that(attempted.accepted | "A" >> beam.Map(lambda record: record.position.offset), equal_to([0, 4]), label="accepted")
        assert_that(
            attempted.rejected | "R" >> beam.Map(lambda record: (record.position.offset, record.reason, record.value)),
            equal_to([(1, "too_blue", b"value"), (2, "failed", b"value"), (3, "failed", b"value")]),
            label="rejected",
        )


def test_stage_that_gets_another_record_is_refused_when_the_pipeline_is_built() -> None:
    messages = beam.Pipeline() | beam.Create([message(0)]).with_output_types(RawMessage)
    with pytest.raises(TypeCheckError, match="Document"):
        _ = messages | Attempt("wrong", takes_document)


def test_step_without_annotations_is_refused() -> None:
    messages = beam.Pipeline() | beam.Create([message(0)]).with_output_types(RawMessage)
    with pytest.raises(TypeError, match="annotated"):
        _ = messages | Attempt("bare", no_annotations)


def test_later_records_lead_back_to_their_message() -> None:
    raw = message(4)
    document = Document(article=article(raw), language="en", language_spans=())
    assert raw_message(document) == raw


def test_detail_can_always_be_written() -> None:
    assert reject(message(0), "stage", "failed", "\ud800" + "x" * 1000).detail.encode()


def test_guarded_stage_leaves_a_failing_record_out_and_goes_on() -> None:
    def fails_on_two(number: int) -> list[int]:
        if number == 2:
            raise ValueError("two")
        return [number]

    assert [run_guarded(number, "guarded", fails_on_two) for number in (1, 2, 3)] == [[1], [], [3]]

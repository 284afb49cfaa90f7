"""How a stage is wired: a plain function on each record, errors as a second output, counted by stage.

Beam's own exception handling is not a full guard: SystemExit escapes it, and its time-outs cannot stop a thread that holds the GIL.
"""

from __future__ import annotations

import time
import typing
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import apache_beam as beam
import structlog
from apache_beam.pvalue import TaggedOutput

import transforms.coding  # noqa: F401 - registers the records' coder
from transforms import metrics
from transforms.in_flight import open_journal
from transforms.records import RawMessage, Rejected
from transforms.rejected_share import rejections

log = structlog.get_logger()

REJECTED = "rejected"
# The reason of an error that nobody foresaw.
FAILED = "failed"
# The reason of a record at which the worker's process died or hung.
ENDS_WORKER = "ends_worker"
LIMIT_DETAIL_CHARACTERS = 500
_journal = open_journal()

Step = Callable[[Any], Any]


class Refused(Exception):  # noqa: N818 - a verdict on a record, not a fault of the program
    """A record that a stage will not take.

    Args:
        reason: one of the stage's constants; becomes a metric's label.
        detail: what was wrong with this record, for the person who reads the rejected topic.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Attempted(NamedTuple):
    """The two outputs of a stage."""

    accepted: beam.PCollection
    rejected: beam.PCollection


def raw_message(record: Any) -> RawMessage:
    """The message that a record of the light path came from.

    Raises:
        TypeError: the record carries none.
    """
    while not isinstance(record, RawMessage):
        for field in ("raw", "article", "document"):
            inner = getattr(record, field, None)
            if inner is not None:
                record = inner
                break
        else:
            raise TypeError(f"{type(record).__name__} does not lead back to a RawMessage; give it a field raw, article or document")
    return record


def reject(record: Any, stage: str, reason: str, detail: str) -> Rejected:
    raw = raw_message(record)
    return Rejected(
        position=raw.position,
        timestamp_milliseconds=raw.timestamp_milliseconds,
        key=raw.key,
        value=raw.value,
        headers=raw.headers,
        stage=stage,
        reason=reason,
        detail=cut_detail(detail),
    )


def cut_detail(detail: str) -> str:
    """What was wrong, short enough and without halves of characters, which no topic takes."""
    return detail[:LIMIT_DETAIL_CHARACTERS].encode("utf-8", "backslashreplace").decode()[:LIMIT_DETAIL_CHARACTERS]


class Attempt(beam.PTransform):
    """A -> accepted B, rejected Rejected.

    Args:
        stage: the stage's name in metrics and in rejected records.
        step: a function A -> B, or an object whose `__call__` is one and whose `setup()`, if it has one, loads what it needs.
            Its annotations are handed to Beam, so that a wrong wiring is refused when the pipeline is built.
    """

    def __init__(self, stage: str, step: Step) -> None:
        super().__init__()
        self._stage = stage
        self._step = step

    def expand(self, records: beam.PCollection) -> Attempted:
        taken, given = step_types(self._step)
        wired = beam.ParDo(_AttemptEach(self._stage, self._step)).with_input_types(taken)
        outputs = records | wired.with_output_types(given, **{REJECTED: Rejected}).with_outputs(REJECTED, main="accepted")
        return Attempted(outputs.accepted, outputs[REJECTED])


def step_types(step: Step) -> tuple[Any, Any]:
    """What a step takes and gives, from its annotations.

    Raises:
        TypeError: an annotation is missing.
    """
    function = step if hasattr(step, "__name__") else type(step).__call__
    hints = typing.get_type_hints(function)
    given = hints.pop("return", None)
    if len(hints) != 1 or given is None:
        raise TypeError(f"{step!r} needs one annotated parameter and an annotated result")
    return next(iter(hints.values())), given


class _AttemptEach(beam.DoFn):
    def __init__(self, stage: str, step: Step) -> None:
        self._stage = stage
        self._step = step

    def setup(self) -> None:
        setup = getattr(self._step, "setup", None)
        if setup is not None:
            setup()

    def start_bundle(self) -> None:
        _journal.look_up_suspects()
        self._taken = self._given = 0
        self._seconds = 0.0

    def process(self, record: Any) -> list[Any]:
        # A list, not a generator: the clock must not run while the next stage works.
        started = time.perf_counter()
        self._taken += 1
        try:
            if deaths := _journal.begin(raw_message(record), self._stage):
                raise Refused(ENDS_WORKER, f"the worker died or hung {deaths} times at this record; it is not tried again")  # noqa: TRY301
            outputs = [self._step(record)]
            self._given += 1
        except Refused as refused:
            outputs = [self._set_aside(record, refused.reason, refused.detail)]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one bad record never stops its neighbours
            log.warning("a stage failed on a record", stage=self._stage, error=type(error).__name__)
            outputs = [self._set_aside(record, FAILED, f"{type(error).__name__}: {error}")]
        finally:
            _journal.end()
        self._seconds += time.perf_counter() - started
        return outputs

    def _set_aside(self, record: Any, reason: str, detail: str) -> TaggedOutput:
        metrics.REJECTED.labels(self._stage, reason).inc()
        rejections.note_rejected()
        return TaggedOutput(REJECTED, reject(record, self._stage, reason, detail))

    def finish_bundle(self) -> None:
        metrics.STAGE_IN.labels(self._stage).inc(self._taken)
        metrics.STAGE_OUT.labels(self._stage).inc(self._given)
        metrics.STAGE_SECONDS.labels(self._stage).inc(self._seconds)


class GuardEach(beam.PTransform):
    """A -> any number of B, for stages behind which no message can be set aside any more.

    A failure is logged and counted, and the record left out: an exception here would restart the job for ever. An assessment that cannot be
    encoded does not come so far: FlagPolicyChange encodes it once and refuses it, with its message, when that fails. `openweight verify`
    sees a failure only where the record was an input's outcome: that offset has none. One behind the assessment (linking, raising, encoding
    an alert) it cannot see, since the input has its outcome: the alert is missing, and the log and
    `openweight_rejected_total{reason="failed"}` are all that tell. Nothing left out here is on the rejected topic.

    Args:
        stage: the stage's name in metrics and in the log.
        function: A -> iterable of B.
    """

    def __init__(self, stage: str, function: Callable[[Any], Iterable[Any]]) -> None:
        super().__init__()
        self._stage = stage
        self._function = function

    def expand(self, records: beam.PCollection) -> beam.PCollection:
        return records | "Guard" >> beam.FlatMap(run_guarded, self._stage, self._function)


def run_guarded(record: Any, stage: str, function: Callable[[Any], Iterable[Any]]) -> list[Any]:
    try:
        return list(function(record))
    except Exception as error:
        metrics.REJECTED.labels(stage, FAILED).inc()
        log.exception("a record is left out", stage=stage, error=type(error).__name__)
        return []

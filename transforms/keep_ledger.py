"""KeepLedger: from the stories of an actor to where it stands."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import structlog
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Duration, Timestamp

from transforms import metrics
from transforms.attempt import FAILED, GuardEach
from transforms.coding import READABLE, UNREADABLE, RecordCoder
from transforms.policy_book import LedgerLimits, keep, policy_change
from transforms.records import PolicyBook, PolicyChange, PolicyUpdate, StoryUpdate

log = structlog.get_logger()
STAGE = "keep_ledger"
SECONDS_PER_DAY = 86_400


class KeepLedger(beam.PTransform):
    """StoryUpdate -> PolicyUpdate."""

    def __init__(self, limits: LedgerLimits) -> None:
        super().__init__()
        self._limits = limits

    def expand(self, updates: beam.PCollection) -> beam.PCollection:
        return (
            updates
            | "KeyByActor" >> GuardEach(STAGE, key_by_actor).with_output_types(tuple[str, PolicyChange])
            | "Keep" >> beam.ParDo(_KeepEach(self._limits)).with_output_types(PolicyUpdate)
        )


def key_by_actor(update: StoryUpdate) -> list[tuple[str, PolicyChange]]:
    return [(update.actor, policy_change(update))]


class _KeepEach(beam.DoFn):
    BOOK = ReadModifyWriteStateSpec("book", RecordCoder(PolicyBook))
    EXPIRY = TimerSpec("expiry", TimeDomain.REAL_TIME)

    def __init__(self, limits: LedgerLimits) -> None:
        self._limits = limits

    def process(
        self,
        keyed: tuple[str, PolicyChange],
        book_state: object = beam.DoFn.StateParam(BOOK),
        expiry: object = beam.DoFn.TimerParam(EXPIRY),
    ) -> Iterator[PolicyUpdate]:
        actor, change = keyed
        # Whatever fails here: the book stays as it was, and those of all other actors go on.
        try:
            book = book_state.read() or PolicyBook()  # type: ignore[attr-defined]
        except UNREADABLE:
            metrics.REJECTED.labels(STAGE, FAILED).inc()
            log.exception("an actor's ledger cannot be read, nothing is added to it", actor=actor, alert=change.alert_id, fix=READABLE)
            return
        try:
            changed, updates = keep(actor, book, change, self._limits)
        except Exception:
            metrics.REJECTED.labels(STAGE, FAILED).inc()
            log.exception("a story does not reach the ledger", actor=actor, alert=change.alert_id)
            return
        if changed != book:
            book_state.write(changed)  # type: ignore[attr-defined]
        expiry.set(Timestamp.now() + Duration(self._limits.kept_days * SECONDS_PER_DAY))  # type: ignore[attr-defined]
        yield from updates

    @on_timer(EXPIRY)
    def expire(self, book_state: object = beam.DoFn.StateParam(BOOK)) -> None:
        book_state.clear()  # type: ignore[attr-defined]

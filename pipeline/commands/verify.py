"""`openweight verify`: the proof that every input offset has exactly one outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec
import numpy as np
import numpy.typing as npt
from rich.progress import Progress
from rich.table import Table

from connectors.kafka.connection import KafkaConnection
from connectors.kafka.partitions import ReadingPlan, Start, split_key
from connectors.kafka.subscribe import partition_offsets, read_to_end
from pipeline.ends import kafka_connection, reading_plan
from pipeline.exit_codes import ExitCode
from pipeline.running import with_broker
from pipeline.settings import Settings
from pipeline.terminal import console
from transforms.records import Alert, Direction, Position, RawMessage

# An outcome as young as this may have neighbours of its bundle that are on their way.
SETTLED_SECONDS = 60
# deploy/topics.toml keeps outcomes so long: a partition of theirs that holds nothing any more lost nothing younger.
OUTCOMES_KEPT_SECONDS = 30 * 86_400


class _Assessed(msgspec.Struct):
    position: Position


@dataclass
class PartitionOutcomes:
    """The outcomes of one input partition, from its offset `start` up to `end`.

    `committed` is how far the job says it has read. Partitions are read in order, so everything before an outcome was read as well, also
    when nothing was committed. The first `expired` offsets had outcomes that are not kept any more.
    """

    start: int
    end: int
    committed: int
    assessed: int = 0
    rejected: int = 0
    repeated: int = 0
    different: int = 0
    without_input: int = 0
    expired: int = 0
    settled_milliseconds: float = float("inf")
    # A fingerprint of the outcome for each offset; 0 where there is none.
    outcomes: npt.NDArray[np.uint64] = field(init=False, repr=False)
    # When the outcome was written (the last time, when it was written again), in milliseconds.
    written_at: npt.NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.outcomes = np.zeros(max(0, self.end - self.start), np.uint64)
        self.written_at = np.zeros(len(self.outcomes), np.int64)

    def note(self, offset: int, value: bytes, *, is_rejected: bool, written_milliseconds: int = 0) -> None:
        if not self.start <= offset < self.end:
            # Outcomes of messages that retention has deleted since are nothing to complain of.
            self.without_input += offset >= self.end
            return
        fingerprint = np.uint64(int.from_bytes(blake2b(value, digest_size=8).digest(), "big") or 1)
        known = self.outcomes[offset - self.start]
        self.written_at[offset - self.start] = max(self.written_at[offset - self.start], written_milliseconds)
        if known == 0:
            self.outcomes[offset - self.start] = fingerprint
            self.assessed += not is_rejected
            self.rejected += is_rejected
        elif known == fingerprint:
            self.repeated += 1
        else:
            self.different += 1

    def forget_before(self, expired_milliseconds: float) -> None:
        """Leaves out the offsets whose outcomes may be gone, when outcomes up to that time are not all kept."""
        kept = np.flatnonzero(self.written_at > expired_milliseconds)
        self.expired = int(kept[0]) if kept.size else self.read_up_to - self.start

    @property
    def read_up_to(self) -> int:
        """The offset before which all was read, by what was committed or by the last settled outcome."""
        settled = np.flatnonzero((self.outcomes != 0) & (self.written_at <= self.settled_milliseconds))
        return max(self.start, self.committed, int(settled[-1]) + 1 + self.start if settled.size else 0)

    @property
    def is_uncommitted(self) -> bool:
        """Whether there are outcomes although the group's offset never moved."""
        return self.committed <= self.start < self.read_up_to

    def open_offsets(self) -> list[int]:
        """Offsets without an outcome that the job has read."""
        read = self.outcomes[: self.read_up_to - self.start]
        return [int(index) + self.start for index in np.flatnonzero(read == 0) if index >= self.expired]

    @property
    def not_yet_read(self) -> int:
        return int(np.count_nonzero(self.outcomes[self.read_up_to - self.start :] == 0))


@dataclass
class AlertCopies:
    """The alerts' topics: how many alerts there are after compaction."""

    alerts: set[str] = field(default_factory=set)
    unreadable: int = 0

    def note(self, value: bytes | None) -> None:
        if value is None:
            return
        try:
            self.alerts.add(msgspec.json.decode(value, type=Alert).alert_id)
        except (ValueError, msgspec.MsgspecError):
            self.unreadable += 1


def verify_topics(settings: Settings, *, is_json: bool) -> ExitCode:
    """Prints the table; FOUND when an offset is lost, has two outcomes, an outcome has no input, or a record cannot be read."""
    settings = with_broker(settings)
    connection, prefix = kafka_connection(settings), settings.writing.topic_prefix
    partitions = _partitions(settings, connection)
    progress = Progress(console=console(to_error_output=True), transient=True, disable=not console(to_error_output=True).is_terminal)
    unreadable, expired_milliseconds = 0, 0.0
    with progress:
        for topic, is_rejected in ((f"{prefix}.assessments", False), (f"{prefix}.rejected", True)):
            task = progress.add_task(f"reading {topic}", total=None)
            oldest = OldestKept()
            messages = oldest.watch(_read(connection, topic, progress, task))
            unreadable += note_outcomes(partitions, messages, is_rejected=is_rejected)
            begins, _ = partition_offsets(connection, ReadingPlan(topics=(topic,)))
            expired_milliseconds = max(expired_milliseconds, oldest.expired_milliseconds(begins, time.time()))
        if expired_milliseconds > 0:
            for one in partitions.values():
                one.forget_before(expired_milliseconds)
        lost = _lost(partitions, connection)
        copies = AlertCopies()
        for direction in (Direction.OPENING, Direction.CLOSING, Direction.MIXED, Direction.UNCLEAR):
            task = progress.add_task(f"reading {prefix}.alerts.{direction}", total=None)
            for message in _read(connection, f"{prefix}.alerts.{direction}", progress, task):
                copies.note(message.value)
    return report(partitions, lost, copies, unreadable, is_json=is_json)


class OldestKept:
    """What the partitions of an outcomes' topic still hold: the time of the oldest record of each."""

    def __init__(self) -> None:
        self._oldest: dict[str, int] = {}

    def watch(self, messages: Iterable[RawMessage]) -> Iterable[RawMessage]:
        for message in messages:
            self._oldest.setdefault(f"{message.position.topic}/{message.position.partition}", message.timestamp_milliseconds)
            yield message

    def expired_milliseconds(self, begins: dict[str, int], now_seconds: float) -> float:
        """Returns the time up to which outcomes may be gone, 0 when none are; `begins` says where each partition begins."""
        kept_since = (now_seconds - OUTCOMES_KEPT_SECONDS) * 1000
        return max((self._oldest.get(key, kept_since) for key, begin in begins.items() if begin > 0), default=0)


def note_outcomes(partitions: dict[str, PartitionOutcomes], messages: Iterable[RawMessage], *, is_rejected: bool) -> int:
    """Counts each outcome to the input that it names; those of topics that are not read any more are passed over.

    Returns how many records could not be read.
    """
    unreadable = 0
    for message in messages:
        try:
            position, value = _read_rejected(message) if is_rejected else _read_assessed(message)
        except (KeyError, ValueError, msgspec.MsgspecError):
            unreadable += 1
            continue
        partition = partitions.get(f"{position.topic}/{position.partition}")
        if partition is not None:
            partition.note(position.offset, value, is_rejected=is_rejected, written_milliseconds=message.timestamp_milliseconds)
    return unreadable


def _read_rejected(message: RawMessage) -> tuple[Position, bytes]:
    headers = dict(message.headers)
    position = Position(headers["topic"].decode(), int(headers["partition"]), int(headers["offset"]))
    return position, headers["reason"] + (message.value or b"")


def _read_assessed(message: RawMessage) -> tuple[Position, bytes]:
    value = message.value or b""
    return msgspec.json.decode(value, type=_Assessed).position, value


def report(
    partitions: dict[str, PartitionOutcomes], lost: dict[str, list[int]], copies: AlertCopies, unreadable: int = 0, *, is_json: bool
) -> ExitCode:
    total_lost = sum(len(offsets) for offsets in lost.values())
    different = sum(one.different for one in partitions.values())
    without_input = sum(one.without_input for one in partitions.values())
    unreadable += copies.unreadable
    is_proven = not (total_lost or different or without_input or unreadable)
    if is_json:
        rows = {
            key: {
                "start": one.start, "end": one.end, "assessed": one.assessed, "rejected": one.rejected, "repeated": one.repeated,
                "different": one.different, "without_input": one.without_input, "not_yet_read": one.not_yet_read, "lost": lost[key],
                "expired": one.expired, "committed": one.committed, "uncommitted": one.is_uncommitted,
            }
            for key, one in partitions.items()
        }  # fmt: skip
        summary = {"lost": total_lost, "alerts": len(copies.alerts), "proven": is_proven}
        summary["unreadable"] = unreadable
        print(json.dumps({"partitions": rows} | summary))
        return ExitCode.DONE if is_proven else ExitCode.FOUND
    columns = ("offsets", "assessed", "rejected", "LOST", "two outcomes", "no input", "repeated", "not yet read")
    table = Table("partition", *columns, box=None)
    for key, one in sorted(partitions.items(), key=lambda item: split_key(item[0])):
        values = (len(one.outcomes), one.assessed, one.rejected, len(lost[key]), one.different, one.without_input, one.repeated)
        table.add_row(key, *(str(value) for value in (*values, one.not_yet_read)))
    screen = console()
    screen.print(table)
    inputs = sum(len(one.outcomes) for one in partitions.values())
    screen.print(
        f"{inputs} inputs, LOST {total_lost}, two outcomes {different}, outcomes without input {without_input}, "
        f"not yet read {sum(one.not_yet_read for one in partitions.values())}"
    )
    screen.print(f"{len(copies.alerts)} alerts after compaction")
    for line in _explain(partitions, lost, unreadable):
        screen.print(line)
    return ExitCode.DONE if is_proven else ExitCode.FOUND


def _explain(partitions: dict[str, PartitionOutcomes], lost: dict[str, list[int]], unreadable: int) -> Iterable[str]:
    """Yields the lines below the table that say what was found, and what the proof does not cover."""
    if unreadable:
        yield f"{unreadable} records of our own topics cannot be read: cut, or written by somebody else"
    for key, offsets in lost.items():
        if offsets:
            yield f"LOST in {key}: {', '.join(map(str, offsets[:20]))}{' …' if len(offsets) > 20 else ''}"  # noqa: PLR2004 - a line
            if offsets[-1] >= partitions[key].committed:
                yield f"  those from {partitions[key].committed} on are beyond what was committed: if the job restarts just now, ask again"
    for key, one in partitions.items():
        if one.is_uncommitted:
            yield f"NOTHING COMMITTED for {key} although outcomes exist: is reading.group right, and may the user commit?"
        if one.expired:
            yield f"{one.expired} offsets of {key} are older than the outcomes that are kept: nothing is proven of them"


def _partitions(settings: Settings, connection: KafkaConnection) -> dict[str, PartitionOutcomes]:
    plan = msgspec.structs.replace(reading_plan(settings), start=Start.EARLIEST)
    starts, ends = partition_offsets(connection, plan)
    committed, _ = partition_offsets(connection, msgspec.structs.replace(plan, start=Start.GROUP))
    settled_milliseconds = (time.time() - SETTLED_SECONDS) * 1000
    return {
        key: PartitionOutcomes(starts[key], ends[key], committed.get(key, starts[key]), settled_milliseconds=settled_milliseconds)
        for key in starts
    }


def _lost(partitions: dict[str, PartitionOutcomes], connection: KafkaConnection) -> dict[str, list[int]]:
    """Open offsets by partition; where there are any, the input is read, since an offset may hold no message at all."""
    lost = {key: one.open_offsets() for key, one in partitions.items()}
    for key, offsets in lost.items():
        if not offsets:
            continue
        topic, partition = split_key(key)
        plan = ReadingPlan(topics=(topic,))
        held = {
            message.position.offset
            for message in read_to_end(connection, plan, {key: offsets[0]})
            if message.position.partition == partition and message.position.offset <= offsets[-1]
        }
        lost[key] = [offset for offset in offsets if offset in held]
    return lost


def _read(connection: KafkaConnection, topic: str, progress: Progress, task: object) -> Iterable[RawMessage]:
    for message in read_to_end(connection, ReadingPlan(topics=(topic,))):
        progress.advance(task)  # type: ignore[arg-type]
        yield message

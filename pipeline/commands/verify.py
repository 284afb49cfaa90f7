"""`openweight verify`: the proof that every input offset has exactly one outcome."""

from __future__ import annotations

import json
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
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.running import with_broker
from pipeline.settings import Settings
from pipeline.terminal import console
from transforms.records import Alert, Direction, Position, RawMessage


class _Assessed(msgspec.Struct):
    position: Position


@dataclass
class PartitionOutcomes:
    """The outcomes of one input partition, from its offset `start` up to `end`; `committed` is how far the job says it has read."""

    start: int
    end: int
    committed: int
    assessed: int = 0
    rejected: int = 0
    repeated: int = 0
    different: int = 0
    without_input: int = 0
    # A fingerprint of the outcome for each offset; 0 where there is none.
    outcomes: npt.NDArray[np.uint64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.outcomes = np.zeros(max(0, self.end - self.start), np.uint64)

    def note(self, offset: int, value: bytes, *, is_rejected: bool) -> None:
        if not self.start <= offset < self.end:
            # Outcomes of messages that retention has deleted since are nothing to complain of.
            self.without_input += offset >= self.end
            return
        fingerprint = np.uint64(int.from_bytes(blake2b(value, digest_size=8).digest(), "big") or 1)
        known = self.outcomes[offset - self.start]
        if known == 0:
            self.outcomes[offset - self.start] = fingerprint
            self.assessed += not is_rejected
            self.rejected += is_rejected
        elif known == fingerprint:
            self.repeated += 1
        else:
            self.different += 1

    def open_offsets(self) -> list[int]:
        """Offsets without an outcome that the job says it has read."""
        return [int(index) + self.start for index in np.flatnonzero(self.outcomes[: max(0, self.committed - self.start)] == 0)]

    @property
    def not_yet_read(self) -> int:
        return int(np.count_nonzero(self.outcomes[max(0, self.committed - self.start) :] == 0))


@dataclass
class AlertCopies:
    """The alerts' topics: how many alerts there are, and whether copies of one revision differ."""

    revisions: dict[str, bytes] = field(default_factory=dict)
    alerts: set[str] = field(default_factory=set)
    different: int = 0

    def note(self, value: bytes) -> None:
        alert = msgspec.json.decode(value, type=Alert)
        self.alerts.add(alert.alert_id)
        name, fingerprint = f"{alert.alert_id}.{alert.revision}.{alert.state}", blake2b(value, digest_size=8).digest()
        self.different += self.revisions.setdefault(name, fingerprint) != fingerprint


def verify_topics(settings: Settings, *, is_json: bool) -> ExitCode:
    """Prints the table; FOUND when an offset is lost, has two outcomes, or an outcome has no input."""
    settings = with_broker(settings)
    connection, prefix = kafka_connection(settings), settings.writing.topic_prefix
    partitions = _partitions(settings, connection)
    progress = Progress(console=console(to_error_output=True), transient=True, disable=not console(to_error_output=True).is_terminal)
    with progress:
        for topic, is_rejected in ((f"{prefix}.assessments", False), (f"{prefix}.rejected", True)):
            task = progress.add_task(f"reading {topic}", total=None)
            note_outcomes(partitions, _read(connection, topic, progress, task), is_rejected=is_rejected)
        lost = _lost(partitions, connection)
        copies = AlertCopies()
        for direction in (Direction.OPENING, Direction.CLOSING, Direction.MIXED, Direction.UNCLEAR):
            task = progress.add_task(f"reading {prefix}.alerts.{direction}", total=None)
            for message in _read(connection, f"{prefix}.alerts.{direction}", progress, task):
                copies.note(message.value or b"")
    return report(partitions, lost, copies, is_json=is_json)


def note_outcomes(partitions: dict[str, PartitionOutcomes], messages: Iterable[RawMessage], *, is_rejected: bool) -> None:
    """Counts each outcome to the input that it names; those of topics that are not read any more are passed over."""
    for message in messages:
        if is_rejected:
            headers = dict(message.headers)
            position = Position(headers["topic"].decode(), int(headers["partition"]), int(headers["offset"]))
            value = headers["reason"] + (message.value or b"")
        else:
            value = message.value or b""
            position = msgspec.json.decode(value, type=_Assessed).position
        partition = partitions.get(f"{position.topic}/{position.partition}")
        if partition is not None:
            partition.note(position.offset, value, is_rejected=is_rejected)


def report(partitions: dict[str, PartitionOutcomes], lost: dict[str, list[int]], copies: AlertCopies, *, is_json: bool) -> ExitCode:
    total_lost = sum(len(offsets) for offsets in lost.values())
    different = sum(one.different for one in partitions.values())
    without_input = sum(one.without_input for one in partitions.values())
    is_proven = not (total_lost or different or without_input or copies.different)
    if is_json:
        rows = {
            key: {
                "start": one.start, "end": one.end, "assessed": one.assessed, "rejected": one.rejected, "repeated": one.repeated,
                "different": one.different, "without_input": one.without_input, "not_yet_read": one.not_yet_read, "lost": lost[key],
            }
            for key, one in partitions.items()
        }  # fmt: skip
        summary = {"lost": total_lost, "alerts": len(copies.alerts), "alert_copies_that_differ": copies.different, "proven": is_proven}
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
    screen.print(f"{len(copies.alerts)} alerts after compaction, copies of one revision that differ {copies.different}")
    for key, offsets in lost.items():
        if offsets:
            screen.print(f"LOST in {key}: {', '.join(map(str, offsets[:20]))}{' …' if len(offsets) > 20 else ''}")  # noqa: PLR2004 - a line
    return ExitCode.DONE if is_proven else ExitCode.FOUND


def _partitions(settings: Settings, connection: KafkaConnection) -> dict[str, PartitionOutcomes]:
    reading = settings.reading
    topics = () if reading.topic_pattern else reading.topics
    starts, ends = partition_offsets(connection, ReadingPlan(topics=topics, pattern=reading.topic_pattern))
    by_group = ReadingPlan(topics=topics, pattern=reading.topic_pattern, start=Start.GROUP, group=reading.group)
    committed, _ = partition_offsets(connection, by_group)
    return {key: PartitionOutcomes(starts[key], ends[key], committed.get(key, starts[key])) for key in starts}


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

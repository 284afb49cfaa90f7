"""Reading news topics: a tick lists the partitions, a keyed timer polls each, and its state holds the next offset.

Not an UnboundedSource: on Beam's Flink runner its self-checkpoints leak memory. Offsets live in Beam state, exactly as old as all other
state; what is committed to the consumer group follows behind and is for dashboards and cold starts only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import msgspec
import structlog
from apache_beam.coders import BytesCoder
from apache_beam.io.flink.flink_streaming_impulse_source import FlinkStreamingImpulseSource
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from connectors.kafka.commit import share_committer
from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection, Outage, Repeated, share_admin
from connectors.kafka.fetch import PartitionBuffer, share_consumer
from connectors.kafka.measure import hide_partition, show_partition
from connectors.kafka.partitions import (
    WAKE,
    Announced,
    Announcement,
    LostPosition,
    ReadingPlan,
    announce,
    compare_listing,
    find_start_offsets,
    list_partitions,
    split_key,
)
from connectors.kafka.pause import hold_partition
from connectors.kafka.spread import plain_key
from transforms import coding  # noqa: F401 - registers the coders of the records that leave this module
from transforms.metrics import BROKER_UNREACHABLE, PARTITION_STOPPED, RECORDS_READ
from transforms.records import Position, RawMessage
from transforms.rejected_share import rejections

log = structlog.get_logger()
TROUBLE_SECONDS = 1.0
# The source sleeps between ticks and cannot be stopped with a savepoint meanwhile; how often topics are listed is the plan's.
TICK_SECONDS = 1.0
MEASURE_SECONDS = 1.0
_repeated = Repeated()


class ReadFromKafka(beam.PTransform):
    """Begin -> RawMessage, unbounded."""

    def __init__(self, connection: KafkaConnection, plan: ReadingPlan) -> None:
        super().__init__()
        self._connection = connection
        self._plan = plan

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[RawMessage]:
        polled = (
            begin
            | "Tick" >> tick_every(min(TICK_SECONDS, self._plan.list_seconds))
            | "OneKey" >> beam.Map(lambda _: ("", b"")).with_output_types(tuple[str, bytes])
            | "ListPartitions" >> beam.ParDo(ListPartitions(self._connection, self._plan)).with_output_types(tuple[str, bytes])
            | "PollPartition"
            >> beam.ParDo(PollPartition(self._connection, self._plan))
            .with_output_types(RawMessage, polled=tuple[str, int])
            .with_outputs("polled", main="messages")
        )
        if self._plan.group:
            polled.polled | "CommitOffsets" >> beam.ParDo(CommitOffsets(self._connection, self._plan.group))
        return polled.messages


def tick_every(seconds: float) -> FlinkStreamingImpulseSource:
    """A source that fires for ever.

    Flink's own, and not Beam's PeriodicImpulse: on the portable runner each of that one's self-checkpoints leaves a state behind for good
    (measured: 349 after four minutes at five seconds). It moves no watermark: timers behind it must be of processing time.
    """
    source = FlinkStreamingImpulseSource()
    # Of the instance: the class's own dictionary is shared by all.
    source.config = {"interval_ms": round(seconds * 1000)}
    return source


class ListPartitions(beam.DoFn):
    """Tick -> (`topic/partition#suffix`, announcement), once for each partition that is to be read, or no longer; others are woken."""

    ANNOUNCED = ReadModifyWriteStateSpec("announced", BytesCoder())

    def __init__(self, connection: KafkaConnection, plan: ReadingPlan) -> None:
        self._connection = connection
        self._plan = plan
        self._listed_at = float("-inf")
        self._outage = Outage()

    def process(
        self,
        _tick: tuple[str, bytes],
        state: Any = beam.DoFn.StateParam(ANNOUNCED),  # noqa: B008 - Beam's way to ask for state
    ) -> Iterator[tuple[str, bytes]]:
        # After hours of standstill the ticks of those hours come all at once.
        if time.monotonic() - self._listed_at < self._plan.list_seconds - TICK_SECONDS / 2:
            return
        stored = state.read()
        announced = msgspec.json.decode(stored, type=Announced) if stored else Announced()
        try:
            after, announcements = self._compare(announced)
        except BrokerUnreachableError as error:
            BROKER_UNREACHABLE.inc()
            self._outage.warn("the broker is away, the partitions known so far stay", error)
            return
        self._outage.end()
        self._listed_at = time.monotonic()
        yield from announcements.items()
        state.write(msgspec.json.encode(after))

    def _compare(self, announced: Announced) -> tuple[Announced, dict[str, bytes]]:
        admin = share_admin(self._connection)
        listing = admin.ask(lambda client: list_partitions(client, self._plan))
        changes = compare_listing(announced, listing, self._plan.lost_position)
        offsets = admin.ask(lambda client: find_start_offsets(client, list(changes.begin), self._plan, is_cold=changes.is_cold))
        if listing.missing:
            log.warning("a topic does not exist, reading begins when it does", topics=listing.missing, fix="openweight topics --create")
        if changes.is_other_cluster:
            log.error(
                "this is another cluster: offsets read so far mean nothing here", expected=announced.cluster, found=listing.cluster,
                policy=self._plan.lost_position.value,
                fix="start the old broker, or set reading.offsets_out_of_range = earliest to read the new one from its beginning",
            )  # fmt: skip
        for key in changes.begin:
            log.info("a partition is read from here on", partition=key, offset=offsets[key], is_cold_start=changes.is_cold)
        if changes.is_other_cluster and not changes.begin:
            for key in listing.partitions:
                PARTITION_STOPPED.labels(*split_key(key)).set(1)
            # The cluster known so far stays in state: when it comes back, its partitions are new and go on at their own offsets.
            after = Announced(announced.cluster, {})
        else:
            after = Announced(listing.cluster, listing.partitions)
        return after, {key: msgspec.json.encode(one) for key, one in announce(announced, after, changes, offsets).items()}


class PollPartition(beam.DoFn):
    """(`topic/partition#suffix`, announcement) -> RawMessage; and, as `polled`, (`topic/partition`, next offset, identity) once a poll."""

    READING = ReadModifyWriteStateSpec("reading", BytesCoder())
    POLL = TimerSpec("poll", TimeDomain.REAL_TIME)

    def __init__(self, connection: KafkaConnection, plan: ReadingPlan) -> None:
        self._connection = connection
        self._plan = plan
        self._idle_seconds: dict[str, float] = {}
        self._measured_at: dict[str, float] = {}

    def process(
        self,
        element: tuple[str, bytes],
        reading: Any = beam.DoFn.StateParam(READING),  # noqa: B008 - Beam's way to ask for state
        timer: Any = beam.DoFn.TimerParam(POLL),  # noqa: B008 - the same
    ) -> None:
        announcement = msgspec.json.decode(element[1], type=Announcement)
        stored = reading.read()
        before = msgspec.json.decode(stored, type=Announcement) if stored else None
        if not announcement.is_read:
            if before is not None:
                reading.write(msgspec.json.encode(msgspec.structs.replace(before, is_read=False)))
            return
        if announcement.start_offset == WAKE:
            if before is not None and before.is_read:
                timer.set(Timestamp.now())
            return
        if before is not None and before.identity == announcement.identity:
            announcement = msgspec.structs.replace(before, is_read=True)
        elif before is not None:
            place = {"partition": plain_key(element[0]), "offset": announcement.start_offset}
            log.warning("a topic was made anew, it is read from its beginning", **place)
        reading.write(msgspec.json.encode(announcement))
        timer.set(Timestamp.now())

    @on_timer(POLL)
    def poll(
        self,
        key: Any = beam.DoFn.KeyParam,
        reading: Any = beam.DoFn.StateParam(READING),  # noqa: B008 - Beam's way to ask for state
        timer: Any = beam.DoFn.TimerParam(POLL),  # noqa: B008 - the same
    ) -> Iterator[Any]:
        before = msgspec.json.decode(reading.read(), type=Announcement)
        topic, partition = split_key(key := plain_key(key))
        if not before.is_read:
            share_consumer(self._connection).release(topic, partition)
            hide_partition(self._plan, topic, partition, before.start_offset)
            return
        if before.paused_in_run != self._plan.run_id and rejections.is_above(self._plan.pause_above_rejected_share):
            before = msgspec.structs.replace(before, paused_in_run=self._plan.run_id)
            reading.write(msgspec.json.encode(before))
        if before.paused_in_run and before.paused_in_run == self._plan.run_id:
            hold_partition(self._connection, self._plan, topic, partition, before.start_offset)
            timer.set(Timestamp.now() + TROUBLE_SECONDS)
            return
        try:
            buffer = share_consumer(self._connection).take(topic, partition, before.start_offset)
            if buffer.is_lost:
                buffer = self._go_on_after_loss(topic, partition, buffer)
        except BrokerUnreachableError:
            BROKER_UNREACHABLE.inc()
            timer.set(Timestamp.now() + TROUBLE_SECONDS)
            return
        yield from self._hand_on(topic, partition, buffer)
        is_moved = buffer.next_offset != before.start_offset
        if is_moved:
            reading.write(msgspec.json.encode(msgspec.structs.replace(before, start_offset=buffer.next_offset)))
        # The first poll of a worker too: what the one before it left uncommitted would stay so until something new comes.
        if is_moved or key not in self._measured_at:
            yield beam.pvalue.TaggedOutput("polled", (key, buffer.next_offset, before.identity))
        timer.set(Timestamp.of(align_timer(time.time(), self._choose_pause(key, buffer, before.start_offset))))
        if (now := time.monotonic()) - self._measured_at.get(key, 0.0) >= MEASURE_SECONDS:
            self._measured_at[key] = now
            show_partition(self._connection, self._plan, topic, partition, buffer)

    def _hand_on(self, topic: str, partition: int, buffer: PartitionBuffer) -> Iterator[RawMessage]:
        """Hands on what is there, bounded by count and by time: the stages behind run inside this loop, and a checkpoint waits for it."""
        deadline, handed = time.monotonic() + self._plan.poll_seconds, 0
        for _ in range(min(self._plan.records_per_poll, len(buffer.records))):
            rejections.note_read()
            yield read_record(topic, partition, buffer.pop())
            handed += 1
            if time.monotonic() >= deadline or rejections.is_above(self._plan.pause_above_rejected_share):
                break
        if handed and topic not in self._plan.own_topics:
            RECORDS_READ.labels(topic).inc(handed)

    def _choose_pause(self, key: str, buffer: PartitionBuffer, offset_before: int) -> float:
        """Returns seconds to the next poll: none while there is more, else a pause that doubles as long as nothing comes."""
        if buffer.is_lost or buffer.set_aside_until:
            return TROUBLE_SECONDS
        if buffer.records:
            return 0.0
        if buffer.next_offset != offset_before:
            self._idle_seconds[key] = self._plan.idle_seconds
            return 0.0 if buffer.lag else self._plan.idle_seconds
        pause = self._idle_seconds.get(key, self._plan.idle_seconds)
        self._idle_seconds[key] = min(2 * pause, self._plan.idle_limit_seconds)
        return min(pause, self._plan.idle_seconds) if buffer.lag else pause

    def _go_on_after_loss(self, topic: str, partition: int, lost: PartitionBuffer) -> PartitionBuffer:
        """Stops the partition, saying so again and again, or goes to the earliest offset, as the plan says."""
        consumer, offset = share_consumer(self._connection), lost.next_offset
        earliest = consumer.find_earliest(topic, partition)
        place = {"topic": topic, "partition": partition, "next_offset": offset, "earliest_offset": earliest}
        if self._plan.lost_position is LostPosition.EARLIEST or topic in self._plan.own_topics:
            log.error("the next offset is not on the broker, reading goes on at the earliest", **place)
            offset = earliest
        elif not earliest <= offset <= consumer.find_end(topic, partition):
            if _repeated.is_due(f"{topic}/{partition}"):
                fix = "reading.offsets_out_of_range = earliest goes on with what is left"
                log.error("the next offset is not on the broker, nothing of this partition is read", fix=fix, **place)
            return lost
        consumer.release(topic, partition)
        return consumer.take(topic, partition, offset)


class CommitOffsets(beam.DoFn):
    """(`topic/partition`, next offset, the topic's identity) -> nothing: commits to the group when the checkpoint with it is complete.

    Apart from PollPartition because Beam hands no finalizer to a timer's callback.
    """

    def __init__(self, connection: KafkaConnection, group: str) -> None:
        self._connection = connection
        self._group = group

    def process(
        self,
        element: tuple[str, int, str],
        finalizer: Any = beam.DoFn.BundleFinalizerParam,
    ) -> None:
        committer = share_committer(self._connection, self._group)
        finalizer.register(lambda: committer.commit(*element))


def align_timer(now_seconds: float, pause_seconds: float) -> float:
    """Returns when to poll next: the multiple of the pause that comes after now.

    Idle partitions then wake together and share a bundle, whose overhead is most of what idling costs.
    """
    return (now_seconds // pause_seconds + 1) * pause_seconds if pause_seconds else now_seconds


def read_record(topic: str, partition: int, record: Any) -> RawMessage:
    """Turns kafka-python's ConsumerRecord into a RawMessage; a header without a value gets an empty one."""
    return RawMessage(
        position=Position(topic, partition, record.offset),
        timestamp_milliseconds=record.timestamp,
        key=record.key,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers) if record.headers else (),
    )

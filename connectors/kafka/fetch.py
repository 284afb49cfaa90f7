"""The one consumer of a process: it fetches for all partitions that are read here and keeps what was not taken yet.

One consumer for all partitions costs one connection and one waiting request, however many partitions are idle. Nothing here waits for
the broker longer than the bounds below, because a checkpoint waits for whoever calls.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, LogTruncationError, OffsetOutOfRangeError, TopicAuthorizationFailedError

from connectors.kafka.connection import (
    RECONNECT_MILLISECONDS,
    BrokerUnreachableError,
    KafkaConnection,
    Outage,
    Repeated,
    forbid_topic_creation,
    open_client,
    unreachable,
)
from connectors.kafka.mend_headers import read_headers_leniently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = structlog.get_logger()
read_headers_leniently()

# A request that waits for news holds up partitions that ran dry meanwhile: there is one request at a time.
FETCH_WAIT_MILLISECONDS = 100
FETCH_BYTES = 8 * 1024 * 1024
FETCH_RECORDS = 500
# With more than this in all buffers nothing is fetched. (Pausing the full ones does not work: kafka-python 3.0.12 parks what it has
# parsed of a paused partition and finds it again only by chance; the partition then stands still.)
BUFFER_RECORDS = 2000
# The same in bytes of keys, values and headers: 2,000 of the largest messages would be 2 GB.
BUFFER_BYTES = 32 * 1024 * 1024
# How long a poll may wait for records that are known to be there.
BACKLOG_WAIT_MILLISECONDS = 20
POLL_PAUSE_SECONDS = 0.01
FORGET_SECONDS = 60.0
# A refusal comes with each fetch; without one for so long, the partition is allowed again.
REFUSED_SECONDS = 10.0
SET_ASIDE_SECONDS = 10.0


def open_consumer(connection: KafkaConnection, **options: Any) -> KafkaConsumer:
    """Opens a consumer without a group, its partitions assigned by hand.

    Raises:
        BrokerUnreachableError: when no broker answers within two seconds, or it refuses the login.
    """
    options = {
        "group_id": None, "enable_auto_commit": False, "auto_offset_reset": "none",
        "fetch_max_wait_ms": FETCH_WAIT_MILLISECONDS, "fetch_max_bytes": FETCH_BYTES, "max_poll_records": FETCH_RECORDS,
        "request_timeout_ms": 10_000, "metrics_enabled": False,
    } | options  # fmt: skip
    consumer = open_client(KafkaConsumer, connection, **options)
    forbid_topic_creation(consumer._client)  # noqa: SLF001 - see there
    return consumer


class PartitionBuffer:
    """What was fetched of one partition and not handed on yet; `next_offset` is where handing on goes on."""

    __slots__ = (
        "end_offset", "handed_milliseconds", "is_lost", "next_offset", "records", "refused_until", "set_aside_until", "size_bytes",
        "taken_at",
    )  # fmt: skip

    def __init__(self, next_offset: int) -> None:
        self.next_offset = next_offset
        self.end_offset = next_offset
        self.handed_milliseconds = 0
        self.records: deque[Any] = deque()
        self.size_bytes = 0
        self.is_lost = False
        self.set_aside_until = 0.0
        self.refused_until = 0.0
        self.taken_at = 0.0

    def put(self, records: list[Any]) -> None:
        """Takes records that were fetched (kafka-python's ConsumerRecord)."""
        self.records.extend(records)
        self.size_bytes += sum(map(_measure, records))

    def pop(self) -> Any:
        """Hands on the next record."""
        record = self.records.popleft()
        # From 0 again whenever it is empty: another thread may put records in between.
        self.size_bytes = self.size_bytes - _measure(record) if self.records else 0
        self.next_offset = record.offset + 1
        self.handed_milliseconds = record.timestamp
        return record

    def lose(self) -> None:
        """The broker does not have what comes next."""
        self.is_lost = True
        self.records.clear()
        self.size_bytes = 0

    @property
    def is_stopped(self) -> bool:
        """Whether nothing comes of the partition, however much the broker has."""
        return self.is_lost or self.set_aside_until > 0 or time.monotonic() < self.refused_until

    def waits_seconds(self, now_seconds: float) -> float:
        """How old the oldest record is that was not handed on, or the last that was when none of those is here yet."""
        oldest = self.records[0].timestamp if self.records else self.handed_milliseconds
        return max(0.0, now_seconds - oldest / 1000) if self.lag and oldest > 0 else 0.0

    @property
    def lag(self) -> int:
        return max(0, self.end_offset - self.next_offset)


def _measure(record: Any) -> int:
    return int(record.serialized_key_size + record.serialized_value_size + record.serialized_header_size)


class SharedConsumer:
    """The consumer of a process, safe to be asked by several threads."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._consumer: KafkaConsumer | None = None
        self._retry_at = 0.0
        self._polled_at = 0.0
        self._buffers: dict[TopicPartition, PartitionBuffer] = {}
        self._repeated = Repeated()
        self._outage = Outage()

    def take(self, topic: str, partition: int, offset: int) -> PartitionBuffer:
        """Returns the buffer of a partition, standing at `offset` or behind gaps after it; it is empty when there is nothing yet.

        `is_lost` says that the broker does not have that offset; it stays so until the partition is released, or taken at another offset.
        Two threads must not take the same partition.

        Raises:
            BrokerUnreachableError: when the broker is away and there is no consumer yet.
        """
        key = TopicPartition(topic, partition)
        with self._lock:
            now = time.monotonic()
            buffer = self._buffers.get(key)
            if buffer is not None and buffer.is_lost and buffer.next_offset == offset:
                buffer.taken_at = now
                return buffer
            if buffer is not None and now < buffer.set_aside_until:
                # What was fetched of it and not handed on is gone: its place is that of the state, or it would be passed over.
                buffer.next_offset = offset
                return buffer
            consumer = self._open(now)
            # After a failed bundle the offset in state is behind the buffer.
            if buffer is None or buffer.is_lost or buffer.set_aside_until or buffer.next_offset != offset:
                buffer = self._buffers[key] = PartitionBuffer(offset)
                self._assign(consumer, now)
                consumer.seek(key, offset)
            buffer.taken_at = now
            if self._forget(now):
                self._assign(consumer, now)
            if not buffer.records and (buffer.lag or now - self._polled_at >= POLL_PAUSE_SECONDS):
                self._fetch(consumer, key, buffer)
            return buffer

    def release(self, topic: str, partition: int) -> None:
        """Forgets a partition that is not read here any more."""
        with self._lock:
            self._buffers.pop(TopicPartition(topic, partition), None)
            if self._consumer is not None:
                self._assign(self._consumer, time.monotonic())

    def find_earliest(self, topic: str, partition: int) -> int:
        """Returns the first offset that the broker still has.

        Raises:
            BrokerUnreachableError: when it does not answer.
        """
        return self._ask(KafkaConsumer.beginning_offsets, TopicPartition(topic, partition))

    def find_end(self, topic: str, partition: int) -> int:
        """Returns the offset that the next record will get.

        Raises:
            BrokerUnreachableError: when it does not answer, or refuses to.
        """
        return self._ask(KafkaConsumer.end_offsets, TopicPartition(topic, partition))

    def _ask(self, question: Callable[..., dict[TopicPartition, int]], key: TopicPartition) -> int:
        with self._lock:
            consumer = self._open(time.monotonic())
            try:
                return int(question(consumer, [key], timeout_ms=RECONNECT_MILLISECONDS)[key])
            except KafkaError as error:
                raise unreachable(self._connection, error) from error

    def _open(self, now: float) -> KafkaConsumer:
        if self._consumer is None:
            if now < self._retry_at:
                raise unreachable(self._connection, "the last attempt failed a moment ago")
            try:
                self._consumer = open_consumer(self._connection)
            except BrokerUnreachableError as error:
                self._retry_at = time.monotonic() + RECONNECT_MILLISECONDS / 1000
                self._outage.warn("the broker is away, reading waits for it", error)
                raise
            self._outage.end()
        return self._consumer

    def _assign(self, consumer: KafkaConsumer, now: float) -> None:
        """Assigns all partitions of the buffers; one that is lost would answer each fetch for its neighbours with its error."""
        consumer.assign([key for key, buffer in self._buffers.items() if buffer.set_aside_until <= now and not buffer.is_lost])

    def _forget(self, now: float) -> bool:
        """Drops the buffers that nobody took for long: they are read elsewhere now, and would fill up and stop all fetching."""
        old = [key for key, buffer in self._buffers.items() if buffer.taken_at and now - buffer.taken_at > FORGET_SECONDS]
        for key in old:
            del self._buffers[key]
        return bool(old)

    def _fetch(self, consumer: KafkaConsumer, key: TopicPartition, buffer: PartitionBuffer) -> None:
        """Takes what has arrived, for all partitions; waits shortly when this one is known to have more."""
        held = self._buffers.values()
        if sum(len(each.records) for each in held) >= BUFFER_RECORDS or sum(each.size_bytes for each in held) >= BUFFER_BYTES:
            return
        try:
            self._poll(consumer, key, buffer)
        except (OffsetOutOfRangeError, LogTruncationError) as error:
            self._mark_lost(consumer, error.args[0] if error.args else {key: buffer.next_offset})
        except TopicAuthorizationFailedError as error:
            self._mark_refused(error.args[0] if error.args else ())
            if self._repeated.is_due(str(error)):
                log.warning("the broker refuses to hand out a topic", topics=str(error), fix="give the user the right to read it")
        except Exception as error:  # noqa: BLE001 - a batch that cannot be unpacked raises anything, and would restart the job for ever
            self._set_aside(consumer, error)
        finally:
            self._polled_at = time.monotonic()

    def _poll(self, consumer: KafkaConsumer, key: TopicPartition, buffer: PartitionBuffer) -> None:
        fetched = consumer.poll(timeout_ms=BACKLOG_WAIT_MILLISECONDS if buffer.lag else 0, max_records=FETCH_RECORDS)
        for found, records in fetched.items():
            if found in self._buffers:
                self._buffers[found].put(records)
        end_offset = consumer.highwater(key)
        buffer.end_offset = buffer.next_offset if end_offset is None else end_offset
        if not buffer.records and buffer.lag:
            # Offsets without a record (transaction markers, compaction) move the consumer's position only.
            buffer.next_offset = max(buffer.next_offset, consumer.position(key, timeout_ms=0) or 0)

    def _mark_lost(self, consumer: KafkaConsumer, lost: Iterable[TopicPartition]) -> None:
        for key in lost:
            if key in self._buffers:
                self._buffers[key].lose()
        self._assign(consumer, time.monotonic())

    def _mark_refused(self, topics: Iterable[str]) -> None:
        for key, buffer in self._buffers.items():
            if key.topic in topics:
                buffer.refused_until = time.monotonic() + REFUSED_SECONDS

    def _set_aside(self, consumer: KafkaConsumer, error: Exception) -> None:
        """Leaves out, for a while, the partition whose data cannot be read, and starts with a new consumer.

        kafka-python's record iterator is spent after an error, and polling on would loop inside it for ever.
        """
        stuck = consumer._fetcher._next_partition_records  # noqa: SLF001 - the error does not name the partition
        self._buffers.clear()
        # It is false when it was read to its end: then the error is of another one.
        if stuck:
            key = stuck.topic_partition
            buffer = self._buffers[key] = PartitionBuffer(stuck.next_fetch_offset)
            buffer.set_aside_until = buffer.taken_at = time.monotonic() + SET_ASIDE_SECONDS
            log.error(
                "a partition cannot be read, its neighbours go on", topic=key.topic, partition=key.partition,
                offset=stuck.next_fetch_offset, reason=repr(error), retry_seconds=SET_ASIDE_SECONDS,
            )  # fmt: skip
        else:
            self._retry_at = time.monotonic() + RECONNECT_MILLISECONDS / 1000
            log.warning("fetching failed, a new connection is opened", reason=repr(error))
        self._consumer = None
        with contextlib.suppress(Exception):
            consumer.close(timeout_ms=RECONNECT_MILLISECONDS)


@functools.cache
def share_consumer(connection: KafkaConnection) -> SharedConsumer:
    """Returns the process's consumer (two threads that race for the first call get one each: harmless)."""
    return SharedConsumer(connection)

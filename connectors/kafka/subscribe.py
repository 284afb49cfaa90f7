"""Reading topics outside the job: for people who watch, for the proof that nothing is lost, and for tests."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from kafka import TopicPartition
from kafka.errors import KafkaError

from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection, open_admin, unreachable
from connectors.kafka.fetch import open_consumer
from connectors.kafka.partitions import ReadingPlan, find_start_offsets, list_partitions, split_key
from connectors.kafka.read import read_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kafka import KafkaConsumer

    from transforms.records import Position, RawMessage

POLL_MILLISECONDS = 200
STANDSTILL_SECONDS = 20.0


def subscribe(connection: KafkaConnection, plan: ReadingPlan) -> Iterator[RawMessage | None]:
    """Yields messages for ever from where the plan says, and None at least every fifth of a second without any.

    Topics and partitions that match later are read from their beginning. While the broker is away, None comes on and on.

    Raises:
        BrokerUnreachableError: when no broker answers at the start, or it refuses what is read, or has deleted it meanwhile.
    """
    positions: dict[str, int] = {}
    listed_at = float("-inf")
    with contextlib.closing(open_admin(connection)) as admin, contextlib.closing(open_consumer(connection)) as consumer:
        while True:
            if time.monotonic() - listed_at >= plan.list_seconds:
                listed_at = time.monotonic()
                try:
                    known = list_partitions(admin, plan).partitions
                    found = [key for key in known if key not in positions]
                    started = find_start_offsets(admin, found, plan, is_cold=not positions)
                except KafkaError as error:
                    if not positions:
                        raise unreachable(connection, error) from error
                    started = {}
                if started:
                    positions |= started
                    _assign(consumer, started)
            if positions:
                messages = _poll(connection, consumer)
                yield from messages
            else:
                time.sleep(POLL_MILLISECONDS / 1000)
                messages = []
            if not messages:
                yield None


def read_to_end(connection: KafkaConnection, plan: ReadingPlan, positions: dict[str, int] | None = None) -> Iterator[RawMessage]:
    """Yields all messages between where the plan says, or `positions` (`topic/partition` to offset), and the end as it is now.

    Raises:
        BrokerUnreachableError: when no broker answers, or nothing comes for 20 s although the end is not reached, or it was deleted.
    """
    starts, ends = partition_offsets(connection, plan)
    starts |= positions or {}
    left = {key for key in starts if starts[key] < ends[key]}
    consumer = open_consumer(connection)
    try:
        if left:
            _assign(consumer, {key: starts[key] for key in left})
        moved_at = time.monotonic()
        while left:
            for message in _poll(connection, consumer):
                position = message.position
                if position.offset < ends[f"{position.topic}/{position.partition}"]:
                    yield message
                # Afterwards: what the caller takes its time for is no standstill.
                moved_at = time.monotonic()
            # A transaction's marker or a compacted record at the end is no message, so the consumer's own position decides.
            left = {key for key in left if (consumer.position(split_key(key), timeout_ms=0) or 0) < ends[key]}
            if time.monotonic() - moved_at > STANDSTILL_SECONDS:
                raise unreachable(connection, f"nothing came for {STANDSTILL_SECONDS:.0f} s, the end is not reached in {sorted(left)}")
    finally:
        consumer.close()


def read_positions(connection: KafkaConnection, wanted: Iterable[Position]) -> dict[Position, RawMessage]:
    """Returns the messages at these places, as far as the topics still hold them.

    Raises:
        BrokerUnreachableError: when no broker answers, or it stops answering.
    """
    left = sorted(set(wanted))
    found: dict[Position, RawMessage] = {}
    starts, ends = partition_offsets(connection, ReadingPlan(topics=tuple({one.topic for one in left})))
    consumer = open_consumer(connection)
    try:
        for position in left:
            key = f"{position.topic}/{position.partition}"
            if not starts.get(key, 0) <= position.offset < ends.get(key, 0):
                continue
            consumer.assign([split_key(key)])
            consumer.seek(split_key(key), position.offset)
            began_at = time.monotonic()
            messages: list[RawMessage] = []
            while not messages:
                messages = _poll(connection, consumer)
                if time.monotonic() - began_at > STANDSTILL_SECONDS:
                    raise unreachable(connection, f"nothing came for {STANDSTILL_SECONDS:.0f} s from {key} at {position.offset}")
            # Compaction or a transaction's marker may have left another one in its place.
            found |= {position: messages[0]} if messages[0].position == position else {}
    finally:
        consumer.close()
    return found


def partition_offsets(connection: KafkaConnection, plan: ReadingPlan) -> tuple[dict[str, int], dict[str, int]]:
    """Returns the offsets where reading begins after the plan, and the end offsets, both by `topic/partition`.

    Raises:
        BrokerUnreachableError: when no broker answers.
    """
    admin = open_admin(connection)
    try:
        keys = list(list_partitions(admin, plan).partitions)
        starts = find_start_offsets(admin, keys, plan, is_cold=True)
        consumer = open_consumer(connection)
        try:
            ends = consumer.end_offsets([split_key(key) for key in keys], timeout_ms=10_000) if keys else {}
        finally:
            consumer.close()
    except KafkaError as error:
        raise unreachable(connection, error) from error
    finally:
        admin.close()
    return starts, {key: int(ends[split_key(key)]) for key in keys}


def _assign(consumer: KafkaConsumer, starts: dict[str, int]) -> None:
    """Adds partitions to those that are read already."""
    added: dict[TopicPartition, int] = {split_key(key): offset for key, offset in starts.items()}
    consumer.assign([*consumer.assignment(), *added])
    for key, offset in added.items():
        consumer.seek(key, offset)


def _poll(connection: KafkaConnection, consumer: KafkaConsumer) -> list[RawMessage]:
    try:
        fetched = consumer.poll(timeout_ms=POLL_MILLISECONDS)
    except KafkaError as error:
        # Retention has passed the place of reading, or the right to read was taken away.
        raise unreachable(connection, repr(error)) from error
    return [read_record(key.topic, key.partition, record) for key, records in fetched.items() for record in records]


__all__ = ["BrokerUnreachableError", "partition_offsets", "read_positions", "read_to_end", "subscribe"]

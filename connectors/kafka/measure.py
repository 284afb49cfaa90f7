"""What is shown of a partition: where reading stands, where the partition ends, and how far behind reading is."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection
from connectors.kafka.fetch import share_consumer
from transforms.metrics import CONSUMER_LAG, CONSUMER_LAG_SECONDS, CONSUMER_POSITION, END_OFFSET, PARTITION_STOPPED

if TYPE_CHECKING:
    from connectors.kafka.fetch import PartitionBuffer
    from connectors.kafka.partitions import ReadingPlan


def show_partition(connection: KafkaConnection, plan: ReadingPlan, topic: str, partition: int, buffer: PartitionBuffer) -> None:
    if topic in plan.own_topics:
        return
    CONSUMER_POSITION.labels(topic, partition).set(buffer.next_offset)
    if buffer.is_stopped:
        # Nothing is fetched, so nothing else says how far behind it falls.
        with contextlib.suppress(BrokerUnreachableError):
            buffer.end_offset = share_consumer(connection).find_end(topic, partition)
    # The end is known from the last fetch, which may be older than what was handed on.
    END_OFFSET.labels(topic, partition).set(max(buffer.end_offset, buffer.next_offset))
    CONSUMER_LAG.labels(topic, partition).set(buffer.lag)
    CONSUMER_LAG_SECONDS.labels(topic, partition).set(buffer.waits_seconds(time.time()))
    PARTITION_STOPPED.labels(topic, partition).set(buffer.is_stopped)


def hide_partition(plan: ReadingPlan, topic: str, partition: int, next_offset: int) -> None:
    """Shows of a partition that is not read any more that nothing is waited for: a deleted topic's lag would page for ever."""
    if topic in plan.own_topics:
        return
    for offset in (CONSUMER_POSITION, END_OFFSET):
        offset.labels(topic, partition).set(next_offset)
    for trouble in (CONSUMER_LAG, CONSUMER_LAG_SECONDS, PARTITION_STOPPED):
        trouble.labels(topic, partition).set(0)

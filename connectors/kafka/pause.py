"""Reading that pauses because too much is rejected: said again and again, measured, and kept in state until the run is started anew."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import structlog

from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection, Repeated
from connectors.kafka.fetch import share_consumer
from transforms.metrics import CONSUMER_LAG, CONSUMER_POSITION, END_OFFSET, READING_PAUSED
from transforms.rejected_share import WINDOW_RECORDS, rejections

if TYPE_CHECKING:
    from connectors.kafka.partitions import ReadingPlan

log = structlog.get_logger()
MEASURE_SECONDS = 5.0
_repeated = Repeated(60)
_measured_at: dict[tuple[str, int], float] = {}


def hold_partition(connection: KafkaConnection, plan: ReadingPlan, topic: str, partition: int, next_offset: int) -> None:
    """Says that a partition is not read, and how much waits in it; nothing of it is taken."""
    READING_PAUSED.set(1)
    if _repeated.is_due("paused"):
        log.error(
            "too many records are rejected, reading is paused: the rest stays in the topic",
            rejected=rejections.rejected, of_records=WINDOW_RECORDS, allowed_share=plan.pause_above_rejected_share,
            topic=topic, partition=partition, next_offset=next_offset,
            fix="see the reasons on the rejected topic, mend the producer or fields.*, then stop and start the run; "
            "reading.pause_above_rejected_share = 1 reads on whatever comes",
        )  # fmt: skip
    now = time.monotonic()
    if topic in plan.own_topics or now - _measured_at.get((topic, partition), float("-inf")) < MEASURE_SECONDS:
        return
    _measured_at[topic, partition] = now
    CONSUMER_POSITION.labels(topic, partition).set(next_offset)
    with contextlib.suppress(BrokerUnreachableError):
        end_offset = share_consumer(connection).find_end(topic, partition)
        END_OFFSET.labels(topic, partition).set(end_offset)
        CONSUMER_LAG.labels(topic, partition).set(max(0, end_offset - next_offset))

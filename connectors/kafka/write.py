"""Writing to topics: a bundle is done when the broker has confirmed every message of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from connectors.kafka.fit_message import WritingPlan, admit_message
from connectors.kafka.produce import DeliveryFailedError, share_producer
from transforms import coding  # noqa: F401 - registers the coders of the records that enter this module
from transforms.records import OutgoingMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.kafka.connection import KafkaConnection


class WriteToKafka(beam.PTransform):
    """OutgoingMessage -> nothing."""

    def __init__(self, connection: KafkaConnection, plan: WritingPlan | None = None) -> None:
        super().__init__()
        self._connection = connection
        self._plan = plan or WritingPlan()

    def expand(self, messages: beam.PCollection[OutgoingMessage]) -> beam.PCollection[None]:
        return messages | "SendMessages" >> beam.ParDo(SendMessages(self._connection, self._plan)).with_output_types(type(None))


class SendMessages(beam.DoFn):
    """Sends each message at once and confirms all of them when the bundle ends; an unconfirmed one fails the bundle."""

    def __init__(self, connection: KafkaConnection, plan: WritingPlan) -> None:
        self._connection = connection
        self._plan = plan
        self._sent: list[tuple[OutgoingMessage, Any]] = []

    def start_bundle(self) -> None:
        self._sent = []

    def process(self, message: OutgoingMessage) -> None:
        fitting = admit_message(self._plan, message)
        if fitting is not None:
            self._sent.append((fitting, share_producer(self._connection, self._plan).send(fitting)))

    def finish_bundle(self) -> None:
        sent, self._sent = self._sent, []
        if sent:
            share_producer(self._connection, self._plan).confirm(sent)


def send_all(
    connection: KafkaConnection, messages: Iterable[OutgoingMessage], plan: WritingPlan | None = None, rate_per_second: float = 0
) -> dict[str, int]:
    """Sends messages, at most `rate_per_second` of them when it is above 0, and returns how many went to each topic.

    A message that is too large for its topic is left out (see WritingPlan).

    Raises:
        DeliveryFailedError: when the broker did not confirm one.
    """
    plan = plan or WritingPlan()
    producer = share_producer(connection, plan)
    counts: dict[str, int] = {}
    sent: list[tuple[OutgoingMessage, Any]] = []
    started = time.monotonic()
    for number, message in enumerate(messages):
        if rate_per_second > 0:
            time.sleep(max(0.0, started + number / rate_per_second - time.monotonic()))
        fitting = admit_message(plan, message)
        if fitting is None:
            continue
        sent.append((fitting, producer.send(fitting)))
        counts[message.topic] = counts.get(message.topic, 0) + 1
        if len(sent) >= 500:  # noqa: PLR2004 - bounds what is kept for a second attempt
            producer.confirm(sent)
            sent = []
    producer.confirm(sent)
    return counts


__all__ = ["DeliveryFailedError", "SendMessages", "WriteToKafka", "WritingPlan", "send_all"]

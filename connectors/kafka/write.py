"""Writing to topics: a bundle is done when the broker has confirmed every message of it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import msgspec
import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from connectors.kafka.connection import KafkaConnection, describe_client, forbid_topic_creation, unreachable
from transforms import coding  # noqa: F401 - registers the coders of the records that enter this module
from transforms.records import OutgoingMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger()

# Length fields, record and batch headers: more than they take.
OVERHEAD_BYTES = 256
HEADER_OVERHEAD_BYTES = 10
SMALLEST_LIMIT_BYTES = 2_000
TRUNCATED_HEADER = "openweight_truncated_from_bytes"
# Kafka 4 refuses timestamps more than an hour ahead (message.timestamp.after.max.ms).
FUTURE_MILLISECONDS = 3_000_000
BATCH_BYTES = 65_536


class WritingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to write. A message larger than `limit_bytes` (the topics' max.message.bytes), or its topic's own limit, is cut to it."""

    linger_milliseconds: int = 5
    compression: str = "none"
    limit_bytes: int = 1_000_000
    topic_limits: tuple[tuple[str, int], ...] = (("openweight.rejected", 2_000_000),)
    timeout_seconds: float = 60

    def limit_of(self, topic: str) -> int:
        return dict(self.topic_limits).get(topic, self.limit_bytes)


class DeliveryFailedError(Exception):
    """The broker did not confirm a message; the text says how many, the first topic and the reason."""


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
        fitting = fit_message(message, self._plan.limit_of(message.topic), time.time())
        self._sent.append((fitting, send_message(self._connection, self._plan, fitting)))

    def finish_bundle(self) -> None:
        sent, self._sent = self._sent, []
        if sent:
            confirm_messages(self._connection, self._plan, sent)


def fit_message(message: OutgoingMessage, limit_bytes: int, now_seconds: float) -> OutgoingMessage:
    """Returns the message as the broker can take it: one that it can never take would be sent again for ever.

    Too large: headers from the last on, then the end of the value are cut off and the header openweight_truncated_from_bytes says what the
    size was. Neither key nor value: an empty key. A timestamp before 1970 or in the future: none, so that the time of sending counts.
    """
    changes: dict[str, Any] = {}
    if message.key is None and message.value is None:
        changes["key"] = b""
    timestamp = message.timestamp_milliseconds
    if timestamp is not None and not 0 <= timestamp <= now_seconds * 1000 + FUTURE_MILLISECONDS:
        changes["timestamp_milliseconds"] = None
    size = measure_message(message)
    if size > limit_bytes:
        changes |= _cut(message, limit_bytes, size)
    return msgspec.structs.replace(message, **changes) if changes else message


def measure_message(message: OutgoingMessage) -> int:
    """Returns bytes that the message takes on the wire, at most."""
    return OVERHEAD_BYTES + len(message.key or b"") + len(message.value or b"") + sum(map(_measure_header, message.headers))


def _measure_header(header: tuple[str, bytes]) -> int:
    return HEADER_OVERHEAD_BYTES + len(header[0].encode()) + len(header[1])


def _cut(message: OutgoingMessage, limit_bytes: int, size: int) -> dict[str, Any]:
    note = (TRUNCATED_HEADER, str(size).encode())
    key = None if message.key is None else message.key[: limit_bytes // 4]
    headers: list[tuple[str, bytes]] = []
    left = limit_bytes - OVERHEAD_BYTES - len(key or b"") - _measure_header(note)
    for header in message.headers:
        # Headers may take half of what is left: the rest is for the value.
        if sum(map(_measure_header, headers)) + _measure_header(header) > left // 2:
            break
        headers.append(header)
    left -= sum(map(_measure_header, headers))
    return {"key": key, "headers": (*headers, note), "value": None if message.value is None else message.value[: max(left, 0)]}


_producers: dict[tuple[KafkaConnection, WritingPlan], KafkaProducer] = {}


def send_message(connection: KafkaConnection, plan: WritingPlan, message: OutgoingMessage) -> Any:
    """Hands a message to the process's producer and returns its future.

    Raises:
        DeliveryFailedError: when the topic cannot be found.
        BrokerUnreachableError: when there is no producer yet and no broker answers.
    """
    producer = _producers.get((connection, plan)) or open_producer(connection, plan)
    try:
        return producer.send(
            message.topic, key=message.key, value=message.value, headers=list(message.headers), timestamp_ms=message.timestamp_milliseconds
        )
    except KafkaError as error:
        _drop_producer(connection, plan)
        raise DeliveryFailedError(f"{message.topic}: {error!r}; does the topic exist? `openweight topics` tells") from error


def open_producer(connection: KafkaConnection, plan: WritingPlan) -> KafkaProducer:
    """Opens the process's producer: idempotent, confirmed by all replicas.

    Raises:
        BrokerUnreachableError: when no broker answers.
    """
    try:
        producer = KafkaProducer(
            acks="all", enable_idempotence=True, linger_ms=plan.linger_milliseconds, batch_size=BATCH_BYTES,
            compression_type=None if plan.compression == "none" else plan.compression,
            # Ours is the limit that counts; fit_message keeps it.
            max_request_size=2 * max([plan.limit_bytes, *dict(plan.topic_limits).values()]) + BATCH_BYTES,
            max_block_ms=10_000, request_timeout_ms=10_000,
            delivery_timeout_ms=max(int(plan.timeout_seconds * 1000), 15_000), metrics_enabled=False,
            **describe_client(connection),
        )  # fmt: skip
    except KafkaError as error:
        raise unreachable(connection, error) from error
    forbid_topic_creation(producer._sender._client)  # noqa: SLF001 - see there
    _producers[connection, plan] = producer
    return producer


def confirm_messages(connection: KafkaConnection, plan: WritingPlan, sent: list[tuple[OutgoingMessage, Any]]) -> None:
    """Returns when the broker has confirmed every message.

    Raises:
        DeliveryFailedError: when it has not within `timeout_seconds`; all messages may be sent again.
    """
    deadline = time.monotonic() + plan.timeout_seconds
    producer = _producers.get((connection, plan))
    if producer is not None:
        # Sends what lingers. What it says of failures is less than the futures say.
        with contextlib.suppress(KafkaError):
            producer.flush(timeout=plan.timeout_seconds)
    failed: list[tuple[OutgoingMessage, KafkaError]] = []
    for message, future in sent:
        try:
            future.get(timeout=max(deadline - time.monotonic(), 0.0))
        except KafkaError as error:
            failed.append((message, error))
    if not failed:
        return
    _drop_producer(connection, plan)
    if any(isinstance(error, MessageSizeTooLargeError) for _, error in failed):
        # One refusal spoils the idempotent producer for its neighbours, so each goes alone.
        for message, _ in failed:
            _send_alone(connection, plan, message)
        return
    first, reason = failed[0]
    raise DeliveryFailedError(f"{len(failed)} of {len(sent)} messages were not confirmed, the first for {first.topic}: {reason!r}")


def _send_alone(connection: KafkaConnection, plan: WritingPlan, message: OutgoingMessage) -> None:
    """Sends and confirms one message; as long as its topic refuses it as too large, it is cut to half its size."""
    while True:
        try:
            send_message(connection, plan, message).get(timeout=plan.timeout_seconds)
        except MessageSizeTooLargeError as error:
            _drop_producer(connection, plan)
            limit_bytes = measure_message(message) // 2
            if limit_bytes < SMALLEST_LIMIT_BYTES:
                raise DeliveryFailedError(
                    f"{message.topic} refuses a message of {2 * limit_bytes} bytes; raise its max.message.bytes"
                ) from error
            log.warning("a message is too large for its topic and is cut", topic=message.topic, limit_bytes=limit_bytes)
            message = fit_message(message, limit_bytes, time.time())
        except KafkaError as error:
            _drop_producer(connection, plan)
            raise DeliveryFailedError(f"a message for {message.topic} was not confirmed: {error!r}") from error
        else:
            return


def _drop_producer(connection: KafkaConnection, plan: WritingPlan) -> None:
    """Ends a producer that failed: its idempotent sequence may be broken, the next message gets a new one."""
    producer = _producers.pop((connection, plan), None)
    if producer is not None:
        producer.close(timeout=0)


def send_all(
    connection: KafkaConnection, messages: Iterable[OutgoingMessage], plan: WritingPlan | None = None, rate_per_second: float = 0
) -> dict[str, int]:
    """Sends messages, at most `rate_per_second` of them when it is above 0, and returns how many went to each topic.

    Raises:
        DeliveryFailedError: when the broker did not confirm one.
    """
    plan = plan or WritingPlan()
    counts: dict[str, int] = {}
    sent: list[tuple[OutgoingMessage, Any]] = []
    started = time.monotonic()
    for number, message in enumerate(messages):
        if rate_per_second > 0:
            time.sleep(max(0.0, started + number / rate_per_second - time.monotonic()))
        fitting = fit_message(message, plan.limit_of(message.topic), time.time())
        sent.append((fitting, send_message(connection, plan, fitting)))
        counts[message.topic] = counts.get(message.topic, 0) + 1
        if len(sent) >= 500:  # noqa: PLR2004 - bounds what is kept for a second attempt
            confirm_messages(connection, plan, sent)
            sent = []
    confirm_messages(connection, plan, sent)
    return counts

"""The one producer of a process for a connection: several threads send by it, and it is replaced when it fails."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from connectors.kafka.connection import KafkaConnection, forbid_topic_creation, open_client
from connectors.kafka.fit_message import WritingPlan, fit_message, leave_out, measure_message

if TYPE_CHECKING:
    from transforms.records import OutgoingMessage

log = structlog.get_logger()

SMALLEST_LIMIT_BYTES = 2_000
BATCH_BYTES = 65_536


class DeliveryFailedError(Exception):
    """The broker did not confirm a message; the text says how many, the first topic and the reason."""


def open_producer(connection: KafkaConnection, plan: WritingPlan) -> KafkaProducer:
    """Opens a producer: idempotent, confirmed by all replicas.

    Raises:
        BrokerUnreachableError: when no broker answers, or it refuses the login.
    """
    producer = open_client(
        KafkaProducer, connection,
        acks="all", enable_idempotence=True, linger_ms=plan.linger_milliseconds, batch_size=BATCH_BYTES,
        compression_type=None if plan.compression == "none" else plan.compression,
        # Ours is the limit that counts; admit_message keeps it.
        max_request_size=2 * max([plan.limit_bytes, *dict(plan.topic_limits).values()]) + BATCH_BYTES,
        max_block_ms=10_000, request_timeout_ms=10_000,
        delivery_timeout_ms=max(int(plan.timeout_seconds * 1000), 15_000), metrics_enabled=False,
    )  # fmt: skip
    forbid_topic_creation(producer._sender._client)  # noqa: SLF001 - see there
    return producer


class SharedProducer:
    """The producer of a process, safe to be used by several threads."""

    def __init__(self, connection: KafkaConnection, plan: WritingPlan) -> None:
        self._connection = connection
        self._plan = plan
        self._lock = threading.Lock()
        self._producer: KafkaProducer | None = None

    def send(self, message: OutgoingMessage) -> Any:
        """Hands a message over and returns its future.

        Raises:
            DeliveryFailedError: when the topic cannot be found.
            BrokerUnreachableError: when there is no producer yet and no broker answers.
        """
        # The lock is held while sending too: no other thread closes the producer meanwhile.
        with self._lock:
            producer = self._producer = self._producer or open_producer(self._connection, self._plan)
            try:
                return producer.send(
                    message.topic, key=message.key, value=message.value, headers=list(message.headers),
                    timestamp_ms=message.timestamp_milliseconds,
                )  # fmt: skip
            except KafkaError as error:
                self._producer = None
                self._close_later(producer)
                raise DeliveryFailedError(f"{message.topic}: {error!r}; does the topic exist? `openweight topics` tells") from error

    def confirm(self, sent: list[tuple[OutgoingMessage, Any]]) -> None:
        """Returns when the broker has confirmed every message; `sent` are messages with their futures.

        Raises:
            DeliveryFailedError: when it has not within `timeout_seconds`; all messages may be sent again.
        """
        deadline = time.monotonic() + self._plan.timeout_seconds
        producer = self._producer
        if producer is not None:
            # Sends what lingers. What it says of failures is less than the futures say.
            with contextlib.suppress(KafkaError):
                producer.flush(timeout=self._plan.timeout_seconds)
        failed: list[tuple[OutgoingMessage, KafkaError]] = []
        for message, future in sent:
            try:
                future.get(timeout=max(deadline - time.monotonic(), 0.0))
            except KafkaError as error:
                failed.append((message, error))
        if not failed:
            return
        self._drop(producer)
        if any(isinstance(error, MessageSizeTooLargeError) for _, error in failed):
            # One refusal spoils the idempotent producer for its neighbours, so each goes alone.
            for message, _ in failed:
                self._send_alone(message)
            return
        first, reason = failed[0]
        raise DeliveryFailedError(f"{len(failed)} of {len(sent)} messages were not confirmed, the first for {first.topic}: {reason!r}")

    def _send_alone(self, message: OutgoingMessage) -> None:
        """Sends and confirms one message; one that its topic refuses as too large is cut to half its size, or left out."""
        while True:
            try:
                self.send(message).get(timeout=self._plan.timeout_seconds)
            except MessageSizeTooLargeError as error:
                self._drop(self._producer)
                limit_bytes = measure_message(message) // 2
                if not self._plan.may_cut(message.topic):
                    leave_out(message, limit_bytes)
                    return
                if limit_bytes < SMALLEST_LIMIT_BYTES:
                    raise DeliveryFailedError(
                        f"{message.topic} refuses a message of {2 * limit_bytes} bytes; raise its max.message.bytes"
                    ) from error
                log.warning("a message is too large for its topic and is cut", topic=message.topic, limit_bytes=limit_bytes)
                message = fit_message(message, limit_bytes, time.time())
            except KafkaError as error:
                self._drop(self._producer)
                raise DeliveryFailedError(f"a message for {message.topic} was not confirmed: {error!r}") from error
            else:
                return

    def _drop(self, producer: KafkaProducer | None) -> None:
        """Ends a producer that failed: its idempotent sequence may be broken, the next message gets a new one."""
        with self._lock:
            if producer is None or self._producer is not producer:
                return
            self._producer = None
        self._close_later(producer)

    def _close_later(self, producer: KafkaProducer) -> None:
        """Closes in a thread of its own: what other threads have on its way may still arrive."""
        options = {"timeout": self._plan.timeout_seconds}
        threading.Thread(target=_close, args=(producer,), kwargs=options, name="close-producer", daemon=True).start()


def _close(producer: KafkaProducer, timeout: float) -> None:
    try:
        producer.close(timeout=timeout)
    except KafkaError:
        # Flushing took too long: the second close gives up what is left.
        with contextlib.suppress(KafkaError):
            producer.close(timeout=0)


_producers: dict[tuple[KafkaConnection, WritingPlan], SharedProducer] = {}


def share_producer(connection: KafkaConnection, plan: WritingPlan) -> SharedProducer:
    """Returns the process's producer; making one opens nothing, and only the first of two that race is kept."""
    return _producers.get((connection, plan)) or _producers.setdefault((connection, plan), SharedProducer(connection, plan))

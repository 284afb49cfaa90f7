"""Makes a message fit what a broker takes: one that it can never take would be sent again for ever."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from transforms.metrics import REJECTED

if TYPE_CHECKING:
    from transforms.records import OutgoingMessage

log = structlog.get_logger()

# Length fields, record and batch headers: more than they take.
OVERHEAD_BYTES = 256
HEADER_OVERHEAD_BYTES = 10
TRUNCATED_HEADER = "openweight_truncated_from_bytes"
# Kafka 4 refuses timestamps more than an hour ahead (message.timestamp.after.max.ms).
FUTURE_MILLISECONDS = 3_000_000
# Labels of the metric of records set aside.
STAGE = "write"
TOO_LARGE = "too_large"


class WritingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to write. `limit_bytes` is the topics' max.message.bytes, `topic_limits` are those of topics with another.

    A larger message is cut to the limit when its topic ends in one of `cut_endings`: it holds bytes as received. On all other topics a cut
    message would be broken JSON, so it is left out, logged and counted.
    """

    linger_milliseconds: int = 5
    compression: str = "none"
    limit_bytes: int = 1_000_000
    topic_limits: tuple[tuple[str, int], ...] = (("openweight.rejected", 2_000_000),)
    cut_endings: tuple[str, ...] = (".rejected",)
    timeout_seconds: float = 60

    def limit_of(self, topic: str) -> int:
        return dict(self.topic_limits).get(topic, self.limit_bytes)

    def may_cut(self, topic: str) -> bool:
        return topic.endswith(self.cut_endings)


def admit_message(plan: WritingPlan, message: OutgoingMessage) -> OutgoingMessage | None:
    """Returns the message as its topic takes it, or None when it is too large and must not be cut; that is logged and counted."""
    limit_bytes = plan.limit_of(message.topic)
    if measure_message(message) > limit_bytes and not plan.may_cut(message.topic):
        leave_out(message, limit_bytes)
        return None
    return fit_message(message, limit_bytes, time.time())


def leave_out(message: OutgoingMessage, limit_bytes: int) -> None:
    """Logs and counts a message that is not sent."""
    REJECTED.labels(STAGE, TOO_LARGE).inc()
    log.error(
        "a message is too large for its topic and is left out", topic=message.topic, key=(message.key or b"")[:200],
        size_bytes=measure_message(message), limit_bytes=limit_bytes, fix="raise the topic's max.message.bytes",
    )  # fmt: skip


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

"""What becomes of a message in topics that are no broker's: its partition, and the record that is read again."""

from __future__ import annotations

import time
import zlib

from transforms.records import OutgoingMessage, Position, RawMessage


def choose_partition(key: bytes | None, count: int) -> int:
    """Returns the partition of a key among `count`; the first without a key."""
    return zlib.crc32(key) % count if key is not None else 0


def record_at(message: OutgoingMessage, position: Position) -> RawMessage:
    """Returns the message as it is read at `position`; without a time of its own it gets the present one."""
    timestamp = message.timestamp_milliseconds
    return RawMessage(
        position=position,
        timestamp_milliseconds=time.time_ns() // 1_000_000 if timestamp is None else timestamp,
        key=message.key,
        value=message.value,
        headers=message.headers,
    )

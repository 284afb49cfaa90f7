"""Lets kafka-python read records whose header names are not UTF-8.

kafka-python decodes header names strictly and then cannot pass the record: one such record would stop its partition for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint

if TYPE_CHECKING:
    from collections.abc import Callable


def mend_header_names(buffer: bytearray, position: int) -> None:
    """Replaces, in place, the bytes above 127 of the header names of the record at `position` by question marks.

    The layout is Kafka's record format, version 2: length, attributes, timestamp and offset deltas, key, value, headers.
    """
    for _ in range(4):
        _, position = decode_varint(buffer, position)
    for _ in range(2):
        length, position = decode_varint(buffer, position)
        position += max(length, 0)
    count, position = decode_varint(buffer, position)
    for _ in range(count):
        length, position = decode_varint(buffer, position)
        name = buffer[position : position + length]
        buffer[position : position + length] = bytes(byte if byte < 128 else ord("?") for byte in name)  # noqa: PLR2004 - ASCII ends there
        position += length
        length, position = decode_varint(buffer, position)
        position += max(length, 0)


def read_headers_leniently() -> None:
    """Makes kafka-python mend a record's header names instead of failing; calling it again changes nothing."""
    strict: Callable[[Any], Any] = DefaultRecordBatch._read_msg  # noqa: SLF001 - kafka-python offers no hook
    if getattr(strict, "is_lenient", False):
        return

    def read_record(batch: Any) -> Any:
        try:
            return strict(batch)
        except UnicodeDecodeError:
            # The checksum was compared before, and the batch is a copy of its own.
            mend_header_names(batch._buffer, batch._pos)  # noqa: SLF001 - see above
            return strict(batch)

    read_record.is_lenient = True  # type: ignore[attr-defined]
    DefaultRecordBatch._read_msg = read_record  # noqa: SLF001 - see above

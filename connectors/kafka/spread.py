"""Keys by which partitions spread evenly over the engine's subtasks.

Flink hands a key to one of KEY_GROUPS groups by a hash, and each subtask an equal range of groups. Eight partitions fell 5 to 3 on two
subtasks by their names alone: the suffix of a key is chosen so that its group is the one that evens them out, whatever the parallelism.
"""

from __future__ import annotations

import functools

# Never change it: state is spread over so many groups of keys, and one cannot be restored into another number.
KEY_GROUPS = 128
GROUP_BITS = 7
# No topic's name holds it.
MARK = "#"
WORD = 0xFFFFFFFF


@functools.cache
def spread_key(key: str) -> str:
    """Returns `topic/partition` with the suffix that puts it into its group; `plain_key` takes the suffix off.

    Successive partitions are put as far from each other as can be: their numbers with the bits in reverse order.
    """
    topic, _, partition = key.rpartition("/")
    place = (int(partition) + find_group(topic)) % KEY_GROUPS
    wanted = int(f"{place:0{GROUP_BITS}b}"[::-1], 2)
    return next(spread for number in range(100_000) if find_group(spread := f"{key}{MARK}{number}") == wanted)


def plain_key(key: str) -> str:
    return key.partition(MARK)[0]


def find_group(key: str) -> int:
    """Returns Flink's group of a key that Beam's runner hands it.

    java.nio.ByteBuffer.hashCode of the UTF-8 bytes behind their length, then MathUtils.murmurHash (org.apache.flink.util), as in
    KeyGroupRangeAssignment.assignToKeyGroup.
    """
    content = key.encode()
    code = 1
    for byte in reversed(_length(len(content)) + content):
        code = (31 * code + (byte - 256 if byte > 127 else byte)) & WORD  # noqa: PLR2004 - Java's bytes have a sign
    code = _rotate(code * 0xCC9E2D51, 15) * 0x1B873593 & WORD
    code = (_rotate(code, 13) * 5 + 0xE6546B64 & WORD) ^ 4
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        code = (code ^ code >> shift) * factor & WORD
    # The amount of a signed number; that of the smallest is none.
    amount = code if code < 1 << 31 else (1 << 32) - code
    return amount % KEY_GROUPS if amount < 1 << 31 else 0


def _rotate(code: int, bits: int) -> int:
    code &= WORD
    return (code << bits | code >> 32 - bits) & WORD


def _length(number: int) -> bytes:
    """Seven bits a byte, the lowest first, as Beam writes the length of what stands inside something else."""
    written = b""
    while number > 127:  # noqa: PLR2004 - seven bits
        written += bytes([number & 127 | 128])
        number >>= 7
    return written + bytes([number])

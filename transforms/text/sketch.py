"""A small sketch of a text by which copies of it are known, however a paper trimmed or wrapped them.

MinHash over runs of characters (Broder 1997), 64 values of 16 bits. Sketches lie in state and on topics for months, so the hash is pinned
here: the library rensa gives other values for the same text and seed from one release to the next.
"""

from __future__ import annotations

import hashlib

import numpy as np

from transforms.text.compose import compose

SIZE = 64
# Runs of so many letters and digits; short enough for scripts that write a word with two characters.
RUN_CHARACTERS = 5
LIMIT_CHARACTERS = 20_000
# Texts with fewer letters have too few runs to be told apart.
LEAST_CHARACTERS = 60


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")


_FACTORS = np.array([_hash(f"factor {i}") | 1 for i in range(SIZE)], np.uint64)
_TERMS = np.array([_hash(f"term {i}") for i in range(SIZE)], np.uint64)


def sketch_text(text: str) -> bytes:
    """128 bytes; empty for a text that is too short to be told from others."""
    letters = "".join(character for character in compose(text[:LIMIT_CHARACTERS]).casefold() if character.isalnum())
    if len(letters) < LEAST_CHARACTERS:
        return b""
    runs = {letters[i : i + RUN_CHARACTERS] for i in range(len(letters) - RUN_CHARACTERS + 1)}
    hashes = np.array(
        [int.from_bytes(hashlib.blake2b(run.encode("utf-8", "replace"), digest_size=8).digest(), "little") for run in sorted(runs)],
        np.uint64,
    )
    # Multiplication wraps around on purpose: the upper bits of a multiply-add are a universal hash.
    lowest = np.array([(hashes * factor + term).min() for factor, term in zip(_FACTORS, _TERMS, strict=True)], np.uint64)
    return (lowest >> np.uint64(20)).astype("<u2").tobytes()


def resemblance(first: bytes, second: bytes) -> float:
    """The share of runs that two texts have in common (Jaccard), 0 to 1, give or take 0.06; 0 when one has no sketch."""
    if len(first) != 2 * SIZE or len(second) != 2 * SIZE:
        return 0.0
    return float(np.mean(np.frombuffer(first, "<u2") == np.frombuffer(second, "<u2")))

"""Folding: two spellings of one word become the same text, with a way back to the offsets of the original.

Every character becomes one character or none: case, full-width forms, Greek accents, Arabic and Devanagari spelling variants,
zero-width characters, marks that only decorate.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

# Zero-width characters, soft hyphen, Arabic tatweel and short vowels, the Devanagari nukta: the word is the same without them.
DROPPED = frozenset(
    [0x00AD, 0x0640, 0x093C, 0x09BC, 0x0A3C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A),
     *range(0x0591, 0x05C8), *range(0x064B, 0x0656), *range(0x0300, 0x0370)]
)  # fmt: skip
# One letter of these is written for the other.
SAME = {
    "ی": "ي", "ى": "ي", "ې": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ة": "ه", "ە": "ه", "ۀ": "ه", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا",
    "ँ": "ं", "ё": "е", "ı": "i", "ς": "σ", "’": "'", "‘": "'", "·": "・", "‐": "-", "‑": "-", "–": "-", "—": "-",
    "\u00a0": " ", "\u202f": " ", "\u3000": " ", "\n": " ", "\t": " ", "\r": " ",
}  # fmt: skip
ACCENTED_SCRIPTS = ("GREEK",)
SURROGATES = ("\ud800", "\udfff")
REPLACEMENT = "\ufffd"
# First and last code point of the full-width forms, and of the Devanagari letters that have their nukta inside.
FULL_WIDTH = (0xFF00, 0xFFEF)
WITH_NUKTA = (0x0958, 0x095F)


class _Table(dict[int, str]):
    """Filled as characters are met: most texts use a few hundred of them."""

    def __missing__(self, code: int) -> str:
        folded = "" if code in DROPPED else _fold_character(chr(code))
        self[code] = folded
        return folded


def _fold_character(character: str) -> str:
    if SURROGATES[0] <= character <= SURROGATES[1]:
        # The automaton reads UTF-8, and half a character has none.
        return REPLACEMENT
    character = SAME.get(character, character)
    if any(first <= ord(character) <= last for first, last in (FULL_WIDTH, WITH_NUKTA)):
        character = unicodedata.normalize("NFKD", character)[:1]
    lower = character.lower()
    if len(lower) != 1:
        lower = lower[:1]
    if unicodedata.name(lower, "").startswith(ACCENTED_SCRIPTS):
        lower = unicodedata.normalize("NFD", lower)[:1]
    return SAME.get(lower, lower)


_table = _Table()
_DROPPED_PATTERN = re.compile(f"[{re.escape(''.join(map(chr, sorted(DROPPED))))}]")


@dataclass(frozen=True)
class Folded:
    """A folded text; `gaps[k]` is the place in it before which the k-th dropped character stood."""

    text: str
    gaps: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original that `text[start:end]` (not empty) came from, without what was dropped behind them."""
        if not self.gaps:
            return start, end
        return start + bisect_right(self.gaps, start), end + bisect_right(self.gaps, end - 1)


def fold(text: str) -> Folded:
    """Linear in the text's length; never raises."""
    folded = text.translate(_table)
    if len(folded) == len(text):
        return Folded(folded, [])
    return Folded(folded, [found.start() - number for number, found in enumerate(_DROPPED_PATTERN.finditer(text))])

"""Folding: two spellings of one word become the same text, with a way back to the offsets of the original.

Every character becomes one character or none: case, full-width forms, Greek accents, Arabic and Devanagari spelling variants,
zero-width characters, marks that only decorate, letters in parts (NFD), spaces behind a space.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

from transforms.text.compose import FILLER, compose

# Zero-width characters, soft hyphen, Arabic tatweel and short vowels, the Devanagari nukta: the word is the same without them.
DROPPED = frozenset(
    [0x00AD, 0x0640, 0x093C, 0x09BC, 0x0A3C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A),
     *range(0x0591, 0x05C8), *range(0x064B, 0x0656), *range(0x0300, 0x0370)]
)  # fmt: skip
# One letter of these is written for the other.
SAME = {
    "ی": "ي", "ى": "ي", "ې": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ة": "ه", "ە": "ه", "ۀ": "ه", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا",
    "\u0929": "न", "\u0931": "र", "\u0934": "ळ",
    "ँ": "ं", "ё": "е", "ı": "i", "ς": "σ", "’": "'", "‘": "'", "·": "・", "‐": "-", "‑": "-", "–": "-", "—": "-",
    "\u00a0": " ", "\u202f": " ", "\u3000": " ", "\n": " ", "\t": " ", "\r": " ",
}  # fmt: skip
ACCENTED_SCRIPTS = ("GREEK",)
SURROGATES = ("\ud800", "\udfff")
REPLACEMENT = "\ufffd"
# First and last code point of the full-width forms, and of the Devanagari letters that have their nukta inside.
FULL_WIDTH = (0xFF00, 0xFFEF)
WITH_NUKTA = (0x0958, 0x095F)
MOST_REMEMBERED = 50_000


class FoldTable(dict[int, str]):
    """Filled as characters are met: most texts use a few hundred of them, and at most `most` are remembered."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        super().__init__()
        self._most = most

    def __missing__(self, code: int) -> str:
        folded = "" if code in DROPPED else _fold_character(chr(code))
        if len(self) < self._most:
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


_table = FoldTable()
_DROPPED_PATTERN = re.compile(f"[{re.escape(''.join(map(chr, sorted(DROPPED))))}]")
_SPACES = re.compile("[ \u00a0\u202f\u3000\n\t\r]{2,}")
_JOINED = re.compile(f"{FILLER}+")


@dataclass(frozen=True)
class Folded:
    """A folded text; `gaps[k]` is the place in it before which the k-th dropped character stood.

    `joined`: place in the original -> how many characters behind it are part of the letter there.
    """

    text: str
    gaps: list[int]
    joined: dict[int, int] = field(default_factory=dict)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original that `text[start:end]` (not empty) came from, without what was dropped behind them."""
        if not self.gaps:
            return start, end
        last = end + bisect_right(self.gaps, end - 1)
        return start + bisect_right(self.gaps, start), last + self.joined.get(last - 1, 0)


def fold(text: str) -> Folded:
    """Linear in the text's length; never raises."""
    plain = _SPACES.sub(_one_space, compose(text))
    folded = plain.translate(_table)
    if len(folded) == len(text):
        return Folded(folded, [])
    gaps = [found.start() - number for number, found in enumerate(_DROPPED_PATTERN.finditer(plain))]
    return Folded(folded, gaps, {found.start() - 1: len(found.group()) for found in _JOINED.finditer(plain)})


def _one_space(found: re.Match[str]) -> str:
    """One space and fillers; an empty line stays, since no name goes on behind it."""
    spaces = found.group()
    return spaces if spaces.count("\n") > 1 else " ".ljust(len(spaces), FILLER)

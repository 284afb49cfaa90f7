"""Letters whose accents, vowel signs or syllable parts are characters of their own (NFD), put together without moving any offset."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

# Stands where a character was joined to the one before it; unassigned, and left out by `fold`.
FILLER = "\u2065"
# On a letter; a longer row only decorates, and sorting it costs its square.
MOST_MARKS = 30
LAST_CODE = 0x3100
PAIR = 2
DECORATING = frozenset(map(chr, range(0x0300, 0x0370)))
HANGUL = "[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"


@cache
def _pattern() -> re.Pattern[str]:
    """A letter and what Unicode may join to it."""
    joined = (chr(code) for code in range(LAST_CODE) if unicodedata.is_normalized("NFC", chr(code)))
    pairs = [parts for one in joined if len(parts := unicodedata.decomposition(one).split()) == PAIR and parts[0][0] != "<"]
    letters, marks = ({chr(int(pair[place], 16)) for pair in pairs} for place in range(PAIR))
    first, behind = (re.escape("".join(sorted(found))) for found in (letters, marks | DECORATING))
    return re.compile(f"{HANGUL}|[{first}][{behind}]{{1,{MOST_MARKS}}}")


def compose(text: str) -> str:
    """The text with every such letter as one character and FILLER for each that is gone: of the same length, linear, never raises.

    Of several marks on one letter those that Unicode has no letter for are gone too.
    """
    return _pattern().sub(_join, text)


def _join(found: re.Match[str]) -> str:
    return _composed(found.group())


@lru_cache(maxsize=4096)
def _composed(letter: str) -> str:
    return unicodedata.normalize("NFC", letter)[0].ljust(len(letter), FILLER)

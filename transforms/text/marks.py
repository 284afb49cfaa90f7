"""Marks of a text that are the same in every language: its numbers, and its names in Latin script.

They tell whether two articles speak of the same thing without translating either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LIMIT_MARKS = 60
LIMIT_MARK_CHARACTERS = 60
# A number that begins so differs only by who counts: 20,000 and "20 thousand", 640 billion and 6400億.
_NUMBER = re.compile(r"\d+(?:[.,'\u00a0\u202f\u066b\u066c]\d+)*")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[.\-+^][A-Za-z0-9]+)*")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
# Of a text's letters so many are Latin when the text is written in it.
LATIN_SHARE = 0.5
# What every article on the subject holds says nothing.
_EVERYWHERE = frozenset({"ai", "api", "ki", "ia", "llm", "eu", "us", "usa", "uk", "ue", "un", "ceo", "com", "www", "http", "https"})
NUMBER_PREFIX = "#"


def find_marks(text: str) -> tuple[str, ...]:
    """Numbers as `#` and their digits without zeros at the end, and folded Latin names; sorted, each once, LIMIT_MARKS at most.

    In text of another script every Latin word is a name; in Latin script only what no common word looks like: with a digit inside, or
    with a capital behind its first letter.
    """
    marks = {f"{NUMBER_PREFIX}{digits}" for found in _NUMBER.finditer(text) if (digits := _significant_digits(found.group()))}
    is_latin = _is_latin(text)
    for found in _LATIN.finditer(text):
        name = found.group()
        if (not is_latin or _is_name(name)) and len(name) > 1 and name.lower() not in _EVERYWHERE:
            marks.add(name.lower())
    return tuple(sorted(mark for mark in marks if len(mark) <= LIMIT_MARK_CHARACTERS)[:LIMIT_MARKS])


def mark_weight(mark: str) -> float:
    """How much two texts have in common that share this mark: a number of one digit may be anything."""
    if not mark.startswith(NUMBER_PREFIX):
        return 0.5
    digits = len(mark) - len(NUMBER_PREFIX)
    return 0.2 if digits == 1 else 0.6 if digits == 2 else 0.9  # noqa: PLR2004 - the table is the line


def strong_numbers(marks: Iterable[str]) -> frozenset[str]:
    """Those of the marks that are numbers of two digits or more: which one it is can hardly be chance."""
    return frozenset(mark for mark in marks if mark.startswith(NUMBER_PREFIX) and len(mark) > len(NUMBER_PREFIX) + 1)


def _significant_digits(number: str) -> str:
    digits = "".join(str(unicodedata.digit(character, "")) for character in number)
    return digits.strip("0")


def _is_latin(text: str) -> bool:
    letters = _LETTER_OR_DIGIT.findall(text)
    return sum(letter < "\u0250" for letter in letters) >= LATIN_SHARE * len(letters)


def _is_name(word: str) -> bool:
    return any(character.isupper() or character.isdigit() for character in word[1:])

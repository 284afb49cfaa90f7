r"""Finding many words at once, in any script: one pass over the folded text, then each hit's borders are looked at.

`\\b` and `isalnum()` cut Indic words at their vowel signs; some scripts write without spaces, others put particles before or case endings
behind a name. What may stand beside a word is a table by script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import ahocorasick_rs

from transforms.text.fold import Folded, fold
from transforms.text.scripts import script_of

# Scripts written without spaces: a word may begin and end anywhere.
UNSPACED = frozenset({"Han", "Thai", "Lao", "Khmer", "Myanmar"})
# How many letters of a case ending or particle may follow a name.
ENDING_LETTERS = {
    "Cyrillic": 3, "Armenian": 4, "Georgian": 5, "Ethiopic": 2, "Devanagari": 3, "Bengali": 4, "Gurmukhi": 3, "Gujarati": 4, "Odia": 4,
    "Tamil": 8, "Telugu": 7, "Kannada": 8, "Malayalam": 8, "Sinhala": 5, "Hangul": 4, "Arabic": 3, "Hebrew": 0, "Greek": 2, "Latin": 0,
}  # fmt: skip
# Particles that are written together with the word behind them.
PARTICLES = {
    "Arabic": frozenset({"و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "فال", "كال", "لل", "ولل", "وب", "ول", "س"}),
    "Hebrew": frozenset({"ה", "ב", "ל", "מ", "ש", "ו", "כ", "וה", "שה", "מה", "בה", "כש", "וב", "ול", "שב"}),
}
LONGEST_PARTICLE = 3
# Behind a stem any ending may follow.
STEM_ENDING_LETTERS = 12
# Shorter names take no ending: too many other words begin like them.
LEAST_LETTERS_FOR_ENDING = 3


class Match(NamedTuple):
    """Where a pattern was found, as offsets into the original text; `pattern` is its index."""

    start: int
    end: int
    pattern: int


class Matcher:
    """Finds patterns as whole words. A pattern that ends with `*` is a stem: any ending may follow."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._is_stem = [pattern.endswith("*") for pattern in patterns]
        folded = [fold(pattern.removesuffix("*")).text for pattern in patterns]
        empty = [pattern for pattern, text in zip(patterns, folded, strict=True) if not text.strip()]
        if empty:
            raise ValueError(f"these patterns have no letters: {empty[:5]}")
        # Several names may share a spelling: the automaton holds it once.
        self._patterns_of: list[list[int]] = []
        spelling_of: dict[str, int] = {}
        for pattern, text in enumerate(folded):
            spelling = spelling_of.setdefault(text, len(spelling_of))
            if spelling == len(self._patterns_of):
                self._patterns_of.append([])
            self._patterns_of[spelling].append(pattern)
        self._automaton = ahocorasick_rs.AhoCorasick(list(spelling_of), store_patterns=False)

    def find(self, text: Folded) -> list[Match]:
        """All matches with proper borders, overlapping ones too, by start and then by length."""
        found = []
        for spelling, start, end in self._automaton.find_matches_as_indexes(text.text, overlapping=True):
            if not _begins_word(text.text, start):
                continue
            ending = _ending_letters(text.text, end)
            for pattern in self._patterns_of[spelling]:
                if self._may_end(text.text, start, end, ending, is_stem=self._is_stem[pattern]):
                    found.append(Match(*text.original(start, end), pattern))
        found.sort(key=lambda match: (match.start, -match.end))
        return found

    @staticmethod
    def _may_end(text: str, start: int, end: int, ending: int, *, is_stem: bool) -> bool:
        if ending == 0:
            return True
        script = script_of(text[end - 1])
        if is_stem:
            return ending <= STEM_ENDING_LETTERS
        return end - start >= LEAST_LETTERS_FOR_ENDING and ending <= ENDING_LETTERS.get(script, 0)


def _is_same_word(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word: same script, and a script that has words."""
    left_script = script_of(left)
    if not left_script:
        return left.isdigit() and right.isdigit()
    return left_script == script_of(right) and left_script not in UNSPACED


def _begins_word(text: str, start: int) -> bool:
    if start == 0 or not _is_same_word(text[start - 1], text[start]):
        return True
    particles = PARTICLES.get(script_of(text[start]))
    if particles is None:
        return False
    first = start
    while first > 0 and start - first <= LONGEST_PARTICLE and _is_same_word(text[first - 1], text[start]):
        first -= 1
    return text[first:start] in particles


def _ending_letters(text: str, end: int) -> int:
    """How many letters of the same word follow; counted no further than a stem's ending may be long."""
    last = end
    while last < len(text) and last - end <= STEM_ENDING_LETTERS and _is_same_word(text[end - 1], text[last]):
        last += 1
    return last - end

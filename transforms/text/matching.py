"""Finding many words at once, in any script: one pass over the folded text, then each hit's borders are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import ahocorasick_rs

from transforms.text.borders import STEM_ENDING_LETTERS, begins_word, ending_letters, may_take_ending
from transforms.text.fold import Folded, fold

STEM = "*"


class Match(NamedTuple):
    """Where a pattern was found, as offsets into the original text; `pattern` is its index.

    `end` is where the pattern ends, `word_end` where the word does, with its case ending.
    """

    start: int
    end: int
    pattern: int
    word_end: int


class Matcher:
    """Finds patterns as whole words. A pattern that ends with `*` is a stem: any ending may follow."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Takes the patterns; ValueError when one has no letters."""
        self._is_stem = [pattern.endswith(STEM) for pattern in patterns]
        folded = [fold(pattern.removesuffix(STEM)).text for pattern in patterns]
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
        folded = text.text
        found = []
        for spelling, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if not begins_word(folded, start):
                continue
            ending = ending_letters(folded, end)
            may_end = ending == 0 or may_take_ending(folded, start, end, ending)
            for pattern in self._patterns_of[spelling]:
                if may_end or (self._is_stem[pattern] and ending <= STEM_ENDING_LETTERS):
                    first, last = text.original(start, end)
                    word_end = text.original(start, end + ending)[1] if ending else last
                    found.append(Match(first, last, pattern, word_end))
        found.sort(key=lambda match: (match.start, -match.end))
        return found

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
UNSPACED = frozenset({"Han", "Hiragana", "Thai", "Lao", "Khmer", "Myanmar"})
FIRST_KATAKANA = "\u30a0"
# How many letters of a case ending or particle may follow a name.
ENDING_LETTERS = {
    "Armenian": 4, "Georgian": 5, "Ethiopic": 2, "Devanagari": 3, "Bengali": 4, "Gurmukhi": 3, "Gujarati": 4, "Odia": 4,
    "Tamil": 8, "Telugu": 7, "Kannada": 8, "Malayalam": 8, "Sinhala": 5, "Hangul": 4, "Greek": 2,
}  # fmt: skip
# Particles that are written together with the word behind them.
PARTICLES = {
    "Arabic": frozenset({"و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "فال", "كال", "لل", "ولل", "وب", "ول", "س"}),
    "Hebrew": frozenset({"ה", "ב", "ל", "מ", "ש", "ו", "כ", "וה", "שה", "מה", "בה", "כש", "וב", "ול", "שב"}),
}
LONGEST_PARTICLE = 3
# What may follow a name too short for the rule above.
SHORT_NAME_ENDINGS = {
    "Hangul": frozenset({
        "은", "는", "이", "가", "을", "를", "의", "에", "와", "과", "도", "만", "로", "으로", "에서", "에게", "측", "측은", "측이", "부터", "까지",
        "처럼", "보다", "에는", "에서는", "에선", "에도", "와의", "과의", "로부터", "나", "이나", "라고", "라는", "사", "사는", "사의", "사가",
    }),
}  # fmt: skip
# The case endings of names, where a rule by length would let other words in: "Llamada", "байдуже".
LATIN_ENDINGS = frozenset(
    # German and English, Finnish, Estonian, Hungarian, Polish, Czech, South Slavic, Turkic, Romanian, Indonesian
    "s n in en nin nın nun nün ın un ün a u em om ie ów owi owie ovi e y i ą ę ou iem ga ni da də dan dən nda ndə ning lla llä lta ltä lle ssa "
    "ssä sta stä aan ään han hän ia iä t nak nek ban ben ból ből tól től val vel nál nél hoz hez ra re ról ről nal nel ot et ul ului nya".split()
)
CYRILLIC_ENDINGS = frozenset(
    "а у ом е ы и ой ою ей ею я ю ем ём ам ами ах ов ев і ії ї ові еві ів єм ією їв ий ого ому им ым ому ая ую ую ът та то ит ите "
    "ға ге ке қа да де та те ны ні нің дың дің тың тің дан ден тан тен".split()
)
LISTED_ENDINGS = {"Latin": LATIN_ENDINGS, "Cyrillic": CYRILLIC_ENDINGS}
LEAST_LETTERS_FOR_LISTED_ENDING = {"Latin": 5, "Cyrillic": 3}
# Scripts in which people take a name together with its ending; in the others they cut it off.
ENDING_BELONGS_TO_NAME = frozenset(
    {"Cyrillic", "Armenian", "Georgian", "Greek", "Latin", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala"}
)
# Behind a stem any ending may follow.
STEM_ENDING_LETTERS = 12
# Shorter names take no ending: too many other words begin like them.
LEAST_LETTERS_FOR_ENDING = 3


class Match(NamedTuple):
    """Where a pattern was found, as offsets into the original text; `pattern` is its index.

    `end` is where the pattern ends, `word_end` where the word with its ending does.
    """

    start: int
    end: int
    pattern: int
    word_end: int


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
        folded = text.text
        found = []
        for spelling, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if not _begins_word(folded, start):
                continue
            ending = _ending_letters(folded, end)
            may_end_as_name = ending == 0 or _may_take_ending(folded, start, end, ending)
            for pattern in self._patterns_of[spelling]:
                if may_end_as_name or (self._is_stem[pattern] and ending <= STEM_ENDING_LETTERS):
                    first, last = text.original(start, end)
                    word_end = last if ending == 0 else text.original(start, end + ending)[1]
                    found.append(Match(first, last, pattern, word_end))
        found.sort(key=lambda match: (match.start, -match.end))
        return found


def surface_end(text: str, match: Match) -> int:
    """Where the name ends as people mark it: with its case ending in Russian or Tamil, without the particle in Korean or Marathi."""
    return match.word_end if word_script(text[match.end - 1]) in ENDING_BELONGS_TO_NAME else match.end


def word_script(character: str) -> str:
    """The script of a letter; hiragana, which stands between words, apart from katakana, which spells them."""
    script = script_of(character)
    return "Hiragana" if script == "Kana" and character < FIRST_KATAKANA else script


def _may_take_ending(text: str, start: int, end: int, ending: int) -> bool:
    """Whether the letters behind a name may be its case ending or particle."""
    script = word_script(text[end - 1])
    if script in LISTED_ENDINGS:
        return end - start >= LEAST_LETTERS_FOR_LISTED_ENDING[script] and text[end : end + ending] in LISTED_ENDINGS[script]
    if end - start >= LEAST_LETTERS_FOR_ENDING:
        return ending <= ENDING_LETTERS.get(script, 0)
    return text[end : end + ending] in SHORT_NAME_ENDINGS.get(script, ())


def _is_same_word(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word: same script, and a script that has words."""
    left_script = word_script(left)
    if not left_script:
        return left.isdigit() and right.isdigit()
    return left_script == word_script(right) and left_script not in UNSPACED


def _begins_word(text: str, start: int) -> bool:
    if start == 0 or not _is_same_word(text[start - 1], text[start]):
        return True
    particles = PARTICLES.get(word_script(text[start]))
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

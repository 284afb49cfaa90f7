r"""Where words begin and end, in any script.

`\\b` and `isalnum()` cut Indic words at their vowel signs; some scripts write without spaces, others put particles before or case endings
behind a name. What may stand beside a name is a table by script.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources
from typing import NamedTuple

from transforms.text.fold import DROPPED, fold
from transforms.text.scripts import script_of

# Scripts written without spaces: a word may begin and end anywhere.
UNSPACED = frozenset({"Han", "Hiragana", "Thai", "Lao", "Khmer", "Myanmar"})
# Names in these are written without spaces between their parts; "Kana" and "Hangul" as `word_script` calls them.
UNSPACED_NAMES = frozenset({"Han", "Hiragana", "Kana", "Hangul"})
FIRST_KATAKANA = "\u30a0"
# How many letters of a case ending may follow a name, in scripts without a list in transforms/languages/endings.tsv.
ENDING_LETTERS = {
    "Armenian": 4, "Georgian": 5, "Ethiopic": 2, "Tamil": 8, "Telugu": 7, "Kannada": 8, "Malayalam": 8, "Sinhala": 5, "Greek": 2,
}  # fmt: skip
# Shorter names take no such ending: too many other words begin like them.
LEAST_LETTERS_FOR_ANY_ENDING = 3
# Particles that are written together with the word behind them.
PARTICLES = {
    "Arabic": frozenset({"و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "فال", "كال", "لل", "ولل", "وب", "ول"}),
    "Hebrew": frozenset({"ה", "ב", "ל", "מ", "ש", "ו", "כ", "וה", "שה", "מה", "בה", "כש", "וב", "ול", "שב"}),
}
LONGEST_PARTICLE = 3
# Behind a stem any ending may follow, so long at most.
STEM_ENDING_LETTERS = 12
# Scripts in which people take a name together with its ending; in the others they cut it off.
ENDING_BELONGS_TO_NAME = frozenset(
    {"Cyrillic", "Armenian", "Georgian", "Greek", "Latin", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala"}
)  # fmt: skip


class Endings(NamedTuple):
    """The case endings of names in a script, folded, behind names of so many letters."""

    least_letters: int
    endings: frozenset[str]


@cache
def listed_endings() -> dict[str, Endings]:
    """Script -> endings, where a rule by length would let other words in: "Llamada", "байдуже", "메타버스"."""
    lines = (resources.files("transforms") / "languages" / "endings.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {script: Endings(int(least), frozenset(fold(endings).text.split())) for script, least, endings in rows}


def word_script(character: str) -> str:
    """The script of a letter; hiragana, which stands between words, apart from katakana, which spells them."""
    script = script_of(character)
    return "Hiragana" if script == "Kana" and character < FIRST_KATAKANA else script


def is_same_word(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word: same script, and a script that has words."""
    script = word_script(left)
    if not script:
        return left.isdigit() and right.isdigit()
    return script == word_script(right) and script not in UNSPACED


def begins_word(text: str, start: int) -> bool:
    """Whether a word may begin here, behind a particle too."""
    if start == 0 or not is_same_word(text[start - 1], text[start]):
        return True
    particles = PARTICLES.get(word_script(text[start]))
    if particles is None:
        return False
    first = start
    while first > 0 and start - first <= LONGEST_PARTICLE and is_same_word(text[first - 1], text[start]):
        first -= 1
    return text[first:start] in particles


def ending_letters(text: str, end: int) -> int:
    """How many letters of the same word follow; counted no further than just past what a stem may have."""
    last = end
    while last < len(text) and last - end <= STEM_ENDING_LETTERS and is_same_word(text[end - 1], text[last]):
        last += 1
    return last - end


def may_take_ending(text: str, start: int, end: int, ending: int) -> bool:
    """Whether the `ending` letters behind the name `text[start:end]` may be its case ending or particle."""
    script = word_script(text[end - 1])
    listed = listed_endings().get(script)
    if listed is not None:
        return end - start >= listed.least_letters and text[end : end + ending] in listed.endings
    return end - start >= LEAST_LETTERS_FOR_ANY_ENDING and ending <= ENDING_LETTERS.get(script, 0)


def surface_end(text: str, end: int, word_end: int) -> int:
    """Where a name ends as people mark it: with its case ending in Russian or Tamil, without the particle in Korean or Marathi."""
    last = word_end if word_script(text[end - 1]) in ENDING_BELONGS_TO_NAME else end
    # Folding drops the dot of য়, which is part of the letter.
    while last < len(text) and ord(text[last]) in DROPPED and unicodedata.category(text[last]) == "Mn":
        last += 1
    return last

"""Abbreviations that other scripts spell letter by letter, as the letters are called in English: बीएसएनएल is BSNL, বিটিআরসি BTRC."""

from __future__ import annotations

import re
import string
from functools import cache
from importlib import resources

from transforms.text.borders import listed_endings, word_script
from transforms.text.fold import fold

# Two such syllables are a word as well.
LEAST_LETTERS = 3


@cache
def letter_names() -> dict[str, str]:
    """What letters are called, folded -> the letter (transforms/languages/letter_names.tsv)."""
    lines = (resources.files("transforms") / "languages" / "letter_names.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t")[1].split() for line in lines)
    names = ((fold(name).text, letter) for row in rows for name, letter in zip(row, string.ascii_uppercase, strict=True))
    return dict(names)


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, letter_names()), key=len, reverse=True)))


def abbreviation(word: str, least_letters: int = LEAST_LETTERS) -> str:
    """The abbreviation in capitals; "" when the word is not a row of at least `least_letters` names of letters.

    A case ending behind it is left out: বিটিআরসির is BTRC.
    """
    folded = fold(word).text
    listed = listed_endings().get(word_script(folded[0])) if folded else None
    for ending in ("", *(sorted(listed.endings) if listed else ())):
        text = folded.removesuffix(ending)
        names = _pattern().findall(text) if ending in ("", folded[len(text) :]) else []
        if len(names) >= least_letters and "".join(names) == text:
            return "".join(letter_names()[name] for name in names)
    return ""

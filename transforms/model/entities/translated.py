"""Names that are half a word, half a name: Universidad de Antofagasta is the University of Antofagasta, Plataforma Estante is Estante."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import NamedTuple

NAME = "*"
# What else has more than one word inside is mostly made of words: Türkiye Bilişim Vakfı.
OF_ANY_LENGTH = frozenset({NAME, "University of *", "* University", "* Cooperative"})


class Translated(NamedTuple):
    """The name inside, and how English says the whole of it, with `*` for the name."""

    name: str
    english: str


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Whole names -> English (transforms/languages/translated_names.tsv), the longest first."""
    lines = (resources.files("transforms") / "languages" / "translated_names.tsv").read_text("utf-8").splitlines()[1:]
    rows = [(form, english) for english, forms in (line.split("\t") for line in lines) for form in forms.split(" | ")]
    rows.sort(key=lambda row: -len(row[0]))
    return tuple((re.compile(re.escape(form).replace(r"\*", "(.{2,40})") + "$"), english) for form, english in rows)


def translated(surface: str) -> Translated | None:
    """The name in a surface with a word for what it is before or behind it; None when it is no such name or made of words alone."""
    for pattern, english in _patterns():
        found = pattern.match(surface)
        if found and _is_name(found.group(1)):
            name = found.group(1).strip(' «»„“"')
            return Translated(name, english) if english in OF_ANY_LENGTH or " " not in name else None
    return None


def _is_name(text: str) -> bool:
    """Whether each word begins with a capital, in scripts that have them."""
    words = text.split()
    return all(
        not (unicodedata.category(word[0]) == "Ll" and unicodedata.name(word[0]).startswith(("LATIN", "CYRILLIC"))) for word in words
    )

"""Names of people without their titles, given name first."""

from __future__ import annotations

from functools import cache
from importlib import resources

HUNGARIAN = "hu"
# More are no surname.
MOST_SURNAMES = 2


@cache
def _words(file: str) -> frozenset[str]:
    return frozenset((resources.files("transforms") / "languages" / file).read_text("utf-8").split())


def plain_person(name: str, language: str) -> str:
    """The name without a title before it, in Hungarian texts in the order of English: Orbán Viktor is Viktor Orbán."""
    first, _, rest = name.partition(" ")
    name = rest if rest and first.strip(".").lower() in _words("titles.txt") else name
    given_names = _words("given_names_hu.txt") if language == HUNGARIAN else frozenset()
    *surnames, given = name.split(" ")
    is_turned = given in given_names and 1 <= len(surnames) <= MOST_SURNAMES and surnames[0] not in given_names
    return f"{given} {' '.join(surnames)}" if is_turned else name

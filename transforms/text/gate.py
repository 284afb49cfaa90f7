"""The gate: which articles are worth the encoder's time.

Broad on purpose: an article passes when it is about AI at all and has any word of opening, closing, licences, rules or downloads, in any
language. The words are data, one file a language in transforms/languages/terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import NamedTuple

from transforms.records import EntityType
from transforms.text.gazetteer import Name

COLUMNS = ["class", "term"]
CASE_SENSITIVE = "="
# So many different hints are worth a look.
LEAST_HINTS = 2
# Hints that begin alike are one word in two forms, or one word that two languages share.
HINT_LETTERS = 4


class TermClass(StrEnum):
    """What a term says of an article.

    AI: it is about AI. MODEL: the word model, which is also one of fashion and cars. HINT: it may be about software. OPENNESS: it tells of
    opening, closing, licences, rules, downloads.
    """

    AI = "ai"
    MODEL = "model"
    HINT = "hint"
    OPENNESS = "openness"


class Term(NamedTuple):
    """A word of the gate; ends with `*` when it is a stem."""

    spelling: str
    term_class: TermClass
    is_case_sensitive: bool


class Hit(NamedTuple):
    """Where a term begins in the content."""

    start: int
    term: Term


@cache
def read_terms() -> tuple[Term, ...]:
    """All terms of transforms/languages/terms, each once.

    Raises:
        ValueError: a line is not as the header says; names the file and the line.
    """
    folder = resources.files("transforms") / "languages" / "terms"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".tsv")), key=lambda file: file.name)
    return tuple(dict.fromkeys(term for file in files for term in parse_terms(file.name, file.read_text("utf-8"))))


def parse_terms(file: str, text: str) -> list[Term]:
    """The terms of one file.

    Raises:
        ValueError: a line is not as the header says.
    """
    lines = text.splitlines()
    if not lines or lines[0].split("\t") != COLUMNS:
        raise ValueError(f"{file}:1: the header must be {' TAB '.join(COLUMNS)}")
    terms = []
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) != len(COLUMNS) or fields[0] not in set(TermClass) or not fields[1].strip():
            raise ValueError(f"{file}:{number}: {line[:60]!r} is not a class ({', '.join(TermClass)}) and a term, with a tab between")
        spelling = fields[1]
        terms.append(Term(spelling.removesuffix(CASE_SENSITIVE), TermClass(fields[0]), spelling.endswith(CASE_SENSITIVE)))
    return terms


@cache
def read_makers() -> frozenset[str]:
    """Canonical names of those who are in the news for AI alone: each makes an article one about AI."""
    lines = (resources.files("transforms") / "languages" / "makers.tsv").read_text("utf-8").splitlines()
    return frozenset(lines[1:])


def says_ai(hits: Iterable[Hit]) -> bool:
    """Whether a term says beyond doubt that the article is about AI: then `Apple` and `Llama` in it are names."""
    return any(hit.term.term_class is TermClass.AI for hit in hits)


def passes(hits: Sequence[Hit], names: Sequence[Name]) -> bool:
    """Whether the article is a candidate: perhaps about AI, by its words or its names, and with a word of openness or a licence."""
    classes = {hit.term.term_class for hit in hits}
    if TermClass.OPENNESS not in classes and not any(name.type is EntityType.LICENCE for name in names):
        return False
    if TermClass.AI in classes or TermClass.MODEL in classes:
        return True
    if any(name.canonical in read_makers() for name in names):
        return True
    return len({hit.term.spelling[:HINT_LETTERS].lower() for hit in hits if hit.term.term_class is TermClass.HINT}) >= LEAST_HINTS

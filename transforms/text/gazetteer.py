"""The gazetteer: names of the field and of countries as people write them, and which of their occurrences are meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

from transforms.records import Entity, EntityType

COLUMNS = ["canonical", "type", "aliases"]
ALIAS_SEPARATOR = " | "
# An alias with this behind it is a common word too; with the other one it counts only in exactly this spelling.
AMBIGUOUS, CASE_SENSITIVE = "!", "="
# Of two names with the same letters the earlier type wins.
PRIORITY = (
    EntityType.MODEL, EntityType.LICENCE, EntityType.LAW, EntityType.ORG, EntityType.PERSON, EntityType.PRODUCT, EntityType.GPE,
)  # fmt: skip


class Name(NamedTuple):
    """One spelling of a name."""

    spelling: str
    canonical: str
    type: EntityType
    is_ambiguous: bool
    is_case_sensitive: bool


class Mention(NamedTuple):
    """An occurrence of a name, as offsets into the content: `end` with the case ending, `name_end` without it."""

    start: int
    end: int
    name_end: int
    name: Name


@cache
def read_names() -> tuple[Name, ...]:
    """All spellings of transforms/languages/gazetteer, in the order of the files.

    Raises:
        ValueError: a line is not as the header says; names the file and the line.
    """
    folder = resources.files("transforms") / "languages" / "gazetteer"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".tsv")), key=lambda file: file.name)
    return tuple(name for file in files for name in parse_names(file.name, file.read_text("utf-8")))


def parse_names(file: str, text: str) -> list[Name]:
    """The spellings of one file; the canonical name is one of its spellings, unless an alias says that it is ambiguous.

    Raises:
        ValueError: a line is not as the header says.
    """
    lines = text.splitlines()
    if not lines or lines[0].split("\t") != COLUMNS:
        raise ValueError(f"{file}:1: the header must be {' TAB '.join(COLUMNS)}")
    names = []
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) != len(COLUMNS) or not fields[0] or fields[1] not in EntityType.__members__:
            raise ValueError(
                f"{file}:{number}: {line[:60]!r} is not a name, a type ({', '.join(EntityType)}) and aliases, with tabs between"
            )
        canonical, entity_type = fields[0], EntityType(fields[1])
        aliases = [_parse_alias(alias, canonical, entity_type) for alias in fields[2].split(ALIAS_SEPARATOR) if alias.strip()]
        if canonical not in {name.spelling for name in aliases}:
            names.append(Name(canonical, canonical, entity_type, is_ambiguous=False, is_case_sensitive=False))
        # A possessive needs no entry: the apostrophe is a border of the word before it.
        names += [name for name in aliases if not name.spelling.endswith(("'s", "’s"))]
    return names


def _parse_alias(alias: str, canonical: str, entity_type: EntityType) -> Name:
    spelling = alias.strip()
    is_case_sensitive = spelling.endswith(CASE_SENSITIVE)
    spelling = spelling.removesuffix(CASE_SENSITIVE)
    is_ambiguous = spelling.endswith(AMBIGUOUS)
    spelling = spelling.removesuffix(AMBIGUOUS)
    return Name(spelling, canonical, entity_type, is_ambiguous, is_case_sensitive)


def is_spelled(content: str, mention: Mention) -> bool:
    """Whether capitals and ending of this occurrence allow it to be the name."""
    name, start = mention.name, mention.start
    if name.is_case_sensitive or (name.is_ambiguous and mention.end > mention.name_end):
        return content[start : mention.end] == name.spelling
    if (name.is_ambiguous or name.type is EntityType.GPE) and name.spelling[0].isupper():
        # "chad", "turkey", "mali": small letters make another word of it.
        return content[start].isupper()
    return True


def meant(mentions: Sequence[Mention], has_ai_term: bool) -> list[Mention]:
    """Leaves out ambiguous names that nothing supports: neither an AI term nor an unambiguous name of the field.

    An ambiguous country needs another country.
    """
    has_field_name = any(not m.name.is_ambiguous and m.name.type is not EntityType.GPE for m in mentions)
    has_country = any(not m.name.is_ambiguous and m.name.type is EntityType.GPE for m in mentions)
    is_supported = {True: has_country, False: has_ai_term or has_field_name}
    return [m for m in mentions if not m.name.is_ambiguous or is_supported[m.name.type is EntityType.GPE]]


def without_overlaps(content: str, mentions: Iterable[Mention]) -> list[Entity]:
    """Entities in the order of the text: of those that overlap the longest stays, then the one whose type comes first in PRIORITY."""
    taken = bytearray(len(content))
    entities = []
    for mention in sorted(mentions, key=_rank):
        if taken.find(1, mention.start, mention.end) < 0:
            taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
            surface = content[mention.start : mention.end]
            entities.append(Entity(mention.start, mention.end, surface, mention.name.canonical, mention.name.type))
    entities.sort(key=lambda entity: entity.start)
    return entities


def _rank(mention: Mention) -> tuple[int, int, int]:
    return mention.start - mention.name_end, PRIORITY.index(mention.name.type), mention.start

"""From the names that the model found to canonical names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from transforms.records import EntityType
from transforms.text.borders import may_take_ending
from transforms.text.fold import fold
from transforms.text.gazetteer import read_names
from transforms.text.skeleton import skeleton


class Named(NamedTuple):
    """A name as it stands in the text, with its type and the canonical name, "" as long as that is not known."""

    surface: str
    type: EntityType
    canonical: str = ""


class Known:
    """The canonical names of the gazetteer, by their spellings and by their skeletons."""

    def __init__(self, names: Iterable[Named]) -> None:
        """Takes spellings with their canonical names."""
        self._by_spelling: dict[tuple[str, EntityType], str] = {}
        by_skeleton: dict[tuple[str, EntityType], set[str]] = defaultdict(set)
        for surface, entity_type, canonical in names:
            self._by_spelling.setdefault((fold(surface).text, entity_type), canonical)
            by_skeleton[skeleton(canonical), entity_type].add(canonical)
        # Two names with one skeleton: neither is meant for certain.
        self._by_skeleton = {key: min(names) for key, names in by_skeleton.items() if len(names) == 1 and key[0]}

    def canonical(self, surface: str, entity_type: EntityType) -> str:
        """The canonical name of a spelling, or of a name that sounds like it in another script; "" when it is none of them."""
        found = self._by_spelling.get((fold(surface).text, entity_type), "")
        if found or surface.isascii():
            return found
        return self._by_skeleton.get((skeleton(surface), entity_type), "")


@cache
def known_names() -> Known:
    """The gazetteer's."""
    return Known(Named(name.spelling, name.type, name.canonical) for name in read_names())


def link(names: Sequence[Named], known: Known) -> list[str]:
    """The canonical name of each name of one article.

    In this order: the name's own; the gazetteer's, by spelling or by sound; that of the full name which a surname stands for; the name in
    its shortest form in the article (case endings off); the name itself.
    """
    linked = [name.canonical or known.canonical(name.surface, name.type) or _base(name, names) for name in names]
    full: dict[tuple[str, EntityType], str] = {}
    for name, canonical in zip(names, linked, strict=True):
        words = name.surface.split()
        if len(words) > 1 and name.type is EntityType.PERSON:
            full.setdefault((fold(words[-1]).text, name.type), canonical)
    return [
        full.get((fold(canonical).text, name.type), canonical) if not name.canonical else canonical
        for name, canonical in zip(names, linked, strict=True)
    ]


def _base(name: Named, names: Sequence[Named]) -> str:
    """The shortest name of the article that this one is with a case ending behind it; else itself."""
    text = fold(name.surface).text
    shorter = [other.surface for other in names if other.type is name.type and _is_inflected(text, fold(other.surface).text)]
    return min(shorter, key=len, default=name.surface)


def _is_inflected(text: str, base: str) -> bool:
    return len(base) < len(text) and text.startswith(base) and may_take_ending(text, 0, len(base), len(text) - len(base))

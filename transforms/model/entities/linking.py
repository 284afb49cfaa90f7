"""From the names that the model found to canonical names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from transforms.records import EntityType
from transforms.text.borders import may_take_ending
from transforms.text.fold import fold
from transforms.text.gate import TermClass, read_terms
from transforms.text.gazetteer import read_names
from transforms.text.matching import STEM
from transforms.text.romanise import romanise
from transforms.text.skeleton import skeleton

LONGEST_ABBREVIATION = 3
# Models of one maker sound too much alike: Pixtral, Voxtral.
JOINED_BY_SOUND = frozenset({EntityType.PERSON, EntityType.ORG})
# Laws and licences are translated, not spelled.
SPELLED_IN_LATIN = frozenset({EntityType.PERSON, EntityType.ORG, EntityType.GPE, EntityType.MODEL, EntityType.PRODUCT})
WRITTEN_SMALL = frozenset({EntityType.PERSON, EntityType.GPE})


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
            if entity_type in JOINED_BY_SOUND:
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


@cache
def common_words() -> frozenset[str]:
    """Words of the field that are no names, folded: "AI", "Modell"."""
    spellings = {fold(term.spelling.removesuffix(STEM)).text for term in read_terms() if term.term_class is not TermClass.OPENNESS}
    return frozenset(word for word in spellings if not any(known_names().canonical(word, entity_type) for entity_type in EntityType))


def is_name(surface: str) -> bool:
    """Whether a surface that the model took for a name has a letter or digit and is no common word of the field."""
    return any(map(str.isalnum, surface)) and fold(surface).text not in common_words()


def link(names: Sequence[Named], known: Known) -> list[str]:
    """The canonical name of each name of one article.

    In this order: the name's own; the gazetteer's, by spelling or by sound; that of the full name which a surname stands for; the name in
    its shortest form in the article (case endings off), spelled in Latin letters where its script tells how; the name itself.
    """
    linked = [name.canonical or known.canonical(name.surface, name.type) or _unknown(name, names, known) for name in names]
    full: dict[tuple[str, EntityType], str] = {}
    for name, canonical in zip(names, linked, strict=True):
        words = name.surface.split()
        if len(words) > 1 and name.type is EntityType.PERSON:
            full.setdefault((fold(words[-1]).text, name.type), canonical)
    return [
        full.get((fold(canonical).text, name.type), canonical) if not name.canonical else canonical
        for name, canonical in zip(names, linked, strict=True)
    ]


def _unknown(name: Named, names: Sequence[Named], known: Known) -> str:
    """A name of no list: the shortest form in the article that it is with a case ending behind it, in Latin letters when it has such."""
    text = fold(name.surface).text
    shorter = [other.surface for other in names if other.type is name.type and _is_inflected(text, fold(other.surface).text)]
    base = min(shorter, key=len, default=name.surface)
    spelled = romanise(base) if name.type in SPELLED_IN_LATIN and not base.isascii() else ""
    if spelled:
        return known.canonical(spelled, name.type) or spelled
    # A dateline or a headline in capitals; abbreviations are shorter.
    return base.title() if base.isupper() and len(base) > LONGEST_ABBREVIATION and name.type in WRITTEN_SMALL else base


def _is_inflected(text: str, base: str) -> bool:
    return len(base) < len(text) and text.startswith(base) and may_take_ending(text, 0, len(base), len(text) - len(base))

"""From the names that the model found to canonical names."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from transforms.model.entities.institutions import institutions, meant_state, with_state
from transforms.model.entities.series import full_model_name
from transforms.model.entities.translated import NAME, Translated, translated
from transforms.records import EntityType
from transforms.text.borders import UNSPACED_NAMES, may_take_ending, word_script
from transforms.text.fold import fold
from transforms.text.gate import TermClass, read_terms
from transforms.text.gazetteer import read_names
from transforms.text.matching import STEM
from transforms.text.people import plain_person
from transforms.text.romanise import romanise
from transforms.text.skeleton import agree_in_liquids, skeleton

LONGEST_ABBREVIATION = 3
# Models of one maker sound too much alike: Pixtral, Voxtral.
JOINED_BY_SOUND = frozenset({EntityType.PERSON, EntityType.ORG})
# Laws and licences are translated, not spelled.
SPELLED_IN_LATIN = frozenset({EntityType.PERSON, EntityType.ORG, EntityType.GPE, EntityType.MODEL, EntityType.PRODUCT})
# Shorter parts of a name are words of other names too.
LEAST_LETTERS_OF_PART = 4
OTHER_DIGIT = re.compile(r"[^\W0-9_a-zA-Z](?<=\d)")
# Genitive and object of Bengali behind three characters at least; its other endings end names too.
GENITIVE = re.compile("(?<=[\u0980-\u09ff]{3})(?:\u09af\u09bc|\u09df)?(?:\u09c7\u09b0|\u0995\u09c7)$")
# Of case endings, in letters.
LONGEST_ENDING = 8
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
        same_sound = self._by_skeleton.get((skeleton(surface), entity_type), "")
        return same_sound if same_sound and agree_in_liquids(surface, same_sound) else ""

    def is_spelling(self, surface: str) -> bool:
        """Whether a name of any type is spelled so."""
        folded = fold(surface).text
        return any((folded, entity_type) in self._by_spelling for entity_type in EntityType)


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


def link(names: Sequence[Named], known: Known, language: str = "und") -> list[str]:
    """The canonical name of each name of one article in a language (its tag).

    In this order: the name's own; the gazetteer's, by spelling or by sound; that of an institution of the state that is meant; that of
    the longer name which a part stands for; the name in its shortest form in the article (case endings off), spelled in Latin letters
    where its script tells how; the name itself.
    """
    found = [name.canonical or known.canonical(name.surface, name.type) for name in names]
    state, shortest = meant_state(found, language), _shortest_surfaces(names)
    linked = [
        one or _institution(name, state, known) or _unknown(name, shortest, known, language) for one, name in zip(found, names, strict=True)
    ]
    linked = [" ".join(with_ascii_digits(canonical).split()) for canonical in linked]
    models = {one for one, name in zip(linked, names, strict=True) if name.type is EntityType.MODEL}
    all_names = frozenset(linked)
    full_models = {one: full_model_name(one, models, all_names) for one in models}
    linked = [full_models[one] if name.type is EntityType.MODEL else one for one, name in zip(linked, names, strict=True)]
    full = _full_names(names, linked)
    for place, name in enumerate(names):
        if not (name.canonical or known.canonical(name.surface, name.type)):
            parts = (fold(name.surface).text, fold(linked[place]).text)
            linked[place] = next((full[part, name.type] for part in parts if (part, name.type) in full), linked[place])
    return linked


def _institution(name: Named, state: str, known: Known) -> str:
    """A body of a state by its English name, with the state that the article means; "" for other names."""
    institution = institutions().get(fold(name.surface).text, "") if name.type is EntityType.ORG else ""
    if not institution:
        return ""
    spellings = with_state(institution, state)
    return next((canonical for one in spellings if (canonical := known.canonical(one, name.type))), spellings[-1])


def _full_names(names: Sequence[Named], linked: Sequence[str]) -> dict[tuple[str, EntityType], str]:
    """Parts of the article's longer names, folded -> the canonical name that each stands for, when it is one only.

    Of people the surname; of organisations their first words or the last: "Kestrel" for "Kestrel Foundation", "Commission".
    """
    full: dict[tuple[str, EntityType], str] = {}
    meant: dict[str, set[str]] = defaultdict(set)
    for name, canonical in zip(names, linked, strict=True):
        for text in dict.fromkeys((name.surface, canonical)):
            words = fold(text).text.split()
            if name.type is EntityType.PERSON and len(words) > 1:
                full.setdefault((words[-1], name.type), canonical)
            if name.type is EntityType.ORG:
                for part in _parts(words):
                    meant[part].add(canonical)
    return full | {(part, EntityType.ORG): min(whole) for part, whole in meant.items() if len(whole) == 1}


def _parts(words: list[str]) -> list[str]:
    """What an organisation may be called for short: first words, the last word; of a word of ideographs or kana its beginning."""
    parts = [" ".join(words[:count]) for count in range(1, len(words))] + words[1:][-1:]
    if len(words) == 1 and word_script(words[0][0]) in UNSPACED_NAMES:
        parts = [words[0][:count] for count in range(2, len(words[0]))]
    return [part for part in parts if len(part) >= (2 if word_script(part[0]) in UNSPACED_NAMES else LEAST_LETTERS_OF_PART)]


def _shortest_surfaces(names: Iterable[Named]) -> dict[tuple[str, EntityType], str]:
    """Each name of the article, folded -> the shortest of its surfaces, the first of those."""
    shortest: dict[tuple[str, EntityType], str] = {}
    for surface, entity_type, _ in dict.fromkeys(names):
        key = fold(surface).text, entity_type
        shortest[key] = min(shortest.get(key, surface), surface, key=len)
    return shortest


def _unknown(name: Named, shortest: dict[tuple[str, EntityType], str], known: Known, language: str) -> str:
    """A name of no list: the shortest form in the article that it is with a case ending behind it, in Latin letters when it has such."""
    if name.type is EntityType.GPE and "," in name.surface:
        # A dateline: AUSTIN, Texas.
        name = name._replace(surface=name.surface.partition(",")[0])
        if place := known.canonical(name.surface, name.type):
            return place
    text = fold(name.surface).text
    bases = ((text[:count], name.type) for count in range(1, len(text)))
    shorter = [shortest[base] for base in bases if base in shortest and may_take_ending(text, 0, len(base[0]), len(text) - len(base[0]))]
    base = min(shorter, key=len, default=name.surface)
    if canonical := _without_ending(base, name.type, known):
        return canonical
    if ending := GENITIVE.search(base):
        base = base[: ending.start()]
    if name.type is EntityType.ORG and (inside := translated(base)):
        return _in_english(base, inside, known, language)
    if name.type is EntityType.PERSON:
        base = plain_person(base, language)
    spelled = romanise(base, language, name.type) if name.type in SPELLED_IN_LATIN and not base.isascii() else ""
    if spelled:
        return known.canonical(spelled, name.type) or spelled
    # A dateline or a headline in capitals; abbreviations are shorter.
    return base.title() if base.isupper() and len(base) > LONGEST_ABBREVIATION and name.type in WRITTEN_SMALL else base


def _without_ending(surface: str, entity_type: EntityType, known: Known) -> str:
    """The known name that stands in the surface before a case ending, the longest first; "" when none does."""
    text = fold(surface).text
    longest = min(LONGEST_ENDING, len(text) - 1)
    bases = (text[:-count] for count in range(1, longest + 1) if may_take_ending(text, 0, len(text) - count, count))
    return next((canonical for base in bases if (canonical := known.canonical(base, entity_type))), "")


def _in_english(base: str, inside: Translated, known: Known, language: str) -> str:
    """The whole name in English, the name inside it as known or in Latin letters; as it is when that has no spelling."""
    name = next((canonical for kind in (EntityType.GPE, EntityType.ORG) if (canonical := known.canonical(inside.name, kind))), "")
    name = name or (inside.name if word_script(inside.name[0]) == "Latin" else romanise(inside.name, language, EntityType.ORG))
    # Half a name in another script is worse than the whole.
    name = name or inside.name * (inside.english == NAME)
    whole = inside.english.replace(NAME, name) if name else base
    return known.canonical(whole, EntityType.ORG) or whole


def with_ascii_digits(name: str) -> str:
    """The name with digits of other scripts as ours: GPT-২ is GPT-2."""
    return name if not OTHER_DIGIT.search(name) else "".join(str(unicodedata.digit(letter, letter)) for letter in name)

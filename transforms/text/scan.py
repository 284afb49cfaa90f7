"""One pass over an article for the names of the gazetteer and the terms of the gate together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from transforms.records import Entity
from transforms.text import gate, gazetteer
from transforms.text.borders import surface_end
from transforms.text.fold import fold
from transforms.text.gate import Hit, Term, TermClass
from transforms.text.gazetteer import Mention, Name
from transforms.text.matching import Matcher
from transforms.text.surfaces import settled


class Scan(NamedTuple):
    """What the light path found: names, whether the article is a candidate, where the gate's terms begin."""

    entities: tuple[Entity, ...]
    is_candidate: bool
    gate_hits: tuple[int, ...]


class Scanner:
    """Names and terms in one automaton."""

    def __init__(self, names: Sequence[Name], terms: Sequence[Term]) -> None:
        self._names = names
        self._terms = terms
        self._matcher = Matcher([name.spelling for name in names] + [term.spelling for term in terms])

    def scan(self, content: str) -> Scan:
        """Linear in the length of the content; never raises."""
        mentions: list[Mention] = []
        hits: list[Hit] = []
        count = len(self._names)
        for match in self._matcher.find(fold(content)):
            if match.pattern < count:
                end = surface_end(content, match.end, match.word_end)
                mention = Mention(match.start, end, match.end, self._names[match.pattern])
                if gazetteer.is_spelled(content, mention):
                    mentions.append(mention)
            else:
                term = self._terms[match.pattern - count]
                if not term.is_case_sensitive or content[match.start : match.end] == term.spelling:
                    hits.append(Hit(match.start, term))
        mentions = gazetteer.meant(mentions, gate.says_ai(hits))
        entities = gazetteer.without_overlaps(content, [settled(content, mention) for mention in mentions])
        starts = sorted({hit.start for hit in hits if hit.term.term_class is not TermClass.HINT})
        return Scan(tuple(entities), gate.passes(hits, [mention.name for mention in mentions]), tuple(starts))


@cache
def load_scanner() -> Scanner:
    """The process's one scanner, with everything in transforms/languages."""
    return Scanner(gazetteer.read_names(), gate.read_terms())

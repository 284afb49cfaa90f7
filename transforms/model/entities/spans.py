"""Names that the model reads, their borders, and which of two that overlap stays. Without spaCy: training reads names with it too."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from transforms.model.encoder import Encoder, Pieces
from transforms.model.entities.linking import Named, is_name, known_names, link
from transforms.model.entity_head import EntityHead
from transforms.model.reading import LIMIT_NAMED_SENTENCES, choose_sentences, find_lead
from transforms.records import Entity, EntityType
from transforms.text.borders import ENDING_BELONGS_TO_NAME, PARTICLES, begins_word, ending_letters, may_take_ending, word_script

LEAST_PROBABILITY = 0.5
OPENING_MARKS = " \n\t\"'“”„«»‹›‘’()[]（）「」『』《》-–—"
CLOSING_MARKS = f"{OPENING_MARKS},.;:!?،؛؟。、，।"
# What is longer without a space, such as base64, is no word of which a name is part.
LIMIT_WORD_CHARACTERS = 100
# "and the": the name begins behind "and".
ARABIC_AND_THE = "وال"
KANA_PARTICLES = "のでがをにはとも"
# Behind ideographs and katakana; behind hiragana they may belong to the word.
BEHIND_IDEOGRAPHS = re.compile(f"(?<=[^\u3040-\u309f])[{KANA_PARTICLES}]{{1,2}}\\Z")
# Behind shorter names these letters end words too.
SHORTEST_NAME = 2
HANGUL_PARTICLES = ("에서는", "에서", "에게", "으로", "은", "는", "을", "를", "의")
# And, in, to, from, the; before a name of the gazetteer.
ONE_LETTER_PARTICLES = frozenset("وبلفك" + "ובלמהש" + "在于於与與和从從向对對由")


def read_pieces(content: str, title: str, hits: Sequence[int], encoder: Encoder) -> list[tuple[int, Pieces]]:
    """The sentences to read for names: (where it begins, its pieces).

    Those that the judge reads too are read as it reads them, after the title, and found remembered by it; the others alone.
    """
    lead = find_lead(content, title)
    judged = {r.start for r in choose_sentences(content, lead, hits)}
    return [
        (r.start, encoder.encode(text, r.context) if r.start in judged else encoder.read_pieces(text))
        for r in choose_sentences(content, lead, hits, LIMIT_NAMED_SENTENCES)
        for text in [content[r.start : r.end]]
    ]


def read_names(
    content: str, encoded: Iterable[tuple[int, Pieces]], head: EntityHead, least_probability: float = LEAST_PROBABILITY
) -> list[Entity]:
    """The names in sentences (where each begins, its pieces) of the content, still without canonical names."""
    names = []
    for first, sentence in encoded:
        for span in head.find(sentence):
            start, end = whole_words(content, first + span.start, first + span.end)
            if span.probability >= least_probability and is_name(content[start:end]):
                names.append(Entity(start, end, content[start:end], "", span.type))
    return names


def whole_words(content: str, start: int, end: int) -> tuple[int, int]:
    """The span without marks at its ends, up to the borders of its words; a particle or ending that names are marked without stays off."""
    while end - start > 1 and content[start] in OPENING_MARKS:
        start += 1
    while end - start > 1 and content[end - 1] in CLOSING_MARKS:
        end -= 1
    least = max(0, start - LIMIT_WORD_CHARACTERS)
    while start > least and not begins_word(content, start):
        start -= 1
    ending = ending_letters(content, end)
    if word_script(content[end - 1]) in ENDING_BELONGS_TO_NAME or not may_take_ending(content, start, end, ending):
        end += ending
    if content.startswith(ARABIC_AND_THE, start):
        start += 1
    return without_particles(content, start, end)


def without_particles(content: str, start: int, end: int) -> tuple[int, int]:
    """The span without a particle that the model took with it, where the script tells: 日本の, 소리테크놀로지는, وسوريا."""
    if found := BEHIND_IDEOGRAPHS.search(content, start + 1, end):
        end = found.start()
    if content[end - 1] == "的" and end - start > SHORTEST_NAME:
        end -= 1
    if end - start > 1 and content[start] in KANA_PARTICLES and word_script(content[start + 1 : start + 2] or " ") != "Hiragana":
        start += 1
    surface = content[start:end]
    particle = next((one for one in HANGUL_PARTICLES if surface.endswith(one)), "")
    if particle and (len(surface) - len(particle) > SHORTEST_NAME or known_names().is_spelling(surface.removesuffix(particle))):
        end -= len(particle)
    if surface[:1] in ONE_LETTER_PARTICLES and known_names().is_spelling(surface[1:]):
        start += 1
    return start, end


def settle(length: int, found: Sequence[Entity], read: Sequence[Entity]) -> list[Entity]:
    """Names of the gazetteer (`found`) and of the model (`read`) in a content of `length`, none overlapping, in the order of the text.

    The gazetteer's stay, but for a country inside a longer name of the model's: "Australian Competition and Consumer Commission".
    """
    places = sorted((one for one in found if one.type is EntityType.GPE), key=lambda one: one.start)
    starts = [one.start for one in places]
    longer = [r for r in read if any(_holds(r, f) for f in places[bisect_left(starts, r.start) : bisect_left(starts, r.end)])]
    certain = [one for one in found if one.type is not EntityType.GPE]
    kept: list[Entity] = []
    taken = bytearray(length)
    for one in [*certain, *longer, *found, *read]:
        if taken.find(1, one.start, one.end) < 0:
            taken[one.start : one.end] = b"\1" * (one.end - one.start)
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _holds(longer: Entity, place: Entity) -> bool:
    """Whether a name is the place with more than a particle before it."""
    if not (longer.start <= place.start and place.end <= longer.end and longer.surface != place.surface):
        return False
    before = longer.surface[: place.start - longer.start]
    is_particle = bool(before) and longer.end == place.end and before in PARTICLES.get(word_script(before[0]), ())
    return not is_particle


def with_canonical_names(entities: Sequence[Entity], language: str) -> list[Entity]:
    """The names of one article in a language (its tag), each with its canonical name."""
    canonical = link([Named(one.surface, one.type, one.canonical) for one in entities], known_names(), language)
    return [Entity(e.start, e.end, e.surface, name, e.type) for e, name in zip(entities, canonical, strict=True)]

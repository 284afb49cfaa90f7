"""The components of config.cfg; each takes a Doc and returns it with more in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spacy.language import Language
from spacy.tokens import Doc, Span

from transforms.model.encoder import load_encoder
from transforms.model.entities.linking import Named, is_name, known_names, link
from transforms.model.entities.tokenizer import span_of
from transforms.model.entity_head import load_entity_head
from transforms.model.reading import choose_sentences
from transforms.records import Entity, EntityType
from transforms.text.borders import ENDING_BELONGS_TO_NAME, begins_word, ending_letters, may_take_ending, word_script
from transforms.text.scan import load_scanner

Component = Callable[[Doc], Doc]

# Keys of `doc.user_data`: what the light path knows already, and what the encoder saw.
TITLE, FOUND, HITS, ENCODED = "title", "found", "hits", "encoded"
# Keys of `doc.spans`.
GAZETTEER, MODEL = "gazetteer", "model"
OPENING_MARKS = " \n\t\"'“”„«»‹›‘’()[]（）「」『』《》-–—"
CLOSING_MARKS = f"{OPENING_MARKS},.;:!?،؛؟。、，।"
# "and the": the name begins behind "and".
ARABIC_AND_THE = "وال"


@Language.factory("openweight_gazetteer")
def make_gazetteer(nlp: Language, name: str) -> Component:  # noqa: ARG001 - spaCy's signature
    """Names of the gazetteer as `doc.spans["gazetteer"]`; those that the light path has found already are taken as they are."""

    def find(doc: Doc) -> Doc:
        if FOUND not in doc.user_data:
            scan = load_scanner().scan(doc.text)
            doc.user_data |= {FOUND: scan.entities, HITS: scan.gate_hits}
        found: Sequence[Entity] = doc.user_data[FOUND]
        doc.spans[GAZETTEER] = [span_of(doc, e.start, e.end, e.type.value, e.canonical) for e in found]
        return doc

    return find


@Language.factory("openweight_encoder", default_config={"limit_sentences": 16})
def make_encoder(nlp: Language, name: str, limit_sentences: int) -> Component:  # noqa: ARG001 - spaCy's signature
    """The sentences worth reading as `doc.user_data["encoded"]`: (where it begins, Encoded); the flag stage finds them remembered."""

    def encode(doc: Doc) -> Doc:
        content = doc.text
        readings = choose_sentences(content, doc.user_data.get(TITLE, ""), doc.user_data.get(HITS, ()), limit_sentences)
        encoder = load_encoder()
        doc.user_data[ENCODED] = [(r.start, encoder.encode(content[r.start : r.end], r.context)) for r in readings]
        return doc

    return encode


@Language.factory("openweight_ner", default_config={"least_probability": 0.5})
def make_ner(nlp: Language, name: str, least_probability: float) -> Component:  # noqa: ARG001 - spaCy's signature
    """Names that the model finds in the encoded sentences as `doc.spans["model"]`."""

    def find(doc: Doc) -> Doc:
        content, head, spans = doc.text, load_entity_head(), []
        for first, encoded in doc.user_data[ENCODED]:
            for span in head.find(encoded):
                start, end = whole_words(content, first + span.start, first + span.end)
                if span.probability >= least_probability and is_name(content[start:end]):
                    spans.append(span_of(doc, start, end, span.type.value))
        doc.spans[MODEL] = spans
        return doc

    return find


@Language.factory("openweight_linker")
def make_linker(nlp: Language, name: str) -> Component:  # noqa: ARG001 - spaCy's signature
    """The names of both as `doc.ents`, each with its canonical name as `kb_id_`; see `settle`."""

    def join(doc: Doc) -> Doc:
        kept = settle(len(doc), doc.spans[GAZETTEER], doc.spans[MODEL])
        names = [Named(span.text, EntityType(span.label_), span.kb_id_) for span in kept]
        canonical = link(names, known_names())
        doc.set_ents([Span(doc, s.start, s.end, label=s.label_, kb_id=c) for s, c in zip(kept, canonical, strict=True)])
        return doc

    return join


def whole_words(content: str, start: int, end: int) -> tuple[int, int]:
    """The span without marks at its ends, up to the borders of its words; a particle or ending that names are marked without stays off."""
    while end - start > 1 and content[start] in OPENING_MARKS:
        start += 1
    while end - start > 1 and content[end - 1] in CLOSING_MARKS:
        end -= 1
    while not begins_word(content, start):
        start -= 1
    ending = ending_letters(content, end)
    if word_script(content[end - 1]) in ENDING_BELONGS_TO_NAME or not may_take_ending(content, start, end, ending):
        end += ending
    if content.startswith(ARABIC_AND_THE, start):
        start += 1
    return start, end


def settle(tokens: int, found: Sequence[Span], read: Sequence[Span]) -> list[Span]:
    """Names of the gazetteer (`found`) and of the model (`read`), none overlapping, in the order of the text.

    The gazetteer's stay, but for a country inside a longer name of the model's: "Australian Competition and Consumer Commission".
    """
    longer = [
        r for r in read if any(f.label_ == EntityType.GPE and r.start <= f.start and f.end <= r.end and len(f) < len(r) for f in found)
    ]
    kept: list[Span] = []
    taken = bytearray(tokens)
    certain = [span for span in found if span.label_ != EntityType.GPE]
    for span in [*certain, *longer, *found, *read]:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)

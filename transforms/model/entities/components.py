"""The components of config.cfg; each takes a Doc and returns it with more in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spacy.language import Language
from spacy.tokens import Doc, Span

from transforms.model.encoder import load_encoder
from transforms.model.entities.spans import LEAST_PROBABILITY, read_names, read_pieces, settle, with_canonical_names
from transforms.model.entities.tokenizer import span_of
from transforms.model.entity_head import load_entity_head
from transforms.records import Entity, EntityType
from transforms.text.scan import load_scanner

Component = Callable[[Doc], Doc]

# Keys of `doc.user_data`: what the light path knows already, and what the encoder saw.
TITLE, LANGUAGE, FOUND, HITS, ENCODED = "title", "language", "found", "hits", "encoded"
# Keys of `doc.spans`.
GAZETTEER, MODEL = "gazetteer", "model"


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


@Language.factory("openweight_encoder")
def make_encoder(nlp: Language, name: str) -> Component:  # noqa: ARG001 - spaCy's signature
    """The sentences worth reading as `doc.user_data["encoded"]`: (where it begins, its pieces)."""

    def encode(doc: Doc) -> Doc:
        doc.user_data[ENCODED] = read_pieces(doc.text, doc.user_data.get(TITLE, ""), doc.user_data.get(HITS, ()), load_encoder())
        return doc

    return encode


@Language.factory("openweight_ner", default_config={"least_probability": LEAST_PROBABILITY})
def make_ner(nlp: Language, name: str, least_probability: float) -> Component:  # noqa: ARG001 - spaCy's signature
    """Names that the model finds in the encoded sentences as `doc.spans["model"]`."""

    def find(doc: Doc) -> Doc:
        names = read_names(doc.text, doc.user_data[ENCODED], load_entity_head(), least_probability)
        doc.spans[MODEL] = [span_of(doc, e.start, e.end, e.type.value) for e in names]
        return doc

    return find


@Language.factory("openweight_linker")
def make_linker(nlp: Language, name: str) -> Component:  # noqa: ARG001 - spaCy's signature
    """The names of both as `doc.ents`, each with its canonical name as `kb_id_`; see `settle`."""

    def join(doc: Doc) -> Doc:
        kept = settle(len(doc.text), _entities(doc.spans[GAZETTEER]), _entities(doc.spans[MODEL]))
        named = with_canonical_names(kept, doc.user_data.get(LANGUAGE, "und"))
        doc.set_ents([span_of(doc, e.start, e.end, e.type.value, e.canonical) for e in named])
        return doc

    return join


def _entities(spans: Sequence[Span]) -> list[Entity]:
    return [Entity(s.start_char, s.end_char, s.text, s.kb_id_, EntityType(s.label_)) for s in spans]

"""Loads the spaCy pipeline and reads an article with it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import spacy
from spacy.language import Language

import transforms.model.entities.components  # noqa: F401 - registers the factories
from transforms.model.entities.components import FOUND, HITS, LANGUAGE, TITLE
from transforms.records import Entity, EntityType
from transforms.text.scan import Scan

# Half a character has no UTF-8, which spaCy needs.
SURROGATE = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"


@cache
def load_pipeline() -> Language:
    """The process's one pipeline."""
    config = spacy.util.load_config(Path(__file__).parent / "config.cfg")
    return spacy.util.load_model_from_config(config, auto_fill=True)


def read_entities(content: str, title: str, scan: Scan, language: str = "und") -> tuple[Entity, ...]:
    """The names of an article in a language (its tag), those of the scan among them; each surface is the slice of the content."""
    nlp = load_pipeline()
    # Without the zone the vocabulary keeps every word of every article.
    with nlp.memory_zone():
        doc = nlp.make_doc(SURROGATE.sub(REPLACEMENT, content))
        doc.user_data |= {TITLE: title, LANGUAGE: language, FOUND: scan.entities, HITS: scan.gate_hits}
        spans = [(span.start_char, span.end_char, span.kb_id_, EntityType(span.label_)) for span in nlp(doc).ents]
    return tuple(Entity(start, end, content[start:end], canonical, entity_type) for start, end, canonical, entity_type in spans)

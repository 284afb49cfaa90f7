"""ExtractEntities: the names in an article, and whether the article is worth the encoder's time."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam

from transforms.attempt import Attempt, Attempted
from transforms.records import AnnotatedDocument, Document
from transforms.text.scan import load_scanner

STAGE = "extract_entities"


class ExtractEntities(beam.PTransform):
    """Document -> AnnotatedDocument."""

    def __init__(self, model_for: str) -> None:
        """Takes which articles the model reads for names beyond the gazetteer: "candidates" or "all"."""
        super().__init__()
        self._model_for = model_for

    def expand(self, documents: beam.PCollection) -> Attempted:
        return documents | Attempt(STAGE, FindEntities(self._model_for))


@dataclass(frozen=True)
class FindEntities:
    """Document -> AnnotatedDocument, without Beam; holds settings only, so that it can be sent to workers."""

    model_for: str

    def setup(self) -> None:
        """Reads the gazetteer and the terms once for the process; ValueError when a line of them is wrong."""
        load_scanner()

    def __call__(self, document: Document) -> AnnotatedDocument:
        content = document.article.content
        scan = load_scanner().scan(content)
        return AnnotatedDocument(document=document, entities=scan.entities, is_candidate=scan.is_candidate, gate_hits=scan.gate_hits)

"""ExtractEntities: the names in an article, and whether the article is worth the encoder's time."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam

from transforms.attempt import Attempt, Attempted
from transforms.model.entities.pipeline import load_pipeline, read_entities
from transforms.model.entity_head import load_entity_head
from transforms.records import AnnotatedDocument, Document
from transforms.text.scan import load_scanner

STAGE = "extract_entities"
ALL_ARTICLES = "all"


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
        """Loads gazetteer, terms and model once for the process.

        Raises:
            ValueError: a line of the gazetteer or the terms is wrong.
            FileNotFoundError: a file of weights is missing.
        """
        load_scanner()
        load_pipeline()
        load_entity_head()

    def __call__(self, document: Document) -> AnnotatedDocument:
        article = document.article
        scan = load_scanner().scan(article.content)
        entities = scan.entities
        if scan.is_candidate or self.model_for == ALL_ARTICLES:
            entities = read_entities(article.content, article.title, scan, document.language)
        return AnnotatedDocument(document=document, entities=entities, is_candidate=scan.is_candidate, gate_hits=scan.gate_hits)

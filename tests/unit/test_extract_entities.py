"""The entity stage as a whole, with the real gazetteer and the real weights."""

from __future__ import annotations

from datetime import UTC, datetime

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from transforms.extract_entities import ExtractEntities, FindEntities
from transforms.model.entities.pipeline import load_pipeline
from transforms.records import AnnotatedDocument, Article, Document, LanguageSpan, Position, RawMessage

TITLE = "Acme Labs closes its model"
TEXT = "PARIS - Acme Labs will no longer publish weights, its head Marie Dupont said on Monday. OpenAI and मेटा declined to comment."
OTHER = "LONDON - Heavy rain closed three roads on Monday, said Peter Miller of the county council."


def document(text: str, title: str = "") -> Document:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    content = f"{title}\n{text}" if title else text
    raw = RawMessage(position=Position("news", 0, 1), timestamp_milliseconds=0, key=None, value=b"{}")
    article = Article(raw=raw, received_at=at, sha256="0", id="1", url="", title=title, content=content)
    return Document(article=article, language="en", language_spans=(LanguageSpan(0, len(content), "en"),))


def annotate(text: str, title: str = "", model_for: str = "candidates") -> AnnotatedDocument:
    step = FindEntities(model_for)
    step.setup()
    return step(document(text, title))


def test_a_candidate_is_read_by_the_model_too() -> None:
    annotated = annotate(TEXT, TITLE)
    assert annotated.is_candidate
    found = {(entity.surface, entity.canonical, entity.type.value) for entity in annotated.entities}
    assert {("OpenAI", "OpenAI", "ORG"), ("मेटा", "Meta", "ORG"), ("Marie Dupont", "Marie Dupont", "PERSON")} <= found


def test_every_surface_is_the_slice_of_the_content() -> None:
    annotated = annotate(TEXT, TITLE)
    content = annotated.document.article.content
    assert annotated.entities
    assert all(content[e.start : e.end] == e.surface for e in annotated.entities)
    assert all(left.end <= right.start for left, right in zip(annotated.entities, annotated.entities[1:], strict=False))


@pytest.mark.parametrize(("model_for", "is_read"), [("candidates", False), ("all", True)])
def test_other_articles_are_read_by_the_model_only_when_asked(model_for: str, is_read: bool) -> None:
    annotated = annotate(OTHER, model_for=model_for)
    assert not annotated.is_candidate
    assert ("Peter Miller" in {entity.surface for entity in annotated.entities}) == is_read


@pytest.mark.parametrize("text", ["", " \n\t", "😀😀", "\ud800", "a" * 5000, "AI " * 3000, "\u0301" * 300 + " AI model open", "ﷺ" * 50])
def test_odd_text_passes_through(text: str) -> None:
    annotated = annotate(text, model_for="all")
    assert all(text[e.start : e.end] == e.surface for e in annotated.entities)


@pytest.mark.parametrize("text", ["", "मेटा।  메타는\n\nMeta's \u00a0x\u200by", " a  b ", "AI\r\n模型 ", "é\u0301👩\u200d💻"])
def test_the_tokens_join_to_the_text(text: str) -> None:
    assert load_pipeline().make_doc(text).text == text


def test_the_vocabulary_does_not_grow_with_the_articles() -> None:
    annotate(TEXT, TITLE)
    strings = len(load_pipeline().vocab.strings)
    for number in range(20):
        annotate(f"AI model weights open: Quonk{number} Zarbex{number}{number} met Flimbo{number}.")
    assert len(load_pipeline().vocab.strings) - strings < 20


def test_the_stage_is_wired_from_documents_to_annotated_documents() -> None:
    with TestPipeline() as pipeline:
        annotated = pipeline | beam.Create([document(TEXT, TITLE)]) | ExtractEntities("candidates")
        assert_that(annotated.accepted | beam.Map(lambda a: a.is_candidate), equal_to([True]))


def test_names_behind_the_sentences_that_are_judged_are_read_too() -> None:
    filler = [f"The model was trained on {number} chips in a hall by the river." for number in range(18)]
    annotated = annotate(" ".join([TEXT, *filler, "It was thanked by Jane Whitfield in Rotterdam."]), TITLE)
    assert "Jane Whitfield" in {entity.canonical for entity in annotated.entities}

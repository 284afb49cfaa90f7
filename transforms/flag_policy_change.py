"""Decides whether an article reports a change of policy about open-weight AI models, and which, whose, how sure, by which words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import apache_beam as beam
import msgspec

from transforms.attempt import Attempt, Attempted, Refused
from transforms.heartbeat import NEVER
from transforms.model.decision import Decision
from transforms.model.encoder import WEIGHTS
from transforms.model.judge import Judgement, load_judge, model_version
from transforms.records import AnnotatedDocument, Assessment, Entity, Evidence
from transforms.text.marks import NUMBER_PREFIX, find_marks
from transforms.text.sketch import sketch_text

STAGE = "flag_policy_change"
# An assessment is read by strangers and must stay far below the 1 MB that a topic takes, whatever an article repeats.
LIMIT_ENTITIES = 500
LIMIT_SURFACE_CHARACTERS = 200
LIMIT_EVIDENCE_CHARACTERS = 1_000
LIMIT_TITLE_CHARACTERS = 2_000
LIMIT_OUTLINE = 60
LIMIT_OUTLINE_CHARACTERS = 10_000
# What is larger all the same is refused here, where the message can still be set aside: the sink would have to leave it out.
LIMIT_ASSESSMENT_BYTES = 900_000


class FlagPolicyChange(beam.PTransform):
    """AnnotatedDocument -> Assessment."""

    def __init__(self, threshold: float | None = None, heartbeat_topic: str = "") -> None:
        """Takes the least score of a flagged article, None is the one that training chose; and the topic of which nothing is flagged."""
        super().__init__()
        self._step = JudgeArticle(threshold, heartbeat_topic=heartbeat_topic)

    def expand(self, annotated: beam.PCollection) -> Attempted:
        return annotated | Attempt(STAGE, self._step)


@dataclass(frozen=True)
class JudgeArticle:
    """AnnotatedDocument -> Assessment, without Beam; holds settings only, so that it can be sent to workers."""

    threshold: float | None = None
    weights: str = str(WEIGHTS)
    heartbeat_topic: str = ""

    def setup(self) -> None:
        """Loads the weights once for the process; FileNotFoundError when one is missing."""
        load_judge(Path(self.weights))
        model_version(Path(self.weights))

    def __call__(self, annotated: AnnotatedDocument) -> Assessment:
        """Judges a candidate; what the gate turned away is never read by the model.

        Raises:
            Refused: with the reason too_large, when the assessment would not fit its topic.
        """
        assessed = assessment(annotated, self.judge(annotated), model_version(Path(self.weights)))
        size_bytes = len(msgspec.json.encode(assessed)) + len((assessed.url or assessed.id).encode())
        if size_bytes > LIMIT_ASSESSMENT_BYTES:
            raise Refused("too_large", f"its assessment takes {size_bytes} bytes, {LIMIT_ASSESSMENT_BYTES} are allowed")
        return assessed

    def judge(self, annotated: AnnotatedDocument) -> Judgement:
        """The judgement with the scores of all sentences, for those who want to see why."""
        if not annotated.is_candidate or annotated.document.article.is_withdrawn:
            return Judgement(Decision.none(), [], None, ())
        article = annotated.document.article
        judge = load_judge(Path(self.weights))
        threshold = NEVER if article.position.topic == self.heartbeat_topic else self.threshold
        return judge.judge(article.content, article.title, annotated.entities, annotated.gate_hits, threshold)


def assessment(annotated: AnnotatedDocument, judgement: Judgement, model: str) -> Assessment:
    """Joins what is known of the article with what was decided."""
    document, decision = annotated.document, judgement.decision
    article = document.article
    entities = _first_entities(annotated.entities)
    spans = ((start, min(end, start + LIMIT_EVIDENCE_CHARACTERS)) for start, end in judgement.evidence)
    return Assessment(
        id=article.id,
        language=document.language,
        flag=decision.flag,
        direction=decision.direction,
        change_type=decision.change_type,
        status=decision.status,
        contested=decision.contested,
        novelty=decision.novelty,
        score=round(decision.score, 4),
        actors=judgement.actors,
        evidence=tuple(Evidence(start, end, article.content[start:end]) for start, end in spans),
        entities=entities,
        position=article.position,
        received_at=article.received_at,
        sha256=article.sha256,
        url=article.url,
        title=article.title[:LIMIT_TITLE_CHARACTERS],
        publisher=article.publisher,
        published_at=article.published_at,
        language_spans=document.language_spans,
        is_candidate=annotated.is_candidate,
        warnings=article.warnings if len(entities) == len(annotated.entities) else (*article.warnings, "entities_cut"),
        model=model,
        content_sha256=hashlib.sha256(article.content.encode("utf-8", "surrogatepass")).hexdigest(),
        sketch=sketch_text(article.content) if decision.flag else b"",
        outline=outline(article.content, entities) if decision.flag else (),
        is_withdrawn=article.is_withdrawn,
    )


def outline(content: str, entities: Iterable[Entity]) -> tuple[str, ...]:
    """The numbers of a text and its names in canonical form, sorted: a translation has the same."""
    numbers = [mark for mark in find_marks(content[:LIMIT_OUTLINE_CHARACTERS]) if mark.startswith(NUMBER_PREFIX)]
    names = {one.canonical for one in entities if one.start < LIMIT_OUTLINE_CHARACTERS}
    return tuple(sorted(numbers + list(names))[:LIMIT_OUTLINE])


def _first_entities(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """The first LIMIT_ENTITIES, without names too long to be names."""
    named = (one for one in entities if max(len(one.surface), len(one.canonical)) <= LIMIT_SURFACE_CHARACTERS)
    return tuple(islice(named, LIMIT_ENTITIES))

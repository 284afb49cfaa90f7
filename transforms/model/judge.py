"""The judgement of one article: sentences chosen, encoded, scored, decided on."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from transforms.model.actors import find_candidates, rank_actors
from transforms.model.decision import ArticleHeads, Decision, choose_joint
from transforms.model.encoder import WEIGHTS, load_encoder
from transforms.model.heads import SentenceHeads, SentenceScores
from transforms.model.reading import Reading, choose_sentences, find_lead, join_readings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from transforms.records import Entity


@dataclass(frozen=True)
class Judgement:
    """A decision with the sentences that were read for it and their scores; `scores` is None when there was nothing to read."""

    decision: Decision
    readings: list[Reading]
    scores: SentenceScores | None
    actors: tuple[str, ...]

    @property
    def evidence(self) -> list[tuple[int, int]]:
        """Character spans, the strongest first."""
        return [(self.readings[i].start, self.readings[i].end) for i in self.decision.evidence]


class Judge:
    """Encoder and heads of one folder of weights."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        """Loads the weights; FileNotFoundError when a file is missing."""
        self._encoder = load_encoder(folder)
        self._sentence_heads = SentenceHeads(folder)
        self._article_heads = ArticleHeads(folder)

    def judge(
        self, content: str, title: str, entities: Sequence[Entity], hits: Sequence[int] = (), threshold: float | None = None
    ) -> Judgement:
        """Judges an article; `hits` are offsets that make a sentence worth reading, `threshold` is the least score of a flag."""
        lead = find_lead(content, title)
        readings = choose_sentences(content, lead, hits)
        if not readings:
            return Judgement(Decision.none(), [], None, ())
        sentences = [content[r.start : r.end] for r in readings]
        scores = self._score([(text, r.context) for text, r in zip(sentences, readings, strict=True)])
        joint = self._score([join_readings(content, lead, [readings[i] for i in choose_joint(scores)])])
        is_title = np.array([r.is_title for r in readings])
        decision = self._article_heads.decide(scores, joint, is_title, threshold)
        judgement = Judgement(decision, readings, scores, ())
        if not decision.evidence:
            return judgement
        title_end = max((r.end for r in readings if r.is_title), default=0)
        candidates = find_candidates(entities, judgement.evidence, title_end, decision.change_type)
        return Judgement(decision, readings, scores, rank_actors(candidates, *self._article_heads.actor_weights))

    def _score(self, texts: Sequence[tuple[str, str]]) -> SentenceScores:
        """Scores of texts, each seen after its context."""
        return self._sentence_heads.score(np.stack([self._encoder.encode(*text).vector for text in texts]))


@functools.lru_cache(maxsize=2)
def load_judge(folder: Path = WEIGHTS) -> Judge:
    """The process's one judge."""
    return Judge(folder)


@functools.lru_cache(maxsize=2)
def model_version(folder: Path = WEIGHTS) -> str:
    """12 hexadecimal digits that change whenever a file of weights does."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".bin", ".model", ".npy", ".npz", ".onnx"}:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]

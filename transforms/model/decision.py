"""From the scores of an article's sentences to one decision on the article."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from transforms.model.heads import CHANGE_TYPES, DIRECTIONS, STATUSES, SentenceScores
from transforms.records import ChangeType, Direction, Novelty, Status

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

OUTCOMES = (Novelty.NONE, Novelty.NEW, Novelty.RETROSPECTIVE)
LIMIT_EVIDENCE = 3
# A further sentence is evidence when it is at least this strong and at least this share of the strongest.
LEAST_STRENGTH, LEAST_SHARE = 0.5, 0.6
_LIMIT_LOGIT = 8.0


@dataclass(frozen=True)
class Decision:
    """What an article was decided to be; `evidence` are places in the list of sentences, strongest first."""

    flag: bool
    score: float
    novelty: Novelty
    direction: Direction
    change_type: ChangeType
    status: Status
    contested: bool
    evidence: tuple[int, ...]

    @classmethod
    def none(cls, score: float = 0.0) -> Decision:
        """No change is told."""
        return cls(False, score, Novelty.NONE, Direction.NONE, ChangeType.NONE, Status.NONE, False, ())


class ArticleHeads:
    """Logistic regressions on features of the sentence scores, and the threshold of the flag."""

    def __init__(self, folder: Path) -> None:
        """Reads `article_heads.npz` in `folder`; FileNotFoundError when it is missing."""
        with np.load(folder / "article_heads.npz") as stored:
            self._arrays = {name: stored[name] for name in stored.files}
        self.threshold = float(self._arrays["threshold"])

    @property
    def actor_weights(self) -> tuple[npt.NDArray[np.float64], float]:
        """For `rank_actors`: the weights of a candidate's features, and the bias."""
        return self._arrays["actor_matrix"], float(self._arrays["actor_bias"])

    def decide(self, scores: SentenceScores, is_title: npt.NDArray[np.bool_], threshold: float | None = None) -> Decision:
        """Scores of n >= 1 sentences -> the decision; without `threshold` the trained one holds."""
        outcome = self._shares("outcome", outcome_features(scores, is_title))
        is_flagged = float(outcome[1]) >= (self.threshold if threshold is None else threshold)
        is_retrospective = not is_flagged and float(outcome[2]) > max(float(outcome[0]), float(outcome[1]))
        novelty = Novelty.NEW if is_flagged else Novelty.RETROSPECTIVE if is_retrospective else Novelty.NONE
        if novelty is Novelty.NONE:
            return Decision.none(float(outcome[1]))
        strength = evidence_strength(scores, novelty)
        return Decision(
            flag=is_flagged,
            score=float(outcome[1]),
            novelty=novelty,
            direction=DIRECTIONS[int(self._shares("direction", vote(scores.direction, strength)).argmax())],
            change_type=CHANGE_TYPES[int(self._shares("change_type", vote(scores.change_type, strength)).argmax())],
            status=STATUSES[int(self._shares("status", vote(scores.status, strength)).argmax())],
            contested=bool(self._shares("contested", contested_features(scores, strength)).argmax()),
            evidence=choose_evidence(strength),
        )

    def _shares(self, name: str, features: Floats) -> Floats:
        scaled = (features - self._arrays[f"{name}_mean"]) / self._arrays[f"{name}_scale"]
        logits = scaled @ self._arrays[f"{name}_matrix"] + self._arrays[f"{name}_bias"]
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum(), np.float32)


def outcome_features(scores: SentenceScores, is_title: npt.NDArray[np.bool_]) -> Floats:
    """What tells a change now from one long known and from none: the strongest sentences, their number, their place."""
    change, past, weights = (np.clip(x, -_LIMIT_LOGIT, _LIMIT_LOGIT) for x in (scores.change, scores.past, scores.weights))
    both, top = np.minimum(change, weights), int(change.argmax())
    count = len(change)
    ranked, ranked_past = np.sort(change)[::-1], np.sort(past)[::-1]
    title = change[is_title].max(initial=-_LIMIT_LOGIT) if is_title.any() else ranked[0]
    title_past = past[is_title].max(initial=-_LIMIT_LOGIT) if is_title.any() else ranked_past[0]
    return np.array([
        ranked[0], ranked[min(1, count - 1)], ranked[min(2, count - 1)], change.mean(), title, both.max(),
        weights.max(), weights.mean(), weights[top], past[top],
        ranked_past[0], ranked_past[min(1, count - 1)], past.mean(), title_past, (past - change).max(),
        _sigmoid(change).sum(), _sigmoid(past).sum(), _sigmoid(weights).mean(), scores.denial.max(),
        np.log(count), top / count,
    ], np.float32)  # fmt: skip


def evidence_strength(scores: SentenceScores, novelty: Novelty) -> Floats:
    """How much each sentence (n,) carries the change: 0 to 1."""
    return _sigmoid(scores.past if novelty is Novelty.RETROSPECTIVE else scores.change)


def vote(shares: Floats, strength: Floats) -> Floats:
    """Shares (n, classes) of the sentences, weighted by strength -> features: the mean and the strongest claim for each class."""
    weighted = (strength**2 + 1e-6)[:, None]
    mean = (shares * weighted).sum(0) / weighted.sum()
    return np.concatenate([mean, np.log(mean + 1e-3), (shares * strength[:, None]).max(0)]).astype(np.float32)


def contested_features(scores: SentenceScores, strength: Floats) -> Floats:
    denial = np.clip(scores.denial, -_LIMIT_LOGIT, _LIMIT_LOGIT)
    ranked = np.sort(denial)[::-1]
    weighted = (denial * strength).sum() / max(float(strength.sum()), 1e-6)
    return np.array([ranked[0], ranked[min(1, len(ranked) - 1)], denial.mean(), weighted, _sigmoid(denial).sum()], np.float32)


def choose_evidence(strength: Floats) -> tuple[int, ...]:
    """The strongest sentence, and up to two more that are nearly as strong."""
    order = np.argsort(-strength, kind="stable")[:LIMIT_EVIDENCE]
    least = max(LEAST_STRENGTH, LEAST_SHARE * float(strength[order[0]]))
    return tuple(int(i) for place, i in enumerate(order) if place == 0 or strength[i] >= least)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)

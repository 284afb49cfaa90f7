"""From the scores of an article's sentences to one decision on the article."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from transforms.model.heads import CHANGE_TYPES, DIRECTIONS, STATUSES, SentenceScores
from transforms.records import ChangeType, Direction, Novelty, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

LIMIT_EVIDENCE = 5
# A further sentence is evidence when it is at least this strong and at least this share of the strongest.
LEAST_STRENGTH, LEAST_SHARE = 0.5, 0.6
_LIMIT_LOGIT = 8.0
# The head for the object is the stricter one: it may doubt a little without silencing the change.
_WEIGHTS_ALLOWANCE = 2.0
_VOTE_POWER = 3


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
    """Two small logistic regressions (is a change told; is it told as news), and the thresholds of flag, history and denial."""

    def __init__(self, folder: Path) -> None:
        """Reads `article_heads.npz` in `folder`; FileNotFoundError when it is missing."""
        with np.load(folder / "article_heads.npz") as stored:
            self._arrays = {name: stored[name] for name in stored.files}
        self.threshold = float(self._arrays["threshold"])

    @property
    def actor_weights(self) -> tuple[npt.NDArray[np.float64], float]:
        """For `rank_actors`: the weights of a candidate's features, and the bias."""
        return self._arrays["actor_matrix"], float(self._arrays["actor_bias"])

    def decide(
        self, scores: SentenceScores, joint: SentenceScores, is_title: npt.NDArray[np.bool_], threshold: float | None = None
    ) -> Decision:
        """Scores of n >= 1 sentences after the title, and of the strongest of them read as one text -> the decision.

        Without `threshold` the trained one holds.
        """
        told = self._chance("told", told_features(scores, joint, is_title))
        as_news = self._chance("news", news_features(scores, joint))
        score = told * as_news
        is_flagged = score >= (self.threshold if threshold is None else threshold)
        history = told * (1 - as_news)
        is_retrospective = not is_flagged and history > score and history >= float(self._arrays["history_threshold"])
        novelty = Novelty.NEW if is_flagged else Novelty.RETROSPECTIVE if is_retrospective else Novelty.NONE
        if novelty is Novelty.NONE:
            return Decision.none(score)
        strength = evidence_strength(scores, novelty)
        readings = ((scores, strength), (joint, evidence_strength(joint, novelty)))
        return Decision(
            flag=is_flagged,
            score=score,
            novelty=novelty,
            direction=DIRECTIONS[vote([(one.direction, weights) for one, weights in readings])],
            change_type=CHANGE_TYPES[vote([(one.change_type, weights) for one, weights in readings])],
            status=STATUSES[vote([(one.status, weights) for one, weights in readings])],
            contested=denial_strength(scores) >= float(self._arrays["denial_threshold"]),
            evidence=choose_evidence(strength),
        )

    def _chance(self, name: str, features: Floats) -> float:
        return float(_sigmoid(features @ self._arrays[f"{name}_matrix"] + self._arrays[f"{name}_bias"]))


def told_features(scores: SentenceScores, joint: SentenceScores, is_title: npt.NDArray[np.bool_]) -> Floats:
    """What tells an article about a change, now or long ago, from others: its strongest sentences, alone and together, and its title.

    Few features on purpose: they are fitted on articles that the encoder was not tuned on, of which there are some hundreds.
    """
    either = _either(scores)
    ranked = np.sort(either)[::-1]
    title = either[is_title].max() if is_title.any() else ranked[0]
    return np.array([ranked[0], ranked[min(1, len(ranked) - 1)], title, _either(joint)[0]], np.float32)


def news_features(scores: SentenceScores, joint: SentenceScores) -> Floats:
    """What tells news from history: how much more of the article, and of its strongest sentences, speaks of a change now."""
    change, past = _claims(scores)
    joint_change, joint_past = _claims(joint)
    return np.array([np.log(np.exp(change).sum()) - np.log(np.exp(past).sum()), joint_change[0] - joint_past[0]], np.float32)


def choose_joint(scores: SentenceScores) -> tuple[int, ...]:
    """Which sentences are read once more as one text: those that tell of a change, in their order."""
    return tuple(sorted(choose_evidence(_sigmoid(_either(scores)))))


def _either(scores: SentenceScores) -> Floats:
    """Logits (n,) of a change, be it now or long ago."""
    return np.maximum(*_claims(scores))


def _claims(scores: SentenceScores) -> tuple[Floats, Floats]:
    """Logits of a change now and of one long ago, neither stronger than that the sentence is about weights at all."""
    change, past, weights = (np.clip(x, -_LIMIT_LOGIT, _LIMIT_LOGIT) for x in (scores.change, scores.past, scores.weights))
    return np.minimum(change, weights + _WEIGHTS_ALLOWANCE), np.minimum(past, weights + _WEIGHTS_ALLOWANCE)


def evidence_strength(scores: SentenceScores, novelty: Novelty) -> Floats:
    """How much each sentence (n,) carries the change: 0 to 1."""
    change, past = _claims(scores)
    return _sigmoid(past if novelty is Novelty.RETROSPECTIVE else change)


def denial_strength(scores: SentenceScores) -> float:
    """How clearly the clearest of n sentences denies the change, 0 to 1."""
    return float(_sigmoid(scores.denial).max())


def vote(readings: Sequence[tuple[Floats, Floats]]) -> int:
    """The class that the readings of one article speak for: each its shares (n, classes) and strengths (n,), all readings alike.

    Within a reading, strong sentences count far more than weak ones.
    """
    total = np.zeros(readings[0][0].shape[1], np.float32)
    for shares, strength in readings:
        weights = strength**_VOTE_POWER + 1e-9
        total += (shares * weights[:, None]).sum(0) / weights.sum()
    return int(total.argmax())


def choose_evidence(strength: Floats) -> tuple[int, ...]:
    """The strongest sentence, and up to four more that are nearly as strong."""
    order = np.argsort(-strength, kind="stable")[:LIMIT_EVIDENCE]
    least = max(LEAST_STRENGTH, LEAST_SHARE * float(strength[order[0]]))
    return tuple(int(i) for place, i in enumerate(order) if place == 0 or strength[i] >= least)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)

"""The decision on an article, trained on sentence scores that the encoder was not tuned on, and its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from training.data import index_of
from transforms.model.actors import find_candidates, rank_actors
from transforms.model.decision import OUTCOMES, ArticleHeads, contested_features, evidence_strength, outcome_features, vote
from transforms.model.heads import CHANGE_TYPES, DIRECTIONS, STATUSES, SentenceScores
from transforms.records import ChangeType, Entity, EntityType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training.data import LabelledArticle
    from transforms.model.decision import Decision

FALSE_ALARMS_PER_THOUSAND = 1.0
# How strongly the regressions are held back: few articles, correlated features.
REGULARISATION = 0.3


def train_article_heads(articles: Sequence[LabelledArticle], scores: Sequence[SentenceScores]) -> dict[str, np.ndarray]:
    """Fits every regression on labelled articles (real news among them) and the scores of their sentences."""
    outcomes = np.array([index_of(OUTCOMES, article.outcome) for article in articles])
    features = np.stack([outcome_features(s, is_title(a)) for a, s in zip(articles, scores, strict=True)])
    arrays = _fit("outcome", features, outcomes, len(OUTCOMES))
    told = [(a, s, evidence_strength(s, OUTCOMES[o])) for a, s, o in zip(articles, scores, outcomes, strict=True) if o]
    for name, classes in (("direction", DIRECTIONS), ("change_type", CHANGE_TYPES), ("status", STATUSES)):
        votes = np.stack([vote(getattr(s, name), strength) for _, s, strength in told])
        arrays |= _fit(name, votes, np.array([index_of(classes, a.labels[name]) for a, _, _ in told]), len(classes))
    denials = np.stack([contested_features(s, strength) for _, s, strength in told])
    arrays |= _fit("contested", denials, np.array([int(a.labels["contested"]) for a, _, _ in told]), 2)
    return arrays | _fit_actors([a for a, _, _ in told])


def labelled_entities(article: LabelledArticle) -> list[Entity]:
    """Every occurrence of the labelled names in the content; where two overlap, the longer one."""
    found: list[Entity] = []
    taken = np.zeros(len(article.content), bool)
    for surface, canonical, kind in sorted(article.labels["entities"], key=lambda e: -len(e[0])):
        at = article.content.find(surface)
        while at >= 0 and surface:
            if not taken[at : at + len(surface)].any():
                found.append(Entity(at, at + len(surface), surface, canonical, EntityType(kind)))
                taken[at : at + len(surface)] = True
            at = article.content.find(surface, at + len(surface))
    return found


def _fit_actors(articles: list[LabelledArticle]) -> dict[str, np.ndarray]:
    rows, labels = [], []
    for article in articles:
        evidence = [(r.start, r.end) for r, is_evidence in zip(article.readings, article.is_evidence, strict=True) if is_evidence]
        kind = ChangeType(article.labels["change_type"])
        for candidate in find_candidates(labelled_entities(article), evidence, len(article.title), kind):
            rows.append(candidate.features)
            labels.append(candidate.name in article.labels["actors"])
    model = LogisticRegression(max_iter=2000).fit(np.array(rows), np.array(labels))
    return {"actor_matrix": model.coef_[0], "actor_bias": model.intercept_[0]}


def is_title(article: LabelledArticle) -> np.ndarray:
    return np.array([reading.is_title for reading in article.readings])


def _fit(name: str, features: np.ndarray, labels: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    features, labels = features[labels >= 0], labels[labels >= 0]
    mean, scale = features.mean(0), features.std(0) + 1e-3
    model = LogisticRegression(C=REGULARISATION, max_iter=2000).fit((features - mean) / scale, labels)
    matrix, bias = np.zeros((features.shape[1], classes)), np.full(classes, -30.0)
    if len(model.classes_) == 2:  # noqa: PLR2004 - scikit-learn gives one column for two classes
        matrix[:, model.classes_[1]], bias[model.classes_] = model.coef_[0], [0.0, model.intercept_[0]]
    else:
        matrix[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return {f"{name}_mean": mean, f"{name}_scale": scale, f"{name}_matrix": matrix, f"{name}_bias": bias}


def choose_threshold(flags: np.ndarray, probabilities: np.ndarray, news: np.ndarray) -> float:
    """The threshold of the best F1 on dev articles at which real news raises no more alarms than allowed."""
    allowed = int(FALSE_ALARMS_PER_THOUSAND * len(news) / 1000)
    floor = float(np.sort(news)[::-1][allowed]) + 1e-6 if len(news) > allowed else 0.0
    candidates = sorted({max(0.3, floor), *(t for t in np.arange(0.3, 0.9, 0.02) if t >= floor)})
    return max(candidates, key=lambda t: (round(f1(flags, probabilities >= t), 3), -abs(t - 0.5)))


def f1(truth: np.ndarray, found: np.ndarray) -> float:
    return float(2 * (truth & found).sum() / max(1, truth.sum() + found.sum()))


def report(articles: Sequence[LabelledArticle], scores: Sequence[SentenceScores], heads: ArticleHeads) -> dict[str, Any]:
    """How the decisions on labelled articles compare with their labels; the actors are ranked among the labelled names."""
    decisions = [heads.decide(s, is_title(a)) for a, s in zip(articles, scores, strict=True)]
    pairs = list(zip(articles, decisions, strict=True))
    truth, found = np.array([a.labels["flag"] for a, _ in pairs]), np.array([d.flag for _, d in pairs])
    right = [(a, d) for a, d in pairs if a.labels["flag"] and d.flag]
    past = [d.novelty for a, d in pairs if a.outcome == "retrospective"]
    labels = ("direction", "change_type", "status", "contested")
    return {
        "articles": len(pairs),
        "flagged": int(truth.sum()),
        "precision": round(float((truth & found).sum() / max(1, found.sum())), 3),
        "recall": round(float((truth & found).sum() / max(1, truth.sum())), 3),
        "f1": round(f1(truth, found), 3),
        **{name: _share(getattr(d, name) == a.labels[name] for a, d in right) for name in labels},
        "flips": _share({a.labels["direction"], d.direction.value} == {"opening", "closing"} for a, d in right),
        "novelty": _share(d.novelty.value == a.outcome for a, d in pairs),
        "retrospectives": _share(novelty.value == "retrospective" for novelty in past),
        "evidence": _share(any(a.is_evidence[i] for i in d.evidence) for a, d in right),
        "actors": _share(bool(set(actors(a, d, heads)) & set(a.labels["actors"])) for a, d in right),
        "missed": [a.id for a, d in pairs if a.labels["flag"] and not d.flag],
        "false": [a.id for a, d in pairs if d.flag and not a.labels["flag"]],
    }


def actors(article: LabelledArticle, decision: Decision, heads: ArticleHeads) -> tuple[str, ...]:
    evidence = [(article.readings[i].start, article.readings[i].end) for i in decision.evidence]
    candidates = find_candidates(labelled_entities(article), evidence, len(article.title), decision.change_type)
    return rank_actors(candidates, *heads.actor_weights)


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 3) if found else -1.0

"""The decision on an article, trained on sentence scores that the encoder was not tuned on, and its threshold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from transforms.model.actors import find_candidates, rank_actors
from transforms.model.decision import ArticleHeads, denial_strength, news_features, told_features
from transforms.model.entities.spans import read_names, read_pieces, settle, with_canonical_names
from transforms.model.entity_head import load_entity_head
from transforms.records import ChangeType
from transforms.text.scan import load_scanner

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training.data import LabelledArticle
    from transforms.model.decision import Decision
    from transforms.model.encoder import Encoder
    from transforms.model.heads import SentenceScores
    from transforms.records import Entity

    # Of an article's sentences, and of the strongest of them read as one text.
    Scores = tuple[SentenceScores, SentenceScores]
    Names = dict[str, list[Entity]]

FALSE_ALARMS_PER_THOUSAND = 1.0
# Of flagged articles; below it a reader stops to trust alerts, above it changes are missed that could be had.
LEAST_PRECISION = 0.9
# How strongly the regressions are held back: few articles, correlated features.
REGULARISATION = 0.3


def train_article_heads(
    train: Sequence[LabelledArticle],
    held_out: Sequence[LabelledArticle],
    scores: Sequence[Scores],
    news_scores: Sequence[tuple[LabelledArticle, Scores]],
    names: Names,
) -> dict[str, np.ndarray]:
    """Fits the decisions on `held_out` and real news, which the encoder was not tuned on, and the ranking of actors on `train`.

    `names` are those that the job finds in each article that tells of a change, by the article's id.
    """
    told = [article.outcome != "none" for article in held_out] + [False] * len(news_scores)
    rows = [told_features(*s, is_title(a)) for a, s in [*zip(held_out, scores, strict=True), *news_scores]]
    stories = [(a, s) for a, s in zip(held_out, scores, strict=True) if a.outcome != "none"]
    arrays = _fit("told", np.stack(rows), np.array(told))
    arrays |= _fit(
        "news", np.stack([news_features(*s) for _, s in stories]), np.array([a.outcome == "new" for a, _ in stories]), "balanced"
    )
    arrays["history_threshold"] = _choose_history_threshold(arrays, held_out, scores)
    denials = np.array([denial_strength(together) for _, (together, _) in stories])
    contested = np.array([bool(a.labels["contested"]) for a, _ in stories])
    # As many right as can be; of those thresholds the one that misses fewest denials, for few articles have one.
    arrays["denial_threshold"] = max(
        np.arange(0.2, 1.0, 0.02), key=lambda t: (round(((denials >= t) == contested).mean(), 3), (denials[contested] >= t).mean(), t)
    )
    return arrays | _fit_actors([a for a in train if a.outcome != "none"], names)


def _choose_history_threshold(arrays: dict[str, np.ndarray], articles: Sequence[LabelledArticle], scores: Sequence[Scores]) -> float:
    """Tells history from ordinary articles as well as can be; of equals the lowest, for a retrospective is only context."""
    told = np.stack([told_features(*s, is_title(a)) for a, s in zip(articles, scores, strict=True)])
    rows = {"told": told, "news": np.stack([news_features(*s) for s in scores])}
    told_chance, news_chance = (
        1 / (1 + np.exp(-(each @ arrays[f"{name}_matrix"] + arrays[f"{name}_bias"]))) for name, each in rows.items()
    )
    history = told_chance * (1 - news_chance)
    old = [(chance, a.outcome == "retrospective") for chance, a in zip(history, articles, strict=True) if a.outcome != "new"]
    return float(max(np.arange(0.2, 0.6, 0.02), key=lambda t: (sum((chance >= t) == is_it for chance, is_it in old), -t)))


def decide(heads: ArticleHeads, article: LabelledArticle, scores: Scores) -> Decision:
    return heads.decide(*scores, is_title(article))


def found_names(article: LabelledArticle, encoder: Encoder) -> list[Entity]:
    """The names of an article as the job finds them: the gazetteer's and the model's, with canonical names."""
    content, scan = article.content, load_scanner().scan(article.content)
    pieces = read_pieces(content, article.title, scan.gate_hits, encoder)
    kept = settle(len(content), scan.entities, read_names(content, pieces, load_entity_head()))
    return with_canonical_names(kept, article.language)


def _fit_actors(articles: list[LabelledArticle], names: Names) -> dict[str, np.ndarray]:
    rows, labels = [], []
    for article in articles:
        evidence = [(r.start, r.end) for r, is_evidence in zip(article.readings, article.is_evidence, strict=True) if is_evidence]
        kind = ChangeType(article.labels["change_type"])
        meant = _actor_spans(article)
        for candidate in find_candidates(names[article.id], evidence, len(article.title), kind):
            rows.append(candidate.features)
            is_meant = any(m.start < end and start < m.end for m in candidate.mentions for start, end in meant)
            labels.append(is_meant or candidate.name in article.labels["actors"])
    model = LogisticRegression(max_iter=2000).fit(np.array(rows), np.array(labels))
    return {"actor_matrix": model.coef_[0], "actor_bias": model.intercept_[0]}


def _actor_spans(article: LabelledArticle) -> list[tuple[int, int]]:
    """Where the labelled actors are named: the spelling of a name that no list knows must not decide whom the ranking learns from."""
    surfaces = {surface for surface, canonical, _ in article.labels["entities"] if surface and canonical in article.labels["actors"]}
    return [found.span() for surface in surfaces for found in re.finditer(re.escape(surface), article.content)]


def is_title(article: LabelledArticle) -> np.ndarray:
    return np.array([reading.is_title for reading in article.readings])


def _fit(name: str, features: np.ndarray, labels: np.ndarray, weight: str | None = None) -> dict[str, np.ndarray]:
    model = LogisticRegression(C=REGULARISATION, max_iter=2000, class_weight=weight).fit(features, labels)
    return {f"{name}_matrix": model.coef_[0].astype(np.float32), f"{name}_bias": model.intercept_[0].astype(np.float32)}


def choose_threshold(flags: np.ndarray, chances: np.ndarray, alarms: np.ndarray, news: int) -> float:
    """The threshold that misses the fewest labelled articles at a precision of LEAST_PRECISION, or else that of the best F1.

    At it `news` real articles raise no more alarms than allowed; `alarms` are the chances of those of them that passed the gate.
    """
    allowed = int(FALSE_ALARMS_PER_THOUSAND * news / 1000)
    floor = float(np.sort(alarms)[::-1][allowed]) + 0.01 if len(alarms) > allowed else 0.0
    candidates = sorted({max(0.3, floor), *(t for t in np.arange(0.3, 0.9, 0.02) if t >= floor)})
    precise = [t for t in candidates if (flags & (chances >= t)).sum() >= LEAST_PRECISION * (chances >= t).sum() > 0]
    if precise:
        # Of equals the highest: it has the fewest false alarms.
        return max(precise, key=lambda t: ((flags & (chances >= t)).sum(), t))
    return max(candidates, key=lambda t: (round(f1(flags, chances >= t), 3), -abs(t - 0.5)))


def f1(truth: np.ndarray, found: np.ndarray) -> float:
    return float(2 * (truth & found).sum() / max(1, truth.sum() + found.sum()))


def report(articles: Sequence[LabelledArticle], scores: Sequence[Scores], heads: ArticleHeads, names: Names) -> dict[str, Any]:
    """How the decisions on labelled articles compare with their labels; the actors are ranked among `names`, those that the job finds."""
    decisions = [decide(heads, a, s) for a, s in zip(articles, scores, strict=True)]
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
        "actors": _share(bool(set(actors(a, d, heads, names[a.id])) & set(a.labels["actors"])) for a, d in right),
        "missed": [a.id for a, d in pairs if a.labels["flag"] and not d.flag],
        "false": [a.id for a, d in pairs if d.flag and not a.labels["flag"]],
    }


def actors(article: LabelledArticle, decision: Decision, heads: ArticleHeads, names: Sequence[Entity]) -> tuple[str, ...]:
    evidence = [(article.readings[i].start, article.readings[i].end) for i in decision.evidence]
    candidates = find_candidates(names, evidence, len(article.title), decision.change_type)
    return rank_actors(candidates, *heads.actor_weights)


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 3) if found else -1.0

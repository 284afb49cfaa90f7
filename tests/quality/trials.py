"""Test sets of their own: minimal pairs and hostile articles. Nothing may be trained, chosen or tuned on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from judged import Result, same_decision, shares_by_language
from measures import share
from training import data

from transforms.model.encoder import WEIGHTS, load_encoder
from transforms.model.heads import DIRECTIONS, SentenceHeads

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEDS = Path(__file__).parents[2] / "seeds"
MINIMAL_PAIRS, HOSTILE = SEEDS / "minimal_pairs.jsonl", SEEDS / "hostile.jsonl"


def read_trials(path: Path) -> list[data.LabelledArticle]:
    """The articles of a file, in order; a member of a pair has the id "PAIR NUMBER" and the pair as its group."""
    return [_article(number, json.loads(line)) for number, line in enumerate(path.read_text("utf-8").splitlines())]


def _article(number: int, labels: dict[str, Any]) -> data.LabelledArticle:
    group = labels.get("pair") or labels["id"]
    identity = labels.get("id") or f"{group} {number}"
    content = f"{labels['title']}\n{labels['text']}" if labels["title"] else labels["text"]
    return data.LabelledArticle(identity, labels["language"], labels["title"], content, group, labels)


def minimal_pair_figures(results: list[Result]) -> dict[str, Any]:
    """Pairs of which both articles come out as labelled: flag, direction, and status where the two differ in it."""
    is_right = {result.article.id: _is_told_apart(result) for result in results}
    pairs = list(_paired(results))
    both = {first.article.id: is_right[first.article.id] and is_right[second.article.id] for first, second in pairs}
    firsts = [first for first, _ in pairs]
    kinds = sorted({str(first.article.labels["differs_in"]) for first in firsts})
    return {
        "minimal_pairs": share(both.values()),
        "minimal_pair_articles": share(is_right.values()),
        "minimal_pairs_by_language": shares_by_language(firsts, both),
        "minimal_pairs_by_difference": {
            kind: share(both[first.article.id] for first in firsts if first.article.labels["differs_in"] == kind) for kind in kinds
        },
    }


def _is_told_apart(result: Result) -> bool:
    labels = result.article.labels
    is_status_right = labels["differs_in"] != "status" or labels["status"] == result.assessment.status
    return same_decision(result) and (not labels["flag"] or is_status_right)


def _paired(results: list[Result]) -> Iterator[tuple[Result, Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.article.group, []).append(result)
    for group, members in groups.items():
        if len(members) != 2:
            raise ValueError(f"{MINIMAL_PAIRS.name}: pair {group} has {len(members)} articles, not 2")
        yield members[0], members[1]


def hostile_figures(results: list[Result]) -> dict[str, Any]:
    """Decisions that hostile or odd text changed: flag or direction is not the one that the article deserves."""
    is_right = {result.article.id: same_decision(result) for result in results}
    kinds = sorted({str(result.article.labels["kind"]) for result in results})
    return {
        "hostile_changed": sum(not right for right in is_right.values()),
        "hostile": share(is_right.values()),
        "hostile_wrongly_flagged": sum(r.assessment.flag and not r.article.labels["flag"] for r in results),
        "hostile_wrongly_silent": sum(r.article.labels["flag"] and not r.assessment.flag for r in results),
        "hostile_by_language": shares_by_language(results, is_right),
        "hostile_by_kind": {kind: share(is_right[r.article.id] for r in results if r.article.labels["kind"] == kind) for kind in kinds},
        "hostile_changed_ids": [identity for identity, right in is_right.items() if not right],
    }


def sentence_set_figures(side: str) -> dict[str, Any]:
    """Sentence sets that differ in one thing, read alone: is it a change, and which way."""
    encoder, heads = load_encoder(), SentenceHeads(WEIGHTS)
    rows = [example for _, example in data.read_sentences() if data.side(example.group) == side]
    scores = heads.score(np.stack([encoder.encode(e.text).vector for e in rows]))
    told = [i for i, e in enumerate(rows) if e.change == 1 and DIRECTIONS[e.direction] in {"opening", "closing"}]
    return {
        "pairs_change": share(bool(scores.change[i] > 0) == bool(e.change) for i, e in enumerate(rows)),
        "pairs_direction": share(bool(scores.direction[i][:2].argmax() == rows[i].direction) for i in told),
    }

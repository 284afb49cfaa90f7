"""Whose policy changes: the names of an article ranked by how they stand to the evidence and the title."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from transforms.records import ChangeType, Entity, EntityType

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

LIMIT_ACTORS = 3
# Of people and models only those that stand for somebody are candidates.
_ACTING = {EntityType.ORG, EntityType.GPE}
_STANDING_FOR = {EntityType.PERSON, EntityType.MODEL, EntityType.GPE}


@dataclass(frozen=True)
class Candidate:
    """A name that may be an actor, and its features for the ranking."""

    name: str
    features: tuple[float, ...]


@functools.cache
def affiliations() -> dict[str, str]:
    """Well-known people, seats of government and model families -> whom they stand for (affiliations.tsv)."""
    lines = (Path(__file__).parent / "affiliations.tsv").read_text("utf-8").splitlines()[1:]
    return dict(line.split("\t") for line in lines if line)


def find_candidates(
    entities: Sequence[Entity], evidence: Sequence[tuple[int, int]], title_end: int, change_type: ChangeType
) -> list[Candidate]:
    """Organisations and places of the article, and whom its known people and models stand for: one candidate for each name, in the order
    of the text.
    """
    mentions: dict[str, list[Entity]] = {}
    for entity in sorted(entities, key=lambda e: (e.start, e.end)):
        name = affiliations().get(entity.canonical) if entity.type in _STANDING_FOR else None
        if name or entity.type in _ACTING:
            mentions.setdefault(name or entity.canonical, []).append(entity)
    first_in_evidence = _first_in_evidence(mentions, evidence)
    return [
        Candidate(name, _features(found, evidence, title_end, change_type, first_in_evidence.get(name))) for name, found in mentions.items()
    ]


def _first_in_evidence(mentions: dict[str, list[Entity]], evidence: Sequence[tuple[int, int]]) -> dict[str, int]:
    """Names in the strongest evidence -> their rank by place in it: subjects tend to stand first."""
    if not evidence:
        return {}
    start, end = evidence[0]
    places = {name: [m.start for m in found if start <= m.start < end] for name, found in mentions.items()}
    inside = sorted((min(starts), name) for name, starts in places.items() if starts)
    return {name: rank for rank, (_, name) in enumerate(inside)}


def _features(
    found: list[Entity], evidence: Sequence[tuple[int, int]], title_end: int, change_type: ChangeType, rank: int | None
) -> tuple[float, ...]:
    is_place = all(m.type is EntityType.GPE for m in found)
    is_rule = change_type is ChangeType.REGULATION
    in_evidence = sum(any(start <= m.start < end for start, end in evidence) for m in found)
    return (
        float(is_place), float(is_place and is_rule), float(not is_place and is_rule),
        float(any(m.start < title_end for m in found)), float(any(m.start < title_end for m in found) and is_place),
        float(in_evidence > 0), float(in_evidence > 1), float(rank == 0), float(rank is not None), float(rank == 0 and is_place),
        min(len(found), 5) / 5, 1 / (1 + found[0].start / 200),
        min((abs(m.start - start) for m in found for start, _ in evidence), default=1000) / 1000,
    )  # fmt: skip


def rank_actors(candidates: Sequence[Candidate], matrix: npt.NDArray[np.float64], bias: float) -> tuple[str, ...]:
    """The likeliest candidate, and up to two more that are likelier than not."""
    if not candidates:
        return ()
    logits = np.array([candidate.features for candidate in candidates]) @ matrix + bias
    order = np.argsort(-logits, kind="stable")[:LIMIT_ACTORS]
    return tuple(candidates[i].name for place, i in enumerate(order) if place == 0 or logits[i] > 0)

"""Whose policy changes: the names of an article ranked by how they stand to the evidence and the title."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from transforms.records import ChangeType, Entity, EntityType
from transforms.text.fold import fold
from transforms.text.gazetteer import read_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

LIMIT_ACTORS = 3
# Of people and models only those that stand for somebody are candidates; products, because a platform is often taken for one.
_ACTING = {EntityType.ORG, EntityType.GPE, EntityType.PRODUCT}
_STANDING_FOR = {EntityType.PERSON, EntityType.MODEL, EntityType.GPE}
# Words of the English names of those who make rules.
_RULE_MAKER = re.compile(
    r"\b(?:Ministry|Commission|Agency|Parliament|Senate|Government|Authority|Court|Council|Department|Office|Congress|Legislature|Chamber"
    r"|Bureau|Assembly|Administration|House of Representatives)\b",
    re.IGNORECASE,
)
_OF_STATE = re.compile(r".*\bof (?:the )?(.+)$")


@dataclass(frozen=True)
class Candidate:
    """A name that may be an actor, its features for the ranking, and where it stands.

    `state` is the state whose body it is, if it is one; else "".
    """

    name: str
    features: tuple[float, ...]
    mentions: tuple[Entity, ...] = ()
    state: str = ""


@functools.cache
def affiliations() -> dict[str, str]:
    """Well-known people, seats of government and model families -> whom they stand for (affiliations.tsv)."""
    return _read_pairs("affiliations.tsv")


@functools.cache
def rule_makers() -> dict[str, str]:
    """Parliaments, ministries and regulators whose names do not say so, or not of which state -> their state (rule_makers.tsv)."""
    return _read_pairs("rule_makers.tsv")


@functools.cache
def press() -> frozenset[str]:
    """Papers and agencies, which tell of policies and have none (press.txt)."""
    return frozenset((Path(__file__).parent / "press.txt").read_text("utf-8").splitlines())


@functools.cache
def _places() -> frozenset[str]:
    return frozenset(name.canonical for name in read_names() if name.type is EntityType.GPE)


def _read_pairs(file: str) -> dict[str, str]:
    lines = (Path(__file__).parent / file).read_text("utf-8").splitlines()[1:]
    return dict(line.split("\t") for line in lines if line)


def state_of(name: str) -> str:
    """The state whose body a name is: "Senate of Poland" -> "Poland"; "" when it is no such body."""
    if name in rule_makers():
        return rule_makers()[name]
    found = _OF_STATE.search(name)
    return found.group(1) if found and _RULE_MAKER.search(name) and found.group(1) in _places() else ""


def find_candidates(
    entities: Sequence[Entity], evidence: Sequence[tuple[int, int]], title_end: int, change_type: ChangeType
) -> list[Candidate]:
    """Organisations, places and products of the article, and whom its known people and models stand for: one candidate for each name, in
    the order of the text.
    """
    mentions: dict[str, list[Entity]] = {}
    for entity in sorted(entities, key=lambda e: (e.start, e.end)):
        name = affiliations().get(entity.canonical) if entity.type in _STANDING_FOR else None
        if (name or entity.type in _ACTING) and entity.canonical not in press():
            mentions.setdefault(name or entity.canonical, []).append(entity)
    first_in_evidence = _first_in_evidence(mentions, evidence)
    models = {fold(entity.surface).text for entity in entities if entity.type is EntityType.MODEL}
    candidates = []
    for name, found in mentions.items():
        rank = first_in_evidence.get(name)
        in_evidence = [sum(start <= m.start < end for m in found) for start, end in evidence]
        features = (
            *_place_features(found, evidence, title_end, change_type, sum(in_evidence)), *_rank_features(found, rank),
            sum(map(bool, in_evidence)) / max(1, len(evidence)), *_kind_features(name, found, change_type, models),
        )  # fmt: skip
        candidates.append(Candidate(name, features, tuple(found), state_of(name)))
    return candidates


def _first_in_evidence(mentions: dict[str, list[Entity]], evidence: Sequence[tuple[int, int]]) -> dict[str, int]:
    """Names in the strongest evidence -> their rank by place in it: subjects tend to stand first."""
    if not evidence:
        return {}
    start, end = evidence[0]
    places = {name: [m.start for m in found if start <= m.start < end] for name, found in mentions.items()}
    inside = sorted((min(starts), name) for name, starts in places.items() if starts)
    return {name: rank for rank, (_, name) in enumerate(inside)}


def _place_features(
    found: list[Entity], evidence: Sequence[tuple[int, int]], title_end: int, change_type: ChangeType, times_in_evidence: int
) -> tuple[float, ...]:
    """Is it a country, does it stand in title and evidence, how often, how near."""
    is_place = all(m.type is EntityType.GPE for m in found)
    is_rule = change_type is ChangeType.REGULATION
    is_in_title = any(m.start < title_end for m in found)
    return (
        float(is_place), float(is_place and is_rule), float(not is_place and is_rule), float(is_in_title), float(is_in_title and is_place),
        float(times_in_evidence > 0), float(times_in_evidence > 1), min(len(found), 5) / 5, 1 / (1 + found[0].start / 200),
        min((abs(m.start - start) for m in found for start, _ in evidence), default=1000) / 1000,
    )  # fmt: skip


def _rank_features(found: list[Entity], rank: int | None) -> tuple[float, ...]:
    """Is it the first name of the strongest evidence, or in it at all."""
    is_place = all(m.type is EntityType.GPE for m in found)
    return float(rank == 0), float(rank is not None), float(rank == 0 and is_place)


def _kind_features(name: str, found: list[Entity], change_type: ChangeType, models: set[str]) -> tuple[float, ...]:
    """Is it a product, of a change on platforms; a body that makes a new rule; rather a model, called by part of its name."""
    is_product = any(m.type is EntityType.PRODUCT for m in found) and not any(m.type is EntityType.ORG for m in found)
    is_rule_maker = change_type is ChangeType.REGULATION and (name in rule_makers() or bool(_RULE_MAKER.search(name)))
    surface = fold(found[0].surface).text
    is_model_too = not any(m.type is EntityType.MODEL for m in found) and any(
        model.startswith(surface) or surface.startswith(model) for model in models
    )
    return float(is_product), float(is_product and change_type is ChangeType.PLATFORM), float(is_rule_maker), float(is_model_too)


def rank_actors(candidates: Sequence[Candidate], matrix: npt.NDArray[np.float64], bias: float) -> tuple[str, ...]:
    """The likeliest candidate, and up to two more that are likelier than not.

    Behind a body that makes a rule stands its state, and behind a state its body: a senate's bill is the country's policy.
    """
    if not candidates:
        return ()
    logits = np.array([candidate.features for candidate in candidates]) @ matrix + bias
    ranked = [int(i) for i in np.argsort(-logits, kind="stable")]
    chosen = [candidates[i].name for place, i in enumerate(ranked[:LIMIT_ACTORS]) if place == 0 or logits[i] > 0]
    first = candidates[ranked[0]]
    counterpart = first.state or next((candidates[i].name for i in ranked if candidates[i].state == first.name), "")
    return tuple(dict.fromkeys([*chosen, counterpart] if counterpart else chosen))[:LIMIT_ACTORS]

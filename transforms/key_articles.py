"""Which articles reach whose stories: a flagged article its actor's, and word of what an article no longer says everybody's it names."""

from __future__ import annotations

import functools
from itertools import takewhile
from pathlib import Path

import msgspec

from transforms.heartbeat import is_heartbeat
from transforms.model.actors import affiliations, state_of
from transforms.records import Assessment, ChangeType, Direction, Entity, EntityType, Member, Status
from transforms.text.gazetteer import read_names
from transforms.text.marks import LIMIT_MARKS, find_marks

UNKNOWN_ACTOR = "unknown"
LIMIT_OBJECTS = 10
# Why a story is over, or an article no more in it.
CORRECTED, WITHDRAWN = "corrected", "withdrawn"
# An article with a score below this was never flagged in another wording; word of it would only cost time.
LEAST_CORRECTION_SCORE = 0.01
# So many of those that an unflagged article names are told that it says nothing of them. In a thousand edits of the story set the actor
# of an article that lost its flag was its first name or the second, or no longer named. A withdrawal is rare, and must not miss its story.
LIMIT_NAMED_ACTORS, LIMIT_NAMED_ACTORS_WITHDRAWN = 2, 8


def key_by_actor(assessment: Assessment) -> list[tuple[str, Member]]:
    """The flagged article under whom its first actor acts for, and under others that it names that it is not theirs.

    An edited article may have been another actor's, or flagged at all: only by this word does the old story learn of it. Nothing for an
    article that is far from being flagged, as nearly all are.
    """
    if is_heartbeat(assessment.position.topic):
        return []
    found = [_member(assessment)] if assessment.flag else []
    if found or assessment.is_withdrawn or assessment.score >= LEAST_CORRECTION_SCORE:
        found += [(name, _gone(assessment)) for name in _named_actors(assessment) if not found or name != found[0][0]]
    return found


def _named_actors(assessment: Assessment) -> list[str]:
    """Whoever may have been an article's actor in another wording, in the order of the text.

    Of a flagged article those named where it tells of the change, and nobody known, who it was while no name was understood; of another one
    the first, or nobody known when it names none.
    """
    names: dict[str, None] = {}
    for one in _told_entities(assessment) if assessment.flag else assessment.entities:
        stands_for = affiliations().get(one.canonical)
        if stands_for or one.type in {EntityType.ORG, EntityType.GPE}:
            names.setdefault(policy_actor(stands_for or one.canonical))
    if assessment.flag:
        return [*names, UNKNOWN_ACTOR]
    limit = LIMIT_NAMED_ACTORS_WITHDRAWN if assessment.is_withdrawn else LIMIT_NAMED_ACTORS
    return list(names)[:limit] or [UNKNOWN_ACTOR]


def _gone(assessment: Assessment) -> Member:
    return msgspec.structs.replace(_silent(assessment), gone_because=WITHDRAWN if assessment.is_withdrawn else CORRECTED)


def _silent(assessment: Assessment) -> Member:
    """The article as one that says nothing of any change."""
    return Member(
        article=assessment.url or assessment.id,
        position=assessment.position,
        sha256=assessment.sha256,
        url="",
        title="",
        publisher="",
        language=assessment.language,
        at=assessment.published_at or assessment.received_at,
        received_at=assessment.received_at,
        direction=Direction.NONE,
        change_type=ChangeType.NONE,
        status=Status.NONE,
        contested=False,
        score=assessment.score,
        actors=(),
        evidence=(),
        model=assessment.model,
        content_sha256=assessment.content_sha256,
    )


def _member(assessment: Assessment) -> tuple[str, Member]:
    actor = policy_actor(assessment.actors[0]) if assessment.actors else UNKNOWN_ACTOR
    told = _told_entities(assessment)
    objects = sorted({name for one in told if (name := object_of(one))})
    names = {one.canonical.lower() for one in told if one.type is not EntityType.MODEL}
    text = "\n".join([assessment.title, *(one.text for one in assessment.evidence)])
    own = {name.lower() for name in (actor, *assessment.actors)}
    member = msgspec.structs.replace(
        _silent(assessment),
        url=assessment.url,
        title=assessment.title,
        publisher=assessment.publisher,
        direction=assessment.direction,
        change_type=assessment.change_type,
        status=assessment.status,
        contested=assessment.contested,
        actors=assessment.actors,
        evidence=assessment.evidence,
        objects=tuple(objects[:LIMIT_OBJECTS]),
        marks=tuple(sorted(names.union(find_marks(text)) - own)[:LIMIT_MARKS]),
        sketch=assessment.sketch,
        outline=assessment.outline,
    )
    return actor, member


@functools.cache
def _parents() -> dict[str, str]:
    lines = (Path(__file__).parent / "languages" / "parents.tsv").read_text("utf-8").splitlines()[1:]
    return dict(line.split("\t") for line in lines if line)


def policy_actor(name: str) -> str:
    """Whose policy it is when this organisation acts: a ministry's is its state's, a laboratory's its company's (parents.tsv)."""
    return _parents().get(name) or state_of(name) or name


def object_of(entity: Entity) -> str:
    """What a change is about: a model's family (the name without its version), or a law; "" for all other names.

    A licence is none, since the same one is given to many models, nor is a law that the gazetteer does not know: it is spelt in one
    language.
    """
    if entity.type is EntityType.LAW:
        return entity.canonical if entity.canonical in _known_laws() else ""
    if entity.type is not EntityType.MODEL:
        return ""
    words = entity.canonical.split()
    family = list(takewhile(lambda word: not any(character.isdigit() for character in word), words))
    return " ".join(family or words)


@functools.cache
def _known_laws() -> frozenset[str]:
    return frozenset(name.canonical for name in read_names() if name.type is EntityType.LAW)


def _told_entities(assessment: Assessment) -> list[Entity]:
    """The names in the title and in the evidence."""
    spans = [(0, len(assessment.title)), *((one.start, one.end) for one in assessment.evidence)]
    return [one for one in assessment.entities if any(start <= one.start < end for start, end in spans)]

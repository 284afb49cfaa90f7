"""Where an actor stands: plain functions from its stances to the ledger's states, whatever the order the stances came in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from transforms.group_stories import story_direction
from transforms.records import (
    Member,
    PolicyBook,
    PolicyChange,
    PolicyStance,
    PolicyState,
    PolicyUpdate,
    Status,
    StatusStep,
    StoryUpdate,
)  # fmt: skip
from transforms.story_facts import is_contested, story_kind, story_objects, story_status

# What is said of no model or law in particular.
EVERYTHING = "all"
# A stance that is in force or announced outranks any that is only proposed, that one a rumour; a denied one is history only.
RANK = {Status.IN_FORCE: 3, Status.ANNOUNCED: 3, Status.PROPOSED: 2, Status.RUMOURED: 1, Status.DENIED: 0, Status.NONE: 0}
LIMIT_EVIDENCE_CHARACTERS = 500
LIMIT_HEADLINE_CHARACTERS = 300


@dataclass(frozen=True)
class LedgerLimits:
    """How many changes are kept for each object, how many objects for each actor, and how long an actor that nobody speaks of."""

    history: int = 20
    objects_per_actor: int = 200
    kept_days: int = 1825


def policy_change(update: StoryUpdate) -> PolicyChange:
    """What a story that changed means for the ledger."""
    return PolicyChange(alert_id=update.story_id, stance=_stance(update.story_id, update.members) if update.members else None)


def _stance(story_id: str, members: Sequence[Member]) -> PolicyStance:
    earliest = members[0]
    evidence = earliest.evidence[0].text if earliest.evidence else ""
    return PolicyStance(
        alert_id=story_id,
        object=next(iter(story_objects(members)), EVERYTHING),
        direction=story_direction(members),
        change_type=story_kind(members),
        status=story_status(members),
        contested=is_contested(members),
        since=earliest.at,
        steps=_steps(members),
        headline=(earliest.title or evidence)[:LIMIT_HEADLINE_CHARACTERS],
        evidence=evidence[:LIMIT_EVIDENCE_CHARACTERS],
        url=earliest.url,
    )


def _steps(members: Sequence[Member]) -> tuple[StatusStep, ...]:
    """The status of the story as each report came, where it differs from the one before."""
    steps: list[StatusStep] = []
    for count, member in enumerate(members, 1):
        status = story_status(members[:count])
        if not steps or steps[-1].status is not status:
            steps.append(StatusStep(status, member.at))
    return tuple(steps)


def keep(actor: str, book: PolicyBook, change: PolicyChange, limits: LedgerLimits) -> tuple[PolicyBook, list[PolicyUpdate]]:
    """The actor's book with the change, and what the ledger says anew by it: nothing when nothing does."""
    others = [stance for stance in book.stances if stance.alert_id != change.alert_id]
    stances = _within(others + ([change.stance] if change.stance else []), limits)
    before, after = _by_object(book.stances), _by_object(stances)
    # What no longer fits changes no more; the topic keeps its last word.
    is_full = {name for name, known in before.items() if name not in after and any(one.alert_id != change.alert_id for one in known)}
    changed = [name for name in sorted((before.keys() | after.keys()) - is_full) if before.get(name) != after.get(name)]
    updates = [PolicyUpdate(actor=actor, object=name, state=policy_state(actor, after.get(name, ()))) for name in changed]
    return PolicyBook(stances=stances), updates


def policy_state(actor: str, stances: Sequence[PolicyStance], at: datetime | None = None) -> PolicyState | None:
    """Where the actor stands by these stances on one object, now or as it stood at a time; None when nothing was known."""
    known = [stance for stance in stances if at is None or stance.since <= at]
    if not known:
        return None
    history = sorted((_as_of(stance, at) for stance in known), key=lambda stance: (stance.since, stance.alert_id), reverse=True)
    now = max(history, key=lambda stance: (RANK[stance.status], stance.since, stance.alert_id))
    return PolicyState(
        actor=actor,
        object=now.object,
        stance=now.direction,
        change_type=now.change_type,
        status=now.status,
        contested=now.contested,
        since=now.since,
        headline=now.headline,
        evidence=now.evidence,
        alert_id=now.alert_id,
        history=tuple(history),
    )


def _as_of(stance: PolicyStance, at: datetime | None) -> PolicyStance:
    if at is None:
        return stance
    steps = tuple(step for step in stance.steps if step.at <= at)
    return msgspec.structs.replace(stance, steps=steps, status=steps[-1].status if steps else stance.status)


def _by_object(stances: Iterable[PolicyStance]) -> dict[str, tuple[PolicyStance, ...]]:
    found: dict[str, tuple[PolicyStance, ...]] = {}
    for stance in stances:
        found[stance.object] = (*found.get(stance.object, ()), stance)
    return found


def _within(stances: list[PolicyStance], limits: LedgerLimits) -> tuple[PolicyStance, ...]:
    """The newest of each object, and the objects with the newest changes; in an order that follows from the stances alone."""
    ordered = sorted(stances, key=lambda stance: (stance.since, stance.alert_id), reverse=True)
    kept: dict[str, list[PolicyStance]] = {}
    for stance in ordered:
        if stance.object in kept or len(kept) < limits.objects_per_actor:
            kept.setdefault(stance.object, []).append(stance)
    return tuple(
        sorted(
            (stance for found in kept.values() for stance in _newest(found, limits.history)),
            key=lambda stance: (stance.object, stance.since, stance.alert_id),
        )
    )


def _newest(stances: list[PolicyStance], count: int) -> list[PolicyStance]:
    """The first so many, and the one that holds now even when it is older than all of these."""
    now = max(stances, key=lambda stance: (RANK[stance.status], stance.since, stance.alert_id))
    newest = stances[:count]
    return newest if now in newest else [*newest[: count - 1], now]

"""The nouns of the policy ledger; transforms/records.py hands them on."""

from __future__ import annotations

from datetime import datetime

import msgspec

from transforms.closed_sets import ChangeType, Direction, Status


class StatusStep(msgspec.Struct, frozen=True):
    """When a change first had this status, by the dates of the reports."""

    status: Status
    at: datetime


class PolicyStance(msgspec.Struct, frozen=True, kw_only=True):
    """One change in an actor's history: what it was about, which way, since when, and the words that say so.

    `steps` are the statuses that it went through, in order; `object` is a model family, a law, or "all".
    """

    alert_id: str
    object: str
    direction: Direction
    change_type: ChangeType
    status: Status
    contested: bool
    since: datetime
    steps: tuple[StatusStep, ...]
    headline: str
    evidence: str
    url: str


class PolicyChange(msgspec.Struct, frozen=True, kw_only=True):
    """A story's stance, or none when the story is over."""

    alert_id: str
    stance: PolicyStance | None


class PolicyBook(msgspec.Struct, frozen=True, kw_only=True):
    """All stances of one actor: the keyed state of KeepLedger."""

    stances: tuple[PolicyStance, ...] = ()


class PolicyState(msgspec.Struct, frozen=True, kw_only=True):
    """Where an actor stands on one object; `history` has the changes behind it, the newest first, the current one among them."""

    actor: str
    object: str
    stance: Direction
    change_type: ChangeType
    status: Status
    contested: bool
    since: datetime
    headline: str
    evidence: str
    alert_id: str
    history: tuple[PolicyStance, ...]
    schema_version: str = "1.0"


class PolicyUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger now holds of an actor and an object; no state: nothing any more."""

    actor: str
    object: str
    state: PolicyState | None

"""The closed sets of values that records draw from; transforms/records.py hands them on."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    OPENING = "opening"
    CLOSING = "closing"
    MIXED = "mixed"
    UNCLEAR = "unclear"
    NONE = "none"


class ChangeType(StrEnum):
    RELEASE_STRATEGY = "release_strategy"
    WEIGHTS_ACCESS = "weights_access"
    LICENCE = "licence"
    REGULATION = "regulation"
    PLATFORM = "platform"
    NONE = "none"


class Status(StrEnum):
    IN_FORCE = "in_force"
    ANNOUNCED = "announced"
    PROPOSED = "proposed"
    RUMOURED = "rumoured"
    DENIED = "denied"
    NONE = "none"


class Novelty(StrEnum):
    NEW = "new"
    RETROSPECTIVE = "retrospective"
    NONE = "none"


class EntityType(StrEnum):
    PERSON = "PERSON"
    ORG = "ORG"
    GPE = "GPE"
    MODEL = "MODEL"
    LICENCE = "LICENCE"
    LAW = "LAW"
    PRODUCT = "PRODUCT"


class Outcome(StrEnum):
    ASSESSED = "assessed"
    REJECTED = "rejected"


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class AlertState(StrEnum):
    RAISED = "raised"
    UPDATED = "updated"
    RETRACTED = "retracted"

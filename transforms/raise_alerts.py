"""RaiseAlerts: a story that changed becomes what subscribers are told.

An alert's body follows from the story's articles alone. Whether a person should be told follows from what was known before, which is
another thing after another order of arrival: it goes beside the body, never into it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import apache_beam as beam
import msgspec

from transforms import metrics
from transforms.attempt import GuardEach
from transforms.records import Alert, AlertState, ArticleReference, ChangeType, Member, RaisedAlert, Severity, Status, StoryUpdate

STAGE = "raise_alerts"
# From the weakest to the strongest word on a change: the strongest that any article has is the story's.
STATUS_ORDER = (Status.NONE, Status.DENIED, Status.RUMOURED, Status.PROPOSED, Status.ANNOUNCED, Status.IN_FORCE)
# How many independent publishers make a story worth another notice.
NOTABLE_PUBLISHERS = (2, 5, 10)
# An alert stays far below the 1 MB that a topic takes: articles are left out from where their references come to this size.
LIMIT_REFERENCES_BYTES = 300_000
LIMIT_TITLE_CHARACTERS = 1_000
LIMIT_ACTORS = 50
SEVERITY = {
    Status.IN_FORCE: Severity.HIGH,
    Status.ANNOUNCED: Severity.HIGH,
    Status.PROPOSED: Severity.MEDIUM,
    Status.RUMOURED: Severity.LOW,
    Status.DENIED: Severity.LOW,
    Status.NONE: Severity.LOW,
}


class RaiseAlerts(beam.PTransform):
    """StoryUpdate -> RaisedAlert."""

    def __init__(self, articles_per_alert: int) -> None:
        super().__init__()
        self._articles_per_alert = articles_per_alert

    def expand(self, updates: beam.PCollection) -> beam.PCollection:
        return updates | GuardEach(STAGE, RaiseCounted(self._articles_per_alert)).with_output_types(RaisedAlert)


@dataclass(frozen=True)
class RaiseCounted:
    """StoryUpdate -> its one alert, counted, its delay measured."""

    articles_per_alert: int

    def __call__(self, update: StoryUpdate) -> list[RaisedAlert]:
        raised = raise_alert(update, self.articles_per_alert)
        metrics.ALERTS.labels(raised.alert.state, raised.alert.direction).inc()
        metrics.ALERT_DELAY.observe(max(0.0, (datetime.now(UTC) - update.received_at).total_seconds()))
        return [raised]


def raise_alert(update: StoryUpdate, articles_per_alert: int) -> RaisedAlert:
    """The alert of a story as it stands now, and whether a person should be told of the change."""
    return RaisedAlert(alert=_alert(update, articles_per_alert), is_notable=_is_notable(update))


def _alert(update: StoryUpdate, articles_per_alert: int) -> Alert:
    """`retracted` when the story has no articles of its own any more."""
    members = update.members or update.before
    article_count = sum(member.stands_for for member in members)
    state = AlertState.RETRACTED if not update.members else AlertState.UPDATED if article_count > 1 else AlertState.RAISED
    earliest = members[0]
    status = strongest_status(members)
    return Alert(
        alert_id=update.story_id,
        story_id=update.story_id,
        # Grows with every article and every edit of one, so that a revision has one content.
        revision=article_count + sum(member.edits for member in members) + (state is AlertState.RETRACTED),
        state=state,
        actor=update.actor,
        actors=tuple(name for name, _ in Counter(name for member in members for name in member.actors).most_common(LIMIT_ACTORS)),
        direction=earliest.direction,
        change_type=_most_frequent_change_type(members),
        status=status,
        contested=any(member.contested for member in members),
        severity=_severity(status, _publisher_count(members)),
        score=round(max(member.score for member in members), 4),
        headline=(earliest.title or earliest.evidence[0].text)[:LIMIT_TITLE_CHARACTERS],
        language=earliest.language,
        languages=tuple(sorted({member.language for member in members})),
        first_reported_at=earliest.at,
        last_reported_at=members[-1].at,
        article_count=article_count,
        publisher_count=_publisher_count(members),
        articles=_references(members[:articles_per_alert]),
        model=earliest.model,
        merged_into=update.merged_into,
    )


def strongest_status(members: tuple[Member, ...]) -> Status:
    return max((member.status for member in members), key=STATUS_ORDER.index)


def _is_notable(update: StoryUpdate) -> bool:
    """Whether a person should be told: a new story, or one that moved in status, became contested or gained publishers."""
    before, now = update.before, update.members
    if not before or not now:
        return True
    return (
        strongest_status(before) is not strongest_status(now)
        or any(member.contested for member in before) is not any(member.contested for member in now)
        or any(_publisher_count(before) < threshold <= _publisher_count(now) for threshold in NOTABLE_PUBLISHERS)
    )


def _publisher_count(members: tuple[Member, ...]) -> int:
    return len({member.publisher or member.article for member in members})


def _most_frequent_change_type(members: tuple[Member, ...]) -> ChangeType:
    counts = Counter(member.change_type for member in members)
    return min(counts, key=lambda change_type: (-counts[change_type], change_type))


def _severity(status: Status, publisher_count: int) -> Severity:
    """High for a change that a second publisher confirms; one publisher alone is at most medium."""
    severity = SEVERITY[status]
    return Severity.MEDIUM if severity is Severity.HIGH and publisher_count == 1 else severity


def _references(members: tuple[Member, ...]) -> tuple[ArticleReference, ...]:
    """The first of them, at least one, as far as LIMIT_REFERENCES_BYTES of JSON goes."""
    references: list[ArticleReference] = []
    size_bytes = 0
    for reference in map(_reference, members):
        size_bytes += len(msgspec.json.encode(reference))
        if references and size_bytes > LIMIT_REFERENCES_BYTES:
            break
        references.append(reference)
    return tuple(references)


def _reference(member: Member) -> ArticleReference:
    return ArticleReference(
        position=member.position,
        sha256=member.sha256,
        url=member.url,
        title=member.title[:LIMIT_TITLE_CHARACTERS],
        publisher=member.publisher,
        language=member.language,
        at=member.at,
        evidence=member.evidence,
    )

"""RaiseAlerts: a story that changed becomes what subscribers are told.

An alert's body follows from the story's articles alone. Whether a person should be told follows from what was known before, which is
another thing after another order of arrival: it goes beside the body, never into it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import apache_beam as beam
import msgspec

from transforms import metrics
from transforms.attempt import GuardEach
from transforms.group_stories import publisher_count, story_direction
from transforms.records import Alert, AlertState, ArticleReference, InputReference, Member, RaisedAlert, StoryUpdate
from transforms.story_facts import SeverityRules, is_contested, story_kind, story_objects, story_status, what_changed

STAGE = "raise_alerts"
# An alert stays far below the 1 MB that a topic takes: articles are left out from where their references come to this size.
LIMIT_REFERENCES_BYTES = 300_000
LIMIT_TITLE_CHARACTERS = 1_000
LIMIT_ACTORS = 50
LIMIT_INPUTS = 1_000


@dataclass(frozen=True)
class AlertRules:
    """What an alert depends on besides its articles; `settings` is the hash that it carries of all that."""

    articles_per_alert: int = 20
    severity: SeverityRules = field(default_factory=SeverityRules)
    settings: str = ""


class RaiseAlerts(beam.PTransform):
    """StoryUpdate -> RaisedAlert."""

    def __init__(self, rules: AlertRules) -> None:
        super().__init__()
        self._rules = rules

    def expand(self, updates: beam.PCollection) -> beam.PCollection:
        return updates | GuardEach(STAGE, RaiseCounted(self._rules)).with_output_types(RaisedAlert)


@dataclass(frozen=True)
class RaiseCounted:
    """StoryUpdate -> its one alert, counted, its delay measured."""

    rules: AlertRules

    def __call__(self, update: StoryUpdate) -> list[RaisedAlert]:
        raised = raise_alert(update, self.rules)
        metrics.ALERTS.labels(raised.alert.state, raised.alert.direction).inc()
        metrics.ALERT_DELAY.observe(max(0.0, (datetime.now(UTC) - update.received_at).total_seconds()))
        return [raised]


def raise_alert(update: StoryUpdate, rules: AlertRules) -> RaisedAlert:
    """The alert of a story as it stands now, and what has changed that a person should be told."""
    return RaisedAlert(alert=_alert(update, rules), changes=what_changed(update.before, update.members))


def _alert(update: StoryUpdate, rules: AlertRules) -> Alert:
    """`retracted` when the story has no articles of its own any more."""
    members = update.members or update.before
    article_count = sum(member.stands_for for member in members)
    state = AlertState.RETRACTED if not update.members else AlertState.UPDATED if article_count > 1 else AlertState.RAISED
    earliest, status, publishers = members[0], story_status(members), publisher_count(members)
    return Alert(
        alert_id=update.story_id,
        story_id=update.story_id,
        # Grows with every article and every edit of one, so that a revision has one content.
        revision=article_count + sum(member.edits for member in members) + (state is AlertState.RETRACTED),
        state=state,
        actor=update.actor,
        actors=tuple(name for name, _ in Counter(name for member in members for name in member.actors).most_common(LIMIT_ACTORS)),
        direction=story_direction(members),
        change_type=story_kind(members),
        status=status,
        contested=is_contested(members),
        severity=rules.severity.severity(status, update.actor, publishers),
        score=round(max(member.score for member in members), 4),
        headline=(earliest.title or earliest.evidence[0].text)[:LIMIT_TITLE_CHARACTERS],
        language=earliest.language,
        languages=tuple(sorted({member.language for member in members})),
        first_reported_at=earliest.at,
        last_reported_at=members[-1].at,
        article_count=article_count,
        publisher_count=publishers,
        articles=_references(members[: rules.articles_per_alert]),
        model=earliest.model,
        merged_into=update.merged_into,
        objects=story_objects(members),
        retracted_because=update.reason,
        settings=rules.settings,
        inputs=tuple(InputReference(position=member.position, sha256=member.sha256) for member in members[:LIMIT_INPUTS]),
    )


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

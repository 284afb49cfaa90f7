"""Encode: records become messages for the topics that strangers read."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b

import apache_beam as beam
import msgspec

from transforms import metrics
from transforms.attempt import GuardEach
from transforms.heartbeat import arrived_topic, sent_topic
from transforms.records import Assessment, OutgoingMessage, PolicyUpdate, RaisedAlert, Rejected
from transforms.text.gate import read_makers
from transforms.text.languages import languages

STAGE = "encode"
SOURCE = "/openweight-monitor"
# What a closed list does not name is one series, not one for each guess.
OTHER = "other"
# Of a rejected message's own headers so many are kept, so that a message within the topic's limit stays within it.
LIMIT_RECEIVED_HEADERS = 50
LIMIT_HEADER_NAME_CHARACTERS = 200
LIMIT_HEADER_BYTES = 1_000


class EncodeAssessments(beam.PTransform):
    """Assessment -> OutgoingMessage on PREFIX.assessments; the heartbeat's goes to its own topic and is not counted."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def expand(self, assessments: beam.PCollection) -> beam.PCollection:
        return assessments | GuardEach(STAGE, partial(_encode_counted, prefix=self._prefix)).with_output_types(OutgoingMessage)


class EncodeAlerts(beam.PTransform):
    """RaisedAlert -> OutgoingMessage on PREFIX.alerts.DIRECTION."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def expand(self, alerts: beam.PCollection) -> beam.PCollection:
        return alerts | GuardEach(STAGE, partial(_encode_alert, prefix=self._prefix)).with_output_types(OutgoingMessage)


class EncodePolicy(beam.PTransform):
    """PolicyUpdate -> OutgoingMessage on PREFIX.policy."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def expand(self, updates: beam.PCollection) -> beam.PCollection:
        return updates | GuardEach(STAGE, partial(_encode_policy, prefix=self._prefix)).with_output_types(OutgoingMessage)


class EncodeRejected(beam.PTransform):
    """Rejected -> OutgoingMessage on PREFIX.rejected."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def expand(self, rejected: beam.PCollection) -> beam.PCollection:
        return rejected | GuardEach(STAGE, partial(_encode_rejected, prefix=self._prefix)).with_output_types(OutgoingMessage)


def _encode_alert(raised: RaisedAlert, prefix: str) -> list[OutgoingMessage]:
    return [encode_alert(raised, prefix)]


def _encode_policy(update: PolicyUpdate, prefix: str) -> list[OutgoingMessage]:
    return [encode_policy(update, prefix)]


def _encode_rejected(rejected: Rejected, prefix: str) -> list[OutgoingMessage]:
    return [encode_rejected(rejected, prefix)]


def _encode_counted(assessment: Assessment, prefix: str) -> list[OutgoingMessage]:
    if assessment.position.topic == sent_topic(prefix):
        return [msgspec.structs.replace(encode_assessment(assessment, prefix), topic=arrived_topic(prefix))]
    metrics.ARTICLES.labels(assessment.language if assessment.language in languages() else OTHER).inc()
    if assessment.is_candidate:
        metrics.CANDIDATES.inc()
    if assessment.flag:
        metrics.FLAGGED.labels(assessment.direction).inc()
        for actor in {actor if actor in read_makers() else OTHER for actor in assessment.actors or (OTHER,)}:
            metrics.FLAGGED_BY_ACTOR.labels(actor).inc()
    return [encode_assessment(assessment, prefix)]


def encode_assessment(assessment: Assessment, prefix: str) -> OutgoingMessage:
    return OutgoingMessage(
        topic=f"{prefix}.assessments",
        key=(assessment.url or assessment.id).encode(),
        value=msgspec.json.encode(assessment),
        headers=_headers(("outcome", assessment.outcome), ("flag", str(assessment.flag).lower()), ("language", assessment.language)),
    )


def encode_alert(raised: RaisedAlert, prefix: str) -> OutgoingMessage:
    """An alert after the CloudEvents Kafka binding (binary mode), so that a subscriber filters by headers without parsing."""
    alert = raised.alert
    value = msgspec.json.encode(alert)
    return OutgoingMessage(
        topic=f"{prefix}.alerts.{alert.direction}",
        key=alert.alert_id.encode(),
        value=value,
        headers=_headers(
            ("ce_specversion", "1.0"),
            # An event is named by its content: after a restart the same number of articles may be other articles.
            ("ce_id", f"{alert.alert_id}.{blake2b(value, digest_size=8).hexdigest()}"),
            ("ce_subject", alert.alert_id),
            ("ce_type", f"openweight.alert.{alert.state}"),
            ("ce_source", SOURCE),
            ("ce_time", alert.last_reported_at.isoformat()),
            ("content-type", "application/json; charset=utf-8"),
            ("actor", alert.actor),
            ("direction", alert.direction),
            ("change_type", alert.change_type),
            ("language", alert.language),
            ("severity", alert.severity),
            ("story_id", alert.story_id),
            ("contested", str(alert.contested).lower()),
            ("notable", str(raised.is_notable).lower()),
            ("changes", ",".join(raised.changes)),
        ),
    )


def encode_policy(update: PolicyUpdate, prefix: str) -> OutgoingMessage:
    """Where an actor stands, under `actor/object`; without a value, which compaction takes for a deletion, when nothing is known."""
    state = update.state
    described = (("stance", state.stance), ("change_type", state.change_type), ("status", state.status)) if state else ()
    return OutgoingMessage(
        topic=f"{prefix}.policy",
        key=f"{update.actor}/{update.object}".encode("utf-8", "backslashreplace"),
        value=msgspec.json.encode(state) if state else None,
        headers=_headers(("actor", update.actor), ("object", update.object), *described),
    )


def encode_rejected(rejected: Rejected, prefix: str) -> OutgoingMessage:
    """The message as it was received, with the reason in its headers and its own headers, each cut to a bounded size, behind it."""
    position = rejected.position
    received = tuple(
        (f"original_{name[:LIMIT_HEADER_NAME_CHARACTERS]}", value[:LIMIT_HEADER_BYTES])
        for name, value in rejected.headers[:LIMIT_RECEIVED_HEADERS]
    )
    return OutgoingMessage(
        topic=f"{prefix}.rejected",
        key=rejected.key,
        value=rejected.value,
        headers=_headers(
            ("stage", rejected.stage),
            ("reason", rejected.reason),
            ("detail", rejected.detail),
            ("topic", position.topic),
            ("partition", str(position.partition)),
            ("offset", str(position.offset)),
            ("timestamp_milliseconds", str(rejected.timestamp_milliseconds)),
        )
        + received,
    )


def _headers(*pairs: tuple[str, str]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value.encode("utf-8", "backslashreplace")) for name, value in pairs)

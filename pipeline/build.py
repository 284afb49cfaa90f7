"""The job on one screen: what happens to an article, in reading order."""

from __future__ import annotations

import apache_beam as beam

from pipeline.alert_rules import alert_rules
from pipeline.ends import Ends
from pipeline.settings import Settings
from transforms.decode import Decode, DecodeLimits
from transforms.detect_language import DetectLanguage
from transforms.encode import EncodeAlerts, EncodeAssessments, EncodePolicy, EncodeRejected
from transforms.extract_entities import ExtractEntities
from transforms.flag_policy_change import FlagPolicyChange
from transforms.heartbeat import sent_topic
from transforms.keep_ledger import KeepLedger
from transforms.link_stories import LinkStories
from transforms.raise_alerts import RaiseAlerts


def build(pipeline: beam.Pipeline, ends: Ends, settings: Settings) -> None:
    """Lays the graph from the news topics to the alert topics."""
    prefix = settings.writing.topic_prefix
    received = pipeline | "Read" >> ends.read

    # One fused stage in one process: text never leaves it, and each step may refuse a record.
    decoded = received | Decode(settings.fields.model_dump(), DecodeLimits(**settings.limits.model_dump()))
    detected = decoded.accepted | DetectLanguage()
    annotated = detected.accepted | ExtractEntities(settings.judgement.entity_model_for)
    assessed = annotated.accepted | FlagPolicyChange(settings.judgement.threshold, sent_topic(prefix))

    # Only flagged articles come here: keyed state, by actor.
    stories = assessed.accepted | LinkStories(settings.stories.limits)
    alerts = stories | RaiseAlerts(alert_rules(settings))
    policies = stories | KeepLedger(settings.ledger.limits)

    rejected = (decoded.rejected, detected.rejected, annotated.rejected, assessed.rejected) | "AllRejected" >> beam.Flatten()

    assessed.accepted | EncodeAssessments(prefix) | "WriteAssessments" >> ends.write
    rejected | EncodeRejected(prefix) | "WriteRejected" >> ends.write
    alerts | EncodeAlerts(prefix) | "WriteAlerts" >> ends.write
    policies | EncodePolicy(prefix) | "WritePolicy" >> ends.write

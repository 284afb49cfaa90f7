"""From settings to connectors: where the job reads, and where it writes."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam
import msgspec

from connectors.kafka.connection import KafkaConnection
from connectors.kafka.partitions import LostPosition, ReadingPlan, Start
from connectors.kafka.read import ReadFromKafka
from connectors.kafka.write import WriteToKafka
from pipeline.settings import Settings
from transforms.heartbeat import sent_topic

# The pause after empty polls doubles up to so many times its first length.
IDLE_LIMIT_FACTOR = 20


@dataclass(frozen=True)
class Ends:
    """`read`: begin -> RawMessage; `write`: OutgoingMessage -> nothing."""

    read: beam.PTransform
    write: beam.PTransform


def kafka_connection(settings: Settings) -> KafkaConnection:
    """The broker of the settings; `bootstrap_servers` must have been filled in when the broker is our own."""
    broker = settings.broker
    return KafkaConnection(
        bootstrap_servers=broker.bootstrap_servers,
        security_protocol=broker.security_protocol,
        ca_file=str(broker.ca_file or ""),
        certificate_file=str(broker.certificate_file or ""),
        key_file=str(broker.key_file or ""),
        sasl_mechanism=broker.sasl_mechanism,
        username=broker.username,
        password_file=str(broker.password_file or ""),
    )


def kafka_ends(settings: Settings, run_id: str = "") -> Ends:
    connection, own_topics = kafka_connection(settings), (sent_topic(settings.writing.topic_prefix),)
    plan = msgspec.structs.replace(reading_plan(settings), own_topics=own_topics, run_id=run_id)
    return Ends(read=ReadFromKafka(connection, plan), write=WriteToKafka(connection))


def reading_plan(settings: Settings) -> ReadingPlan:
    """What the job reads of the news: one place for the job, which reads the heartbeat besides, and for those who check it."""
    reading = settings.reading
    return ReadingPlan(
        topics=() if reading.topic_pattern else reading.topics,
        pattern=reading.topic_pattern,
        own_prefix=f"{settings.writing.topic_prefix}.",
        start=Start(reading.start),
        start_at=reading.start_timestamp,
        group=reading.group,
        lost_position=LostPosition(reading.offsets_out_of_range),
        pause_above_rejected_share=reading.pause_above_rejected_share,
        list_seconds=reading.discovery_seconds,
        records_per_poll=reading.records_per_poll,
        idle_seconds=reading.idle_poll_milliseconds / 1000,
        idle_limit_seconds=IDLE_LIMIT_FACTOR * reading.idle_poll_milliseconds / 1000,
    )

"""The peers of the job: one process that reads, assesses and writes the same outcomes by the same functions, without an engine.

python tests/bench/peers.py loop|quix SETTINGS    SETTINGS: the settings as JSON. Runs until it is ended with SIGTERM.
What a peer has easier: the stories are in its memory alone, and nothing is kept of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from kafka import KafkaConsumer, KafkaProducer

from connectors.kafka.connection import describe_client
from connectors.kafka.read import read_record
from pipeline.ends import kafka_connection
from pipeline.rerun import Rerun
from pipeline.settings import Settings
from transforms.records import OutgoingMessage, Position, RawMessage

BATCH_RECORDS = 500


def run_loop(settings: Settings) -> None:
    """kafka-python: a batch is read, assessed, written, confirmed, and its offsets committed."""
    options = describe_client(kafka_connection(settings))
    consumer = KafkaConsumer(
        *settings.reading.topics, group_id=settings.reading.group, enable_auto_commit=False, auto_offset_reset="earliest",
        max_poll_records=BATCH_RECORDS, fetch_max_bytes=8 * 1024 * 1024, metrics_enabled=False, **options,
    )  # fmt: skip
    producer = KafkaProducer(acks="all", linger_ms=5, batch_size=65_536, max_request_size=4_000_000, metrics_enabled=False, **options)
    assessor = Rerun(settings)
    while True:
        fetched = consumer.poll(timeout_ms=500)
        sent = [
            producer.send(one.topic, key=one.key, value=one.value, headers=list(one.headers))
            for partition, records in fetched.items()
            for record in records
            for one in assessor.take(read_record(partition.topic, partition.partition, record))
        ]
        producer.flush()
        for future in sent:
            future.get(timeout=30)
        if fetched:
            consumer.commit()


def run_quix(settings: Settings) -> None:
    """Quix Streams, at least once, its offsets committed with its checkpoints every five seconds."""
    from quixstreams import Application, message_context  # noqa: PLC0415 - an extra; the loop runs without it
    from quixstreams.models import Deserializer, Serializer  # noqa: PLC0415 - the same

    class Value(Serializer):  # type: ignore[misc]  # mypy is shown no types of Quix Streams
        def __call__(self, value: OutgoingMessage, ctx: Any) -> bytes | None:  # noqa: ARG002 - Quix's signature
            return value.value

    class AsIs(Deserializer):  # type: ignore[misc]  # mypy is shown no types of Quix Streams
        # Not Quix's own: it ends the program at a message without a value.
        def __call__(self, value: bytes | None, ctx: Any) -> bytes | None:  # noqa: ARG002 - Quix's signature
            return value

    application = Application(
        broker_address=settings.broker.bootstrap_servers, consumer_group=settings.reading.group, auto_offset_reset="earliest",
        auto_create_topics=False, producer_extra_config={"linger.ms": 5, "acks": "all", "message.max.bytes": 4_000_000}, loglevel="WARNING",
    )  # fmt: skip
    assessor = Rerun(settings)
    prefix = settings.writing.topic_prefix
    written = ["assessments", "rejected", *(f"alerts.{name}" for name in ("opening", "closing", "mixed", "unclear"))]
    topics = {
        f"{prefix}.{name}": application.topic(f"{prefix}.{name}", value_serializer=Value(), key_serializer="bytes") for name in written
    }

    def assess(value: bytes | None, key: Any, timestamp: int, headers: Any) -> list[OutgoingMessage]:
        context = message_context()
        raw = RawMessage(
            position=Position(context.topic, context.partition, context.offset), timestamp_milliseconds=timestamp, key=key, value=value,
            headers=tuple(headers or ()),
        )  # fmt: skip
        return list(assessor.take(raw))

    for name in settings.reading.topics:
        frame = application.dataframe(application.topic(name, value_deserializer=AsIs(), key_deserializer="bytes"))
        frame = frame.apply(assess, expand=True, metadata=True)
        frame = frame.set_headers(lambda value, _key, _timestamp, _headers: list(value.headers))
        frame.to_topic(lambda value, _key, _timestamp, _headers: topics[value.topic], key=lambda value: value.key)
    application.run()


PEERS: dict[str, Callable[[Settings], None]] = {"loop": run_loop, "quix": run_quix}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("settings", help="the settings as JSON")
    given = parser.parse_args()
    PEERS[given.peer](Settings.model_validate_json(given.settings))


if __name__ == "__main__":
    main()

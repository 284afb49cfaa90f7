"""Sends the heartbeat into its topic, every few seconds, and sees it come out of the job: broker, engine and model are at work then."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any

import msgspec
import structlog

from connectors.kafka.connection import BrokerUnreachableError, Repeated
from connectors.kafka.partitions import ReadingPlan, Start
from connectors.kafka.subscribe import subscribe
from connectors.kafka.write import DeliveryFailedError, WritingPlan, send_all
from pipeline.ends import kafka_connection
from pipeline.settings import Settings
from transforms import metrics
from transforms.heartbeat import arrived_topic, sent_topic
from transforms.records import OutgoingMessage, RawMessage

log = structlog.get_logger()
# It passes the gate, so that the model reads it, and holds a letter for every stage to work on.
TITLE = "Heartbeat of openweight-monitor"
TEXT = "A laboratory changes the licence of the open weights of its language model. This is a test of the monitor and no news."
TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = 2.0


class _Arrived(msgspec.Struct):
    received_at: datetime


class Heartbeat:
    """Beats in a thread of its own from `begin` to `end`; `newest_seconds` says when the newest that came through was sent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = kafka_connection(settings)
        self._prefix = settings.writing.topic_prefix
        self._seconds = settings.metrics.heartbeat_seconds
        self._should_end = threading.Event()
        self._repeated = Repeated(60)
        self.newest_seconds = 0.0
        self._due_at = 0.0

    def begin(self) -> None:
        """Call it when the job runs: from now on a heartbeat is missed."""
        if self._seconds:
            self._note(time.time())
            threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def end(self) -> None:
        self._should_end.set()

    def _run(self) -> None:
        while not self._should_end.is_set():
            try:
                self._beat()
            except (BrokerUnreachableError, DeliveryFailedError) as error:
                if self._repeated.is_due("away"):
                    log.warning("the heartbeat waits for the broker", reason=str(error))
            except Exception:
                if self._repeated.is_due("failed"):
                    log.exception("the heartbeat failed and is tried again")
            self._should_end.wait(RETRY_SECONDS)

    def _beat(self) -> None:
        # It yields several times a second, with or without a message: the clock of the loop.
        for message in subscribe(self._connection, ReadingPlan(topics=(arrived_topic(self._prefix),), start=Start.LATEST)):
            if self._should_end.is_set():
                return
            if message is not None:
                self.read(message)
            if time.monotonic() >= self._due_at:
                self._due_at = time.monotonic() + self._seconds
                send_all(self._connection, [compose_heartbeat(self._settings)], WritingPlan(timeout_seconds=TIMEOUT_SECONDS))

    def read(self, message: RawMessage) -> None:
        """Takes note of a heartbeat that came through; one that a replay brings again changes nothing."""
        try:
            sent_seconds = msgspec.json.decode(message.value or b"", type=_Arrived).received_at.timestamp()
        except (msgspec.MsgspecError, ValueError):
            return
        # After the clock was set back the newest lies in the future, and would stand there as proof of life.
        if sent_seconds > self.newest_seconds or self.newest_seconds > time.time():
            self._note(sent_seconds)
            metrics.HEARTBEAT_DELAY.set(max(0.0, message.timestamp_milliseconds / 1000 - sent_seconds))

    def _note(self, sent_seconds: float) -> None:
        self.newest_seconds = sent_seconds
        metrics.HEARTBEAT_AT.set(sent_seconds)


def compose_heartbeat(settings: Settings) -> OutgoingMessage:
    """The heartbeat as a message, its fields where the settings say that those of an article are."""
    content: dict[str, Any] = {}
    for path, value in (
        (settings.fields.id, f"heartbeat-{time.time_ns()}"), (settings.fields.title, TITLE), (settings.fields.text, TEXT),
    ):  # fmt: skip
        *outer, name = path.split(".")
        place = content
        for key in outer:
            place = place.setdefault(key, {})
        place[name] = value
    return OutgoingMessage(topic=sent_topic(settings.writing.topic_prefix), key=b"heartbeat", value=msgspec.json.encode(content))

"""Seconds from an article to its alert, both by the broker's clock, while articles come at a steady rate."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from mixed_articles import Mixture, mix_messages
from run_openweight import OpenweightRun, TopicEnds, alert_topics, feed, outcome_topics, read_all

from transforms.records import RawMessage

# Stories of another year than the backlog's, so that alerts are small again.
MIXTURE = Mixture(bad_share=0.0, flagged_share=0.02, near_share=0.0, repeated_share=0.0, begin=datetime(2024, 6, 1, tzinfo=UTC))
DRAIN_SECONDS = 120


@dataclass(frozen=True)
class Delays:
    """Seconds, sorted: of alerts that begin a story, and of those that follow."""

    first: list[float]
    updates: list[float]
    articles_per_second: float

    @property
    def together(self) -> list[float]:
        return sorted(self.first + self.updates)


def measure_delay(run: OpenweightRun, topic: str, rate: float, seconds: float) -> Delays:
    """Feeds a run that has nothing left to do, and waits for the last outcome.

    Raises:
        RunFailed: outcomes are missing two minutes after the last article.
    """
    count = int(rate * seconds)
    outcomes = TopicEnds(run.connection, outcome_topics(run.settings))
    before = outcomes.count()
    known = {key(one) for one in read_all(run.connection, (topic,))}
    started = time.monotonic()
    feed(run.connection, mix_messages(count, topic, seed=1, mixture=MIXTURE), rate)
    taken = time.monotonic() - started
    run.wait_for(lambda: outcomes.count() >= before + count, f"{count} outcomes at {rate} articles/s", DRAIN_SECONDS)
    fed = [one for one in read_all(run.connection, (topic,)) if key(one) not in known]
    alerts = wait_for_alerts(run)
    outcomes.close()
    return pair_delays(fed, alerts, count / taken)


def wait_for_alerts(run: OpenweightRun) -> list[RawMessage]:
    """All alerts, when no more have come for two seconds: they leave a little after the assessments."""
    ends = TopicEnds(run.connection, alert_topics(run.settings))
    seen = -1
    while (now := ends.count()) != seen:
        seen = now
        time.sleep(2)
    ends.close()
    return read_all(run.connection, alert_topics(run.settings))


def pair_delays(fed: list[RawMessage], alerts: list[RawMessage], articles_per_second: float) -> Delays:
    """The cause of an alert is the newest of the articles that no earlier revision of it had."""
    sent_at = {key(one): one.timestamp_milliseconds for one in fed}
    told: dict[str, set[tuple[int, int]]] = {}
    first: list[float] = []
    updates: list[float] = []
    for message in sorted(alerts, key=lambda one: one.position):
        alert = json.loads(message.value or b"")
        positions = {(one["position"]["partition"], one["position"]["offset"]) for one in alert["articles"]}
        new = (positions - told.get(alert["alert_id"], set())) & sent_at.keys()
        told[alert["alert_id"]] = positions
        if alert["state"] == "retracted" or not new:
            continue
        delay = (message.timestamp_milliseconds - max(sent_at[one] for one in new)) / 1000
        (first if alert["state"] == "raised" else updates).append(delay)
    return Delays(sorted(first), sorted(updates), articles_per_second)


def key(message: RawMessage) -> tuple[int, int]:
    return message.position.partition, message.position.offset


def quantile(values: Iterable[float], share: float) -> float:
    """The value that `share` of the sorted values do not exceed; not a number when there are none."""
    ordered = list(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

"""Faults that come with the input: bad bytes, wrong clocks, the same again, other versions."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from bench import NEWS, RECOVERY_SECONDS, Bench, Result
from mixed_articles import BAD_VALUES, Mixture, mix_messages
from process_faults import article
from run_openweight import read_all
from state_faults import read_metric

from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.subscribe import partition_offsets
from transforms.records import OutgoingMessage

FLAGGED = Mixture(bad_share=0.0, flagged_share=1.0, near_share=0.0, repeated_share=0.0)
POISON = 3_000
REPLAYED = 1_000


def feed_poison(bench: Bench, _end_at: float) -> Result:
    """F11: poison at first, middle and last offsets: as many rejected records as bad ones, and every neighbour processed."""
    result = Result("F11 poison among good records")
    before = len(bench.rejected_headers())
    for value in BAD_VALUES:
        bad = OutgoingMessage(topic=NEWS, key=b"one-partition", value=value)
        bench.feed([bad, *(article(bench, "beside a bad one") for _ in range(6)), bad])
        result.runs += 2
    books = bench.close_books(result)
    rejected = len(bench.rejected_headers()) - before
    # What was read again after a kill is rejected again, to the byte; here nothing is killed.
    result.require(rejected == result.runs, f"{rejected} records were rejected, {result.runs} were bad; {books.open} open")
    return result


def feed_only_poison(bench: Bench, _end_at: float) -> Result:
    """F11: with more than a fifth rejected it pauses and says so; started anew with the fault mended it goes on, and nothing is lost."""
    result = Result("F11 100 % poison pauses", runs=1)
    bench.settle()
    before = bench.outcomes()
    bench.feed(OutgoingMessage(topic=NEWS, key=str(number).encode(), value=b"{broken") for number in range(POISON))
    result.recoveries.append(
        bench.run.wait_for(lambda: read_metric(bench.run, "openweight_reading_paused") == 1, "the pause in the metrics", RECOVERY_SECONDS)
    )
    time.sleep(3)
    at_pause = bench.outcomes()
    bench.run.wait_for(lambda: read_metric(bench.run, "openweight_consumer_lag_records") > 0, "the waiting records in the metrics", 30)
    result.require(at_pause - before <= 1_000, f"{at_pause - before} bad records were drained before it paused")
    time.sleep(5)
    result.require(bench.outcomes() == at_pause, "it goes on draining while it is paused")
    bench.kill_worker_and_wait()
    result.require(bench.outcomes() - at_pause <= 100, "a restart of the worker ends the pause")
    result.require(bench.run.stop() == 0, "a paused run does not stop in order")
    bench.run.environment["OPENWEIGHT_READING__PAUSE_ABOVE_REJECTED_SHARE"] = "1"
    bench.run.start()
    bench.close_books(result)
    return result


def turn_clocks(bench: Bench, _end_at: float) -> Result:
    """F13, on the clocks that come with messages: no story in the future, no negative delay."""
    result = Result("F13 clocks +1 h, -1 h, +1 year")
    now = datetime.now(UTC)
    for hours in (1, -1, 365 * 24, -365 * 24):
        at = now + timedelta(hours=hours)
        for message in mix_messages(10, seed=90_000 + hours, mixture=FLAGGED):
            value = json.loads(message.value or b"") | {"published_at": at.isoformat()}
            stamp = round(at.timestamp() * 1000)
            bench.feed([OutgoingMessage(topic=NEWS, key=message.key, value=json.dumps(value).encode(), timestamp_milliseconds=stamp)])
        result.runs += 1
    # Forty articles that all go through the encoder: how fast is not what is asked here.
    bench.settle(RECOVERY_SECONDS)
    bench.close_books(result)
    latest = max(alert.last_reported_at for alert in bench.alerts())
    # A message may claim up to an hour ahead before the broker refuses it: then it gets the broker's own time.
    result.require(latest <= datetime.now(UTC) + timedelta(hours=1), f"a story of {latest} lies in the future")
    result.require(read_metric(bench.run, "openweight_alert_delay_seconds_sum") >= 0, "a negative delay")
    return result


def replay(bench: Bench, _end_at: float) -> Result:
    """F16: the last 1,000 again, and one article from three feeds: no new alert."""
    result = Result("F16 the same again", runs=1)
    bench.feed_backlog(300, changes=60)
    bench.settle()
    live = {alert.alert_id for alert in bench.alerts()}
    news = sorted(read_all(bench.broker.connection, (NEWS,)), key=lambda one: one.timestamp_milliseconds)
    bench.feed(OutgoingMessage(topic=NEWS, key=one.key, value=one.value) for one in news[-REPLAYED:])
    bench.settle()
    new = {alert.alert_id for alert in bench.alerts()} - live
    result.require(not new, f"{len(new)} new alerts after {REPLAYED} articles came again")
    known = len(live)
    for message in mix_messages(5, seed=77_777, mixture=FLAGGED):
        counts = []
        for feed in ("a", "b", "c"):
            value = json.loads(message.value or b"") | {"publisher": f"Feed {feed}"}
            bench.feed([OutgoingMessage(topic=NEWS, key=f"{feed}".encode(), value=json.dumps(value).encode())])
            bench.settle()
            counts.append(len({alert.alert_id for alert in bench.alerts()}))
        result.require(all(one == other for one, other in pairwise(counts)), f"one article from three feeds raised {counts}, from {known}")
        result.runs += 1
    bench.close_books(result)
    return result


def change_versions(bench: Bench, _end_at: float) -> Result:
    """F19: a newer producer adds fields, an older one leaves some out: both are read; what is no article is rejected with the reason."""
    result = Result("F19 newer and older producers", runs=3)
    before = len(bench.rejected_headers())
    newer = {"schema": "9.9", "id": "newer", "text": "Rain fell.", "added": {"later": [1, {"deep": None}]}, "tags": ["x"] * 50}
    older = {"text": "Rain fell in the hills."}
    other = {"payload": {"body": "another schema altogether"}}
    bench.feed(OutgoingMessage(topic=NEWS, key=b"v", value=json.dumps(value).encode()) for value in (newer, older, other))
    bench.close_books(result)
    rejected = [headers["reason"] for headers in bench.rejected_headers()[before:]]
    result.require(len(rejected) == 1, f"{rejected} were rejected, of three messages one should be")
    return result


def verify(bench: Bench, _end_at: float) -> Result:
    """The product's own proof over all that was fed."""
    answer = bench.run.call("verify")
    inputs = sum(partition_offsets(bench.broker.connection, ReadingPlan(topics=(NEWS,)))[1].values())
    result = Result(f"openweight verify, {inputs} inputs", runs=1)
    result.require(answer.returncode == 0 and "LOST 0" in answer.stdout, f"{answer.stdout[-600:]} {answer.stderr[-300:]}")
    return result

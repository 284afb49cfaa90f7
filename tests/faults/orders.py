"""The story set told in other orders, every article twice: the same alerts and the same ledger, also when the engine dies in the middle.

What is compared follows from the articles alone: no place in a topic, no time of processing. Against one process that reads the set in its
own order (pipeline/rerun.py), so that all orders wrong in the same way would be seen as well.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from bench import LAG_SECONDS, RECOVERY_SECONDS, Bench, Result, Run, progress
from in_worker.judge_by_labels import judge_by_labels
from run_openweight import TopicEnds, alert_topics, feed, outcome_topics, prepare_topics, read_all

from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.subscribe import partition_offsets, read_to_end
from pipeline.assess import raw_line
from pipeline.rerun import Rerun, RerunState
from transforms import flag_policy_change
from transforms.encode import encode_policy
from transforms.policy_book import policy_state
from transforms.records import OutgoingMessage, PolicyUpdate, RawMessage

SET = Path(__file__).resolve().parents[2] / "seeds" / "stories.jsonl"
FIELDS = ("id", "url", "title", "text", "publisher", "published_at")
# Who is killed when a third is done, one order after the other.
VICTIMS = (None, "taskmanager", "jobmanager")
RECORD_SECONDS = 0.6
Values = dict[str, Any]


def tell_in_other_orders(bench: Bench, end_at: float) -> Result:
    """Stops the bench's own run meanwhile: two engines at once would take each other's processors."""
    result = Result("orders, each article twice")
    bench.run.stop()
    rows = [json.loads(line) for line in SET.read_text("utf-8").splitlines()]
    articles = [{name: row[name] for name in FIELDS} for row in rows]
    expected = tell_in_one_process(bench, articles)
    for number, victim in enumerate(VICTIMS):
        if result.runs and time.monotonic() > end_at:
            result.require(holds=False, what=f"the time was over before {victim} was killed")
            break
        twice = articles * 2
        random.Random(bench.seed + number).shuffle(twice)  # noqa: S311 - reproducible on purpose
        tell(bench, twice, victim, expected, result)
    # After a failure the suite starts it.
    bench.run.start()
    return result


def tell(bench: Bench, articles: list[Values], victim: str | None, expected: Rerun, result: Result) -> None:
    """One order: fed, `victim` of its run killed in the middle, compared; and where nobody is killed, one story withdrawn."""
    name = f"{victim or 'nobody'}-killed"
    variables = {f"OPENWEIGHT_{key}": name for key in ("READING__GROUP", "WRITING__TOPIC_PREFIX")}
    # Not one of those that the bench's own run reads.
    variables["OPENWEIGHT_READING__TOPICS"] = f"stories.{name}"
    run = Run(bench.folder / name, bench.broker, variables)
    run.judge_by(SET)
    prepare_topics(run.settings)
    fed = feed(bench.broker.connection, messages(run, articles))
    try:
        run.start()
        if victim:
            result.recoveries.append(kill_in_the_middle(run, fed, victim, result))
        run.wait_for(lambda: run.committed() >= fed, f"all {fed} with {name}", LAG_SECONDS + fed * RECORD_SECONDS)
        result.runs += 1
        differences = settle_differences(run, expected)
        result.require(not differences, f"{name}: {differences[:3]}")
        progress.print(f"  {name}: {len(differences)} differences")
        if victim is None:
            withdraw(run, fed, articles, expected, result)
        result.require(run.stop() == 0, f"{name}: it does not stop in order")
    finally:
        run.clear_away()


def messages(run: Run, articles: Iterable[Values]) -> Iterable[OutgoingMessage]:
    for number, one in enumerate(articles):
        # A key of its own for each copy: an article and its repetition come from different partitions, in either order. Withdrawals come one
        # after the other: which of them ends a story, and which hands it on to the next article, depends on that.
        key = b"withdrawn" if "withdrawn" in one else f"{one['url']}#{number}".encode()
        yield OutgoingMessage(topic=run.settings.reading.topics[0], key=key, value=json.dumps(one).encode())


def kill_in_the_middle(run: Run, fed: int, victim: str, result: Result) -> float:
    ends = TopicEnds(run.connection, outcome_topics(run.settings))
    try:
        run.wait_for(lambda: ends.count() >= fed // 3, "a third of the set", RECOVERY_SECONDS)
        job, restored = run.restores()
        os.kill(run.pid_of(victim), signal.SIGKILL)
        result.require(ends.count() < fed, f"all was done before {victim} was killed: it shows nothing")
    finally:
        ends.close()

    def is_restored() -> bool:
        now_job, now_restored = run.restores()
        return bool(now_job) and now_restored > (restored if now_job == job else 0)

    return run.wait_for(is_restored, f"the job is restored after {victim} was killed", RECOVERY_SECONDS)


def tell_in_one_process(bench: Bench, articles: Iterable[Values]) -> Rerun:
    judge_by_labels(flag_policy_change, SET)
    rerun = Rerun(bench.run.settings)
    for number, one in enumerate(articles):
        rerun.take(as_read(number, one))
    return rerun


def as_read(number: int, article: Values) -> RawMessage:
    return raw_line("one process", number, json.dumps(article).encode(), datetime.now(UTC))


def settle_differences(run: Run, expected: Rerun) -> list[str]:
    """What is still different when all has come out.

    Offsets are committed when a checkpoint is complete, and what Beam held back for that checkpoint goes to the next stage only then: the last
    alerts and ledger entries come a moment later, or, from a run that is stopped meanwhile, with its next start.
    """
    deadline = time.monotonic() + LAG_SECONDS
    while (differences := compare(run, expected)) and time.monotonic() < deadline:
        time.sleep(1)
    return differences


def compare(run: Run, expected: Rerun) -> list[str]:
    """A line for each alert or ledger entry that is not the same in both."""
    found = newest(read_all(run.connection, alert_topics(run.settings)))
    differences = differ("alert", standing(found), standing({name: json.loads(value) for name, value in expected.state.alerts.items()}))
    ledger = newest(read_all(run.connection, (f"{run.settings.writing.topic_prefix}.policy",)))
    return differences + differ("ledger", ledger, ledger_of(expected))


def newest(found: Iterable[RawMessage]) -> dict[str, Values]:
    """What a compacted topic says, by key, without what was deleted."""
    values = {(one.key or b"").decode(): one.value for one in found}
    return {key: json.loads(value) for key, value in values.items() if value is not None}


def standing(alerts: dict[str, Values]) -> dict[str, Values]:
    """Alerts that are not taken back, without their places in a topic; which are taken back on the way depends on the order."""
    for alert in alerts.values():
        for place in (*alert["articles"], *alert["inputs"]):
            place.pop("position", None)
    return {name: alert for name, alert in alerts.items() if alert["state"] != "retracted"}


def ledger_of(rerun: Rerun) -> dict[str, Values]:
    found: dict[str, Values] = {}
    for actor, book in rerun.state.books.items():
        for name in {stance.object for stance in book.stances}:
            state = policy_state(actor, [stance for stance in book.stances if stance.object == name])
            message = encode_policy(PolicyUpdate(actor=actor, object=name, state=state), "any")
            found[(message.key or b"").decode()] = json.loads(message.value or b"")
    return found


def differ(what: str, found: dict[str, Values], expected: dict[str, Values]) -> list[str]:
    return [
        f"{what} {key}: {'missing' if key not in found else 'not expected' if key not in expected else 'other content'}"
        for key in sorted(found.keys() | expected.keys())
        if found.get(key) != expected.get(key)
    ]


def withdraw(run: Run, fed: int, articles: list[Values], expected: Rerun, result: Result) -> None:
    """All articles of one story are withdrawn while a subscriber is away: what it has not read yet tells of it, and so does the whole."""
    alerts = {name: json.loads(value) for name, value in expected.state.alerts.items()}
    name, alert = min(standing(alerts).items(), key=lambda item: (item[1]["article_count"], item[0]))
    urls = {one["url"] for one in alert["articles"]}
    before = msgspec.msgpack.decode(msgspec.msgpack.encode(expected.state), type=RerunState)
    # The first report last: the story ends with it.
    ordered = sorted({one["url"]: one for one in articles}.values(), key=lambda one: one["published_at"], reverse=True)
    gone = [one | {"withdrawn": True} for one in ordered if one["url"] in urls]
    for number, one in enumerate(gone):
        expected.take(as_read(fed + number, one))
    result.require(json.loads(expected.state.alerts[name])["state"] == "retracted", f"one process does not take {name} back")
    plan = ReadingPlan(topics=alert_topics(run.settings))
    _, read_up_to = partition_offsets(run.connection, plan)
    fed += feed(run.connection, messages(run, gone))
    run.wait_for(lambda: run.committed() >= fed, "the withdrawals", LAG_SECONDS)
    differences = settle_differences(run, expected)
    missed = [one for one in read_to_end(run.connection, plan, read_up_to) if one.key == name.encode()]
    result.require(bool(missed), "a subscriber that was away does not learn of the withdrawal")
    if missed:
        told, headers = json.loads(missed[-1].value or b""), dict(missed[-1].headers)
        is_told = (told["state"], told["retracted_because"], headers["changes"]) == ("retracted", "withdrawn", b"retracted")
        result.require(is_told, f"it is told {told['state']}, {told['retracted_because']}, {headers['changes']!r}")
    result.require(not differences, f"after the withdrawal: {differences[:3]}")
    progress.print(f"  withdrawn while away: {len(missed)} messages on {name}, {len(differences)} differences")
    # The orders to come are told without it.
    expected.state = before

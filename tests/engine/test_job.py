"""`openweight run` on the real broker and engine: articles in, alerts out; killed piece by piece with a backlog, stopped, resumed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from pipeline.exit_codes import ExitCode
from pipeline.rerun import Rerun
from transforms.records import OutgoingMessage

sys.path.append(str(Path(__file__).resolve().parents[1]))
from faulty_run import FaultyRun
from mixed_articles import Mixture, light_messages, mix_messages
from run_openweight import TopicEnds, alert_topics, feed, outcome_topics, read_all

pytestmark = pytest.mark.timeout(400)

BACKLOG, CHANGES = 700, 30
STOP_LIMIT_SECONDS = 25
SECOND_RUN_LIMIT_SECONDS = 60
# Where commits, flushes and offsets may come apart; `make faults` has more of them, and many times.
POINTS = ("mid_produce", "at_checkpoint")
Place = tuple[int, int]


class Job:
    """The run, and how much was fed to it."""

    def __init__(self, folder: Path) -> None:
        # Frequent checkpoints and small polls: a kill finds records that were kept and records that were not.
        variables = {"OPENWEIGHT_ENGINE__CHECKPOINT_SECONDS": "0.5", "OPENWEIGHT_READING__RECORDS_PER_POLL": "5"}
        self.run = FaultyRun(folder, variables)
        self.fed = 0

    def feed(self, messages: Iterable[OutgoingMessage]) -> None:
        self.fed += feed(self.run.connection, messages)

    def settle(self) -> None:
        """Returns when all that was fed is in a complete checkpoint."""
        self.run.wait_for(lambda: self.run.committed() >= self.fed, "the offsets of all articles are committed")

    def kill_with_backlog(self, victim: str) -> Counter[Place]:
        """Kills it (or the worker at the point `victim`) while the job works on a new backlog, and returns how many outcomes each input has
        when all is done.

        Everything fed before is in a checkpoint then, so that a job which began anew would show in repeated outcomes.
        """
        self.settle()
        job, restored = self.run.restores()
        ends = TopicEnds(self.run.connection, outcome_topics(self.run.settings))
        before = ends.count()
        # Policy changes among the first: the kill falls between the revisions of alerts.
        changes = mix_messages(
            CHANGES, seed=self.fed, mixture=Mixture(bad_share=0.0, flagged_share=1.0, near_share=0.0, repeated_share=0.0)
        )
        self.feed(chain(changes, light_messages(BACKLOG, begin=self.fed)))
        self.run.wait_for(lambda: ends.count() > before, "work on the backlog")
        if victim in POINTS:
            self.run.arm(victim, 3)
            self.run.wait_for(lambda: self.run.has_fired, f"the worker passes {victim}")
        else:
            os.kill(self.run.pid_of(victim), signal.SIGKILL)
        done = ends.count() - before
        ends.close()
        assert done < BACKLOG + CHANGES, "the backlog was done before the kill, which then shows nothing"
        self.run.wait_for(lambda: self.is_restored(job, restored), f"a restore after {victim} was killed")
        self.settle()
        return self.count_outcomes()

    def is_restored(self, job: str, restored: int) -> bool:
        """Whether Flink has restored more often than `restored` times, or runs another job than `job`, restored."""
        now_job, now_restored = self.run.restores()
        return bool(now_job) and now_restored > (restored if now_job == job else 0)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.run.addresses.metrics}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def read_metric(self, name: str) -> float:
        """The sum over all series of a metric."""
        lines = [line for line in self.get("/metrics").splitlines() if line.startswith((f"{name}{{", f"{name} "))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def count_outcomes(self) -> Counter[Place]:
        places: Counter[Place] = Counter()
        for message in read_all(self.run.connection, outcome_topics(self.run.settings)):
            headers = dict(message.headers)
            position = headers if "offset" in headers else json.loads(message.value or b"")["position"]
            places[int(position["partition"]), int(position["offset"])] += 1
        return places

    def standing_alerts(self) -> dict[str, Any]:
        """What the alert topics say after compaction, by alert id."""
        return standing(
            {(one.key or b"").decode(): one.value or b"" for one in read_all(self.run.connection, alert_topics(self.run.settings))}
        )

    def alerts_in_one_process(self) -> dict[str, Any]:
        """What the same stages make of the same messages without engine, partition by partition and undisturbed."""
        rerun = Rerun(self.run.settings)
        for message in read_all(self.run.connection, self.run.settings.reading.topics):
            rerun.take(message)
        return standing(rerun.state.alerts)


def standing(alerts: dict[str, bytes]) -> dict[str, Any]:
    """Alerts that are not taken back, without their revision, which counts how they came about."""
    decoded = {name: json.loads(value) for name, value in alerts.items()}
    return {name: {**one, "revision": 0} for name, one in decoded.items() if one["state"] != "retracted"}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    job = Job(tmp_path_factory.mktemp("job") / "state")
    try:
        job.run.start()
        yield job
    finally:
        job.run.clear_away()


def test_articles_come_out_as_assessments_alerts_and_rejected_records(job: Job) -> None:
    job.feed(mix_messages(100, seed=3, mixture=Mixture(bad_share=0.1, flagged_share=0.2, near_share=0.0)))
    job.settle()
    assert len(job.count_outcomes()) == 100
    alerts = [json.loads(one.value or b"") for one in read_all(job.run.connection, alert_topics(job.run.settings))]
    assert alerts
    assert all(alert["articles"] and alert["headline"] for alert in alerts)


def test_metrics_agree_with_the_topics(job: Job) -> None:
    assessed, rejected = (len(read_all(job.run.connection, (topic,))) for topic in outcome_topics(job.run.settings))
    job.run.wait_for(lambda: job.read_metric("openweight_articles_total") == assessed, f"{assessed} articles in the metrics", 20)
    job.run.wait_for(lambda: job.read_metric("openweight_rejected_total") == rejected, f"{rejected} rejected in the metrics", 20)
    job.run.wait_for(lambda: job.read_metric("openweight_job_running") == 1, "a running job in the metrics", 20)


def test_heartbeat_comes_through_beside_the_news_and_the_run_is_ready(job: Job) -> None:
    begun = time.time()
    job.run.wait_for(lambda: job.read_metric("openweight_heartbeat_timestamp_seconds") > begun, "a heartbeat sent after now", 60)
    assert job.get("/readyz") == "ok\n"
    arrived, sent = (len(read_all(job.run.connection, (name,))) for name in ("openweight.heartbeat.arrived", "openweight.heartbeat"))
    assert 1 <= arrived <= sent
    assert len(job.count_outcomes()) == job.fed, "it is among the outcomes of the news"


def test_second_run_on_the_same_state_folder_is_refused_with_the_pid(job: Job) -> None:
    answer = job.run.call("run", limit_seconds=SECOND_RUN_LIMIT_SECONDS)
    assert answer.returncode == ExitCode.ENGINE_FAILED
    assert job.run.process is not None
    assert f"another run, pid {job.run.process.pid}," in answer.stderr
    assert job.run.process.poll() is None


@pytest.mark.parametrize("victim", ["worker", "taskmanager", "jobmanager", *POINTS])
def test_killed_process_comes_back_and_the_job_goes_on_from_its_checkpoint(job: Job, victim: str) -> None:
    job.settle()
    before = job.count_outcomes()
    after = job.kill_with_backlog(victim)
    assert len(after) == job.fed
    read_again_from_before = [place for place, count in before.items() if after[place] > count]
    assert read_again_from_before == []


def test_nothing_is_lost_and_the_alerts_are_those_of_an_undisturbed_run_after_the_kills(job: Job) -> None:
    answer = job.run.call("verify")
    assert f"{job.fed} inputs, LOST 0, two outcomes 0, outcomes without input 0, not yet read 0" in answer.stdout
    assert answer.returncode == ExitCode.DONE
    alerts = job.standing_alerts()
    assert alerts
    assert alerts == job.alerts_in_one_process()


def test_articles_that_come_again_raise_no_new_alert(job: Job) -> None:
    job.settle()
    before = {json.loads(one.value or b"")["alert_id"] for one in read_all(job.run.connection, alert_topics(job.run.settings))}
    again = read_all(job.run.connection, job.run.settings.reading.topics)[-300:]
    job.feed(OutgoingMessage(topic=one.position.topic, key=one.key, value=one.value) for one in again)
    job.settle()
    after = {json.loads(one.value or b"")["alert_id"] for one in read_all(job.run.connection, alert_topics(job.run.settings))}
    assert after == before


def test_asked_to_stop_it_keeps_a_savepoint_and_the_next_start_reads_nothing_again(job: Job) -> None:
    job.settle()
    before = job.count_outcomes()
    assert job.run.stop(STOP_LIMIT_SECONDS) == ExitCode.DONE
    savepoint = max((job.run.state_folder / "engine" / "savepoints").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    job.run.start()
    assert f"resumed from {savepoint}" in job.run.read_output().replace("\n", "")
    job.feed(light_messages(50, begin=job.fed))
    job.settle()
    after = job.count_outcomes()
    assert {place for place, count in before.items() if after[place] != count} == set()
    assert len(after) == job.fed


def test_bug_seeded_on_purpose_is_found_by_verify(job: Job) -> None:
    """Otherwise the proofs above prove nothing. The last one before the stop: from here on records are lost."""
    job.run.give_bug("swallow_decode_errors")
    job.feed(OutgoingMessage(topic="news.articles", key=b"k", value=b"{broken") for _ in range(5))
    job.settle()
    answer = job.run.call("verify")
    assert answer.returncode == ExitCode.FOUND
    assert "LOST 5" in answer.stdout
    assert job.run.stop(STOP_LIMIT_SECONDS) == ExitCode.DONE

"""What the run shows of the engine, also while the engine does not answer."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from pipeline.find_java import JavaInstallation
from pipeline.flink_rest import CheckpointStatus
from pipeline.job import Job
from pipeline.local import LocalMachine, MachinePlan
from pipeline.observe_run import Observer
from pipeline.settings import Settings
from pipeline.submit_graph import GraphReference
from pipeline.submit_job import JobPlan

# As Beam's runner names the tasks of our graph.
TASKS = {
    "Source: StreamingImpulseSource -> [1]Read/OneKey": 3,
    "[1]Read/ListPartitions": 5,
    "[12]{Read, Decode, DetectLanguage, FlagPolicyChange, LinkStories, EncodeAssessments, WriteAssessments}": 700,
    "[4]{LinkStories, RaiseAlerts, EncodeAlerts, WriteAlerts}": 11_000,
}


class FakeJob:
    """Has one checkpoint, and answers no more when `is_away`."""

    def __init__(self) -> None:
        self.is_away = False
        self.job_id = "mine"
        self.plan = SimpleNamespace(flink_address="f:1")

    def is_running(self) -> bool:
        return not self.is_away

    def count_restarts(self) -> int:
        return 0

    def read_failure(self) -> str:
        return ""

    def read_checkpoints(self) -> CheckpointStatus | None:
        return None if self.is_away else CheckpointStatus(7, 7, 0, 0, age_seconds=3, duration_seconds=0.2, size_bytes=9, path="")

    def read_state_sizes(self, _checkpoint_id: int) -> dict[str, int]:
        return {"read": 700}


def test_age_of_the_checkpoint_grows_on_while_the_engine_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = FakeJob()
    observer = Observer(Settings(), LocalMachine(MachinePlan(tmp_path)), job)  # type: ignore[arg-type]  # a fake
    age = lambda: REGISTRY.get_sample_value("openweight_checkpoint_age_seconds") or 0.0  # noqa: E731 - asked three times
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    observer.keep()
    assert age() == pytest.approx(3)
    assert observer.readiness.engine == ""
    job.is_away = True
    now, observer.measured_at = now + 100, float("-inf")
    observer.keep()
    assert age() == pytest.approx(103)
    assert observer.readiness.engine == "Flink, f:1, does not run the job"
    assert REGISTRY.get_sample_value("openweight_job_running") == 0
    job.is_away, observer.measured_at = False, float("-inf")
    observer.keep()
    assert age() == pytest.approx(3)


def test_state_is_shown_by_stage(tmp_path: Path) -> None:
    plan = JobPlan(GraphReference("a", "b"), tmp_path, "127.0.0.1:1", "127.0.0.1:2", tmp_path, tmp_path)
    job = Job(plan, JavaInstallation(Path("java"), 17), lambda: None)
    rest: Any = SimpleNamespace(read_state_sizes=lambda _job, _checkpoint: TASKS)
    job.rest = rest
    assert job.read_state_sizes(7) == {"other": 3, "list_partitions": 5, "read": 700, "link_stories": 11_000}


def test_restart_of_any_taskmanager_is_one_of_the_taskmanager(tmp_path: Path) -> None:
    machine = LocalMachine(MachinePlan(tmp_path))
    observer = Observer(Settings(), machine, FakeJob(), measured_at=float("-inf"))  # type: ignore[arg-type]  # a fake
    count = lambda: REGISTRY.get_sample_value("openweight_restarts_total", {"process": "taskmanager"}) or 0.0  # noqa: E731 - asked twice
    before = count()
    machine.restarts.counts.update({"taskmanager": 1, "taskmanager-2": 2})
    observer.keep()
    assert count() == before + 3

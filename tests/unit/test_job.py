"""From which state a job is started, and when it is given up as lost."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import job as job_module
from pipeline.find_java import JavaInstallation
from pipeline.flink_rest import CheckpointStatus, FlinkAway
from pipeline.job import Job
from pipeline.restore_points import FORMAT_FILE, METADATA, METADATA_MAGIC, STATE_FORMAT, RestorePoint
from pipeline.start_failure import StartFailure
from pipeline.submit_graph import GraphReference
from pipeline.submit_job import JobPlan, RestoreFailed


class FakeCluster:
    """Takes submissions in the place of `submit_job`; `unreadable` names the states it cannot restore."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *unreadable: str) -> None:
        self.unreadable = unreadable
        self.submitted: list[str | None] = []
        monkeypatch.setattr(job_module, "submit_job", self.submit)

    def submit(self, _plan: JobPlan, _java: Any, _rest: Any, point: RestorePoint | None, _on_poll: Any) -> str:
        self.submitted.append(point.path.name if point else None)
        if point and point.path.name in self.unreadable:
            raise RestoreFailed("java.io.EOFException")
        return "job-of-this-run"


def make_job(tmp_path: Path, *checkpoints: str) -> Job:
    for name in checkpoints:
        folder = tmp_path / "checkpoints" / "earlier-job" / name
        folder.mkdir(parents=True)
        (folder / METADATA).write_bytes(METADATA_MAGIC)
    graph = GraphReference("pipeline.build", "build")
    plan = JobPlan(graph, tmp_path, "127.0.0.1:1", "127.0.0.1:2", tmp_path / "checkpoints", tmp_path / "savepoints", name="ours")
    job = Job(plan, JavaInstallation(Path("java"), 17), lambda: None)
    job.rest = FakeRest([])  # type: ignore[assignment]  # a fake
    return job


def test_first_start_begins_from_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(monkeypatch)
    assert make_job(tmp_path).start() is None
    assert cluster.submitted == [None]


def test_torn_newest_state_gives_way_to_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(monkeypatch, "chk-8")
    point = make_job(tmp_path, "chk-7", "chk-8").start()
    assert point is not None
    assert point.path.name == "chk-7"
    assert cluster.submitted == ["chk-8", "chk-7"]


def test_state_that_cannot_be_restored_is_never_followed_by_a_start_from_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(monkeypatch, "chk-7")
    with pytest.raises(StartFailure, match=r"EOFException(.|\n)*--fresh"):
        make_job(tmp_path, "chk-7").start()
    assert None not in cluster.submitted


def test_state_of_an_unknown_format_is_refused_with_the_way_out_and_its_job_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = FakeCluster(monkeypatch)
    job = make_job(tmp_path, "chk-7")
    rest = job.rest = FakeRest([{"jid": "newer", "name": "ours", "state": "RUNNING"}])  # type: ignore[assignment]  # a fake
    (tmp_path / "checkpoints" / FORMAT_FILE).write_text("2\n")
    with pytest.raises(StartFailure, match=r"format '2'.*reads format 1 only.*--fresh"):
        job.start()
    assert (cluster.submitted, rest.stopped) == ([], [])


def test_format_is_noted_at_the_first_start_and_known_at_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(monkeypatch)
    make_job(tmp_path).start()
    assert (tmp_path / "checkpoints" / FORMAT_FILE).read_text() == f"{STATE_FORMAT}\n"
    make_job(tmp_path, "chk-7").start()
    assert cluster.submitted == [None, "chk-7"]


def test_fresh_start_is_the_way_out_of_an_unknown_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCluster(monkeypatch)
    job = make_job(tmp_path, "chk-7")
    (tmp_path / "checkpoints" / FORMAT_FILE).write_text("2\n")
    assert job.start(is_fresh=True) is None
    assert (tmp_path / "checkpoints" / FORMAT_FILE).read_text() == f"{STATE_FORMAT}\n"
    assert [file.read_text() for file in (tmp_path / "set-aside").glob(f"*/checkpoints/{FORMAT_FILE}")] == ["2\n"]


def test_fresh_start_sets_the_state_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(monkeypatch)
    assert make_job(tmp_path, "chk-7").start(is_fresh=True) is None
    assert cluster.submitted == [None]
    assert len(list((tmp_path / "set-aside").glob(f"*/checkpoints/earlier-job/chk-7/{METADATA}"))) == 1


class FakeRest:
    """A cluster whose jobs end with a savepoint when `can_stop`, and else go on whatever is said."""

    def __init__(self, jobs: list[dict[str, Any]] | None, *, can_stop: bool = True) -> None:
        self.jobs = jobs
        self.can_stop = can_stop
        self.stopped: list[str] = []

    def stop_with_savepoint(self, job_id: str, _folder_url: str) -> str:
        self.stopped.append(job_id)
        return "trigger"

    def read_savepoint(self, _job_id: str, _trigger: str) -> tuple[bool, str, str]:
        return (True, "file:///savepoint-1", "") if self.can_stop else (True, "", "no slots")

    def cancel(self, _job_id: str) -> None:
        pass

    def read_state(self, job_id: str) -> str:
        return str({job["jid"]: job["state"] for job in self.list_jobs()}[job_id])

    def read_checkpoints(self, _job_id: str) -> CheckpointStatus:
        return CheckpointStatus(2, 2, 0, 0, age_seconds=1, duration_seconds=1, size_bytes=1, path="s3://elsewhere/chk-2")

    def list_jobs(self) -> list[dict[str, Any]]:
        if self.jobs is None:
            raise FlinkAway("connection refused")
        return self.jobs


@pytest.mark.parametrize(
    ("jobs", "is_lost"),
    [
        ([{"jid": "mine", "state": "RUNNING"}], False),
        ([{"jid": "mine", "state": "RESTARTING"}], False),
        ([{"jid": "mine", "state": "FAILED"}], True),
        ([{"jid": "other", "state": "RUNNING"}], True),
        ([], True),
        (None, False),
    ],
)
def test_job_is_lost_when_the_cluster_answers_and_does_not_run_it(tmp_path: Path, jobs: list[dict[str, Any]] | None, is_lost: bool) -> None:
    job = make_job(tmp_path)
    job.job_id = "mine"
    job.rest = FakeRest(jobs)  # type: ignore[assignment]  # a fake
    assert job.is_lost() is is_lost


@pytest.mark.parametrize(("state", "is_running"), [("RUNNING", True), ("RESTARTING", False), ("FAILED", False)])
def test_job_that_flink_restarts_is_not_running(tmp_path: Path, state: str, is_running: bool) -> None:
    job = make_job(tmp_path)
    job.job_id = "mine"
    job.rest = FakeRest([{"jid": "mine", "state": state}])  # type: ignore[assignment]  # a fake
    assert job.is_running() is is_running


def test_job_of_another_deployment_on_the_same_cluster_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCluster(monkeypatch)
    job = make_job(tmp_path)
    names = {"one": "ours", "two": "ours-too", "three": "openweight-monitor"}
    rest = FakeRest([{"jid": jid, "name": name, "state": "RUNNING"} for jid, name in names.items()])
    job.rest = rest  # type: ignore[assignment]  # a fake
    job.start()
    assert rest.stopped == ["one"]


def test_start_is_refused_while_the_job_of_an_earlier_run_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(monkeypatch)
    monkeypatch.setattr(job_module, "CANCEL_SECONDS", 0)
    monkeypatch.setattr(job_module, "STOP_SECONDS", 0)
    job = make_job(tmp_path)
    job.rest = FakeRest([{"jid": "one", "name": "ours", "state": "RUNNING"}], can_stop=False)  # type: ignore[assignment]  # a fake
    with pytest.raises(StartFailure, match="job one of an earlier run still runs"):
        job.start()
    assert cluster.submitted == []


def test_cluster_that_keeps_its_checkpoints_elsewhere_is_refused(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    job.job_id = "mine"
    with pytest.raises(StartFailure, match=r"keeps the checkpoints in s3://elsewhere/chk-2"):
        job.remove_earlier_state()


def test_savepoint_that_fails_right_after_the_start_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "SAVEPOINT_PAUSE_SECONDS", 0)
    job, rest = make_job(tmp_path), FakeRest([{"jid": "mine", "state": "RUNNING"}])
    answers = iter([(True, "", "Checkpoint triggering task is not being executed at the moment"), (True, "file:///savepoint-2", "")])
    monkeypatch.setattr(rest, "read_savepoint", lambda *_: next(answers))
    job.job_id, job.rest = "mine", rest  # type: ignore[assignment]  # a fake
    assert job.stop_with_savepoint() == Path("/savepoint-2")
    assert rest.stopped == ["mine", "mine"]

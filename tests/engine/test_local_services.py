"""One machine's broker and engine, really started: killed process by process, stopped, resumed, found again."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.choose_ports import is_listening
from pipeline.job import Job
from pipeline.local import USUAL_PORTS, LocalMachine, MachinePlan
from pipeline.processes import identify, is_alive, wait_until
from pipeline.start_failure import StartFailure
from pipeline.submit_graph import GraphReference
from pipeline.submit_job import JobPlan
from pipeline.watch_run import watch_run

pytestmark = pytest.mark.timeout(400)
LIMIT_SECONDS = 150


class Run:
    """A machine with the counting job on it, watched by a thread as `openweight run` does."""

    def __init__(self, state_folder: Path) -> None:
        self.output = state_folder / "counts.txt"
        self.plan = MachinePlan(state_folder, usual_ports=dict.fromkeys(USUAL_PORTS, 0))
        self.should_stop = threading.Event()
        self.threads = ThreadPoolExecutor(1)
        self.start_machine()

    def start_machine(self) -> None:
        self.machine = LocalMachine(self.plan)
        java = self.machine.start()
        engine = self.machine.engine
        assert engine is not None
        graph = GraphReference("counting_graph", "build", (str(self.output),))
        plan = JobPlan(
            graph,
            engine.state_folder,
            engine.rest_address,
            engine.pool_address,
            engine.checkpoints_folder,
            engine.savepoints_folder,
            checkpoint_seconds=1,
        )
        self.job = Job(plan, java, self.machine.restart_dead)

    def watch(self) -> None:
        self.should_stop.clear()
        self.watching = self.threads.submit(watch_run, self.job, self.machine.restarts, self.machine.restart_dead, self.should_stop)

    def end_watch(self) -> None:
        self.should_stop.set()
        self.watching.result(LIMIT_SECONDS)

    def read_counts(self) -> list[tuple[int, int]]:
        """Count and pid of the worker, line by line, of key a."""
        lines = self.output.read_text().splitlines() if self.output.exists() else []
        return [(int(line.split()[1]), int(line.split()[2])) for line in lines if line.startswith("a ") and line.count(" ") == 2]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        met = wait_until(lambda: condition() or (self.watching.done() and bool(self.watching.result())), LIMIT_SECONDS)
        assert met, f"not met; counts end with {self.read_counts()[-3:]}, state is in {self.plan.state_folder}"

    def wait_for_checkpoint(self) -> None:
        """Return when a checkpoint that began after now is complete."""
        before = self.job.read_checkpoints()
        assert before is not None
        self.wait_for(lambda: (status := self.job.read_checkpoints()) is not None and status.completed_id > before.completed_id + 1)

    def kill_and_wait(self, pid: int) -> None:
        """Kill a process, wait until the job counts in a new worker, and check that it counts on from where it was."""
        self.wait_for_checkpoint()
        lines, (count, worker) = len(self.read_counts()), self.read_counts()[-1]
        os.kill(pid, signal.SIGKILL)
        self.wait_for(lambda: self.read_counts()[-1][1] != worker and self.read_counts()[-1][0] > count)
        first_after = next(value for value, pid_after in self.read_counts()[lines:] if pid_after != worker)
        assert count // 2 < first_after, "the count began anew: the state was lost"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    sys.path.append(str(Path(__file__).parent))
    run = Run(tmp_path_factory.mktemp("local") / "state")
    try:
        assert run.job.start() is None
        run.watch()
        run.wait_for(lambda: bool(run.read_counts()) and run.read_counts()[-1][0] > 30)
        yield run
    finally:
        run.should_stop.set()
        run.machine.stop()
        sys.path.remove(str(Path(__file__).parent))


def test_everything_listens_and_a_second_run_beside_it_is_refused(run: Run) -> None:
    assert run.machine.broker is not None
    assert is_listening(run.machine.broker.port)
    with pytest.raises(StartFailure, match=f"another run, pid {os.getpid()}, uses the state folder"):
        LocalMachine(run.plan).start()


def test_job_counts_on_after_each_process_was_killed(run: Run) -> None:
    run.kill_and_wait(run.read_counts()[-1][1])
    for name in ("pool", "taskmanager", "jobmanager"):
        run.kill_and_wait(run.machine.children[name].pid)
    assert run.machine.restarts.counts == {"pool": 1, "taskmanager": 1, "jobmanager": 1, "job": 1}
    run.wait_for(lambda: (status := run.job.read_checkpoints()) is not None and status.restored_count >= 1)


def test_job_stopped_with_a_savepoint_resumes_exactly_there_after_the_machine_was_abandoned(run: Run) -> None:
    run.end_watch()
    savepoint = run.job.stop_with_savepoint()
    assert savepoint is not None
    count = run.read_counts()[-1][0]
    left_behind = [identify(child.pid) for child in run.machine.children.values()]
    assert run.machine.lock is not None
    run.machine.lock.close()  # all that a killed supervisor gives back
    run.start_machine()
    assert not any(identity and is_alive(identity) for identity in left_behind)
    point = run.job.start()
    run.watch()
    assert point is not None
    assert point.path == savepoint
    run.wait_for(lambda: run.read_counts()[-1][0] > count)
    counts = [value for value, _ in run.read_counts()]
    assert counts[counts.index(count) + 1] == count + 1


def test_nothing_is_left_after_the_stop(run: Run) -> None:
    run.end_watch()
    worker = identify(run.read_counts()[-1][1])
    services = [identify(child.pid) for child in run.machine.children.values()]
    run.machine.stop()
    assert len(services) == 4
    assert not any(identity and is_alive(identity) for identity in [*services, worker])

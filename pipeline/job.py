"""The job over its life: started from its newest state, watched, brought back when Flink lost it, stopped with a savepoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import structlog

from pipeline import restore_points
from pipeline.flink_rest import TERMINAL_STATES, CheckpointStatus, FlinkAway, FlinkRest
from pipeline.processes import wait_until
from pipeline.start_failure import StartFailure
from pipeline.submit_job import JobPlan, RestoreFailed, submit_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.find_java import JavaInstallation
    from pipeline.restore_points import RestorePoint

log = structlog.get_logger()

# The checkpoints of earlier runs are deleted when this run has so many of its own.
OWN_CHECKPOINTS = 2
STAGES_WITH_STATE = {"Impulse": "other", "ListPartitions": "list_partitions", "Decode": "read", "LinkStories": "link_stories"}
CANCEL_SECONDS = 10
# Of the 25 s within which a run ends after SIGTERM, 2 are for a cancellation, 6 for the broker, the rest for the engine's processes.
STOP_SECONDS = 12
SAVEPOINT_PAUSE_SECONDS = 0.5


class Job:
    """One job on one cluster; `job_id` is empty before `start`."""

    def __init__(self, plan: JobPlan, java: JavaInstallation, on_poll: Callable[[], object]) -> None:
        """`on_poll` is called while a submission waits: it keeps the services alive that the submission waits for."""
        self.plan = plan
        self.java = java
        self.on_poll = on_poll
        self.rest = FlinkRest(plan.flink_address)
        self.job_id = ""
        self.has_cleaned = False

    def start(self, *, is_fresh: bool = False) -> RestorePoint | None:
        """Submit the job from its newest complete state; returns what it was restored from, None for a first start.

        `is_fresh` moves all state aside, to a dated folder of `set-aside` in the state folder, and starts from zero.

        Raises:
            StartFailure: there is state and none of it can be restored, or the job does not come up.
        """
        folders = self.plan.checkpoints_folder, self.plan.savepoints_folder
        if not is_fresh:
            # Before a job that runs is stopped: the version that can read its state may still run it.
            self.refuse_other_format()
        self.take_over()
        if is_fresh:
            restore_points.set_aside(*folders, self.plan.state_folder / "set-aside")
        restore_points.note_format(folders[0])
        reasons = []
        for point in restore_points.find_restore_points(*folders):
            try:
                self.submit(point)
            except RestoreFailed as failure:
                log.warning("state could not be restored, trying the one before", path=str(point.path), reason=str(failure))
                reasons.append(f"{point.path}: {failure}")
                continue
            return point
        if restore_points.holds_state(*folders):
            raise StartFailure(
                f"there is state in {folders[0]} and {folders[1]}, and none of it can be restored "
                f"({'; '.join(reasons) or 'no checkpoint is complete'}). Starting from zero would read every article again: "
                "restore the folder from a backup, or say --fresh, which sets the state aside and starts over"
            )
        self.submit(None)
        return None

    def refuse_other_format(self) -> None:
        """Raise StartFailure when the state is of a format that this version does not know."""
        folders = self.plan.checkpoints_folder, self.plan.savepoints_folder
        found = restore_points.read_format(folders[0])
        if found != str(restore_points.STATE_FORMAT) and restore_points.holds_state(*folders):
            raise StartFailure(
                f"the state in {folders[0]} is of format {found[:20]!r} after its file {restore_points.FORMAT_FILE}; this version reads "
                f"format {restore_points.STATE_FORMAT} only. Run the version that wrote it, or say --fresh, which sets the state aside, "
                "starts over and reads every article again that the broker still has"
            )

    def take_over(self) -> None:
        """Stop the job of an earlier supervisor that still runs on the cluster: two would write everything twice.

        Raises:
            StartFailure: it does not end.
        """
        for job in self.rest.list_jobs():
            if job["name"] == self.plan.name and job["state"] not in TERMINAL_STATES:
                log.info("stopping the job that an earlier run left on the engine", job=job["jid"])
                self.job_id = job["jid"]
                if self.stop_with_savepoint(STOP_SECONDS) is None and not wait_until(self.is_lost, CANCEL_SECONDS):
                    raise StartFailure(
                        f"job {self.job_id} of an earlier run still runs on Flink, {self.plan.flink_address}, and does not end; "
                        "a second one would write everything twice. Cancel it in Flink, then start again"
                    )

    def submit(self, point: RestorePoint | None) -> None:
        self.job_id = submit_job(self.plan, self.java, self.rest, point, self.on_poll)
        self.has_cleaned = False

    def is_lost(self) -> bool:
        """Whether the cluster answers and no longer runs the job; a cluster that is away is not asked to forget it.

        A JobManager that was started again knows nothing of the jobs of the one before.
        """
        try:
            states = {job["jid"]: job["state"] for job in self.rest.list_jobs()}
        except FlinkAway:
            return False
        return states.get(self.job_id, "FAILED") in TERMINAL_STATES

    def is_running(self) -> bool:
        """Whether Flink says so: a job that it restarts, again and again perhaps, is neither running nor lost."""
        try:
            return bool(self.job_id) and self.rest.read_state(self.job_id) == "RUNNING"
        except FlinkAway:
            return False

    def count_restarts(self) -> int:
        """How often Flink itself has restarted this job; 0 while it does not say."""
        try:
            return self.rest.count_restarts(self.job_id) if self.job_id else 0
        except FlinkAway:
            return 0

    def read_failure(self) -> str:
        """Return the stack trace of the newest failure, empty when there was none or Flink is away."""
        try:
            return self.rest.read_exceptions(self.job_id)[1]
        except FlinkAway:
            return ""

    def read_checkpoints(self) -> CheckpointStatus | None:
        """Return the status; None while Flink is away or has lost the job."""
        try:
            return self.rest.read_checkpoints(self.job_id)
        except FlinkAway:
            return None

    def read_state_sizes(self, checkpoint_id: int) -> dict[str, int]:
        """Return the bytes of state by stage; empty while Flink is away. What was lost to a newer checkpoint is left out too."""
        sizes: dict[str, int] = {}
        try:
            for task, size_bytes in self.rest.read_state_sizes(self.job_id, checkpoint_id).items():
                # The first that a task's name holds: linking is named in the task that feeds it, too.
                stage = next((stage for sign, stage in STAGES_WITH_STATE.items() if sign in task), "other")
                sizes[stage] = sizes.get(stage, 0) + size_bytes
        except FlinkAway:
            return {}
        return sizes

    def remove_earlier_state(self) -> list[Path]:
        """Delete what earlier runs left, once this run has two checkpoints of its own; call it now and then.

        Raises:
            StartFailure: Flink keeps them elsewhere, so that the next start would not find them and begin from zero.
        """
        status = None if self.has_cleaned else self.read_checkpoints()
        if status is None or status.completed_count < OWN_CHECKPOINTS:
            return []
        if not any((self.plan.checkpoints_folder / self.job_id).glob("chk-*")):
            raise StartFailure(
                f"Flink keeps the checkpoints in {status.path}, and not in {self.plan.checkpoints_folder}, where the next start looks; "
                f"set its state.checkpoints.dir to {self.plan.checkpoints_folder.as_uri()}, or state.folder to where it keeps them"
            )
        self.has_cleaned = True
        return restore_points.remove_earlier(self.plan.checkpoints_folder, self.plan.savepoints_folder, self.job_id)

    def stop_with_savepoint(self, limit_seconds: float = STOP_SECONDS) -> Path | None:
        """Stop the job with a savepoint and return its folder; None when that failed and the job was cancelled.

        A savepoint fails at once while a task is not running yet, as right after a start: it is tried again until the time is over.
        Cancelling keeps the checkpoints: the next start reads a few seconds again.
        """
        deadline = time.monotonic() + limit_seconds
        try:
            while time.monotonic() < deadline:
                if savepoint := self._try_savepoint(deadline):
                    return savepoint
                time.sleep(SAVEPOINT_PAUSE_SECONDS)
            log.warning("job is cancelled without a savepoint; the newest checkpoint is kept", job=self.job_id)
            self.cancel()
        except FlinkAway as away:
            log.warning("job could not be stopped in order; the newest checkpoint is kept", reason=str(away))
        return None

    def _try_savepoint(self, deadline: float) -> Path | None:
        trigger = self.rest.stop_with_savepoint(self.job_id, self.plan.savepoints_folder.as_uri())
        while time.monotonic() < deadline:
            has_ended, location, cause = self.rest.read_savepoint(self.job_id, trigger)
            if has_ended and location:
                return Path(unquote(urlparse(location).path))
            if has_ended:
                log.warning("savepoint failed", reason=cause[:500])
                return None
            time.sleep(0.1)
        return None

    def cancel(self, limit_seconds: float = 2) -> bool:
        """Cancel the job, its checkpoints are kept; returns whether it ended in time."""
        self.rest.cancel(self.job_id)
        return wait_until(self.is_lost, limit_seconds)

"""One submission of the job to a Flink cluster, through Beam's job server, which is ended afterwards: the job goes on without it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from pipeline.choose_ports import HOST, find_free_port, is_listening
from pipeline.engine import JVM_ENVIRONMENT, java_command
from pipeline.fetch_jars import JarKind, fetch_jars
from pipeline.flink_rest import TERMINAL_STATES, FlinkAway, FlinkRest
from pipeline.processes import POLL_SECONDS, ChildProcess
from pipeline.start_failure import StartFailure
from pipeline.submit_graph import GraphReference, Submission

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.find_java import JavaInstallation
    from pipeline.restore_points import RestorePoint

log = structlog.get_logger()

# Never change it: state is spread over so many groups of keys, and one cannot be restored into another number.
KEY_GROUPS = 128
RECORDS_PER_BUNDLE = 500
# A model is loaded, and TaskManagers may still be on their way.
RUNNING_LIMIT_SECONDS = 240
JOB_SERVER_MEMORY = ["-Xms64m", "-Xmx300m", "-XX:TieredStopAtLevel=1"]


class RestoreFailed(Exception):  # noqa: N818 - what happened to the state, not a mistake of the caller
    """The job did not come up from this state; the text is Flink's reason."""


@dataclass(frozen=True)
class JobPlan:
    """What is submitted and where; the folders are absolute, and Flink sees them under the same path."""

    graph: GraphReference
    state_folder: Path
    flink_address: str
    pool_address: str
    checkpoints_folder: Path
    savepoints_folder: Path
    name: str = "openweight-monitor"
    parallelism: int = 1
    checkpoint_seconds: float = 2
    bundle_milliseconds: int = 40


def describe_options(plan: JobPlan, job_server_address: str, restore_from: Path | None) -> tuple[str, ...]:
    """Return Beam's pipeline options; the job server takes those that Beam's own parser calls unparseable."""
    options = [
        "--runner=PortableRunner",
        f"--job_endpoint={job_server_address}",
        f"--job_name={plan.name}",
        "--streaming",
        "--environment_type=EXTERNAL",
        f"--environment_config={plan.pool_address}",
        f"--parallelism={plan.parallelism}",
        f"--max_parallelism={KEY_GROUPS}",
        # Two busy subtasks in one Python process would share its interpreter lock.
        f"--sdk_worker_parallelism={plan.parallelism}",
        f"--checkpointing_interval={round(plan.checkpoint_seconds * 1000)}",
        f"--min_pause_between_checkpoints={round(plan.checkpoint_seconds * 500)}",
        "--externalized_checkpoints_enabled",
        "--retain_externalized_checkpoints_on_cancellation",
        f"--max_bundle_size={RECORDS_PER_BUNDLE}",
        f"--max_bundle_time_mills={plan.bundle_milliseconds}",
        # Otherwise every submission runs `pip freeze` and uploads the answer.
        "--experiments=disable_logging_submission_environment",
    ]
    if restore_from is not None:
        options += [f"--savepoint_path={restore_from.as_uri()}"]
    return tuple(options)


def prepare_job_server(plan: JobPlan, java: JavaInstallation, port: int) -> ChildProcess:
    folder = plan.state_folder / "engine" / "job-server"
    (folder / "conf").mkdir(parents=True, exist_ok=True)
    # Without a state backend: the cluster's own configuration says it, and it need not be loaded here.
    (folder / "conf" / "flink-conf.yaml").write_text("classloader.resolve-order: parent-first\n")
    command = [
        *java_command(plan.state_folder, java, "job-server", JOB_SERVER_MEMORY, fetch_jars(JarKind.ENGINE, plan.state_folder)),
        "org.apache.beam.runners.flink.FlinkJobServerDriver",
        f"--flink-master={plan.flink_address}",
        f"--flink-conf-dir={folder / 'conf'}",
        f"--artifacts-dir={folder / 'artifacts'}",
        f"--job-host={HOST}",
        f"--job-port={port}",
        "--artifact-port=0",
        "--expansion-port=0",
    ]
    return ChildProcess("job-server", command, plan.state_folder, lambda: is_listening(port), JVM_ENVIRONMENT)


def prepare_submission(plan: JobPlan, port: int, restore_from: Path | None) -> ChildProcess:
    file = plan.state_folder / "run" / "submission.pickle"
    Submission(plan.graph, describe_options(plan, f"{HOST}:{port}", restore_from)).write(file)
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "pipeline.submit_graph", str(file)]
    return ChildProcess("submission", command, plan.state_folder, lambda: True, environment)


def submit_job(plan: JobPlan, java: JavaInstallation, rest: FlinkRest, restore_from: RestorePoint | None) -> str:
    """Submit the job and return its id when all its tasks run and the restore, if one was asked for, is proven.

    Raises:
        RestoreFailed: it should have been restored and was not; nothing is left running.
        StartFailure: the graph, the job server or Flink refused it; the text says why.
    """
    earlier = {job["jid"] for job in rest.list_jobs()}
    path = restore_from.path if restore_from else None
    port = find_free_port()
    server, submission = prepare_job_server(plan, java, port), prepare_submission(plan, port, path)
    try:
        server.start()
        server.wait_ready()
        submission.start()
        job_id = wait_for_job(plan, rest, earlier, (submission, server))
        wait_for_tasks(rest, job_id, restore_from)
    finally:
        submission.end()
        server.end()
    log.info("job is running", job=job_id, restored_from=str(path) if path else None)
    return job_id


def each_poll(what: str, limit_seconds: float = RUNNING_LIMIT_SECONDS) -> Iterator[None]:
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(POLL_SECONDS * 4)
    raise StartFailure(f"{what} did not happen within {limit_seconds} s")


def wait_for_job(plan: JobPlan, rest: FlinkRest, earlier: set[str], children: tuple[ChildProcess, ...]) -> str:
    """Return the id of the job that appeared in the cluster."""
    for _ in each_poll(f"the arrival of the job at Flink, {plan.flink_address},"):
        for job in rest.list_jobs():
            if job["jid"] not in earlier and job["name"].startswith(plan.name):
                return str(job["jid"])
        for child in children:
            if child.exit_code:
                raise StartFailure(f"{child.name} ended with {child.exit_code}; the end of its output:\n{child.last_lines(15)}")
    raise AssertionError


def wait_for_tasks(rest: FlinkRest, job_id: str, restore_from: RestorePoint | None) -> None:
    for _ in each_poll("the start of all tasks of the job"):
        state = rest.read_state(job_id)
        reason = rest.read_exception(job_id)
        if state in TERMINAL_STATES:
            if restore_from:
                raise RestoreFailed(summarise(reason))
            raise StartFailure(f"the job ended as {state}: {summarise(reason)}")
        if restore_from and is_about_restore(reason):
            cancel_quietly(rest, job_id)
            raise RestoreFailed(summarise(reason))
        if state == "RUNNING" and rest.are_all_tasks_running(job_id):
            break
    if restore_from and rest.read_checkpoints(job_id).restored_count < 1:
        cancel_quietly(rest, job_id)
        raise RestoreFailed(f"Flink started the job without the state of {restore_from.path}")


def is_about_restore(stack_trace: str) -> bool:
    """Whether a failure is one of reading back state: it repeats for ever, while others may pass."""
    return "restore" in stack_trace.lower() or "StateBackend" in stack_trace


def summarise(stack_trace: str) -> str:
    """Return the last cause of a Java stack trace, the line that says what is wrong."""
    causes = [line for line in stack_trace.splitlines() if line.startswith("Caused by: ")]
    return (causes[-1].removeprefix("Caused by: ") if causes else stack_trace.split("\n", 1)[0])[:500] or "Flink gave no reason"


def cancel_quietly(rest: FlinkRest, job_id: str) -> None:
    try:
        rest.cancel(job_id)
    except FlinkAway as away:
        log.warning("job could not be cancelled", job=job_id, reason=str(away))

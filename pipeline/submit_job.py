"""One submission of the job to a Flink cluster, through Beam's job server, which is ended afterwards: the job goes on without it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from connectors.kafka.spread import KEY_GROUPS
from pipeline.choose_ports import HOST, find_free_port, is_listening
from pipeline.engine import JVM_ENVIRONMENT, java_command
from pipeline.fetch_jars import JarKind, fetch_jars
from pipeline.flink_rest import TERMINAL_STATES, FlinkAway, FlinkRest
from pipeline.processes import POLL_SECONDS, ChildProcess, scratch_folder
from pipeline.start_failure import StartFailure
from pipeline.submit_graph import GraphReference, Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.find_java import JavaInstallation
    from pipeline.restore_points import RestorePoint

log = structlog.get_logger()

RECORDS_PER_BUNDLE = 500
# A model is loaded, and TaskManagers may still be on their way.
RUNNING_LIMIT_SECONDS = 240
START_ATTEMPTS = 4
RESTORE_SIGNS = ("Could not restore", "while creating StreamOperatorStateContext", "BackendBuildingException", "Failed to rollback to")
# The job server uploads its whole class path to the cluster, which has all of it and looks there first: what it can do without,
# two thirds of the bytes, is left out. With all 200 MB a submission takes 20 s longer.
NOT_NEEDED_TO_SUBMIT = (
    "frocksdbjni", "flink-statebackend-rocksdb", "flink-rpc-akka-loader", "flink-shaded-zookeeper", "flink-runtime-web",
    "flink-metrics-prometheus", "async-profiler", "conscrypt", "grpc-", "google-cloud",
    "proto-google", "gapic-", "opentelemetry", "opencensus",
)  # fmt: skip
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
    """A job of the same name on the cluster is an earlier one of this deployment, and is stopped."""
    parallelism: int = 1
    checkpoint_seconds: float = 2
    bundle_milliseconds: int = 40


def describe_options(plan: JobPlan, job_server_address: str, restore_from: Path | None, workers: int) -> tuple[str, ...]:
    """Return Beam's pipeline options; the job server takes those that Beam's own parser calls unparseable.

    `workers` is the number of Python processes that each TaskManager is given.
    """
    options = [
        "--runner=PortableRunner",
        f"--job_endpoint={job_server_address}",
        f"--job_name={plan.name}",
        "--streaming",
        "--environment_type=EXTERNAL",
        f"--environment_config={plan.pool_address}",
        f"--parallelism={plan.parallelism}",
        f"--max_parallelism={KEY_GROUPS}",
        # Of each TaskManager. Two busy subtasks in one Python process would share its interpreter lock.
        f"--sdk_worker_parallelism={workers}",
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
    scratch = scratch_folder(plan.state_folder, "job-server")
    (folder / "conf").mkdir(parents=True, exist_ok=True)
    # Without a state backend: the cluster's own configuration says it, and it need not be loaded here.
    (folder / "conf" / "flink-conf.yaml").write_text("classloader.resolve-order: parent-first\n")
    jars = [jar for jar in fetch_jars(JarKind.ENGINE, plan.state_folder) if not jar.name.startswith(NOT_NEEDED_TO_SUBMIT)]
    command = [
        *java_command(plan.state_folder, java, "job-server", JOB_SERVER_MEMORY, jars),
        "org.apache.beam.runners.flink.FlinkJobServerDriver",
        f"--flink-master={plan.flink_address}",
        f"--flink-conf-dir={folder / 'conf'}",
        f"--artifacts-dir={scratch / 'artifacts'}",
        f"--job-host={HOST}",
        f"--job-port={port}",
        "--artifact-port=0",
        "--expansion-port=0",
    ]
    return ChildProcess("job-server", command, plan.state_folder, lambda: is_listening(port), JVM_ENVIRONMENT, scratch_folder=scratch)


def prepare_submission(plan: JobPlan, port: int, restore_from: Path | None, workers: int) -> ChildProcess:
    file = plan.state_folder / "run" / "submission.pickle"
    Submission(plan.graph, describe_options(plan, f"{HOST}:{port}", restore_from, workers)).write(file)
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "pipeline.submit_graph", str(file)]
    # Beam makes temporary folders for each submission, and this process is ended before it could remove them.
    scratch = scratch_folder(plan.state_folder, "submission")
    return ChildProcess("submission", command, plan.state_folder, lambda: True, environment, scratch_folder=scratch)


def submit_job(
    plan: JobPlan, java: JavaInstallation, rest: FlinkRest, restore_from: RestorePoint | None, on_poll: Callable[[], object]
) -> str:
    """Submit the job and return its id when all its tasks run and the restore, if one was asked for, is proven.

    `on_poll` is called several times a second while waiting: it keeps the services alive that the job waits for.

    Raises:
        RestoreFailed: it should have been restored and was not; nothing is left running.
        StartFailure: the graph, the job server or Flink refused it; the text says why.
        FlinkAway: the cluster went away meanwhile.
    """
    earlier = {job["jid"] for job in rest.list_jobs()}
    path = restore_from.path if restore_from else None
    port = find_free_port()
    # While none has registered, as many as there are subtasks: too many cost memory, too few would share a process.
    workers = min(plan.parallelism, rest.count_slots_of_each() or plan.parallelism)
    server, submission = prepare_job_server(plan, java, port), prepare_submission(plan, port, path, workers)
    try:
        server.start()
        server.wait_ready()
        submission.start()
        job_id = wait_for_job(plan, rest, earlier, (submission, server), on_poll)
        try:
            wait_for_tasks(rest, job_id, restore_from, on_poll)
        except BaseException:
            cancel_quietly(rest, job_id)
            raise
    finally:
        submission.end()
        server.end()
    log.info("job is running", job=job_id, restored_from=str(path) if path else None)
    return job_id


def each_poll(on_poll: Callable[[], object]) -> Iterator[None]:
    """Yield several times a second until the time for a start is over."""
    deadline = time.monotonic() + RUNNING_LIMIT_SECONDS
    while time.monotonic() < deadline:
        on_poll()
        yield
        time.sleep(POLL_SECONDS * 4)


def wait_for_job(
    plan: JobPlan, rest: FlinkRest, earlier: set[str], children: tuple[ChildProcess, ...], on_poll: Callable[[], object]
) -> str:
    """Return the id of the job that appeared in the cluster."""
    for _ in each_poll(on_poll):
        for job in rest.list_jobs():
            if job["jid"] not in earlier and job["name"] == plan.name:
                return str(job["jid"])
        for child in children:
            if child.exit_code is not None:
                raise StartFailure(f"{child.name} ended with {child.exit_code}; the end of its output:\n{child.last_lines(15)}")
    raise StartFailure(f"no job arrived at Flink, {plan.flink_address}, within {RUNNING_LIMIT_SECONDS} s")


def wait_for_tasks(rest: FlinkRest, job_id: str, restore_from: RestorePoint | None, on_poll: Callable[[], object]) -> None:
    count, reason = 0, ""
    for _ in each_poll(on_poll):
        state = rest.read_state(job_id)
        count, reason = rest.read_exceptions(job_id)
        if restore_from and (is_about_restore(reason) or (state in TERMINAL_STATES and not is_from_python(reason))):
            raise RestoreFailed(summarise(reason))
        if state in TERMINAL_STATES or count > START_ATTEMPTS:
            raise StartFailure(f"the job does not start, {count} attempts: {summarise(reason)}")
        if state == "RUNNING" and rest.are_all_tasks_running(job_id):
            break
    else:
        raise StartFailure(f"the tasks of the job did not all start within {RUNNING_LIMIT_SECONDS} s: {summarise(reason)}")
    if restore_from and rest.read_checkpoints(job_id).restored_count < 1:
        raise RestoreFailed(f"Flink started the job without the state of {restore_from.path}")


def is_from_python(stack_trace: str) -> bool:
    return "Error received from SDK harness" in stack_trace


def is_about_restore(stack_trace: str) -> bool:
    """Whether a failure is one of reading back state: it repeats for ever, while others may pass."""
    messages = "\n".join(line for line in stack_trace.splitlines() if not line.startswith("\tat "))
    return any(sign in messages for sign in RESTORE_SIGNS)


def summarise(stack_trace: str) -> str:
    """Return the line of a stack trace, Java's or one of Python inside it, that says what is wrong."""
    lines = [line for line in stack_trace.splitlines() if line.strip() and not line.lstrip().startswith(("at ", "... "))]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    if is_from_python(stack_trace):
        return lines[-1][:500]
    return (causes or lines or ["Flink gave no reason"])[-1 if causes else 0][:500]


def cancel_quietly(rest: FlinkRest, job_id: str) -> None:
    try:
        rest.cancel(job_id)
    except FlinkAway as away:
        log.warning("job could not be cancelled", job=job_id, reason=str(away))

"""`openweight run`: everything that is missing is started, the job submitted from its newest state, watched, and stopped in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import structlog

from pipeline.exit_codes import ExitCode
from pipeline.flink_rest import FlinkAway
from pipeline.job import Job
from pipeline.local import LocalMachine, MachinePlan
from pipeline.notify_systemd import notify_systemd
from pipeline.observe_run import Observer
from pipeline.running import Addresses, write_addresses
from pipeline.settings import Settings, SettingsError
from pipeline.start_failure import StartFailure
from pipeline.stop_signal import StopSignal
from pipeline.submit_graph import GraphReference
from pipeline.submit_job import JobPlan
from pipeline.watch_run import watch_run

log = structlog.get_logger()
# From the first signal to the end of the last process.
END_SECONDS = 25.0
SAMPLES = Path(__file__).resolve().parents[2] / "seeds" / "samples.jsonl"
SAMPLES_PER_SECOND = 1.0


def run_job(settings: Settings, *, is_fresh: bool, has_samples: bool) -> ExitCode:
    """Runs until SIGINT or SIGTERM; see ExitCode for how it ends otherwise."""
    stop_signal = StopSignal()
    stop_signal.listen()
    machine = LocalMachine(_machine_plan(settings))
    # Before anything declares a metric: the workers' values and ours meet in this folder.
    metrics_folder = machine.state_folder / "metrics"
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder)
    try:
        return _run(settings, machine, stop_signal, is_fresh=is_fresh, has_samples=has_samples)
    except StartFailure as failure:
        print(f"openweight run: {failure}", file=sys.stderr)
        return ExitCode.ENGINE_FAILED
    except KeyboardInterrupt:
        log.info("stopped at once, as asked")
        return ExitCode.INTERRUPTED if stop_signal.number == signal.SIGINT else ExitCode.DONE
    finally:
        stop_signal.ignore_further()
        machine.stop(END_SECONDS - stop_signal.seconds_since)


def _machine_plan(settings: Settings) -> MachinePlan:
    engine = settings.engine
    return MachinePlan(
        state_folder=settings.state.folder,
        has_broker=not settings.broker.bootstrap_servers,
        has_engine=not engine.address,
        java_home=engine.java_home,
        # Rounded up: every TaskManager offers the same number.
        slots=-(-engine.parallelism // engine.task_managers),
        task_managers=engine.task_managers,
        state_backend=engine.state_backend,
        record_seconds=engine.record_seconds,
        restarts_allowed=engine.restarts_allowed,
        restart_window_minutes=engine.restart_window_minutes,
    )


def _run(settings: Settings, machine: LocalMachine, stop_signal: StopSignal, *, is_fresh: bool, has_samples: bool) -> ExitCode:
    log.info("starting what is missing", broker=not settings.broker.bootstrap_servers, engine=not settings.engine.address)
    java = machine.start()
    from connectors.prometheus import wipe_metrics  # noqa: PLC0415 - see run_job

    # Here, and not later: nothing of this process has declared a metric yet.
    wipe_metrics(machine.state_folder / "metrics")
    if machine.broker is not None:
        broker = settings.broker.model_copy(update={"bootstrap_servers": machine.broker.bootstrap_servers})
        settings = settings.model_copy(update={"broker": broker})
    from connectors.kafka.connection import BrokerUnreachableError  # noqa: PLC0415 - the metrics folder must be known before
    from pipeline.heartbeat import Heartbeat  # noqa: PLC0415 - the same

    def keep_while_waiting() -> None:
        stop_signal.interrupt_if_asked()
        observer.keep()

    job = Job(_job_plan(settings, machine), java, keep_while_waiting)
    observer = Observer(settings, machine, job)
    # Before the broker is waited for: that it is away shall not look as if the run had died.
    addresses = observer.serve_metrics()
    try:
        prepare_topics(settings, is_own=machine.broker is not None)
    except BrokerUnreachableError as error:
        print(f"openweight run: {error}", file=sys.stderr)
        return ExitCode.BROKER_AWAY
    write_addresses(settings, addresses)
    log.info("submitting the job, half a minute or so")
    heartbeat = Heartbeat(settings)
    point = job.start(is_fresh=is_fresh)
    try:
        stop_signal.begin_watching()
        heartbeat.begin()
        observer.readiness.heartbeat = heartbeat
        _announce(settings, addresses, restored_from=str(point.path) if point else "")
        notify_systemd("READY=1", "STATUS=the job runs")
        if has_samples:
            _show_samples(settings, stop_signal.event)
        watch_run(job, machine.restarts, observer.keep, stop_signal.event)
    finally:
        notify_systemd("STOPPING=1", "STATUS=stopping the job with a savepoint")
        heartbeat.end()
        _stop_job(job)
    return ExitCode.DONE


def prepare_topics(settings: Settings, *, is_own: bool) -> None:
    """Waits for the broker; creates what is missing on our own, and says what differs on any.

    Raises:
        BrokerUnreachableError: it did not answer within broker.wait_seconds.
        SettingsError: a topic that the job writes is missing on a broker that is not ours.
    """
    from connectors.kafka.connection import wait_for_broker  # noqa: PLC0415 - the metrics folder must be known before
    from connectors.kafka.topics import compare_topics, create_topics  # noqa: PLC0415 - the same
    from pipeline.ends import kafka_connection  # noqa: PLC0415 - the same
    from pipeline.topic_file import read_topics  # noqa: PLC0415 - the same

    connection, definitions = kafka_connection(settings), read_topics(settings)
    wait_for_broker(connection, settings.broker.wait_seconds, log.warning)
    if is_own:
        create_topics(connection, definitions)
    differences = compare_topics(connection, definitions)
    own = f"{settings.writing.topic_prefix}."
    missing = [one.topic for one in differences if one.what == "missing" and one.topic.startswith(own)]
    if missing:
        # The job would fail at its first record, be restarted by Flink, and fail again.
        raise SettingsError(
            [f"topics are missing on {connection.bootstrap_servers}: {', '.join(missing)}; create them: openweight topics --create"]
        )
    for difference in differences:
        log.warning(
            "a topic differs from deploy/topics.toml",
            topic=difference.topic, what=difference.what, expected=difference.expected, found=difference.found,
            fix="openweight topics --create" if difference.what == "missing" else "change the topic or the file",
        )  # fmt: skip


def _job_plan(settings: Settings, machine: LocalMachine) -> JobPlan:
    engine = settings.engine
    folder = machine.state_folder / "engine"
    return JobPlan(
        graph=GraphReference("pipeline.graph", "lay_graph", (settings.model_dump_json(), machine.run_id)),
        state_folder=machine.state_folder,
        flink_address=machine.engine.rest_address if machine.engine else engine.address,
        pool_address=machine.engine.pool_address if machine.engine else engine.worker_pool,
        checkpoints_folder=folder / "checkpoints",
        savepoints_folder=folder / "savepoints",
        name=job_name(settings),
        parallelism=engine.parallelism,
        checkpoint_seconds=engine.checkpoint_seconds,
        bundle_milliseconds=engine.bundle_milliseconds,
    )


def job_name(settings: Settings) -> str:
    """The job's name on the cluster: the same for two jobs that would read and write the same, and for no others."""
    servers = sorted(part.strip() for part in settings.broker.bootstrap_servers.split(","))
    identity = "\n".join([*servers, settings.reading.group, settings.writing.topic_prefix])
    return f"openweight-monitor-{blake2b(identity.encode(), digest_size=6).hexdigest()}"


def _announce(settings: Settings, addresses: Addresses, restored_from: str) -> None:
    from pipeline.terminal import console  # noqa: PLC0415 - loads rich

    prefix = settings.writing.topic_prefix
    reading = settings.reading.topic_pattern or ", ".join(settings.reading.topics)
    lines = [
        "openweight-monitor is running" + (f", resumed from {restored_from}" if restored_from else ""),
        f"  reads      {reading} on {addresses.bootstrap_servers}",
        f"  alerts     topics {prefix}.alerts.* (openweight watch)",
        f"  metrics    http://{addresses.metrics}/metrics, /healthz, /readyz",
        f"  engine     http://{addresses.flink}",
        f"  state      {settings.state.folder}",
        "  Ctrl-C     stops everything in order",
    ]
    console(to_error_output=True).print("\n".join(lines))


def _show_samples(settings: Settings, should_stop: threading.Event) -> None:
    """Feeds the sample articles once in the life of the topic, and prints alerts as they come."""
    from pipeline.commands.feed import feed_samples  # noqa: PLC0415 - see run_job
    from pipeline.commands.watch import print_alerts  # noqa: PLC0415 - the same

    def guarded(action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            log.exception("the samples cannot be shown; the job goes on")

    actions: list[Callable[[], object]] = [
        lambda: print_alerts(settings, should_stop),
        lambda: feed_samples(settings, SAMPLES, SAMPLES_PER_SECOND, should_stop),
    ]
    for action in actions:
        threading.Thread(target=guarded, args=(action,), daemon=True).start()


def _stop_job(job: Job) -> None:
    started = time.monotonic()
    log.info("stopping the job with a savepoint")
    try:
        savepoint = job.stop_with_savepoint()
    except FlinkAway as error:
        log.warning("the job could not be stopped in order; the newest checkpoint is kept", reason=str(error))
    else:
        log.info("job is stopped", savepoint=str(savepoint) if savepoint else None, seconds=round(time.monotonic() - started, 1))

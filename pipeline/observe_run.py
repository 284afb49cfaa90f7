"""What a run shows of itself: its metrics, once every few seconds, while it keeps the machine's services alive."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from pipeline.notify_systemd import notify_systemd
from pipeline.readiness import Readiness
from pipeline.running import Addresses
from pipeline.start_failure import StartFailure

if TYPE_CHECKING:
    from pipeline.job import Job
    from pipeline.local import LocalMachine
    from pipeline.settings import Settings

METRICS_SECONDS = 5.0


@dataclass
class Observer:
    """Keeps the machine's services alive and the engine's metrics up to date, once a second."""

    settings: Settings
    machine: LocalMachine
    job: Job
    readiness: Readiness = field(default_factory=Readiness)
    measured_at: float = 0.0
    completed_at: float = 0.0
    """When the newest checkpoint was complete, in seconds since 1970; 0 before the first."""
    counted: dict[str, int] = field(default_factory=dict)
    """Restarts that are in the metric, by process, those within Flink by job."""

    def serve_metrics(self) -> Addresses:
        from connectors.prometheus import PortTakenError, serve_metrics  # noqa: PLC0415 - the metrics folder must be known before
        from pipeline.choose_ports import find_free_port  # noqa: PLC0415 - the same

        host, port = self.settings.metrics.host, self.settings.metrics.port
        try:
            server = serve_metrics(host, port, self.readiness.find_troubles)
        except PortTakenError as error:
            if "port" in self.settings.metrics.model_fields_set:
                raise StartFailure(str(error)) from None
            server = serve_metrics(host, find_free_port(), self.readiness.find_troubles)
        port = server.server_port
        self.readiness.bootstrap_servers = self.settings.broker.bootstrap_servers
        self._describe_build()
        return Addresses(self.settings.broker.bootstrap_servers, self.job.plan.flink_address, f"{host}:{port}")

    def _describe_build(self) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - the metrics folder must be known before

        from pipeline.versions import flink_version  # noqa: PLC0415 - the same
        from transforms import metrics  # noqa: PLC0415 - the same
        from transforms.model.judge import model_version  # noqa: PLC0415 - the same

        settings = blake2b(self.settings.model_dump_json().encode(), digest_size=6).hexdigest()
        metrics.BUILD.labels(version("openweight-monitor"), version("apache-beam"), flink_version(), model_version(), settings).set(1)
        # The hash of the weights: they are all there.
        self.readiness.model = ""

    def keep(self) -> None:
        notify_systemd("WATCHDOG=1")
        self.machine.restart_dead()
        if time.monotonic() - self.measured_at >= METRICS_SECONDS:
            self.measured_at = time.monotonic()
            self._measure()

    def _measure(self) -> None:
        from transforms import metrics  # noqa: PLC0415 - the metrics folder must be known before

        for name, count in self.machine.restarts.counts.items():
            # taskmanager-2 is a taskmanager.
            self._count_restarts(name.rstrip("-0123456789"), name, count)
        restarts = self.job.count_restarts()
        self._count_restarts("flink", f"flink/{self.job.job_id}", restarts)
        self.machine.restarts.note_engine_restarts(self.job.job_id, restarts, self.job.read_failure)
        status = self.job.read_checkpoints() if self.job.job_id else None
        is_running = self.job.is_running()
        self.readiness.engine = "" if is_running else f"Flink, {self.job.plan.flink_address}, does not run the job"
        metrics.JOB_RUNNING.set(1 if is_running else 0)
        if status is not None and status.completed_id:
            self.completed_at = time.time() - status.age_seconds
            for stage, size_bytes in self.job.read_state_sizes(status.completed_id).items():
                metrics.STATE_BYTES.labels(stage).set(size_bytes)
            metrics.CHECKPOINT_DURATION.set(status.duration_seconds)
            metrics.CHECKPOINT_BYTES.set(status.size_bytes)

        if self.completed_at:
            # Also while Flink does not answer: what a kill would read again grows then.
            metrics.CHECKPOINT_AGE.set(time.time() - self.completed_at)

    def _count_restarts(self, process: str, key: str, total: int) -> None:
        from transforms import metrics  # noqa: PLC0415 - the metrics folder must be known before

        # Less than before: Flink does not say at the moment.
        if (grown := total - self.counted.get(key, 0)) > 0:
            metrics.RESTARTS.labels(process).inc(grown)
            self.counted[key] = total

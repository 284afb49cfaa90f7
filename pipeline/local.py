"""One machine's own broker and engine: started in order, kept alive, and ended so that nothing is left behind."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import structlog

from pipeline.broker import BrokerPlan, prepare_broker
from pipeline.choose_ports import choose_ports
from pipeline.engine import EnginePlan, NodePorts, node_name, prepare_engine
from pipeline.find_java import JavaInstallation, find_java
from pipeline.processes import ChildProcess, end_leftovers
from pipeline.restarts import Restarts
from pipeline.start_failure import StartFailure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = structlog.get_logger()

USUAL_PORTS = {
    "broker": 9092,
    "controller": 9093,
    "flink": 8081,
    "jobmanager": 6123,
    "blobs": 6124,
    "taskmanager": 6122,
    "tasks": 6121,
    "pool": 50000,
    "jobmanager_metrics": 9249,
    "taskmanager_metrics": 9250,
}
MOST_TASK_MANAGERS = 16
# RPC, data, metrics: the fields of NodePorts.
NODE_PORTS = ("taskmanager", "tasks", "taskmanager_metrics")
_NUMBERS = range(1, MOST_TASK_MANAGERS + 1)

# What the broker takes to end, after everything else.
BROKER_SECONDS = 6
# Whoever depends on others ends before them; the broker last.
ENDING_ORDER = [
    "submission", "job-server", *(node_name("pool", number) for number in _NUMBERS),
    *(node_name("taskmanager", number) for number in _NUMBERS), "jobmanager", "broker",
]  # fmt: skip


@dataclass(frozen=True)
class MachinePlan:
    """What runs on this machine; a port of 0 means any free one."""

    state_folder: Path
    has_broker: bool = True
    has_engine: bool = True
    java_home: Path | None = None
    slots: int = 1
    task_managers: int = 1
    state_backend: str = "rocksdb"
    record_seconds: float = 60
    restarts_allowed: int = 20
    restart_window_minutes: float = 10
    usual_ports: Mapping[str, int] = field(default_factory=lambda: USUAL_PORTS)


class LocalMachine:
    """The services of one state folder; `broker` and `engine` are known after `start`, None when they run elsewhere."""

    def __init__(self, plan: MachinePlan) -> None:
        self.plan = plan
        self.state_folder = plan.state_folder.absolute()
        self.restarts = Restarts(plan.restarts_allowed, plan.restart_window_minutes)
        self.children: dict[str, ChildProcess] = {}
        self.broker: BrokerPlan | None = None
        self.engine: EnginePlan | None = None
        self.lock: IO[str] | None = None
        self.java: JavaInstallation | None = None
        # A run from start to stop, however often its processes and its job are started anew within it.
        self.run_id = secrets.token_hex(8)

    def start(self) -> JavaInstallation:
        """Start what the plan names and return when it answers; also clears away what a killed run left behind.

        Raises:
            StartFailure: another run uses the folder, it cannot be written, Java or jars are missing, or a service fails.
        """
        self.lock = take_lock(self.state_folder)
        try:
            end_leftovers(self.state_folder, ENDING_ORDER)
            self.java = find_java(self.plan.java_home)
            self.prepare(choose_ports(self.name_ports(), self.state_folder / "ports.json"))
            for child in self.children.values():
                child.start()
            for child in self.children.values():
                child.wait_ready()
        except BaseException:
            self.stop()
            raise
        log.info("services of this machine are up", **{name: child.pid for name, child in self.children.items()})
        return self.java

    def name_ports(self) -> dict[str, int]:
        """The usual ports, with those of the TaskManagers beyond the first: metrics behind the first one's, the others any free one."""
        metrics = self.plan.usual_ports["taskmanager_metrics"]
        more = {
            f"{name}_{number}": metrics + number - 1 if metrics and name == "taskmanager_metrics" else 0
            for number in range(2, self.plan.task_managers + 1)
            for name in NODE_PORTS
        }
        return {**self.plan.usual_ports, **more}

    def prepare(self, ports: dict[str, int]) -> None:
        assert self.java is not None  # noqa: S101 - set by start
        if self.plan.has_broker:
            self.broker = BrokerPlan(self.state_folder, ports["broker"], ports["controller"])
            self.children["broker"] = prepare_broker(self.broker, self.java)
        if self.plan.has_engine:
            self.engine = EnginePlan(
                self.state_folder,
                rest_port=ports["flink"],
                rpc_port=ports["jobmanager"],
                blob_port=ports["blobs"],
                task_rpc_port=ports["taskmanager"],
                task_data_port=ports["tasks"],
                pool_port=ports["pool"],
                slots=self.plan.slots,
                state_backend=self.plan.state_backend,
                record_seconds=self.plan.record_seconds,
                jobmanager_metrics_port=ports["jobmanager_metrics"],
                task_metrics_port=ports["taskmanager_metrics"],
                more_nodes=tuple(
                    NodePorts(*(ports[f"{name}_{number}"] for name in NODE_PORTS)) for number in range(2, self.plan.task_managers + 1)
                ),
            )
            self.children.update(prepare_engine(self.engine, self.java))

    def restart_dead(self) -> list[str]:
        """Start those that died, after their pause; returns their names, and `restarts.counts` counts them.

        Raises:
            CrashLoop: one died more often than the plan allows.
        """
        return self.restarts.restart_dead(self.children.values())

    def stop(self, limit_seconds: float = 25) -> None:
        """End all services within about `limit_seconds`, the broker last; the job is stopped before, by whoever started it.

        A busy JobManager takes five seconds and more to end: the engine is given what the savepoint has left.
        """
        deadline = time.monotonic() + limit_seconds - BROKER_SECONDS
        for name, child in self.children.items():
            if name != "broker":
                # All at once: one after the other they would take longer than a supervisor is given.
                child.ask_to_end()
        for name in ENDING_ORDER:
            if name in self.children:
                child = self.children[name]
                child.end(BROKER_SECONDS if name == "broker" else max(child.grace_seconds, deadline - time.monotonic()))
        if self.lock is not None:
            self.lock.close()
            self.lock = None


def take_lock(state_folder: Path) -> IO[str]:
    """Return the open lock file; the kernel gives the lock back when the process ends, however it ends."""
    file = state_folder / "lock"
    try:
        state_folder.mkdir(parents=True, exist_ok=True)
        lock = file.open("a+")
    except OSError as error:
        raise StartFailure(f"state folder {state_folder} cannot be used: {error.strerror}. Set state.folder to another") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise StartFailure(
            f"another run, pid {holder}, uses the state folder {state_folder}; stop it first, or set state.folder to another"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock

"""The engine of one machine: a Flink session cluster (JobManager, TaskManagers) and a pool of Python workers for each TaskManager."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.choose_ports import HOST, is_listening
from pipeline.fetch_jars import DEFINITIONS, JarKind, fetch_jars
from pipeline.flink_rest import FlinkAway, FlinkRest
from pipeline.processes import ChildProcess, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.find_java import JavaInstallation

# Flink reads private fields of these; Java 17 and later refuse it otherwise.
OPENED_PACKAGES = ["java.lang", "java.util", "java.util.concurrent", "java.net", "java.nio", "java.time", "sun.nio.ch"]
JVM_OPTIONS = [
    "-XX:+UseSerialGC", "-Xss512k", "-XX:MaxMetaspaceSize=192m", "-XX:CICompilerCount=2", "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true", *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED_PACKAGES),
]  # fmt: skip
METRICS_PORT = "metrics.reporter.prometheus.port"
# Two arenas instead of eight per core: 50-100 MB less of freed memory that glibc keeps.
JVM_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}


# By this name each of several TaskManagers finds the pool beside it, as its own hosts file says.
POOL_NAME = "worker-pool"


@dataclass(frozen=True)
class NodePorts:
    """Ports of a TaskManager beyond the first: RPC, data, Flink's Prometheus reporter."""

    rpc: int
    data: int
    metrics: int


@dataclass(frozen=True)
class EnginePlan:
    """Where the engine listens and what it keeps; `state_folder` is absolute, `slots` are those of one TaskManager."""

    state_folder: Path
    rest_port: int
    rpc_port: int
    blob_port: int
    task_rpc_port: int
    task_data_port: int
    pool_port: int
    slots: int = 1
    state_backend: str = "rocksdb"
    """Flink's `rocksdb` or `hashmap`; a savepoint can be restored by either, a checkpoint only by its own."""
    record_seconds: float = 60
    """A worker that uses more CPU at one record is killed."""
    jobmanager_metrics_port: int = 9249
    """Of Flink's own Prometheus reporter, which binds all addresses (SECURITY.md)."""
    task_metrics_port: int = 9250
    more_nodes: tuple[NodePorts, ...] = ()

    @property
    def folder(self) -> Path:
        return self.state_folder / "engine"

    @property
    def checkpoints_folder(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def savepoints_folder(self) -> Path:
        return self.folder / "savepoints"

    @property
    def rest_address(self) -> str:
        return f"{HOST}:{self.rest_port}"

    @property
    def pool_address(self) -> str:
        return f"{POOL_NAME if self.more_nodes else HOST}:{self.pool_port}"

    @property
    def metrics_folder(self) -> Path:
        """Where the Python workers leave their Prometheus values, one file for each process."""
        return self.state_folder / "metrics"


def describe_configuration(plan: EnginePlan) -> str:
    """Return the text of flink-conf.yaml."""
    # A job's memory in one TaskManager: every part must be given when it is not started by Flink's own scripts.
    heap, managed, network = 160 + 32 * plan.slots, 64 * plan.slots, 32 + 8 * plan.slots
    values = {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": plan.rpc_port,
        "jobmanager.bind-host": HOST,
        "blob.server.port": plan.blob_port,
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": plan.rest_port,
        # The job comes from our own job server; nobody else needs to run jars here.
        "web.submit.enable": "false",
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.rpc.port": plan.task_rpc_port,
        "taskmanager.data.port": plan.task_data_port,
        "taskmanager.numberOfTaskSlots": plan.slots,
        "taskmanager.cpu.cores": "1.0",
        "taskmanager.memory.task.heap.size": f"{heap}m",
        "taskmanager.memory.task.off-heap.size": "0b",
        "taskmanager.memory.framework.heap.size": "64m",
        "taskmanager.memory.framework.off-heap.size": "64m",
        "taskmanager.memory.managed.size": f"{managed}m",
        "taskmanager.memory.network.min": f"{network}m",
        "taskmanager.memory.network.max": f"{network}m",
        "taskmanager.memory.jvm-metaspace.size": "192m",
        "taskmanager.memory.jvm-overhead.min": "128m",
        "taskmanager.memory.jvm-overhead.max": "128m",
        "state.backend.type": plan.state_backend,
        "state.backend.incremental": "true",
        # At its usual level RocksDB writes 0.5 MB a minute.
        "state.backend.rocksdb.log.level": "HEADER_LEVEL",
        "state.checkpoints.dir": plan.checkpoints_folder.as_uri(),
        "state.savepoints.dir": plan.savepoints_folder.as_uri(),
        "state.checkpoints.num-retained": 3,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # It belongs here: Beam leaves it alone. No limit of attempts: a broker may be away for hours.
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "30 s",
        "restart-strategy.exponential-delay.backoff-multiplier": "2.0",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "2 min",
        "heartbeat.interval": 2000,
        "heartbeat.timeout": 10000,
        "classloader.resolve-order": "parent-first",
        "metrics.reporters": "prometheus",
        "metrics.reporter.prometheus.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
        METRICS_PORT: plan.task_metrics_port,
    }
    return "".join(f"{key}: {value}\n" for key, value in values.items())


def describe_task_memory(plan: EnginePlan) -> list[str]:
    heap, direct = 64 + 160 + 32 * plan.slots, 64 + 32 + 8 * plan.slots
    # All of the heap from the start, as with the broker.
    return [f"-Xms{heap}m", f"-Xmx{heap}m", "-XX:+AlwaysPreTouch", f"-XX:MaxDirectMemorySize={direct + 64}m"]


def java_command(state_folder: Path, java: JavaInstallation, name: str, memory: list[str], class_path: list[Path]) -> list[str]:
    """Return the command of a Java process up to its main class."""
    log_file = state_folder / "logs" / f"{name}.log"
    return [
        str(java.executable), *JVM_OPTIONS, *memory, f"-Djava.io.tmpdir={scratch_folder(state_folder, name)}",
        f"-Dopenweight.log={log_file}", f"-XX:ErrorFile={state_folder / 'logs'}/{name}-crash.log",
        f"-Dlog4j.configurationFile={DEFINITIONS / 'log4j2.properties'}", "-cp", os.pathsep.join(map(str, class_path)),
    ]  # fmt: skip


def prepare_engine(plan: EnginePlan, java: JavaInstallation) -> dict[str, ChildProcess]:
    """Write the configuration and return the three processes by name, in the order of their start, not yet started."""
    jars = fetch_jars(JarKind.ENGINE, plan.state_folder)
    for folder in (plan.folder / "conf", plan.checkpoints_folder, plan.savepoints_folder):
        folder.mkdir(parents=True, exist_ok=True)
    (plan.folder / "conf" / "flink-conf.yaml").write_text(describe_configuration(plan))
    rest = FlinkRest(plan.rest_address)

    def has_slots(count: int) -> bool:
        try:
            return rest.count_slots() >= count
        except FlinkAway:
            return False

    def child(name: str, memory: list[str], main_class: str, is_ready: Callable[[], bool], values: dict[str, int]) -> ChildProcess:
        scratch = scratch_folder(plan.state_folder, name)
        command = [*java_command(plan.state_folder, java, name, memory, jars), main_class]
        command += ["--configDir", str(plan.folder / "conf"), "-D", f"io.tmp.dirs={scratch}"]
        command += [word for key, value in values.items() for word in ("-D", f"{key}={value}")]
        return ChildProcess(name, command, plan.state_folder, is_ready, JVM_ENVIRONMENT, scratch_folder=scratch)

    def task_manager(number: int, values: dict[str, int]) -> ChildProcess:
        memory = [*describe_task_memory(plan), *name_pool(plan, number)]
        main_class = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        all_slots = plan.slots * (1 + len(plan.more_nodes))
        return child(node_name("taskmanager", number), memory, main_class, lambda: has_slots(all_slots), values)

    numbers = range(1, 2 + len(plan.more_nodes))
    children = [prepare_pool(plan, number) for number in numbers]
    children.append(
        child(
            "jobmanager",
            ["-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1"],
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            lambda: has_slots(0),
            {METRICS_PORT: plan.jobmanager_metrics_port},
        )
    )
    children.append(task_manager(1, {}))
    for number, ports in zip(numbers[1:], plan.more_nodes, strict=True):
        values = {"taskmanager.rpc.port": ports.rpc, "taskmanager.data.port": ports.data, METRICS_PORT: ports.metrics}
        children.append(task_manager(number, values))
    return {one.name: one for one in children}


def node_name(process: str, number: int) -> str:
    """The name of a process of the first or a later node: `pool`, `pool-2`."""
    return process if number == 1 else f"{process}-{number}"


def node_host(number: int) -> str:
    """Every node's pool listens on the same port: Flink hands all TaskManagers one address. 127.0.0.0/8 is this machine."""
    return HOST if number == 1 else f"127.0.0.{number}"


def name_pool(plan: EnginePlan, number: int) -> list[str]:
    """Java's option by which a TaskManager finds its own pool, and the file behind it; nothing when there is one node."""
    if not plan.more_nodes:
        return []
    file = plan.folder / "conf" / f"hosts-{number}"
    file.write_text(f"{HOST} localhost {socket.gethostname()}\n{node_host(number)} {POOL_NAME}\n")
    return [f"-Djdk.net.hosts.file={file}"]


def prepare_pool(plan: EnginePlan, number: int) -> ChildProcess:
    host, name = node_host(number), node_name("pool", number)
    logs = plan.state_folder / "logs" if number == 1 else plan.state_folder / "logs" / name
    command = [sys.executable, "-m", "pipeline.worker_pool", "--host", host, "--port", str(plan.pool_port)]
    command += ["--log-folder", str(logs), "--metrics-folder", str(plan.metrics_folder)]
    command += ["--record-seconds", str(plan.record_seconds)]
    # The pool and its workers run in the state folder, and import the code that this process runs.
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return ChildProcess(name, command, plan.state_folder, lambda: is_listening(plan.pool_port, host), environment)

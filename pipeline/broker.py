"""The broker of one machine: a single Kafka node that is its own controller, its data kept between runs."""

from __future__ import annotations

import base64
import os
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.choose_ports import HOST, is_listening
from pipeline.fetch_jars import DEFINITIONS, JarKind, fetch_jars
from pipeline.processes import ChildProcess, scratch_folder
from pipeline.start_failure import StartFailure

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.find_java import JavaInstallation

# It does not start with a heap of 160 MB. All of the heap is taken at the start: what grows by a little for months is then seen,
# and a machine that has too little memory says so at once.
JVM_OPTIONS = [
    "-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:MaxDirectMemorySize=64m",
    "-XX:ReservedCodeCacheSize=48m", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true",
]  # fmt: skip


@dataclass(frozen=True)
class BrokerPlan:
    """Where the broker listens and what it keeps."""

    state_folder: Path
    port: int
    controller_port: int
    retention_hours: int = 24 * 7

    @property
    def data_folder(self) -> Path:
        return self.state_folder / "broker" / "data"

    @property
    def properties_file(self) -> Path:
        return self.state_folder / "broker" / "server.properties"

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.port}"


def describe_properties(plan: BrokerPlan) -> str:
    """Return the text of server.properties."""
    properties = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{HOST}:{plan.controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{plan.port},CONTROLLER://{HOST}:{plan.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{plan.port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": plan.data_folder,
        "log.retention.hours": plan.retention_hours,
        "log.segment.bytes": 64 * 1024 * 1024,
        # Topics are made from deploy/topics.toml; a typing error in a name must not make one.
        "auto.create.topics.enable": "false",
        # One node cannot replicate, and the defaults of the internal topics are 3.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # One node, a few partitions: threads cost memory and buy nothing.
        "num.network.threads": 2,
        "num.io.threads": 2,
        "background.threads": 2,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def prepare_broker(plan: BrokerPlan, java: JavaInstallation) -> ChildProcess:
    """Write the properties, format the data folder the first time, and return the process, not yet started."""
    plan.data_folder.mkdir(parents=True, exist_ok=True)
    plan.properties_file.write_text(describe_properties(plan))
    child = ChildProcess("broker", [], plan.state_folder, lambda: is_listening(plan.port))
    child.log_file.parent.mkdir(parents=True, exist_ok=True)
    jars = fetch_jars(JarKind.BROKER, plan.state_folder)
    scratch = scratch_folder(plan.state_folder, "broker")
    scratch.mkdir(parents=True, exist_ok=True)
    child.scratch_folder = scratch
    base = [
        str(java.executable), *JVM_OPTIONS, f"-Djava.io.tmpdir={scratch}", f"-Dopenweight.log={child.log_file}",
        f"-Dlog4j2.configurationFile={DEFINITIONS / 'log4j2.properties'}", "-cp", os.pathsep.join(map(str, jars)),
    ]  # fmt: skip
    if not (plan.data_folder / "meta.properties").exists():
        format_data_folder(plan, base)
    child.command = [*base, "kafka.Kafka", str(plan.properties_file)]
    child.environment = {"MALLOC_ARENA_MAX": "2"}
    return child


def new_cluster_id() -> str:
    """A UUID in Kafka's spelling; a broker that was emptied is another cluster, which the job notices."""
    while True:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # Kafka's own tool would take it for an option.
        if not cluster_id.startswith("-"):
            return cluster_id


def format_data_folder(plan: BrokerPlan, base_command: list[str]) -> None:
    command = [*base_command, "kafka.tools.StorageTool", "format", "-t", new_cluster_id(), "-c", str(plan.properties_file)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if answer.returncode != 0:
        raise StartFailure(f"the broker's folder {plan.data_folder} could not be formatted: {answer.stderr[-500:].strip()}")

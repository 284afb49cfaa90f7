"""`openweight run` as a user starts it: in a process of its own, with its state in a folder of its own; and what its topics hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from kafka import TopicPartition

from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection
from connectors.kafka.fetch import open_consumer
from connectors.kafka.partitions import ReadingPlan, Start
from connectors.kafka.subscribe import partition_offsets, read_to_end
from connectors.kafka.topics import create_topics
from connectors.kafka.write import WritingPlan, send_all
from pipeline.choose_ports import choose_ports
from pipeline.flink_rest import FlinkAway, FlinkRest
from pipeline.local import USUAL_PORTS
from pipeline.processes import read_identity
from pipeline.running import Addresses, read_addresses
from pipeline.settings import Settings, load_settings
from pipeline.topic_file import read_topics
from transforms.records import OutgoingMessage, RawMessage

ROOT = Path(__file__).resolve().parents[1]
POLL_SECONDS = 0.1
START_SECONDS = 400
# Up to what the broker takes: the job must refuse what is too large for it.
FEEDING = WritingPlan(limit_bytes=1_040_000)
ALERT_DIRECTIONS = ("opening", "closing", "mixed", "unclear")


class RunFailed(Exception):  # noqa: N818 - what happened to the run under test
    """The run ended or did not do in time what was waited for; the text ends with its last lines."""


class OpenweightRun:
    """One run after another with the same state folder; `variables` are settings, such as OPENWEIGHT_READING__GROUP."""

    def __init__(self, state_folder: Path, variables: dict[str, str] | None = None) -> None:
        self.state_folder = state_folder.absolute()
        self.variables = {"OPENWEIGHT_STATE__FOLDER": str(self.state_folder)} | (variables or {})
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENWEIGHT_")}
        self.environment |= self.variables | {"PYTHONPATH": str(ROOT)}
        self.settings: Settings = load_settings(None, self.variables)
        self.process: subprocess.Popen[bytes] | None = None
        self.state_folder.mkdir(parents=True, exist_ok=True)
        self.output_file = self.state_folder / "output.txt"
        # Free ports, so that it stands beside whatever runs on this machine.
        choose_ports(dict.fromkeys(USUAL_PORTS, 0), self.state_folder / "ports.json")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pipeline.cli", *arguments]

    def call(self, *arguments: str, limit_seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs another command with the same settings to its end."""
        return subprocess.run(
            self.command(*arguments), env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=limit_seconds, check=False
        )

    def start(self) -> None:
        """Starts it and returns when the job runs.

        Raises:
            RunFailed: it ended, or did not come up in time.
        """
        addresses_file = self.state_folder / "run" / "addresses.json"
        addresses_file.unlink(missing_ok=True)
        with self.output_file.open("ab") as output:
            self.begun_at = output.tell()
            # A session of its own: Ctrl-C reaches the command that started it alone, which stops it in order.
            self.process = subprocess.Popen(
                self.command("run"),
                env=self.environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.wait_for(lambda: "openweight-monitor is running" in self.read_output(), "the job runs", START_SECONDS)

    def stop(self, limit_seconds: float = 60) -> int:
        """Asks it to stop (SIGTERM) and returns its exit code.

        Raises:
            RunFailed: it did not end in time; it is killed then.
        """
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.call("stop")
            raise RunFailed(f"it did not stop within {limit_seconds} s:\n{self.last_lines()}") from None

    def clear_away(self) -> None:
        """Ends whatever is left of it, however the test ended."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.call("stop")

    def read_output(self) -> str:
        """What it printed since the last start."""
        with self.output_file.open("rb") as file:
            file.seek(self.begun_at)
            return file.read().decode(errors="replace")

    def last_lines(self, count: int = 25) -> str:
        return "\n".join(self.read_output().splitlines()[-count:])

    @property
    def addresses(self) -> Addresses:
        found = read_addresses(self.settings)
        if found is None:
            raise RunFailed(f"no addresses in {self.state_folder}")
        return found

    @property
    def connection(self) -> KafkaConnection:
        return KafkaConnection(bootstrap_servers=self.settings.broker.bootstrap_servers or self.addresses.bootstrap_servers)

    def committed(self) -> int:
        """How many articles are in a complete checkpoint, after the offsets of the group."""
        plan = ReadingPlan(topics=self.settings.reading.topics, start=Start.GROUP, group=self.settings.reading.group)
        try:
            return sum(partition_offsets(self.connection, plan)[0].values())
        except BrokerUnreachableError:
            # A broker that has just been made has no coordinator for groups in its first seconds.
            return 0

    def pid_of(self, name: str) -> int:
        """The pid of `worker` (the first of them), or of a service by the name of its pid file; 0 when there is none."""
        if name == "worker":
            return next(iter(self.worker_pids()), 0)
        identity = read_identity(self.state_folder / "run" / f"{name}.pid")
        return identity.pid if identity else 0

    def worker_pids(self) -> list[int]:
        pool = self.pid_of("pool")
        return [pid for pid in children_of(pool) if b"pipeline.run_worker" in read_bytes(Path(f"/proc/{pid}/cmdline"))] if pool else []

    def restores(self) -> tuple[str, int]:
        """The id of the running job and how often Flink has restored it; ("", 0) while there is no job or no answer."""
        rest = FlinkRest(self.addresses.flink)
        try:
            job = next((one["jid"] for one in rest.list_jobs() if one["state"] == "RUNNING"), "")
            if job and rest.are_all_tasks_running(job):
                return job, rest.read_checkpoints(job).restored_count
        except FlinkAway:
            pass
        finally:
            rest.client.close()
        return "", 0

    def wait_for(self, condition: Callable[[], bool], what: str, limit_seconds: float = 180) -> float:
        """Returns the seconds until the condition held.

        Raises:
            RunFailed: it never did, or the run ended meanwhile.
        """
        started = time.monotonic()
        while not condition():
            if self.process is not None and self.process.poll() is not None:
                raise RunFailed(f"it ended with {self.process.returncode} before {what}:\n{self.last_lines()}")
            if time.monotonic() - started > limit_seconds:
                raise RunFailed(f"not within {limit_seconds} s: {what}; its last lines:\n{self.last_lines()}")
            time.sleep(POLL_SECONDS)
        return time.monotonic() - started


class TopicEnds:
    """How many records topics hold, asked cheaply and often; `by_group` reads what a group has committed."""

    def __init__(self, connection: KafkaConnection, topics: tuple[str, ...]) -> None:
        self.connection = connection
        self.topics = topics
        keys = partition_offsets(connection, ReadingPlan(topics=topics))[1]
        self.partitions = [TopicPartition(topic, int(number)) for topic, _, number in (key.rpartition("/") for key in keys)]
        self.consumer = open_consumer(connection)

    def count(self) -> int:
        return sum(self.consumer.end_offsets(self.partitions, timeout_ms=10_000).values())

    def close(self) -> None:
        self.consumer.close()


def outcome_topics(settings: Settings) -> tuple[str, str]:
    return f"{settings.writing.topic_prefix}.assessments", f"{settings.writing.topic_prefix}.rejected"


def alert_topics(settings: Settings) -> tuple[str, ...]:
    return tuple(f"{settings.writing.topic_prefix}.alerts.{direction}" for direction in ALERT_DIRECTIONS)


def prepare_topics(settings: Settings) -> None:
    create_topics(KafkaConnection(bootstrap_servers=settings.broker.bootstrap_servers), read_topics(settings))


def feed(connection: KafkaConnection, messages: Iterable[OutgoingMessage], rate_per_second: float = 0) -> int:
    """Sends messages, at most so many a second when a rate is given, and returns how many."""
    return sum(send_all(connection, messages, FEEDING, rate_per_second).values())


def read_all(connection: KafkaConnection, topics: tuple[str, ...]) -> list[RawMessage]:
    return list(read_to_end(connection, ReadingPlan(topics=topics)))


def live_alerts(messages: list[RawMessage]) -> dict[str, bytes]:
    """The alerts after compaction, by topic and alert_id, without those that are retracted."""
    newest = {f"{one.position.topic}/{(one.key or b'').decode()}": one.value or b"" for one in messages}
    return {name: value for name, value in newest.items() if json.loads(value)["state"] != "retracted"}


def children_of(pid: int) -> Iterator[int]:
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        yield from (int(child) for child in read_bytes(file).split())


def read_bytes(file: Path) -> bytes:
    """The content of a file under /proc; empty when the process has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""

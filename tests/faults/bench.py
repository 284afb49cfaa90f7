"""The broker, the run and the records that the faults are tried on, and the books that are kept of them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import msgspec
from faulty_run import FaultyRun
from mixed_articles import Mixture, light_messages, mix_messages
from proxy import Proxy
from rich.console import Console
from run_openweight import RunFailed, TopicEnds, alert_topics, feed, outcome_topics, prepare_topics, read_all

from connectors.kafka.connection import KafkaConnection, open_admin
from connectors.kafka.partitions import ReadingPlan, Start
from connectors.kafka.subscribe import partition_offsets
from pipeline.broker import BrokerPlan, describe_properties, prepare_broker
from pipeline.choose_ports import HOST, find_free_port
from pipeline.commands.verify import PartitionOutcomes, note_outcomes
from pipeline.find_java import find_java
from pipeline.processes import wait_until
from pipeline.worker_pool import read_cpu_seconds
from transforms.records import Alert, AlertState, OutgoingMessage

NEWS = "news.articles"
RECOVERY_SECONDS = 180
# A broker that starts stands still when it uses less than so much CPU in so much time.
STANDSTILL_SECONDS, STANDSTILL_CPU_SECONDS = 60, 1.0
BROKER_LIMIT_SECONDS = 600
LAG_SECONDS = 60
# What one record may take on a machine that others use too, when a backlog is worked off.
RECORD_SECONDS = 0.1
CHANGES = Mixture(bad_share=0.05, flagged_share=0.6, near_share=0.2, repeated_share=0.05)
progress = Console(stderr=True, highlight=False)


class FaultFound(Exception):  # noqa: N818 - what the suite is for
    """An invariant does not hold."""


@dataclass
class Result:
    """One row of the table; `problems` makes it red."""

    fault: str
    runs: int = 0
    lost: int = 0
    duplicated_alerts: int = 0
    recoveries: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            self.problems.append(what)


@dataclass(frozen=True)
class Books:
    """What the topics say: LOST, offsets with two outcomes, outcomes without input, not yet read, alerts raised with two contents."""

    lost: tuple[str, ...]
    different: int
    without_input: int
    open: int
    repeated: int
    duplicated_alerts: int


class Broker:
    """One node whose clients come through a proxy, but for the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = BrokerPlan(folder, find_free_port(), find_free_port())
        self.own_port = find_free_port()
        self.proxy = Proxy(find_free_port(), self.plan.port)
        self.through_proxy = f"{HOST}:{self.proxy.port}"
        self.connection = KafkaConnection(bootstrap_servers=f"{HOST}:{self.own_port}")
        self.format()

    def _properties(self) -> str:
        lines = dict(line.split("=", 1) for line in describe_properties(self.plan).splitlines())
        lines["listeners"] += f",TEST://{HOST}:{self.own_port}"
        lines["advertised.listeners"] = f"PLAINTEXT://{self.through_proxy},TEST://{HOST}:{self.own_port}"
        lines["listener.security.protocol.map"] += ",TEST:PLAINTEXT"
        lines["inter.broker.listener.name"] = "TEST"
        return "".join(f"{key}={value}\n" for key, value in lines.items())

    def start(self) -> None:
        """Returns when it answers, however long that takes on a busy machine, as long as it works at it.

        Raises:
            StartFailure: it ended, stands still, or did not answer within BROKER_LIMIT_SECONDS.
        """
        self.process.start()
        begun, cpu_seconds = time.monotonic(), 0.0
        while read_cpu_seconds(self.process.pid) >= cpu_seconds and time.monotonic() - begun < BROKER_LIMIT_SECONDS:
            cpu_seconds = read_cpu_seconds(self.process.pid) + STANDSTILL_CPU_SECONDS
            if wait_until(lambda: self.process.exit_code is not None or self.process.is_ready(), STANDSTILL_SECONDS):
                break
        self.process.wait_ready(0)

    def format(self) -> None:
        """A new data folder: another cluster, as when the disk was lost."""
        self.process = prepare_broker(self.plan, find_java())
        self.plan.properties_file.write_text(self._properties())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process.process is not None
        self.process.process.wait()

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.process.exit_code is None and self.process.pid:
                self.signal(signal.SIGCONT)
        self.process.end()
        self.proxy.stop()

    def make_topic(self, name: str, partitions: int) -> None:
        admin = open_admin(self.connection, 20_000)
        admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1}}, wait_for_metadata=True)
        admin.close()


class Run(FaultyRun):
    """The test's own clients do not come through the proxy."""

    def __init__(self, state_folder: Path, broker: Broker, variables: dict[str, str]) -> None:
        usual = {
            "OPENWEIGHT_BROKER__BOOTSTRAP_SERVERS": broker.through_proxy,
            # Frequent checkpoints and small polls: a kill finds records that were kept and records that were not.
            "OPENWEIGHT_ENGINE__CHECKPOINT_SECONDS": "0.5",
            "OPENWEIGHT_READING__RECORDS_PER_POLL": "5",
            "OPENWEIGHT_READING__DISCOVERY_SECONDS": "5",
            "OPENWEIGHT_ENGINE__RESTARTS_ALLOWED": "10000",
            "OPENWEIGHT_ENGINE__RECORD_SECONDS": "5",
        }
        super().__init__(state_folder, usual | variables)
        self.broker = broker

    @property
    def connection(self) -> KafkaConnection:
        return self.broker.connection


class Bench:
    """A broker and a run on its news; `topics` are those whose books are kept."""

    def __init__(self, folder: Path, seed: int, variables: dict[str, str] | None = None, partitions: int = 4) -> None:
        self.folder = folder
        self.seed = seed
        self.fed = 0
        self.batches = 0
        self.topics: tuple[str, ...] = (NEWS,)
        folder.mkdir(parents=True, exist_ok=True)
        self.broker = Broker(folder / "broker")
        self.partitions = partitions
        self.run = Run(folder / "state", self.broker, variables or {})

    def start(self) -> None:
        self.broker.proxy.start()
        self.broker.start()
        self.broker.make_topic(NEWS, self.partitions)
        prepare_topics(self.run.settings)
        self.run.start()

    def stop(self) -> None:
        """Ends all, however the test ended."""
        self.broker.proxy.mode = "pass"
        with contextlib.suppress(ProcessLookupError):
            self.broker.signal(signal.SIGCONT)
        try:
            self.run.clear_away()
        finally:
            self.broker.stop()

    def heal(self) -> None:
        """Takes every fault away and has the run stand again; what a broken fault has fed is counted anew."""
        self.run.disarm()
        self.run.take_bug()
        self.broker.proxy.switch("pass")
        if self.broker.process.exit_code is None:
            self.broker.signal(signal.SIGCONT)
        else:
            self.broker.start()
        self.fed = sum(partition_offsets(self.broker.connection, ReadingPlan(topics=self.topics))[1].values())
        if self.run.process is None or self.run.process.poll() is not None or not self.run.restores()[0]:
            self.run.clear_away()
            self.run.start()

    # Feeding

    def feed(self, messages: Iterable[OutgoingMessage]) -> None:
        self.fed += feed(self.broker.connection, messages)

    def feed_backlog(self, count: int = 300, changes: int = 20) -> None:
        """Policy changes first: what goes wrong then falls between the revisions of alerts."""
        self.batches += 1
        mixed = mix_messages(changes, seed=self.seed * 1_000 + self.batches, mixture=CHANGES)
        self.feed(chain(mixed, light_messages(count, begin=self.fed)))

    # Watching

    def outcomes(self) -> int:
        ends = TopicEnds(self.broker.connection, outcome_topics(self.run.settings))
        try:
            return ends.count()
        finally:
            ends.close()

    def committed(self) -> int:
        plan = ReadingPlan(topics=self.topics, start=Start.GROUP, group=self.run.settings.reading.group)
        return sum(partition_offsets(self.broker.connection, plan)[0].values())

    def settle(self, limit_seconds: float | None = None) -> float:
        """Returns the seconds until all that was fed is in a complete checkpoint."""
        limit = limit_seconds or LAG_SECONDS + (self.fed - self.committed()) * RECORD_SECONDS
        return self.run.wait_for(lambda: self.committed() >= self.fed, f"lag 0 of {self.fed} records", limit)

    def wait_for_flow(self, limit_seconds: float = RECOVERY_SECONDS) -> float:
        before = self.outcomes()
        return self.run.wait_for(lambda: self.outcomes() > before, "records flow", limit_seconds)

    def recover(self, action: Callable[[], object], what: str) -> float:
        """Does something that the job dies of, and returns the seconds until it is restored and records flow."""
        job, restored = self.run.restores()
        action()
        begun = time.monotonic()

        def is_restored() -> bool:
            now_job, now_restored = self.run.restores()
            return bool(now_job) and now_restored > (restored if now_job == job else 0)

        self.run.wait_for(is_restored, f"the job is restored after {what}", RECOVERY_SECONDS)
        self.wait_for_flow()
        return time.monotonic() - begun

    def kill_worker_and_wait(self) -> None:
        """For a run that reads nothing: restored, and no more is asked."""
        job, restored = self.run.restores()
        os.kill(self.run.pid_of("worker"), signal.SIGKILL)
        self.run.wait_for(lambda: self.run.restores() > (job, restored), "the job is restored", RECOVERY_SECONDS)
        time.sleep(3)

    # The books

    def open_books(self) -> Books:
        plan = ReadingPlan(topics=self.topics)
        group = msgspec.structs.replace(plan, start=Start.GROUP, group=self.run.settings.reading.group)
        # What is committed is asked first: what is committed later may have its outcome later.
        committed, _ = partition_offsets(self.broker.connection, group)
        starts, ends = partition_offsets(self.broker.connection, plan)
        partitions = {key: PartitionOutcomes(starts[key], ends[key], committed[key], settled_milliseconds=-1) for key in starts}
        for topic in outcome_topics(self.run.settings):
            note_outcomes(partitions, read_all(self.broker.connection, (topic,)), is_rejected=topic.endswith(".rejected"))
        return Books(
            lost=tuple(f"{key}/{offset}" for key, one in partitions.items() for offset in one.open_offsets()),
            different=sum(one.different for one in partitions.values()),
            without_input=sum(one.without_input for one in partitions.values()),
            open=sum(int((one.outcomes == 0).sum()) for one in partitions.values()),
            repeated=sum(one.repeated for one in partitions.values()),
            duplicated_alerts=self.count_duplicated_alerts(),
        )

    def alerts(self) -> list[Alert]:
        return [
            msgspec.json.decode(one.value or b"", type=Alert) for one in read_all(self.broker.connection, alert_topics(self.run.settings))
        ]

    def rejected_headers(self) -> list[dict[str, bytes]]:
        return [dict(one.headers) for one in read_all(self.broker.connection, outcome_topics(self.run.settings)[1:])]

    def count_duplicated_alerts(self) -> int:
        """Alerts that were raised with two different contents; copies to the byte are none, compaction takes them."""
        raised = {(one.alert_id, msgspec.json.encode(one)) for one in self.alerts() if one.state is AlertState.RAISED}
        return sum(count - 1 for count in Counter(alert_id for alert_id, _ in raised).values())

    def close_books(self, result: Result, *, settles: bool = True) -> Books:
        """Has all that was fed done, and puts what the books say into the result."""
        if settles:
            self.settle()
        books = self.open_books()
        result.lost += len(books.lost)
        result.duplicated_alerts += books.duplicated_alerts
        result.require(not books.lost, f"LOST {', '.join(books.lost[:5])}")
        result.require(not settles or books.open == 0, f"{books.open} inputs have no outcome")
        result.require(books.different == 0, f"{books.different} offsets have two outcomes")
        result.require(books.without_input == 0, f"{books.without_input} outcomes have no input")
        result.require(books.duplicated_alerts == 0, f"{books.duplicated_alerts} alerts were raised twice")
        return books


__all__ = ["Bench", "Books", "Broker", "FaultFound", "Result", "Run", "RunFailed", "progress"]

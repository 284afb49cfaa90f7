"""How fast the peers and the job work off one backlog on one broker, and what CPU an article costs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from measure_processes import read_cpu_seconds
from mixed_articles import Mixture, mix_messages
from run_openweight import ROOT, OpenweightRun, TopicEnds, feed, outcome_topics, read_all

from connectors.kafka.connection import KafkaConnection
from connectors.kafka.topics import create_topics
from pipeline.local import USUAL_PORTS, LocalMachine, MachinePlan
from pipeline.settings import load_settings
from pipeline.topic_file import read_topics
from pipeline.worker_pool import ONE_THREAD

TOPIC = "bench.articles"
# The stretch that is measured, in shares of the backlog: after the warm-up, and before partitions run dry.
FROM_SHARE, TO_SHARE = 0.2, 0.95
LOOK_SECONDS = 0.2
LEAST_LOOKS = 5
LIMIT_SECONDS, LIMIT_SECONDS_PER_ARTICLE = 120.0, 0.1
# Of ordinary news few articles are about AI at all.
MIXTURE = Mixture(bad_share=0.02, flagged_share=0.002, near_share=0.003, repeated_share=0.0)
JVMS = ("taskmanager", "jobmanager")
# The Python process that works, and the JVMs that work for it.
Pids = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Measured:
    """One phase; CPU in milliseconds per article: of the Python process that works, of the engine's JVMs, and of the broker."""

    name: str
    articles_per_second: float
    python_milliseconds: float
    jvm_milliseconds: float
    broker_milliseconds: float


class Bench:
    """One broker with a backlog, and one phase after another on it."""

    def __init__(self, folder: Path, articles: int) -> None:
        self.folder = folder
        self.articles = articles
        self.machine = LocalMachine(MachinePlan(folder / "broker", has_engine=False, usual_ports=dict.fromkeys(USUAL_PORTS, 0)))
        self.machine.start()
        assert self.machine.broker is not None
        self.servers = self.machine.broker.bootstrap_servers
        self.connection = KafkaConnection(bootstrap_servers=self.servers)
        self.phases = 0

    def variables(self) -> dict[str, str]:
        """Settings of a new phase: topics and group of its own."""
        self.phases += 1
        variables = {
            "OPENWEIGHT_BROKER__BOOTSTRAP_SERVERS": self.servers,
            "OPENWEIGHT_READING__TOPICS": TOPIC,
            "OPENWEIGHT_READING__GROUP": f"bench-{self.phases}",
            "OPENWEIGHT_WRITING__TOPIC_PREFIX": f"bench{self.phases}",
            "OPENWEIGHT_STORIES__ARTICLES_PER_ALERT": "200",
        }
        definitions = read_topics(load_settings(None, variables))
        by_broker = {"message.timestamp.type": "LogAppendTime"}
        changed = {name: msgspec.structs.replace(one, config=one.config | by_broker) for name, one in definitions.items()}
        create_topics(self.connection, changed)
        return variables

    def fill(self) -> None:
        self.articles = feed(self.connection, mix_messages(self.articles, TOPIC, mixture=MIXTURE))

    def run_peer(self, peer: str) -> Measured:
        settings = load_settings(None, self.variables())
        log_file = (self.folder / f"{peer}-{self.phases}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("peers.py")), peer, settings.model_dump_json()],
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"} | ONE_THREAD, stdout=log_file, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            return self.measure(peer, outcome_topics(settings), lambda: process.poll() is None, lambda: ([process.pid], []))
        finally:
            process.kill()
            process.wait()

    def run_job(self, run: OpenweightRun) -> Measured:
        run.start()
        return self.measure(
            "job", outcome_topics(run.settings), lambda: run.process is not None and run.process.poll() is None,
            lambda: (run.worker_pids(), [run.pid_of(name) for name in JVMS]),
        )  # fmt: skip

    def measure(self, name: str, topics: tuple[str, str], is_alive: Callable[[], bool], find_pids: Callable[[], Pids]) -> Measured:
        """Waits until the backlog is done.

        Raises:
            SystemExit: the process ended, or it takes too long; says where it stands.
        """
        ends = TopicEnds(self.connection, topics)
        broker = [self.machine.children["broker"].pid]
        looks: list[tuple[int, float, float, float]] = []
        started = time.monotonic()
        count = 0
        while count < self.articles:
            if not is_alive() or time.monotonic() - started > LIMIT_SECONDS + self.articles * LIMIT_SECONDS_PER_ARTICLE:
                raise SystemExit(f"{name}: stands at {count} of {self.articles} outcomes; logs are in {self.folder}")
            time.sleep(LOOK_SECONDS)
            count = ends.count()
            if FROM_SHARE * self.articles <= count <= TO_SHARE * self.articles:
                python, jvm = find_pids()
                looks.append((count, read_cpu_seconds(python), read_cpu_seconds(jvm), read_cpu_seconds(broker)))
        ends.close()
        if len(looks) < LEAST_LOOKS:
            raise SystemExit(f"{name}: {self.articles} articles are done too quickly to measure; give --articles more")
        done = looks[-1][0] - looks[0][0]
        python_cpu, jvm_cpu, broker_cpu = (1000 * (looks[-1][index] - looks[0][index]) / done for index in (1, 2, 3))
        return Measured(name, self.rate_of(topics), python_cpu, jvm_cpu, broker_cpu)

    def rate_of(self, topics: tuple[str, str]) -> float:
        times = sorted(one.timestamp_milliseconds for one in read_all(self.connection, topics))
        first, last = int(FROM_SHARE * len(times)), int(TO_SHARE * len(times))
        return 1000 * (last - first) / max(1, times[last] - times[first])

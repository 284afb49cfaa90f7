"""`openweight run` against a broker that wants TLS and a login: what listens meanwhile, and that no secret is found anywhere."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))
from listening_sockets import listening_sockets
from mixed_articles import Mixture, mix_messages
from run_openweight import ROOT, OpenweightRun, alert_topics, feed, outcome_topics, read_all
from secure_broker import PASSWORD, SecureBroker

from connectors.kafka.connection import KafkaConnection
from connectors.kafka.topics import create_topics
from pipeline.topic_file import read_topics

pytestmark = pytest.mark.timeout(400)
NEWS = "news.articles"
# They cannot be told an address: Beam's endpoints (control, data, state, logging, retrieval, provision), and in both Flink's reporter.
TASKMANAGER_OPEN_SOCKETS = 7
# Each serves the page's values on a random port of this machine.
VALUES_FOR_THE_PAGE = {"jobmanager", "taskmanager"}


class SecureRun(OpenweightRun):
    """The test's own clients use the broker's open listener."""

    def __init__(self, state_folder: Path, broker: SecureBroker) -> None:
        super().__init__(state_folder, broker.sasl_variables())
        self.broker = broker

    @property
    def connection(self) -> KafkaConnection:
        return self.broker.plain


@pytest.fixture(scope="module")
def secure_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureRun]:
    """A run that has assessed articles over TLS."""
    broker = SecureBroker(tmp_path_factory.mktemp("secure") / "broker")
    run = SecureRun(tmp_path_factory.mktemp("job") / "state", broker)
    try:
        broker.start()
        create_topics(broker.plain, read_topics(run.settings))
        run.start()
        fed = feed(broker.plain, mix_messages(60, seed=5, mixture=Mixture(flagged_share=0.3)))
        run.wait_for(lambda: run.committed() >= fed, "all articles are done over TLS")
        yield run
    finally:
        run.clear_away()
        broker.process.end()


def test_job_reads_and_writes_over_tls_with_a_login(secure_run: SecureRun) -> None:
    outcomes = [one for topic in outcome_topics(secure_run.settings) for one in read_all(secure_run.connection, (topic,))]
    assert len(outcomes) == 60
    assert read_all(secure_run.connection, alert_topics(secure_run.settings))


def test_only_the_closed_list_of_security_md_listens_beyond_this_machine(secure_run: SecureRun) -> None:
    assert secure_run.process is not None
    pids = {"supervisor": [secure_run.process.pid], "worker": secure_run.worker_pids()}
    pids |= {name: [secure_run.pid_of(name)] for name in ("pool", "jobmanager", "taskmanager")}
    assert all(all(each) and each for each in pids.values()), pids
    sockets = {name: {socket for pid in each for socket in listening_sockets(pid)} for name, each in pids.items()}
    beyond = {name: {one for one in each if not one[0].startswith("127.")} for name, each in sockets.items()}
    assert {name for name, each in beyond.items() if each} == {"jobmanager", "taskmanager"}, beyond
    assert len(beyond["taskmanager"]) <= TASKMANAGER_OPEN_SOCKETS
    ports = json.loads((secure_run.state_folder / "ports.json").read_bytes())
    assert {port for _, port in beyond["jobmanager"]} == {ports["jobmanager_metrics"]}
    assert sockets["worker"] == set()
    known = set(ports.values())
    known.add(int(secure_run.addresses.metrics.rpartition(":")[2]))
    at_random = {name: {port for address, port in each if address.startswith("127.")} - known for name, each in sockets.items()}
    assert {name for name, ports in at_random.items() if ports} <= VALUES_FOR_THE_PAGE, at_random
    assert all(len(ports) <= 1 for ports in at_random.values()), at_random
    closed_list = (ROOT / "SECURITY.md").read_text("utf-8").partition("What cannot be bound to 127.0.0.1")[2].partition("None asks")[0]
    assert "| TaskManager | Beam's control, data, state" in closed_list
    assert "| JobManager, TaskManager | Flink's Prometheus reporter" in closed_list


def test_password_is_found_nowhere(secure_run: SecureRun) -> None:
    shown = [secure_run.call(*command) for command in (("settings", "--all"), ("doctor",), ("verify",))]
    with urllib.request.urlopen(f"http://{secure_run.addresses.metrics}/metrics", timeout=10) as answer:
        places = {"metrics": answer.read()}
    places |= {" ".join(one.args[3:]): f"{one.stdout}{one.stderr}".encode() for one in shown}
    # Logs, checkpoints, pid files, the submission, the workers' metrics: all that the run has written.
    places |= {str(file): file.read_bytes() for file in secure_run.state_folder.rglob("*") if file.is_file()}
    for topic in (NEWS, *outcome_topics(secure_run.settings), *alert_topics(secure_run.settings)):
        messages = read_all(secure_run.connection, (topic,))
        places[topic] = b"".join((one.key or b"") + (one.value or b"") + repr(one.headers).encode() for one in messages)
    for pid in (secure_run.pid_of("pool"), *secure_run.worker_pids(), secure_run.pid_of("taskmanager"), secure_run.pid_of("jobmanager")):
        places[f"process {pid}"] = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    assert len(places) > 20
    assert [place for place, content in places.items() if PASSWORD.encode() in content] == []

"""Clients that are not ours: kcat subscribes to alerts by a pattern, promtool reads our metrics."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest

from connectors.kafka.connection import KafkaConnection
from connectors.kafka.topics import create_topics
from connectors.kafka.write import send_all
from pipeline.settings import Settings
from pipeline.topic_file import read_topics
from transforms import metrics
from transforms.encode import encode_alert
from transforms.records import Alert, RaisedAlert

EXAMPLE = Path(__file__).resolve().parents[2] / "transforms" / "schemas" / "alert.example.json"


def test_kcat_subscribes_by_pattern_and_reads_alerts_and_headers(broker: str, tool: Callable[[str, str], str]) -> None:
    kcat = tool("kcat", "kcat")
    connection = KafkaConnection(bootstrap_servers=broker)
    settings = Settings.model_validate({"writing": {"topic_prefix": "kcat"}, "reading": {"topics": ["news.kcat"]}})
    create_topics(connection, read_topics(settings))
    alert = msgspec.json.decode(EXAMPLE.read_bytes(), type=Alert)
    opening = msgspec.structs.replace(alert, alert_id="0" * 16, direction="opening")
    send_all(connection, [encode_alert(RaisedAlert(alert=one, changes=("raised",)), "kcat") for one in (alert, opening)])
    command = [
        kcat,
        "-b",
        broker,
        "-X",
        "auto.offset.reset=earliest",
        "-c",
        "2",
        "-f",
        "%h\t%k\t%s\n",
        "-G",
        "kcat-group",
        r"^kcat\.alerts\..*",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    assert {key for _, key, _ in lines} == {alert.alert_id, opening.alert_id}
    for headers, key, value in lines:
        assert f"ce_subject={key}" in headers.split(",")
        assert f"direction={json.loads(value)['direction']}" in headers.split(",")


def test_promtool_finds_nothing_wrong_with_our_metrics(tool: Callable[[str, str], str]) -> None:
    promtool = tool("promtool", "prometheus")
    metrics.ALERT_DELAY.observe(0.5)
    metrics.REJECTED.labels("decode", "not_json").inc()
    ours = generate_latest(_Only(REGISTRY))
    answer = subprocess.run([promtool, "check", "metrics"], input=ours, capture_output=True, timeout=60, check=False)
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, b"")


class _Only(CollectorRegistry):
    """The registry's metrics of ours: those that prometheus_client adds about the process are not ours to mend."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        return (metric for metric in self._registry.collect() if metric.name.startswith("openweight_"))

"""Every panel's query answered by a real Prometheus with our settings and rules, scraping a real /metrics."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.prometheus import serve_metrics, wipe_metrics
from pipeline.choose_ports import find_free_port
from pipeline.processes import wait_until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SCRAPES = 12
# One for all queries: each client reads the authorities of this machine once, which takes longer than its answer.
CLIENT = httpx.Client(trust_env=False, timeout=20)
# Gives every metric of the catalogue values ten times a second. A label that has no values here is a KeyError: name some.
SHOW_VALUES = """
import itertools, time
from prometheus_client.metrics import MetricWrapperBase
from transforms import metrics
from transforms.records import AlertState, Direction

VALUES = {
    "stage": ["decode", "detect_language", "extract_entities", "flag_policy_change"], "reason": ["not_json", "failed"],
    "language": ["de", "sw", "other"], "direction": list(Direction), "state": list(AlertState), "topic": ["news.articles"],
    "partition": ["0", "1"], "process": ["pool"], "version": ["0"], "beam": ["0"], "flink": ["0"], "model": ["0"],
    "settings": ["0"], "actor": ["Meta", "other"],
}
series = []
for metric in [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]:
    choices = itertools.product(*(VALUES[label] for label in metric._labelnames))
    series += [metric.labels(*choice) for choice in choices] if metric._labelnames else [metric]
for step in itertools.count(1):
    for one in series:
        if hasattr(one, "observe"):
            one.observe(0.3)
        elif hasattr(one, "set"):
            one.set({"openweight_job_running": 1, "openweight_consumer_position": step}.get(one._name, step + 3))
        else:
            one.inc()
    time.sleep(0.1)
"""


def ask(address: str, query: str) -> list[dict[str, Any]]:
    answer = CLIENT.get(f"{address}/api/v1/query", params={"query": query})
    assert answer.status_code == 200, f"{query}: {answer.text}"
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def has_scraped(address: str) -> bool:
    try:
        counts = ask(address, "count_over_time(openweight_job_running[5m])")
    except (httpx.TransportError, AssertionError):
        return False
    return bool(counts) and float(counts[0]["value"][1]) >= SCRAPES


@pytest.fixture
def prometheus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Callable[[str, str], str]) -> Iterator[str]:
    """The address of a Prometheus with the shipped settings and rules, made to scrape every second, that has scraped for a while."""
    program = tool("prometheus", "prometheus")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    wipe_metrics(tmp_path / "metrics")
    server, port = serve_metrics("127.0.0.1", 0), find_free_port()
    settings = tmp_path / "prometheus"
    shutil.copytree(DEPLOY / "prometheus", settings)
    text = (settings / "prometheus.yml").read_text("utf-8")
    assert text.count("_interval: 15s") == 2
    assert "scrape_timeout: 10s" in text
    fast = text.replace("_interval: 15s", "_interval: 1s").replace("scrape_timeout: 10s", "scrape_timeout: 1s")
    (settings / "prometheus.yml").write_text(fast, "utf-8")
    (settings / "targets" / "openweight.yml").write_text(json.dumps([{"targets": [f"127.0.0.1:{server.server_port}"]}]), "utf-8")
    (settings / "targets" / "alertmanager.yml").write_text("[]", "utf-8")
    address = f"127.0.0.1:{port}"
    command = [
        program,
        f"--config.file={settings}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address={address}",
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with (tmp_path / "prometheus.log").open("wb") as log:
        processes = [
            subprocess.Popen([sys.executable, "-c", SHOW_VALUES], env=environment),
            subprocess.Popen(command, stdout=log, stderr=log),
        ]
    try:
        assert wait_until(lambda: has_scraped(f"http://{address}"), 50), (tmp_path / "prometheus.log").read_text("utf-8")[-2000:]
        yield f"http://{address}"
    finally:
        for process in processes:
            process.kill()
            process.wait()
        server.shutdown()
        server.server_close()


def each_query() -> Iterator[tuple[str, str]]:
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"].replace("$__rate_interval", "10s").replace("$__range", "1h")


def test_every_panel_has_an_answer_and_the_rules_hold(prometheus: str) -> None:
    queries = list(each_query())
    of_flink = {place for place, query in queries if re.search(r"\bflink_", query)}
    # Only an engine shows these; everything else must have data.
    assert {place.split(": ")[0] for place in of_flink} == {"engine"}
    empty = [
        f"{place}: {query}"
        for place, query in queries
        if place not in of_flink and not any(one["value"][1] != "NaN" for one in ask(prometheus, query))
    ]
    assert empty == []
    rules = CLIENT.get(f"{prometheus}/api/v1/rules").json()["data"]["groups"]
    assert [rule["lastError"] for group in rules for rule in group["rules"] if rule["health"] != "ok"] == []
    firing = {one["metric"]["alertname"] for one in ask(prometheus, 'ALERTS{alertstate="firing"}')}
    # Counted as foreseen by nobody: the values hold reason="failed". The dead-man switch always fires.
    assert {"OpenweightDeadMan", "OpenweightStageFailed"} <= firing
    assert "OpenweightDown" not in firing

"""/metrics over HTTP, with one process and with several."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.prometheus import PortTakenError, forget_process, serve_metrics, wipe_metrics
from transforms.metrics import BROKER_UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.prometheus import MetricsServer

COUNT_ONE = (
    "from transforms.metrics import BROKER_UNREACHABLE, CONSUMER_LAG; BROKER_UNREACHABLE.inc(); CONSUMER_LAG.labels('t', '0').set(7)"
)


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    server = serve_metrics("127.0.0.1", 0)
    yield server
    server.shutdown()
    server.server_close()


def get(server: MetricsServer, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{server.server_port}{path}", headers=headers, trust_env=False)


def read_sample(text: str, name: str) -> float:
    (value,) = [sample.value for family in text_string_to_metric_families(text) for sample in family.samples if sample.name == name]
    return value


def test_metrics_of_this_process_are_served(server: MetricsServer) -> None:
    before = read_sample(get(server, "/metrics").text, "openweight_broker_unreachable_total")
    BROKER_UNREACHABLE.inc()
    assert read_sample(get(server, "/metrics").text, "openweight_broker_unreachable_total") == before + 1


def test_openmetrics_is_served_to_who_asks_for_it(server: MetricsServer) -> None:
    answer = get(server, "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_counters_of_several_processes_add_up(server: MetricsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for _ in range(3):
        subprocess.run([sys.executable, "-c", COUNT_ONE], check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    text = get(server, "/metrics").text
    assert read_sample(text, "openweight_broker_unreachable_total") == 3
    assert read_sample(text, "openweight_consumer_lag_records") == 7
    wipe_metrics(tmp_path)
    assert "openweight_broker_unreachable" not in get(server, "/metrics").text


def test_counts_of_the_dead_stay_in_two_files_and_their_gauges_go(
    server: MetricsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    observe = f"{COUNT_ONE}; from transforms.metrics import ALERT_DELAY; ALERT_DELAY.observe(0.15)"
    for _ in range(3):
        worker = subprocess.Popen([sys.executable, "-c", observe], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
        assert worker.wait(30) == 0
        forget_process(worker.pid, tmp_path)
        forget_process(worker.pid, tmp_path)
    text = get(server, "/metrics").text
    assert read_sample(text, "openweight_broker_unreachable_total") == 3
    assert read_sample(text, "openweight_alert_delay_seconds_count") == 3
    assert read_sample(text, "openweight_alert_delay_seconds_sum") == pytest.approx(0.45)
    assert "openweight_consumer_lag_records{" not in text
    assert sorted(file.name for file in tmp_path.glob("*.db")) == ["counter_0.db", "histogram_0.db"]


def test_file_that_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "counter_7.db").write_bytes(b"")
    (tmp_path / "histogram_7.db").write_bytes(b"\xff\x00\x00\x00\x00\x00\x00\x00\xff\x00\x00\x00")
    forget_process(7, tmp_path)
    assert not list(tmp_path.glob("*_7.db"))


def test_readiness_says_what_is_wrong_and_liveness_does_not_depend_on_it() -> None:
    troubles = {"broker": "no answer from b:9092"}
    server = serve_metrics("127.0.0.1", 0, lambda: troubles)
    try:
        answer = get(server, "/readyz")
        assert (answer.status_code, answer.text) == (503, "broker: no answer from b:9092\n")
        assert get(server, "/healthz").status_code == 200
        troubles.clear()
        answer = get(server, "/readyz")
        assert (answer.status_code, answer.text) == (200, "ok\n")
    finally:
        server.shutdown()
        server.server_close()


def test_health_is_served_and_nothing_else(server: MetricsServer) -> None:
    assert get(server, "/healthz").text == "ok\n"
    assert get(server, "/").status_code == 404


def test_port_that_is_taken_is_named_with_its_setting(server: MetricsServer) -> None:
    with pytest.raises(PortTakenError, match=rf"127\.0\.0\.1:{server.server_port}.*metrics\.port"):
        serve_metrics("127.0.0.1", server.server_port)

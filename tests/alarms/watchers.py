"""A real Prometheus and a real Alertmanager with the shipped files, and somebody who is told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from pipeline.choose_ports import find_free_port
from pipeline.processes import wait_until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
READY_SECONDS = 60
# One for all questions: each client reads the authorities of this machine once, which takes longer than an answer.
CLIENT = httpx.Client(trust_env=False, timeout=20)


@dataclass(frozen=True)
class Told:
    """One alert of a notification: to whom, which, `firing` or `resolved`, and when."""

    receiver: str
    name: str
    status: str
    at: float


class Person:
    """Answers Alertmanager's calls and keeps them, in `told`."""

    def __init__(self) -> None:
        told: list[Told] = []

        class Call(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                names = [(alert["labels"]["alertname"], alert["status"]) for alert in content["alerts"]]
                told.extend(Told(content["receiver"], name, status, time.monotonic()) for name, status in names)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Calls are not logged."""

        self.told = told
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Call)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def was_told(self, name: str, status: str, receiver: str, since: float) -> bool:
        return any(one.name == name and one.status == status and one.receiver == receiver and one.at >= since for one in self.told)


class Watchers:
    """Prometheus and Alertmanager in `folder`; only targets, addresses and the time after which a source is silent are others."""

    def __init__(self, folder: Path, metrics_address: str, flink_ports: list[int], silent_seconds: int) -> None:
        self.folder = folder
        self.person = Person()
        self.prometheus_port, self.alertmanager_port = find_free_port(), find_free_port()
        shutil.copytree(DEPLOY / "prometheus", folder / "prometheus")
        targets = {
            "openweight": [metrics_address],
            "flink": [f"127.0.0.1:{port}" for port in flink_ports],
            "alertmanager": [f"127.0.0.1:{self.alertmanager_port}"],
        }
        for name, addresses in targets.items():
            (folder / "prometheus" / "targets" / f"{name}.yml").write_text(json.dumps([{"targets": addresses}]))
        self._shorten_silence(silent_seconds)
        (folder / "token").write_text("a token of this test")
        routes = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text("utf-8")
        routes = re.sub(r"https://(\w+)\.example/openweight", rf"{self.person.address}/\1", routes)
        routes = re.sub(r"credentials_file: \S+?}", f"credentials_file: {folder / 'token'}}}", routes)
        (folder / "alertmanager.yml").write_text(routes)
        self.processes: list[subprocess.Popen[bytes]] = []

    def _shorten_silence(self, seconds: int) -> None:
        """Halves of `seconds` in the place of the ten and twenty minutes of OpenweightSourceSilent; 0 leaves them."""
        file = self.folder / "prometheus" / "rules.yml"
        rules = file.read_text("utf-8")
        found = re.search(r"alert: OpenweightSourceSilent\n.*?for: 20m\n", rules, re.DOTALL)
        assert found is not None
        assert "[10m]" in found[0]
        if seconds:
            shortened = found[0].replace("[10m]", f"[{seconds // 2}s]").replace("for: 20m", f"for: {seconds // 2}s")
            file.write_text(rules.replace(found[0], shortened), "utf-8")

    def start(self) -> None:
        """Starts both and returns when they are ready; AssertionError with the log of the one that is not."""
        commands = {
            "alertmanager": (
                ["prometheus-alertmanager", f"--config.file={self.folder}/alertmanager.yml", f"--storage.path={self.folder}/alerts",
                 "--cluster.listen-address="], self.alertmanager_port,
            ),
            "prometheus": (
                ["prometheus", f"--config.file={self.folder}/prometheus/prometheus.yml", f"--storage.tsdb.path={self.folder}/data"],
                self.prometheus_port,
            ),
        }  # fmt: skip
        for name, (command, port) in commands.items():
            log = self.folder / f"{name}.log"
            with log.open("wb") as output:
                self.processes.append(subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=output, stderr=output))
            assert wait_until(lambda port=port: is_ready(port), READY_SECONDS), log.read_text("utf-8")[-2000:]  # type: ignore[misc]

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.person.server.shutdown()

    def ask(self, query: str) -> list[dict[str, Any]]:
        answer = CLIENT.get(f"http://127.0.0.1:{self.prometheus_port}/api/v1/query", params={"query": query})
        result: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
        return result


def is_ready(port: int) -> bool:
    try:
        return CLIENT.get(f"http://127.0.0.1:{port}/-/ready", timeout=2).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def empty_panels(watchers: Watchers) -> tuple[int, list[str]]:
    """How many queries the dashboards hold, and those that have no answer."""
    count, empty = 0, []
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", "1m").replace("$__range", "1h")
                count += 1
                if not any(one["value"][1] != "NaN" for one in watchers.ask(query)):
                    empty.append(f"{path.stem}: {panel['title']}: {query}")
    return count, empty

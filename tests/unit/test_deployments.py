"""Dockerfile and compose.yaml: valid, hardened, equal to what one machine runs, and their commands work."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # no stubs are installed
from typer.testing import CliRunner

from connectors.prometheus import serve_metrics
from pipeline.broker import BrokerPlan, describe_properties
from pipeline.choose_ports import find_free_port
from pipeline.cli import app
from pipeline.engine import JVM_OPTIONS, EnginePlan, describe_configuration, describe_task_memory
from pipeline.fetch_jars import BUNDLE, JarKind, bundle_jars, fetch_jars
from pipeline.processes import wait_until
from pipeline.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CLUSTER = DEPLOY / "engine" / "cluster"
BIN = Path(sys.executable).parent
# What a cluster must say otherwise than one machine: addresses, the scheduler, and where a container may write.
CLUSTER_ONLY = {
    "jobmanager.rpc.address", "jobmanager.bind-host", "rest.address", "rest.bind-address", "taskmanager.host", "taskmanager.bind-host",
    "jobmanager.scheduler", "jobmanager.adaptive-scheduler.resource-wait-timeout",
    "jobmanager.adaptive-scheduler.resource-stabilization-timeout", "io.tmp.dirs", "metrics.internal.query-service.port",
}  # fmt: skip
BROKER_ADDRESSES = {"listeners", "advertised.listeners", "listener.security.protocol.map", "controller.quorum.voters", "log.dirs"}
# One machine's broker is small; the container's has its defaults.
BROKER_THREADS = {"num.network.threads", "num.io.threads", "background.threads"}


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=False, **options)


def find_version(pattern: str, file: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / file).read_text("utf-8")))


def test_dockerfile_passes_hadolint() -> None:
    answer = run(BIN / "hadolint", DEPLOY / "Dockerfile")
    assert answer.returncode == 0, answer.stdout


def test_images_have_exact_tags_and_name_no_registry() -> None:
    images = {service["image"] for service in SERVICES.values()} | set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    exact = re.compile(r"[a-z-]+(/[a-z-]+)?:v?\d+\.\d+\.\d+(-slim-bookworm)?")
    assert len(images) == 6
    assert [image for image in images if not exact.fullmatch(image)] == []


def test_versions_named_in_several_files_are_equal() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    kafka = find_version(r"<artifactId>kafka[_a-z0-9.-]*</artifactId><version>([^<]+)", "deploy/engine/kafka-pom.xml")
    assert kafka == find_version(r"image: apache/kafka:(\S+)", "deploy/compose.yaml")
    assert kafka == find_version(r"broker/kafka-(?:clients|tools|server)-([\d.]+)\.jar", "deploy/engine/checksums.txt")
    flink = find_version(r"<artifactId>flink-(?:runtime-web|statebackend-rocksdb)</artifactId><version>([^<]+)", "deploy/engine/pom.xml")
    assert flink == find_version(r"engine/flink-runtime-([\d.]+)\.jar", "deploy/engine/checksums.txt")
    minor = find_version(r"beam-runners-flink-([\d.]+)</artifactId>", "deploy/engine/pom.xml")
    assert minor == {version.rpartition(".")[0] for version in flink}
    beam = find_version(r'"apache-beam==([^"]+)"', "pyproject.toml")
    assert beam == find_version(r"(?m)^apache-beam==(\S+)", "requirements.lock")
    python = find_version(r"FROM python:(3\.\d+)\.\d+-slim-bookworm", "deploy/Dockerfile")
    assert python == {project["tool"]["mypy"]["python_version"]} == find_version(r"Python (3\.\d+) to 3\.\d+ with venv", "README.md")
    assert {project["project"]["version"]} == find_version(r"openweight-monitor:(\S+)", "deploy/compose.yaml") == find_version(
        r"newTag: (\S+)", "deploy/kubernetes/kustomization.yaml"
    )  # fmt: skip


def test_files_that_the_image_gets_are_enough_to_run(tmp_path: Path) -> None:
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if line.startswith("!"):
            place = tmp_path / line[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(ROOT / line[1:])
    # The code looks for these beside itself, and its own place is found through the links: so each is looked for here by its name.
    code = """
import pathlib
from pipeline import fetch_jars, topic_file
from pipeline.commands import run
root = pathlib.Path(fetch_jars.__file__).resolve().parents[1]
places = [place.relative_to(root) for place in (fetch_jars.DEFINITIONS, topic_file.TOPICS_FILE, run.SAMPLES)]
assert all(place.exists() for place in places), places
"""
    answer = run(sys.executable, "-c", code, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert answer.returncode == 0, answer.stderr


def test_image_bundles_the_jars_where_the_code_and_java_look_for_them() -> None:
    assert Path("/opt/openweight") / BUNDLE.relative_to(ROOT) == Path("/opt/openweight/jars")
    assert "python -m pipeline.fetch_jars engine --state-folder /tmp/fetched --bundle jars" in DOCKERFILE
    for name in ("jobmanager", "taskmanager-1"):
        assert SERVICES[name]["command"][0] == "@/opt/openweight/jars/engine.arguments"


def test_bundled_jars_are_found_without_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = tmp_path / "one.jar"
    jar.write_bytes(b"jar")
    definitions = tmp_path / "definitions"
    definitions.mkdir()
    (definitions / "pom.xml").write_text("<project/>")
    (definitions / "checksums.txt").write_text(f"{hashlib.sha256(b'jar').hexdigest()}  engine/one.jar\n")
    bundle_jars(JarKind.ENGINE, tmp_path / "jars", [jar], definitions)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = fetch_jars(JarKind.ENGINE, tmp_path / "state", definitions, tmp_path / "jars")
    assert found == [tmp_path / "jars" / "engine" / "one.jar"]
    assert found[0].stat().st_mtime_ns % 10**9 == 0
    assert (tmp_path / "jars" / "engine.arguments").read_text() == f"-cp {found[0]}\n"


def test_fetch_jars_takes_the_dockerfiles_arguments() -> None:
    answer = run(sys.executable, "-m", "pipeline.fetch_jars", "engine", "--state-folder", "a", "--bundle", "b", "--help", cwd=ROOT)
    assert answer.returncode == 0, answer.stderr


def test_compose_file_fits_the_compose_specification() -> None:
    answer = run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_compose_service_is_hardened_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service.get("read_only") or name == "kafka"
    assert service["healthcheck"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert ("network_mode" in service) != ("networks" in service)
    assert "privileged" not in service
    assert service.get("depends_on", {}).keys() <= SERVICES.keys()


def test_compose_mounts_only_files_that_exist() -> None:
    volumes = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert [place for place in volumes if place.startswith(".") and not (DEPLOY / place).exists()] == []
    assert {place for place in volumes if not place.startswith(".")} == COMPOSE["volumes"].keys()


def test_engine_and_its_random_ports_are_on_the_inner_network_only() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for number in ("1", "2"):
        assert SERVICES[f"node-{number}"]["networks"] == ["inside"]
        for name in ("taskmanager", "pool"):
            assert SERVICES[f"{name}-{number}"]["network_mode"] == f"service:node-{number}"


def test_checkpoints_have_one_path_for_all_who_use_them() -> None:
    for name in ("jobmanager", "taskmanager-1", "taskmanager-2", "supervisor"):
        assert "state:/state" in SERVICES[name]["volumes"]
    assert "OPENWEIGHT_STATE__FOLDER=/state" in DOCKERFILE


def test_settings_of_the_compose_file_and_the_image_are_settings() -> None:
    image = dict(re.findall(r"(OPENWEIGHT_\w+)=(\S+)", DOCKERFILE))
    given = {key: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for key, value in SERVICES["supervisor"]["environment"].items()}
    settings = load_settings(environment=image | given)
    assert settings.engine.address == "jobmanager:8081"
    assert settings.engine.worker_pool == "127.0.0.1:50000"
    assert settings.metrics.host == "0.0.0.0"  # noqa: S104 - in a network of its own
    assert settings.state.folder == Path("/state")
    kafka = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"INSIDE://{settings.broker.bootstrap_servers}" in kafka.split(",")


def test_broker_of_compose_is_set_like_the_broker_of_one_machine() -> None:
    ours = dict(line.split("=", 1) for line in describe_properties(BrokerPlan(Path("/x"), 1, 2)).splitlines())
    environment = SERVICES["kafka"]["environment"]
    theirs = {key[6:].lower().replace("_", "."): str(value) for key, value in environment.items() if key.startswith("KAFKA_")}
    compared = ours.keys() - BROKER_ADDRESSES - BROKER_THREADS
    assert {key: ours[key] for key in compared} == {key: theirs.get(key) for key in compared}


def test_cluster_configuration_equals_that_of_one_machine_but_for_addresses() -> None:
    plan = EnginePlan(Path("/state"), 8081, 6123, 6124, 6122, 6121, 50000, slots=1, state_backend="hashmap", task_metrics_port=9249)
    ours = dict(line.split(": ", 1) for line in describe_configuration(plan).splitlines())
    lines = [line for line in (CLUSTER / "flink-conf.yaml").read_text("utf-8").splitlines() if not line.startswith("#")]
    theirs = dict(line.split(": ", 1) for line in lines)
    assert ours["web.submit.enable"] == "false"
    assert {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)} == CLUSTER_ONLY


def test_jvms_of_a_cluster_get_the_options_of_one_machine() -> None:
    lines = [line for line in (CLUSTER / "java.arguments").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines[: len(JVM_OPTIONS)] == JVM_OPTIONS
    assert lines[len(JVM_OPTIONS) :] == [
        "-Djava.io.tmpdir=/scratch", "-Dlog4j.configurationFile=/opt/openweight/deploy/engine/cluster/log4j2.properties",
    ]  # fmt: skip
    plan = EnginePlan(Path("/state"), 8081, 6123, 6124, 6122, 6121, 50000, slots=1)
    assert SERVICES["taskmanager-1"]["command"][2:6] == describe_task_memory(plan)


@pytest.mark.parametrize("name", ["topics", "supervisor"])
def test_commands_of_our_services_are_commands_of_openweight(name: str) -> None:
    answer = CliRunner().invoke(app, [*SERVICES[name]["command"], "--help"])
    assert answer.exit_code == 0, answer.output


def test_pool_command_of_compose_serves_its_workers_metrics(tmp_path: Path) -> None:
    port, metrics_port = find_free_port(), find_free_port()
    service = SERVICES["pool-1"]
    replaced = {"50000": str(port), "0.0.0.0:9465": f"127.0.0.1:{metrics_port}"}
    command = [replaced.get(word, word.replace("/scratch", str(tmp_path))) for word in service["command"]]
    pool = subprocess.Popen([sys.executable, *service["entrypoint"][1:], *command], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        is_healthy = lambda: run(*health_command("pool-1", metrics_port)).returncode == 0  # noqa: E731 - waited for
        assert wait_until(is_healthy, 30)
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=5) as answer:
            assert answer.status == 200
    finally:
        pool.terminate()
    assert pool.wait(10) == 0
    assert pool.stdout is not None
    assert b"listening on 127.0.0.1" in pool.stdout.read()
    pool.stdout.close()


def health_command(name: str, port: int) -> list[str]:
    """A service's own health check, asking `port` of this machine in place of its own."""
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD"
    asked = re.compile(r"(127\.0\.0\.1[:/])\d+")
    assert asked.search(command[-1])
    program = {"python": sys.executable}.get(command[0], command[0])
    return [program, *command[1:-1], asked.sub(rf"\g<1>{port}", command[-1]).replace("/overview", "/healthz")]


@pytest.mark.parametrize("name", ["kafka", "jobmanager", "taskmanager-1", "pool-1", "supervisor"])
def test_health_check_tells_alive_from_gone(name: str) -> None:
    server = serve_metrics("127.0.0.1", 0)
    command = health_command(name, server.server_port)
    assert run(*command).returncode == 0
    server.shutdown()
    server.server_close()
    assert run(*command).returncode != 0


def test_supervisor_is_healthy_when_it_is_ready_not_only_alive() -> None:
    troubles = {"broker": "no answer"}
    server = serve_metrics("127.0.0.1", 0, lambda: troubles)
    command = health_command("supervisor", server.server_port)
    assert run(*command).returncode != 0
    troubles.clear()
    assert run(*command).returncode == 0
    server.shutdown()
    server.server_close()


def test_health_check_of_the_image_asks_the_metrics_port() -> None:
    found = re.search(r'CMD \["python", "-c", "(.*)"\]', DOCKERFILE)
    assert found is not None
    server = serve_metrics("127.0.0.1", 0)
    assert ":9464/healthz" in found[1]
    assert run(sys.executable, "-c", found[1].replace("9464", str(server.server_port))).returncode == 0
    server.shutdown()


def test_prometheus_of_compose_accepts_its_configuration(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "prometheus", tmp_path, dirs_exist_ok=True)
    shutil.copytree(DEPLOY / "compose" / "targets", tmp_path / "targets", dirs_exist_ok=True)
    assert {file.name for file in (DEPLOY / "compose" / "targets").iterdir()} == {
        f.name for f in (DEPLOY / "prometheus" / "targets").iterdir()
    }
    answer = run("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_scrape_targets_of_compose_are_its_services() -> None:
    texts = [file.read_text("utf-8") for file in (DEPLOY / "compose" / "targets").iterdir()]
    hosts = {target.split(":")[0] for text in texts for group in yaml.safe_load(text) for target in group["targets"]}
    assert hosts == {"supervisor", "node-1", "jobmanager", "alertmanager"} <= SERVICES.keys()


def test_grafana_of_compose_is_told_what_its_provisioning_asks_for() -> None:
    texts = [file.read_text("utf-8") for file in (DEPLOY / "grafana" / "provisioning").rglob("*.yaml")]
    asked = {name for text in texts for name in re.findall(r"(?m): \$(\w+)$", text)}
    assert asked
    assert asked <= SERVICES["grafana"]["environment"].keys()


def test_every_port_of_the_deployments_is_in_the_security_page() -> None:
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    texts = [DOCKERFILE, (DEPLOY / "compose.yaml").read_text("utf-8")]
    texts += [file.read_text("utf-8") for file in (DEPLOY / "kubernetes").iterdir()]
    ports = {port for text in texts for port in re.findall(r"(?:[Pp]ort: |EXPOSE |:)(\d{4,5})\b", text)}
    assert {"9464", "6125", "19092"} <= ports
    assert [port for port in ports if not re.search(rf"\b{port}\b", page)] == []


def test_pages_name_only_files_that_exist() -> None:
    for page, folder in ((DEPLOY / "DEPLOYING.md", DEPLOY), (ROOT / "SECURITY.md", ROOT)):
        text = page.read_text("utf-8")
        named = {*re.findall(r"\]\((\S+?)\)", text), *re.findall(r"`((?:alertmanager|prometheus|compose|deploy)/[\w/.-]+)`", text)}
        assert named
        assert [name for name in named if not (folder / name).exists()] == []

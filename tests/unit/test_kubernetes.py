"""deploy/kubernetes: valid, restricted, closed but for the ports that are named, and the same processes as in compose.yaml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # it has no types
import pytest
import yaml  # type: ignore[import-untyped] # no stubs are installed

from pipeline.settings import load_settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
OBJECTS: list[dict[str, Any]] = [
    one for name in KUSTOMIZATION["resources"] for one in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))
]
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
KUBERNETES_VERSION = "1.34"
FOREIGN = {"kafka.strimzi.io/v1", "monitoring.coreos.com/v1"}


def name_of(thing: dict[str, Any]) -> str:
    return f"{thing['kind']}-{thing['metadata']['name']}"


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [one for one in OBJECTS if one["kind"] in kinds]


PODS: dict[str, dict[str, Any]] = {one["metadata"]["name"]: one["spec"]["template"] for one in of_kind("Deployment", "StatefulSet")}
CONTAINERS: dict[str, dict[str, Any]] = {container["name"]: container for pod in PODS.values() for container in pod["spec"]["containers"]}


def test_every_file_of_the_folder_is_applied() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {"kustomization.yaml", *KUSTOMIZATION["resources"]}


@pytest.mark.parametrize("thing", [one for one in OBJECTS if one["apiVersion"] not in FOREIGN], ids=name_of)
def test_object_fits_the_schema_of_kubernetes(thing: dict[str, Any]) -> None:
    kubernetes_validate.validate(thing, KUBERNETES_VERSION, strict=True)


def test_topics_of_strimzi_are_those_of_the_topic_file() -> None:
    definitions = tomllib.loads((DEPLOY / "topics.toml").read_text("utf-8"))["topics"]
    topics = {one["metadata"]["name"]: one["spec"] for one in of_kind("KafkaTopic")}
    assert topics.keys() == definitions.keys()
    for name, definition in definitions.items():
        assert topics[name]["partitions"] == definition["partitions"]
        assert {key: str(value) for key, value in topics[name]["config"].items()} == {
            key: str(value) for key, value in definition["config"].items()
        }
        # The file's -1 is the broker's default, which is here what is left out.
        assert (definition.get("replication_factor", -1) == -1) == ("replicas" not in topics[name])


@pytest.mark.parametrize("name", PODS)
def test_pod_meets_the_restricted_standard_and_is_bounded(name: str) -> None:
    pod = PODS[name]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["livenessProbe"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}


def test_broker_that_is_away_makes_the_supervisor_unready_and_does_not_kill_it() -> None:
    supervisor = CONTAINERS["supervisor"]
    paths = {probe: supervisor[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def test_pods_run_the_commands_of_the_compose_file() -> None:
    services = COMPOSE["services"]
    for container, service in {"jobmanager": "jobmanager", "taskmanager": "taskmanager-1", "pool": "pool-1"}.items():
        assert CONTAINERS[container]["command"] == services[service]["entrypoint"]
        same = len(services[service]["command"])
        assert CONTAINERS[container]["args"][:same] == services[service]["command"]
        # The only thing that a pod must be told beyond that: the address it has, not the name that nobody resolves.
        assert CONTAINERS[container]["args"][same:] in ([], ["-D", "taskmanager.host=$(POD_IP)"])
    assert CONTAINERS["supervisor"]["args"] == services["supervisor"]["command"]


def test_settings_map_holds_settings_that_fit_the_taskmanagers() -> None:
    (settings_map,) = of_kind("ConfigMap")
    settings = load_settings(environment=settings_map["data"])
    (taskmanagers,) = [one for one in of_kind("Deployment") if one["metadata"]["name"] == "taskmanager"]
    assert settings.engine.parallelism == taskmanagers["spec"]["replicas"]
    rest = {f"{one['metadata']['name']}:{port['port']}" for one in of_kind("Service") for port in one["spec"]["ports"]}
    assert settings.engine.address in rest


def test_supervisor_and_workers_see_the_brokers_secret_under_one_path() -> None:
    mounts = [[one for one in CONTAINERS[name]["volumeMounts"] if one["name"] == "broker"] for name in ("supervisor", "pool")]
    assert mounts[0] == mounts[1] != []


def test_state_is_one_shared_volume_under_one_path() -> None:
    (claim,) = of_kind("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for name in ("jobmanager", "taskmanager", "supervisor"):
        assert {"name": "state", "mountPath": "/state"} in CONTAINERS[name]["volumeMounts"]
        volumes = PODS[name]["spec"]["volumes"]
        assert {"name": "state", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}} in volumes


def test_supervisor_never_runs_twice() -> None:
    (supervisor,) = of_kind("StatefulSet")
    assert supervisor["spec"]["replicas"] == 1
    assert supervisor["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 60


def test_services_lead_to_ports_that_their_pods_open() -> None:
    for service in of_kind("Service"):
        selector = service["spec"]["selector"]
        pods = [pod for pod in PODS.values() if selector.items() <= pod["metadata"]["labels"].items()]
        opened = {port["containerPort"] for pod in pods for one in pod["spec"]["containers"] for port in one.get("ports", [])}
        assert {port["port"] for port in service["spec"]["ports"]} <= opened, name_of(service)


def test_metrics_of_every_process_are_scraped_under_the_job_names_of_the_rules() -> None:
    monitors = of_kind("ServiceMonitor")
    assert {monitor["spec"]["jobLabel"] for monitor in monitors} == {"prometheus-job"}
    wanted = {value for monitor in monitors for value in monitor["spec"]["selector"]["matchExpressions"][0]["values"]}
    services = {one["metadata"]["labels"]["component"]: one["metadata"]["labels"]["prometheus-job"] for one in of_kind("Service")}
    assert wanted == services.keys()
    assert services == {"supervisor": "openweight", "workers": "openweight-workers", "jobmanager": "flink", "taskmanager": "flink"}
    ports = {port["name"] for one in of_kind("Service") for port in one["spec"]["ports"]}
    assert {endpoint["port"] for monitor in monitors for endpoint in monitor["spec"]["endpoints"]} <= ports


def test_rules_are_those_of_prometheus() -> None:
    [rule] = of_kind("PrometheusRule")
    assert rule["spec"] == yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text("utf-8"))


def test_nothing_goes_in_or_out_but_what_is_named() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind("NetworkPolicy")}
    assert policies.pop("nothing") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in policies.items():
        rules = [*policy.get("ingress", []), *policy.get("egress", [])]
        assert rules, name
        assert all(rule["ports"] and (rule.get("from") or rule.get("to")) for rule in rules), name


def test_pool_and_random_ports_are_in_no_network_policy() -> None:
    policies = of_kind("NetworkPolicy")
    opened = {port["port"] for policy in policies for rule in policy["spec"].get("ingress", []) for port in rule["ports"]}
    assert opened == {8081, 6121, 6122, 6123, 6124, 6125, 9249, 9464, 9465}


def flows_between_pods(direction: str, peer: str) -> set[tuple[str, str, int]]:
    """(from, to, port) of every rule between our own pods, as that side's policies state it."""
    found = set()
    for policy in of_kind("NetworkPolicy"):
        own = policy["spec"]["podSelector"].get("matchLabels", {}).get("component", "")
        for rule in policy["spec"].get(direction, []):
            others = [one["podSelector"]["matchLabels"]["component"] for one in rule[peer] if "podSelector" in one]
            pairs = [(own, other) if direction == "egress" else (other, own) for other in others]
            found |= {(*pair, port["port"]) for pair in pairs for port in rule["ports"]}
    return found


def test_what_one_pod_may_send_another_may_receive() -> None:
    assert flows_between_pods("egress", "to") == flows_between_pods("ingress", "from") != set()

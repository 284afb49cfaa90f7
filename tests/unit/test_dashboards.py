"""Dashboards, rules, routes and the runbook agree with each other, with the catalogue of metrics, and with the tools that read them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # its stubs are not among the dependencies
from prometheus_client.metrics import MetricWrapperBase

from transforms import metrics

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text("utf-8"))
ALL_RULES = [rule for group in RULES["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in ALL_RULES if "alert" in rule}
ROUTES = DEPLOY / "alertmanager" / "alertmanager.yml"
RECEIVERS = {"page": "page", "ticket": "ticket", "none": "deadman"}
# Of Flink 1.19's reporter; the names are those of MetricNames, MetricUtils and CheckpointStatsTracker in flink-runtime.
FLINK = {
    "flink_jobmanager_job_numRestarts",
    "flink_jobmanager_job_numberOfCompletedCheckpoints", "flink_jobmanager_job_numberOfFailedCheckpoints",
    "flink_jobmanager_numRegisteredTaskManagers", "flink_jobmanager_taskSlotsAvailable",
    "flink_jobmanager_Status_JVM_Memory_Heap_Used", "flink_taskmanager_Status_JVM_Memory_Heap_Used",
    "flink_jobmanager_Status_JVM_CPU_Load", "flink_taskmanager_Status_JVM_CPU_Load",
    "flink_taskmanager_job_task_busyTimeMsPerSecond", "flink_taskmanager_job_task_backPressuredTimeMsPerSecond",
}  # fmt: skip
OF_PROMETHEUS = {"up", "ALERTS"}
LABELS_OF_OTHERS = {"job", "instance", "le", "alertstate", "severity", "tm_id", "job_name"}
WORDS = {"and", "or", "unless", "offset", "bool"}
GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
MATCHERS = re.compile(r"\{([^}]*)\}")


def run(*command: str | Path) -> str:
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def each_query() -> Iterator[tuple[str, str]]:
    """Every PromQL of ours with the place where it stands; Grafana's variables are given values."""
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        written = json.loads(path.read_text("utf-8"))
        for panel in written["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"].replace("$__rate_interval", "1m").replace("$__range", "6h")
        for mark in written["annotations"]["list"]:
            yield f"{path.stem}: {mark['name']}", mark["expr"].replace("$__rate_interval", "1m")
    for rule in ALL_RULES:
        yield rule.get("alert") or rule["record"], rule["expr"]


def catalogue() -> dict[str, set[str]]:
    """The labels of each metric by the names that a scrape gives it."""
    found: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            kind = str(metric._type)  # noqa: SLF001 - the only way to ask
            endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(kind, [""])
            found |= {metric._name + ending: set(metric._labelnames) for ending in endings}  # noqa: SLF001 - the same
    return found


def names_and_labels(query: str) -> tuple[set[str], set[str]]:
    """The metrics that a query asks for, and the labels that it groups or selects by."""
    labels = {label.strip() for group in GROUPING.findall(query) for label in group.split(",")}
    labels |= set(re.findall(r"(\w+)\s*[=!]", ",".join(MATCHERS.findall(query))))
    bare = re.sub(r"\[[^\]]*\]", "", MATCHERS.sub("", GROUPING.sub("", query)))
    return set(re.findall(r"\b[A-Za-z_:][\w:]*\b(?!\s*\()", bare)) - WORDS, labels


def anchors(markdown: str) -> set[str]:
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^## (.+)$", markdown, re.MULTILINE)}


def test_dashboards_are_what_the_generator_writes() -> None:
    run(sys.executable, DEPLOY / "grafana" / "write_dashboards.py", "--check")
    assert {path.stem for path in (DEPLOY / "grafana" / "dashboards").iterdir()} == {"overview", "pipeline", "engine", "news"}


def test_panels_do_not_overlap_and_stay_on_the_grid() -> None:
    for path in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert place["x"] + place["w"] <= 24
            assert not cells & taken, f"{path.stem}: {panel['title']}"
            taken |= cells


def test_every_query_asks_for_metrics_and_labels_that_exist() -> None:
    known = catalogue()
    records = {rule["record"] for rule in ALL_RULES if "record" in rule}
    for place, query in each_query():
        names, labels = names_and_labels(query)
        assert names <= known.keys() | FLINK | OF_PROMETHEUS | records, f"{place}: {query}"
        own = set().union(*(known.get(name, set()) for name in names))
        if names & records:
            own |= set().union(*known.values())
        assert labels <= own | LABELS_OF_OTHERS, f"{place}: {query}"


def test_every_metric_of_the_catalogue_is_shown_or_watched() -> None:
    used = set().union(*(names_and_labels(query)[0] for _, query in each_query()))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in used}
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in catalogue()} - families == set()


def test_panel_says_what_it_is_and_what_stands_there_without_a_value() -> None:
    for path in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        panels = json.loads(path.read_text("utf-8"))["panels"]
        assert panels[0]["type"] == "row"
        assert len({panel["title"] for panel in panels}) == len(panels), path.stem
        for panel in panels:
            assert panel["title"][0].isupper() or panel["title"][0].isdigit()
            if panel["type"] == "stat":
                assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
            # Several series are told apart by their legend.
            if panel["type"] == "timeseries" and " by " in panel["title"]:
                assert all("{{" in target["legendFormat"] for target in panel["targets"]), panel["title"]
                assert panel["options"]["legend"]["showLegend"], panel["title"]


@pytest.mark.parametrize(
    ("query", "names", "labels"),
    [
        ('sum by (stage) (rate(a_total{reason="x",b!~"y"}[5m] offset 1h)) > 0', {"a_total"}, {"stage", "reason", "b"}),
        ("a:b unless on (instance) c and 0 * d", {"a:b", "c", "d"}, {"instance"}),
    ],
)
def test_names_and_labels_of_a_query_are_found(query: str, names: set[str], labels: set[str]) -> None:
    assert names_and_labels(query) == (names, labels)


def test_every_query_parses(tmp_path: Path, tool: Callable[[str, str], str]) -> None:
    promtool = tool("promtool", "prometheus")
    rules = [{"record": f"query_{number}", "expr": query} for number, (_, query) in enumerate(each_query())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), "utf-8")
    run(promtool, "check", "rules", file)


def test_settings_of_prometheus_are_valid(tool: Callable[[str, str], str]) -> None:
    run(tool("promtool", "prometheus"), "check", "config", DEPLOY / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("name", ["rules_test.yml", "rules_week_test.yml"])
def test_alerts_fire_and_stay_silent(name: str, tool: Callable[[str, str], str]) -> None:
    run(tool("promtool", "prometheus"), "test", "rules", DEPLOY / "prometheus" / name)


def test_every_alert_is_tested_firing_and_silent() -> None:
    firing: set[str] = set()
    silent: set[str] = set()
    for name in ("rules_test.yml", "rules_week_test.yml"):
        for test in yaml.safe_load((DEPLOY / "prometheus" / name).read_text("utf-8"))["tests"]:
            for one in test["alert_rule_test"]:
                (firing if one["exp_alerts"] else silent).add(one["alertname"])
    assert firing == ALERTS.keys()
    # The dead-man switch has no silence to test: that is its use.
    assert silent == ALERTS.keys() - {"OpenweightDeadMan"}


def test_routes_are_valid_and_hold_no_secret(tool: Callable[[str, str], str]) -> None:
    run(tool("amtool", "prometheus-alertmanager"), "check-config", ROUTES)
    routes: dict[str, Any] = yaml.safe_load(ROUTES.read_text("utf-8"))
    for receiver in routes["receivers"]:
        for hook in receiver["webhook_configs"]:
            assert hook["http_config"]["authorization"].keys() == {"credentials_file"}
            assert ".example/" in hook["url"]


@pytest.mark.parametrize("name", ALERTS)
def test_alert_reaches_the_receiver_of_its_severity(name: str, tool: Callable[[str, str], str]) -> None:
    amtool, severity = tool("amtool", "prometheus-alertmanager"), ALERTS[name]["labels"]["severity"]
    arguments = (f"--config.file={ROUTES}", f"--verify.receivers={RECEIVERS[severity]}", f"alertname={name}", f"severity={severity}")
    assert run(amtool, "config", "routes", "test", *arguments).strip() == RECEIVERS[severity]


def test_alert_of_somebody_else_is_a_ticket(tool: Callable[[str, str], str]) -> None:
    amtool = tool("amtool", "prometheus-alertmanager")
    arguments = (f"--config.file={ROUTES}", "--verify.receivers=ticket", "alertname=DiskFull", "severity=warning")
    assert run(amtool, "config", "routes", "test", *arguments).strip() == "ticket"


def test_inhibitions_keep_back_no_alert_of_somebody_else() -> None:
    for rule in yaml.safe_load(ROUTES.read_text("utf-8"))["inhibit_rules"]:
        assert any(matcher.startswith("alertname ") and "Openweight" in matcher for matcher in rule["target_matchers"]), rule


def test_inhibitions_name_alerts_that_exist() -> None:
    for rule in yaml.safe_load(ROUTES.read_text("utf-8"))["inhibit_rules"]:
        for matcher in [*rule["source_matchers"], *rule["target_matchers"]]:
            label, pattern = re.split(r"\s*=~?\s*", matcher)
            if label == "alertname" and pattern != '"Openweight.+"':
                found = re.match(r'"?(\w*)(?:\(([\w|]+)\))?"?$', pattern)
                assert found, matcher
                names = {found[1] + ending for ending in (found[2] or "").split("|")}
                assert names <= ALERTS.keys(), matcher


def test_every_alert_has_its_section_in_the_runbook() -> None:
    runbook = (DEPLOY / "RUNBOOK.md").read_text("utf-8")
    base = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))["global"]["external_labels"]["runbook"]
    assert (ROOT / base).samefile(DEPLOY / "RUNBOOK.md")
    for name, rule in ALERTS.items():
        address, anchor = rule["annotations"]["runbook_url"].split("#")
        assert address == "{{ $externalLabels.runbook }}"
        assert anchor == name.lower()
    assert anchors(runbook) == {name.lower() for name in ALERTS}
    assert set(re.findall(r"\]\(#([\w-]+)\)", runbook)) <= anchors(runbook)
    for section in re.split(r"^## ", runbook, flags=re.MULTILINE)[1:]:
        assert re.findall(r"^- \*\*(.+?)\*\*: \S", section, re.MULTILINE) == ["Meaning", "Impact", "Look at", "Do"], section


def test_runbook_names_panels_that_exist() -> None:
    runbook = " ".join((DEPLOY / "RUNBOOK.md").read_text("utf-8").split())
    titles = {
        path.stem: [panel["title"] for panel in json.loads(path.read_text("utf-8"))["panels"]]
        for path in (DEPLOY / "grafana" / "dashboards").glob("*.json")
    }
    named = re.findall(r"dashboard (\w+), ([A-Z][a-z ]+?)(?: and ([A-Z][a-z ]+?))?(?=[,.:;]| \(|, over)", runbook)
    assert len(named) > 8
    assert [one for one in named if one[1] not in titles[one[0]] or one[2] not in ["", *titles[one[0]]]] == []


def test_runbook_names_commands_and_settings_that_exist() -> None:
    from pipeline.settings import each_setting  # noqa: PLC0415 - only here

    runbook = (DEPLOY / "RUNBOOK.md").read_text("utf-8")
    commands = set(re.findall(r"^def ([a-z_]+)\(", (ROOT / "pipeline" / "cli.py").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`openweight ([a-z]+)", runbook)) <= commands
    sections = {section for section, _, _ in each_setting()}
    named = {name for name in re.findall(r"`([a-z]+\.[a-z_]+)`", runbook) if name.split(".")[0] in sections}
    assert named
    assert named <= {f"{section}.{name}" for section, name, _ in each_setting()}

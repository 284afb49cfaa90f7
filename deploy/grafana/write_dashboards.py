"""Writes the Grafana dashboards from a table of panels; a test holds the files equal to it.

Usage: python deploy/grafana/write_dashboards.py [--check]   (--check writes nothing and says what is out of date)
"""  # noqa: INP001 - a script beside what it writes, not a package

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "dashboards"
COLUMNS = 24
# Width and height on Grafana's grid.
SIZES = {"stat": (4, 4), "timeseries": (12, 8), "bars": (12, 8), "bargauge": (12, 8), "table": (24, 6)}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
DOWN_OR_UP = [{"type": "value", "options": {"0": {"text": "no", "color": "red"}, "1": {"text": "yes", "color": "green"}}}]


@dataclass(frozen=True)
class Panel:
    """One panel. `queries` are PromQL by the legend of their series; `bad_from` colours a value red from there on."""

    title: str
    kind: str
    unit: str
    queries: dict[str, str]
    meaning: str = ""
    bad_from: float | None = None


def stat(title: str, query: str, unit: str = "short", meaning: str = "", bad_from: float | None = None) -> Panel:
    return Panel(title, "stat", unit, {"": query}, meaning, bad_from)


def lines(title: str, query: str, legend: str, unit: str = "short", meaning: str = "") -> Panel:
    return Panel(title, "timeseries", unit, {legend: query}, meaning)


def bars(title: str, query: str, legend: str) -> Panel:
    return Panel(title, "bars", "short", {legend: query})


def ranking(title: str, query: str, legend: str) -> Panel:
    return Panel(title, "bargauge", "short", {legend: f"sort_desc({query})"})


def per_second(counter: str, by: str = "") -> str:
    """PromQL for the rate of a counter, by labels."""
    return f"sum{_by(by)}(rate({counter}[$__rate_interval]))"


def grown(counter: str, by: str = "", window: str = "$__range") -> str:
    """PromQL for the growth of a counter within the time shown, or within one step of a graph."""
    return f"sum{_by(by)}(increase({counter}[{window}]))"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""


STEP = "$__rate_interval"
ONE = "1 is a process that does nothing else."
# deriv, not rate: offsets go back a little after a restart, and rate would take that for a counter that began anew.
WRITTEN = "sum by (topic) (deriv(openweight_end_offset[$__rate_interval]))"
READ = "sum by (topic) (rate(openweight_records_read_total[$__rate_interval]))"
POSITION = "max by (topic, partition) (openweight_consumer_position)"
ALARMS = 'count(ALERTS{alertstate="firing",severity=~"page|ticket"}) or vector(0)'
ARTICLES, CANDIDATES, FLAGGED, ALERTS = (f"openweight_{noun}_total" for noun in ("articles", "candidates", "flagged", "alerts"))
REJECTED, RESTARTS = "openweight_rejected_total", "openweight_restarts_total"
OTHER = ARTICLES + '{language="other"}'
STOPPED = "max by (topic, partition) (openweight_partition_stopped)"
HEARTBEAT = "time() - max(openweight_heartbeat_timestamp_seconds > 0)"
AGE = "max(openweight_checkpoint_age_seconds)"
BUSY = "max by (tm_id) (flink_taskmanager_job_task_busyTimeMsPerSecond) / 1000"
PRESSED = "max by (tm_id) (flink_taskmanager_job_task_backPressuredTimeMsPerSecond) / 1000"
JAVA = {"JobManager {{instance}}": "flink_jobmanager", "TaskManager {{instance}}": "flink_taskmanager"}


def delay(quantile: float, window: str) -> str:
    return f"histogram_quantile({quantile}, {grown('openweight_alert_delay_seconds_bucket', 'le', window)})"


OVERVIEW = [
    stat("Answers", 'min(up{job="openweight"})', "yes"),
    stat("Job runs", "min(openweight_job_running)", "yes"),
    stat("Alarms", ALARMS, meaning="deploy/RUNBOOK.md has a section for each.", bad_from=1),
    stat("Newest checkpoint", AGE, "s", "What a kill would read again.", 120),
    stat("Heartbeat", HEARTBEAT, "s", "Since an article of our own came through: silence below a minute is quiet.", 75),
    stat("Waiting articles", "sum(openweight:consumer_lag_records:sum)", meaning="In the topics, not yet read."),
    stat("Wait of an article", "openweight:catch_up_seconds", "s", "What waits, by what is read a second.", 600),
    stat("Articles in range", grown(ARTICLES), meaning="Articles assessed."),
    stat("Flagged in range", grown(FLAGGED), meaning="Articles, not stories."),
    stat("Alerts in range", grown(ALERTS), meaning="Raised, updated and retracted."),
    stat("Median delay", delay(0.5, "$__range"), "s", "From Kafka's timestamp of the article to the alert.", 5),
    stat("99 % delay", delay(0.99, "$__range"), "s", "One alert in a hundred came later than this.", 5),
    stat("Later than 5 s", "openweight:slow_alerts:ratio1d", "percentunit", "Of the last day's alerts; the objective allows 1 %.", 0.01),
    lines("News by topic", WRITTEN, "{{topic}}", "cps", "Articles a second that producers write."),
    lines("Waiting by topic", "openweight:consumer_lag_records:sum", "{{topic}}"),
    bars("Flagged by direction", grown(FLAGGED, "direction", STEP), "{{direction}}"),
    Panel("Delay of alerts", "timeseries", "s", {"50 %": delay(0.5, STEP), "99 %": delay(0.99, STEP)}),
    Panel("Versions", "table", "short", {"": "openweight_build_info"}),
]

PIPELINE = [
    lines("Taken by stage", per_second("openweight_stage_in_total", "stage"), "{{stage}}", "cps", "Records a second."),
    lines("Handed on by stage", per_second("openweight_stage_out_total", "stage"), "{{stage}}", "cps", "Records a second."),
    lines("Seconds per record", "openweight:stage_seconds_per_record:rate5m", "{{stage}}", "s", "Wall clock; one that grows slows all."),
    lines("Time by stage", per_second("openweight_stage_seconds_total", "stage"), "{{stage}}", "percentunit", ONE),
    bars("Rejected by reason", grown(REJECTED, "stage, reason", STEP), "{{stage}}: {{reason}}"),
    Panel("Share rejected", "timeseries", "percentunit", {
        "15 minutes": "openweight:rejected:ratio15m", "1 hour": "openweight:rejected:ratio1h",
    }),
    ranking("Rejected in range", grown(REJECTED, "stage, reason"), "{{stage}}: {{reason}}"),
    lines("Read by topic", READ, "{{topic}}", "cps", "Records a second."),
    lines("Position by partition", POSITION, "{{topic}} {{partition}}", meaning="Next offset; one that is level is not read."),
    lines("Age of what waits", "max by (topic) (openweight_consumer_lag_seconds)", "{{topic}}", "s", "Of the oldest record not yet read."),
    lines("Waiting by partition", "openweight_consumer_lag_records", "{{topic}} {{partition}}", meaning="One alone: a stuck subtask."),
    lines("Partitions not read", STOPPED, "{{topic}} {{partition}}", meaning="1: its next offset is gone from the broker."),
    lines("Wait of an article", "openweight:catch_up_seconds", "", "s", "What waits, by what is read a second."),
    lines("Polls that found the broker away", per_second("openweight_broker_unreachable_total"), "", "cps"),
    Panel("Heartbeat", "timeseries", "s", {"age": HEARTBEAT, "delay": "max(openweight_heartbeat_delay_seconds)"},
          "Through broker, job and broker, also when there is no news."),
    lines("Alerts written", per_second(ALERTS, "state"), "{{state}}", "cps"),
]  # fmt: skip

ENGINE = [
    stat("Job runs", "min(openweight_job_running)", "yes"),
    stat("Newest checkpoint", AGE, "s", "Its age.", 120),
    stat("Restarts in range", grown(RESTARTS), meaning="By the supervisor.", bad_from=1),
    stat("Flink's own restarts", "sum(flink_jobmanager_job_numRestarts)", meaning="Since the JobManager started."),
    stat("TaskManagers", "sum(flink_jobmanager_numRegisteredTaskManagers)"),
    stat("Free slots", "sum(flink_jobmanager_taskSlotsAvailable)", meaning="Of those that the TaskManagers offer."),
    lines("Age of the newest checkpoint", AGE, "", "s", "A saw; a tooth that grows is a checkpoint that fails."),
    lines("Duration of checkpoints", "max(openweight_checkpoint_duration_seconds)", "", "s"),
    lines("Size of the state", "max(openweight_checkpoint_bytes)", "", "bytes", "Of the newest checkpoint."),
    lines("State by stage", "max by (stage) (openweight_state_bytes)", "{{stage}}", "bytes", "In the newest checkpoint."),
    bars("Restarts by process", grown(RESTARTS, "process", STEP), "{{process}}"),
    Panel("Checkpoints of Flink", "bars", "short", {
        "complete": "sum(delta(flink_jobmanager_job_numberOfCompletedCheckpoints[$__rate_interval]))",
        "failed": "sum(delta(flink_jobmanager_job_numberOfFailedCheckpoints[$__rate_interval]))",
    }),
    lines("Busy", BUSY, "{{tm_id}}", "percentunit", "The busiest task of each TaskManager."),
    lines("Back pressure", PRESSED, "{{tm_id}}", "percentunit", "Time in which a task waits for the one behind it."),
    Panel("Heap", "timeseries", "bytes", {legend: f"{process}_Status_JVM_Memory_Heap_Used" for legend, process in JAVA.items()}),
    Panel("Processor", "timeseries", "percentunit", {legend: f"{process}_Status_JVM_CPU_Load" for legend, process in JAVA.items()}),
]  # fmt: skip

NEWS = [
    stat("Articles in range", grown(ARTICLES)),
    stat("Languages in range", f"count({grown(ARTICLES, 'language')} > 0)"),
    stat("Of other languages", f"({grown(OTHER)} or vector(0)) / {grown(ARTICLES)}", "percentunit"),
    stat("Candidates", f"{grown(CANDIDATES)} / {grown(ARTICLES)}", "percentunit", "Of articles: those that the model read."),
    stat("Flagged of candidates", f"{grown(FLAGGED)} / {grown(CANDIDATES)}", "percentunit", "A jump is news, or a model gone astray."),
    stat("Alerts per flagged", f"{grown(ALERTS)} / {grown(FLAGGED)}", meaning="Below 1: articles that added nothing to their story."),
    lines("Articles by language", f"topk(12, {per_second(ARTICLES, 'language')})", "{{language}}", "cps", "The twelve most frequent."),
    ranking("Articles by language in range", grown(ARTICLES, "language"), "{{language}}"),
    lines("Candidates over time", f"{per_second(CANDIDATES)} / {per_second(ARTICLES)}", "", "percentunit", "Of articles."),
    bars("Flagged by direction", grown(FLAGGED, "direction", STEP), "{{direction}}"),
    ranking("Actors in range", grown("openweight_flagged_by_actor_total", "actor"), "{{actor}}"),
    ranking("Directions in range", grown(FLAGGED, "direction"), "{{direction}}"),
    bars("Alerts by state and direction", grown(ALERTS, "state, direction", STEP), "{{state}} {{direction}}"),
]  # fmt: skip

DASHBOARDS = {"overview": OVERVIEW, "pipeline": PIPELINE, "engine": ENGINE, "news": NEWS}


def panel_json(panel: Panel, number: int, left: int, top: int) -> dict[str, Any]:
    width, height = SIZES[panel.kind]
    is_instant = panel.kind in {"stat", "bargauge", "table"}
    targets = [
        {
            "refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": query, "legendFormat": legend or panel.title,
            "instant": is_instant, "range": not is_instant, "format": "table" if panel.kind == "table" else "time_series",
        }
        for index, (legend, query) in enumerate(panel.queries.items())
    ]  # fmt: skip
    defaults: dict[str, Any] = {"unit": "short" if panel.unit == "yes" else panel.unit, "min": 0}
    if panel.unit == "yes":
        defaults["mappings"] = DOWN_OR_UP
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.kind in {"timeseries", "bars"}:
        is_bars = panel.kind == "bars"
        defaults["custom"] = {
            "drawStyle": "bars" if is_bars else "line",
            "fillOpacity": 60 if is_bars else 10,
            "stacking": {"mode": "normal" if is_bars else "none"},
        }
    return {
        "id": number, "title": panel.title, "description": panel.meaning, "type": "timeseries" if panel.kind == "bars" else panel.kind,
        "datasource": DATASOURCE, "gridPos": {"x": left, "y": top, "w": width, "h": height}, "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": _options(panel.kind),
    }  # fmt: skip


def _options(kind: str) -> dict[str, Any]:
    if kind == "stat":
        return {"colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}}
    if kind == "bargauge":
        return {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": {"calcs": ["lastNotNull"]}}
    if kind == "table":
        return {"showHeader": True}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}


def lay_out(panels: list[Panel]) -> list[dict[str, Any]]:
    """Panels from left to right, a new row where the next one does not fit or is of another height."""
    placed: list[dict[str, Any]] = []
    left = top = row_height = 0
    for number, panel in enumerate(panels, start=1):
        width, height = SIZES[panel.kind]
        if left + width > COLUMNS or (row_height and height != row_height):
            left, top = 0, top + row_height
        row_height = height
        placed.append(panel_json(panel, number, left, top))
        left += width
    return placed


def dashboard(name: str) -> dict[str, Any]:
    link = {"type": "dashboards", "tags": ["openweight"], "title": "openweight-monitor", "asDropdown": False, "keepTime": True}
    variable = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "uid": f"openweight-{name}", "title": f"openweight: {name}", "tags": ["openweight"], "schemaVersion": 39, "editable": False,
        "refresh": "15s", "time": {"from": "now-6h", "to": "now"}, "timezone": "utc", "links": [link], "templating": {"list": [variable]},
        "panels": lay_out(DASHBOARDS[name]),
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    wanted = {FOLDER / f"{name}.json": json.dumps(dashboard(name), indent=1) + "\n" for name in DASHBOARDS}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.name} is out of date: python deploy/grafana/write_dashboards.py\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], "utf-8")
        sys.stdout.write(f"wrote {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

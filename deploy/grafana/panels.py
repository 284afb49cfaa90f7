"""What the Grafana dashboards show: tables of panels, from which write_dashboards.py writes the files."""  # noqa: INP001 - it stands beside what is written

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """One panel.

    `queries` are PromQL by the legend of their series. From `bad_from` on a value is red, and a graph has a line there. `empty` is shown
    when there is no value.
    """

    title: str
    kind: str
    unit: str
    queries: dict[str, str]
    meaning: str = ""
    bad_from: float | None = None
    empty: str = ""


def stat(title: str, query: str, unit: str = "short", meaning: str = "", *, bad_from: float | None = None, empty: str = "none") -> Panel:
    return Panel(title, "stat", unit, {"": query}, meaning, bad_from, empty)


def lines(title: str, query: str, legend: str, unit: str = "short", meaning: str = "", *, bad_from: float | None = None) -> Panel:
    return Panel(title, "timeseries", unit, {legend: query}, meaning, bad_from)


def bars(title: str, query: str, legend: str) -> Panel:
    return Panel(title, "bars", "short", {legend: query})


def ranking(title: str, query: str, legend: str) -> Panel:
    return Panel(title, "bargauge", "short", {legend: f"sort_desc({query} > 0)"}, empty="none in this time")


def per_second(counter: str, by: str = "") -> str:
    """PromQL for the rate of a counter, by labels."""
    return f"sum{_by(by)}(rate({counter}[$__rate_interval]))"


def grown(counter: str, by: str = "", window: str = "$__range") -> str:
    """PromQL for the growth of a counter within the time shown, or within one step of a graph."""
    return f"sum{_by(by)}(increase({counter}[{window}]))"


def share(part: str, whole: str) -> str:
    """PromQL for a part of a whole; nothing when there is no whole, rather than "not a number"."""
    return f"{part} / ({whole} > 0)"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""


STEP = "$__rate_interval"
ONE = "1 is a process that does nothing else."
WAIT = "What waits, by what is read a second."
# deriv, not rate: offsets go back a little after a restart, and rate would take that for a counter that began anew.
WRITTEN = "sum by (topic) (deriv(openweight_end_offset[$__rate_interval]))"
POSITION = "max by (topic, partition) (deriv(openweight_consumer_position[$__rate_interval]))"
FIRING = 'ALERTS{alertstate="firing"}'
ARTICLES, CANDIDATES, FLAGGED, ALERTS = (f"openweight_{noun}_total" for noun in ("articles", "candidates", "flagged", "alerts"))
REJECTED, RESTARTS = "openweight_rejected_total", "openweight_restarts_total"
OTHER = ARTICLES + '{language="other"}'
STOPPED = "max by (topic, partition) (openweight_partition_stopped)"
HEARTBEAT = "time() - max(openweight_heartbeat_timestamp_seconds > 0)"
AGE = "max(openweight_checkpoint_age_seconds)"
BUSY = "max by (tm_id) (flink_taskmanager_job_task_busyTimeMsPerSecond) / 1000"
PRESSED = "max by (tm_id) (flink_taskmanager_job_task_backPressuredTimeMsPerSecond) / 1000"
JAVA = {"JobManager {{instance}}": "flink_jobmanager", "TaskManager {{instance}}": "flink_taskmanager"}
# What happened, over all graphs: their queries, by what the mark says.
MARKS = {
    "{{process}} was restarted": ("Restarts", "orange", grown(RESTARTS, "process", STEP) + " > 0"),
    "{{alertname}}": ("Alerts", "red", 'ALERTS{alertstate="firing",severity=~"page|ticket"}'),
}


def delay(quantile: float, window: str) -> str:
    """PromQL for the delay that so many alerts keep; nothing when there was no alert."""
    return f"histogram_quantile({quantile}, {grown('openweight_alert_delay_seconds_bucket', 'le', window)}) >= 0"


OVERVIEW = {
    "Is it alive": [
        stat("Answers", 'min(up{job="openweight"})', "yes", "`/metrics` of `openweight run`.", empty="no target"),
        stat("Job runs", "min(openweight_job_running)", "yes", empty="not said"),
        stat("Heartbeat", HEARTBEAT, "s", "Since our own article came through: silence is quiet.", bad_from=75, empty="none sent"),
        stat("Newest checkpoint", AGE, "s", "Its age: what a kill would read again.", bad_from=120),
        stat("Waiting articles", "sum(openweight:consumer_lag_records:sum)", meaning="In the topics, not yet read.", empty="not said"),
        stat("Wait of an article", "openweight:catch_up_seconds", "s", WAIT, bad_from=600, empty="not said"),
        Panel("Alerts that fire", "table", "short", {"": FIRING}, "OpenweightDeadMan always does. deploy/RUNBOOK.md says what to do."),
    ],
    "News": [
        stat("Articles in range", grown(ARTICLES), meaning="Articles assessed."),
        stat("Flagged in range", grown(FLAGGED), meaning="Articles, not stories."),
        stat("Alerts in range", grown(ALERTS), meaning="Raised, updated and retracted."),
        stat("Median delay", delay(0.5, "$__range"), "s", "From the article's Kafka timestamp on.", bad_from=5, empty="no alert"),
        stat("99 % delay", delay(0.99, "$__range"), "s", "One alert in a hundred came later.", bad_from=5, empty="no alert"),
        stat(
            "Later than 5 s", "openweight:slow_alerts:ratio1d >= 0", "percentunit",
            "Of the last day's alerts; the objective allows 1 %.", bad_from=0.01, empty="no alert",
        ),
        lines("News by topic", WRITTEN, "{{topic}}", "cps", "Articles a second that producers write."),
        lines("Waiting by topic", "openweight:consumer_lag_records:sum", "{{topic}}"),
        bars("Flagged by direction", grown(FLAGGED, "direction", STEP), "{{direction}}"),
        Panel("Delay of alerts", "timeseries", "s", {"50 %": delay(0.5, STEP), "99 %": delay(0.99, STEP)}, "", 5, "no alert in this time"),
    ],
    "What runs": [Panel("Versions", "table", "short", {"": "openweight_build_info"})],
}  # fmt: skip

PIPELINE = {
    "Stages": [
        lines("Taken by stage", per_second("openweight_stage_in_total", "stage"), "{{stage}}", "cps", "Records a second."),
        lines("Handed on by stage", per_second("openweight_stage_out_total", "stage"), "{{stage}}", "cps", "Records a second."),
        lines("Seconds per record", "openweight:stage_seconds_per_record:rate5m", "{{stage}}", "s", "Wall clock; a slow one slows all."),
        lines("Time by stage", per_second("openweight_stage_seconds_total", "stage"), "{{stage}}", "percentunit", ONE),
    ],
    "Rejected": [
        bars("Rejected by reason", grown(REJECTED, "stage, reason", STEP), "{{stage}}: {{reason}}"),
        ranking("Rejected in range", grown(REJECTED, "stage, reason"), "{{stage}}: {{reason}}"),
        Panel("Share rejected", "timeseries", "percentunit", {
            "15 minutes": "openweight:rejected:ratio15m", "1 hour": "openweight:rejected:ratio1h",
        }, "Above a fifth pages.", 0.2),
    ],
    "Reading": [
        lines("Read by topic", per_second("openweight_records_read_total", "topic"), "{{topic}}", "cps", "Records a second."),
        lines("Read by partition", POSITION, "{{topic}} {{partition}}", "cps", "None while articles wait there: it is not read."),
        lines("Age of what waits", "max by (topic) (openweight_consumer_lag_seconds)", "{{topic}}", "s", "Of the oldest one not yet read."),
        lines("Waiting by partition", "openweight_consumer_lag_records", "{{topic}} {{partition}}", meaning="One alone: a stuck subtask."),
        lines("Wait of an article", "openweight:catch_up_seconds", "", "s", WAIT, bad_from=600),
        lines("Partitions not read", STOPPED, "{{topic}} {{partition}}", meaning="1: its next offset is gone from the broker.", bad_from=1),
        lines("Polls that found the broker away", per_second("openweight_broker_unreachable_total"), "", "cps"),
        lines("Reading paused", "max(openweight_reading_paused)", "", meaning="1: too much is rejected, and nothing is read.", bad_from=1),
    ],
    "Written": [
        Panel("Heartbeat", "timeseries", "s", {"age": HEARTBEAT, "delay": "max(openweight_heartbeat_delay_seconds)"},
              "Through broker, job and broker, also when there is no news.", 75, "none sent"),
        lines("Alerts written", per_second(ALERTS, "state"), "{{state}}", "cps"),
    ],
}  # fmt: skip

ENGINE = {
    "State": [
        stat("Job runs", "min(openweight_job_running)", "yes", empty="not said"),
        stat("Newest checkpoint", AGE, "s", "Its age.", bad_from=120),
        stat("Restarts in range", grown(RESTARTS), meaning="By the supervisor.", bad_from=1),
        stat("Flink's own restarts", "sum(flink_jobmanager_job_numRestarts)", meaning="Since the JobManager started.", empty="not said"),
        stat("TaskManagers", "sum(flink_jobmanager_numRegisteredTaskManagers)", empty="not said"),
        stat("Free slots", "sum(flink_jobmanager_taskSlotsAvailable)", meaning="Of those that the TaskManagers offer.", empty="not said"),
    ],
    "Checkpoints": [
        lines("Age of the newest checkpoint", AGE, "", "s", "A saw; a tooth that grows is a checkpoint that fails.", bad_from=120),
        lines("Duration of checkpoints", "max(openweight_checkpoint_duration_seconds)", "", "s"),
        lines("Size of the state", "max(openweight_checkpoint_bytes)", "", "bytes", "Of the newest checkpoint."),
        lines("State by stage", "max by (stage) (openweight_state_bytes)", "{{stage}}", "bytes", "In the newest checkpoint."),
        Panel("Checkpoints of Flink", "bars", "short", {
            "complete": "sum(delta(flink_jobmanager_job_numberOfCompletedCheckpoints[$__rate_interval]))",
            "failed": "sum(delta(flink_jobmanager_job_numberOfFailedCheckpoints[$__rate_interval]))",
        }),
    ],
    "Processes": [
        bars("Restarts by process", grown(RESTARTS, "process", STEP), "{{process}}"),
        lines("Busy", BUSY, "{{tm_id}}", "percentunit", "The busiest task of each TaskManager."),
        lines("Back pressure", PRESSED, "{{tm_id}}", "percentunit", "Time in which a task waits for the one behind it."),
        Panel("Heap", "timeseries", "bytes", {legend: f"{process}_Status_JVM_Memory_Heap_Used" for legend, process in JAVA.items()}),
        Panel("Processor", "timeseries", "percentunit", {legend: f"{process}_Status_JVM_CPU_Load" for legend, process in JAVA.items()}),
    ],
}  # fmt: skip

NEWS = {
    "In the time shown": [
        stat("Articles in range", grown(ARTICLES)),
        stat("Languages in range", f"count({grown(ARTICLES, 'language')} > 0)"),
        stat("Of other languages", share(f"({grown(OTHER)} or vector(0))", grown(ARTICLES)), "percentunit", empty="no article"),
        stat("Candidates", share(grown(CANDIDATES), grown(ARTICLES)), "percentunit", "Of articles: those that the model read."),
        stat("Flagged of candidates", share(grown(FLAGGED), grown(CANDIDATES)), "percentunit", "A jump is news, or a model gone astray."),
        stat("Alerts per flagged", share(grown(ALERTS), grown(FLAGGED)), meaning="Below 1: articles that added nothing to their story."),
    ],
    "Languages": [
        lines("Articles by language", f"topk(12, {per_second(ARTICLES, 'language')})", "{{language}}", "cps", "The twelve most frequent."),
        ranking("Articles by language in range", grown(ARTICLES, "language"), "{{language}}"),
    ],
    "What was flagged": [
        bars("Flagged by direction", grown(FLAGGED, "direction", STEP), "{{direction}}"),
        ranking("Directions in range", grown(FLAGGED, "direction"), "{{direction}}"),
        ranking("Actors in range", grown("openweight_flagged_by_actor_total", "actor"), "{{actor}}"),
        bars("Alerts by state and direction", grown(ALERTS, "state, direction", STEP), "{{state}} {{direction}}"),
        lines("Candidates over time", share(per_second(CANDIDATES), per_second(ARTICLES)), "", "percentunit", "Of articles."),
    ],
}

# What each is for, and its sections.
DASHBOARDS = {
    "overview": ("Is it alive, how much news comes, how late are alerts, what was flagged.", OVERVIEW),
    "pipeline": ("Stage by stage: rate, rejections, time; what waits in the topics.", PIPELINE),
    "engine": ("Flink: checkpoints, state, restarts, memory.", ENGINE),
    "news": ("What comes and what is found in it: languages, directions, actors.", NEWS),
}

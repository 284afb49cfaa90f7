"""What `openweight run` refuses before it submits, and how its job is told from others."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kafka import connection as connection_module
from connectors.kafka import topics as topics_module
from connectors.kafka.topics import TopicDifference
from pipeline.commands.run import job_name, prepare_topics
from pipeline.settings import Settings, SettingsError


def settings(**sections: dict[str, Any]) -> Settings:
    return Settings.model_validate({"broker": {"bootstrap_servers": "b:1,a:1"}} | sections)


def broker_lacks(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A broker that answers, and has every topic but these."""
    differences = [TopicDifference(name, "missing", "8 partitions", "no such topic") for name in names]
    monkeypatch.setattr(connection_module, "wait_for_broker", lambda *_: None)
    monkeypatch.setattr(topics_module, "compare_topics", lambda *_: differences)


def test_missing_topic_that_the_job_writes_is_refused_with_the_command_that_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broker_lacks(monkeypatch, "mine.rejected", "news.articles")
    with pytest.raises(SettingsError, match=r"missing on b:1,a:1: mine\.rejected; create them: openweight topics --create"):
        prepare_topics(settings(writing={"topic_prefix": "mine"}), is_own=False)


def test_news_topic_may_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    broker_lacks(monkeypatch, "news.articles")
    prepare_topics(settings(), is_own=False)


def test_jobs_share_a_name_when_they_read_and_write_the_same_and_only_then() -> None:
    name = job_name(settings())
    assert name == job_name(settings(broker={"bootstrap_servers": "a:1, b:1"}))
    others = [
        settings(broker={"bootstrap_servers": "c:1"}),
        settings(reading={"group": "other"}),
        settings(writing={"topic_prefix": "other"}),
    ]
    assert len({name, *(job_name(one) for one in others)}) == 4

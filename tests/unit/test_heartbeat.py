"""The heartbeat reads like an article, is read by the model, and is never flagged, counted or proven as news."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from connectors.kafka.partitions import ReadingPlan, is_wanted
from pipeline.ends import reading_plan
from pipeline.heartbeat import Heartbeat, compose_heartbeat
from pipeline.settings import Settings
from transforms.decode import DecodeLimits, DecodeMessage
from transforms.detect_language import detect
from transforms.encode import _encode_counted
from transforms.extract_entities import FindEntities
from transforms.flag_policy_change import JudgeArticle
from transforms.key_articles import key_by_actor
from transforms.records import Assessment, Position, RawMessage

CHANGE = "Meta stops publishing the weights of Llama. The weights of Llama 5 will not be released, and the open licence is withdrawn."


def settings(**sections: dict[str, Any]) -> Settings:
    return Settings.model_validate({"broker": {"bootstrap_servers": "127.0.0.1:9"}} | sections)


def arrived(given: Settings, value: bytes | None, topic: str = "openweight.heartbeat") -> tuple[Assessment, bool]:
    """What the light path makes of a message of the heartbeat's topic, and whether the model read it."""
    decode = DecodeMessage(given.fields.model_dump(), DecodeLimits(**given.limits.model_dump()))
    decode.setup()
    raw = RawMessage(position=Position(topic, 0, 7), timestamp_milliseconds=round(time.time() * 1000), key=None, value=value)
    annotated = FindEntities("candidates")(detect(decode(raw)))
    return JudgeArticle(heartbeat_topic="openweight.heartbeat")(annotated), annotated.is_candidate


def test_heartbeat_is_an_article_that_the_model_reads_wherever_the_fields_are() -> None:
    given = settings(fields={"id": "meta.id", "title": "meta.head", "text": "body"}, limits={"message_bytes": 1000})
    message = compose_heartbeat(given)
    assert message.topic == "openweight.heartbeat"
    assert json.loads(message.value or b"")["meta"]["id"].startswith("heartbeat-")
    assessment, is_candidate = arrived(given, message.value)
    assert is_candidate
    assert assessment.language == "en"
    assert not assessment.warnings


def test_nothing_in_the_heartbeats_topic_is_flagged_whoever_wrote_it() -> None:
    value = msgspec.json.encode({"id": "1", "title": "Meta closes Llama", "text": CHANGE})
    assert arrived(settings(), value, "news.articles")[0].flag
    assessment, is_candidate = arrived(settings(), value)
    assert is_candidate
    assert not assessment.flag
    assert key_by_actor(assessment) == []


def test_assessment_of_the_heartbeat_goes_to_its_own_topic_and_is_not_counted() -> None:
    before = REGISTRY.get_sample_value("openweight_articles_total", {"language": "en"})
    assessment, _ = arrived(settings(), compose_heartbeat(settings()).value)
    (message,) = _encode_counted(assessment, "openweight")
    assert message.topic == "openweight.heartbeat.arrived"
    assert REGISTRY.get_sample_value("openweight_articles_total", {"language": "en"}) == before
    (message,) = _encode_counted(msgspec.structs.replace(assessment, position=Position("news.articles", 0, 7)), "openweight")
    assert message.topic == "openweight.assessments"


@pytest.mark.parametrize("plan", [ReadingPlan(topics=("news",)), ReadingPlan(pattern=".*")])
def test_job_reads_the_heartbeat_beside_topics_or_a_pattern_and_nothing_else_of_ours(plan: ReadingPlan) -> None:
    plan = msgspec.structs.replace(plan, own_topics=("openweight.heartbeat",))
    names = ("news", "openweight.heartbeat", "openweight.heartbeat.arrived", "openweight.rejected")
    assert [name for name in names if is_wanted(name, plan)] == ["news", "openweight.heartbeat"]


def test_what_verify_proves_is_the_news_alone() -> None:
    assert reading_plan(settings()).own_topics == ()


def test_age_is_that_of_the_newest_heartbeat_that_came_through() -> None:
    def message(sent_at: str) -> RawMessage:
        value = json.dumps({"received_at": sent_at}).encode()
        return RawMessage(position=Position("a", 0, 0), timestamp_milliseconds=1_767_225_602_500, key=None, value=value)

    heartbeat = Heartbeat(settings())
    heartbeat.read(message("2026-01-01T00:00:02Z"))
    heartbeat.read(message("2026-01-01T00:00:01Z"))
    heartbeat.read(RawMessage(position=Position("a", 0, 0), timestamp_milliseconds=0, key=None, value=b"no heartbeat"))
    assert REGISTRY.get_sample_value("openweight_heartbeat_timestamp_seconds") == 1_767_225_602
    assert REGISTRY.get_sample_value("openweight_heartbeat_delay_seconds") == 0.5


def test_heartbeat_of_before_the_clock_was_set_back_is_no_proof_of_life() -> None:
    def message(sent_seconds: float) -> RawMessage:
        value = msgspec.json.encode({"received_at": datetime.fromtimestamp(sent_seconds, UTC)})
        return RawMessage(position=Position("a", 0, 0), timestamp_milliseconds=0, key=None, value=value)

    heartbeat, now = Heartbeat(settings()), time.time()
    heartbeat.read(message(now + 3600))
    heartbeat.read(message(now))
    assert heartbeat.newest_seconds == pytest.approx(now)

"""The whole graph on bounded input in memory: articles in, assessments, rejected records and alerts out."""

from __future__ import annotations

import json
from pathlib import Path

import apache_beam as beam
import msgspec
import pytest

from connectors.memory import MemoryTopics, ReadFromMemory, WriteToMemory, open_memory
from pipeline.assess import LightPath
from pipeline.build import build
from pipeline.commands.policy import read_ledger
from pipeline.ends import Ends
from pipeline.settings import Settings
from transforms.records import Alert, AlertState, OutgoingMessage, RawMessage

SAMPLES = Path(__file__).resolve().parents[2] / "seeds" / "samples.jsonl"
ALERTS = [f"openweight.alerts.{direction}" for direction in ("opening", "closing", "mixed", "unclear")]
TOPICS = {"news.articles": 2, "openweight.assessments": 1, "openweight.rejected": 1, "openweight.policy": 1} | dict.fromkeys(ALERTS, 1)


def run_flow(name: str, lines: list[bytes]) -> MemoryTopics:
    topics = open_memory(name, TOPICS)
    for number, line in enumerate(lines):
        topics.append(
            OutgoingMessage(topic="news.articles", key=str(number).encode(), value=line, timestamp_milliseconds=1_780_000_000_000)
        )
    with beam.Pipeline("DirectRunner") as pipeline:
        build(pipeline, Ends(read=ReadFromMemory(name, ["news.articles"]), write=WriteToMemory(name)), Settings())
    return topics


def sample_lines() -> list[bytes]:
    return SAMPLES.read_bytes().splitlines()


@pytest.fixture(scope="module")
def flowed() -> MemoryTopics:
    return run_flow("samples", sample_lines())


def outcome_positions(topics: MemoryTopics) -> list[tuple[int, int]]:
    assessed = [json.loads(message.value or b"")["position"] for message in topics.read(["openweight.assessments"])]
    rejected = [dict(message.headers) for message in topics.read(["openweight.rejected"])]
    return [(one["partition"], one["offset"]) for one in assessed] + [(int(one["partition"]), int(one["offset"])) for one in rejected]


def final_alerts(topics: MemoryTopics) -> dict[str, Alert]:
    """Alerts after compaction; the topics' order is the order of writing."""
    return {(message.key or b"").decode(): msgspec.json.decode(message.value or b"", type=Alert) for message in topics.read(ALERTS)}


def test_every_message_has_exactly_one_outcome(flowed: MemoryTopics) -> None:
    inputs = [(message.position.partition, message.position.offset) for message in flowed.read(["news.articles"])]
    assert sorted(outcome_positions(flowed)) == sorted(inputs)


def test_broken_lines_are_rejected_with_their_bytes_and_the_reason(flowed: MemoryTopics) -> None:
    rejected = flowed.read(["openweight.rejected"])
    inputs = {(one.position.partition, one.position.offset): one.value for one in flowed.read(["news.articles"])}
    reasons = set()
    for message in rejected:
        headers = dict(message.headers)
        reasons.add(headers["reason"].decode())
        assert message.value == inputs[int(headers["partition"]), int(headers["offset"])]
    assert reasons == {"not_json", "wrong_type", "not_an_object", "no_text", "not_utf8"}
    assert len(rejected) == 6


def test_alerts_come_out_with_headers_to_filter_by(flowed: MemoryTopics) -> None:
    messages = flowed.read(ALERTS)
    assert messages
    for message in messages:
        alert = msgspec.json.decode(message.value or b"", type=Alert)
        headers = {name: value.decode() for name, value in message.headers}
        assert message.position.topic == f"openweight.alerts.{alert.direction}"
        assert headers["ce_id"].startswith(f"{alert.alert_id}.")
        assert headers["ce_subject"] == (message.key or b"").decode() == alert.alert_id
        assert (headers["actor"], headers["direction"]) == (alert.actor, alert.direction)


def test_evidence_of_an_alert_is_verbatim(flowed: MemoryTopics) -> None:
    inputs = {(one.position.partition, one.position.offset): json.loads(one.value or b"") for one in read_articles(flowed)}
    for alert in final_alerts(flowed).values():
        for article in alert.articles:
            message = inputs[article.position.partition, article.position.offset]
            content = f"{message['title']}\n{message['text']}"
            assert article.evidence
            assert all(content[one.start : one.end] == one.text for one in article.evidence)


def read_articles(topics: MemoryTopics) -> list[RawMessage]:
    assessed = [json.loads(message.value or b"")["position"] for message in topics.read(["openweight.assessments"])]
    positions = {(one["partition"], one["offset"]) for one in assessed}
    return [one for one in topics.read(["news.articles"]) if (one.position.partition, one.position.offset) in positions]


def test_ledger_says_of_every_alert_where_its_actor_stands(flowed: MemoryTopics) -> None:
    ledger = read_ledger(flowed.read(["openweight.policy"]))
    named = {stance.alert_id for state in ledger for stance in state.history}
    assert named == {name for name, alert in final_alerts(flowed).items() if alert.state is not AlertState.RETRACTED}
    assert len({(state.actor, state.object) for state in ledger}) == len(ledger)


def test_articles_sent_twice_raise_nothing_new(flowed: MemoryTopics) -> None:
    twice = run_flow("twice", sample_lines() * 2)
    once_alerts, twice_alerts = final_alerts(flowed), final_alerts(twice)
    assert set(once_alerts) == set(twice_alerts)
    assert [one.article_count for one in once_alerts.values()] == [twice_alerts[name].article_count for name in once_alerts]


def test_job_and_command_conclude_the_same(flowed: MemoryTopics) -> None:
    path = LightPath(Settings())
    by_position = {(one.position.partition, one.position.offset): one for one in flowed.read(["news.articles"])}
    for message in flowed.read(["openweight.assessments"]):
        position = json.loads(message.value or b"")["position"]
        raw = by_position[position["partition"], position["offset"]]
        assert msgspec.json.encode(path.assess(raw)) == message.value


def test_no_stage_hands_on_pickles() -> None:
    open_memory("graph", TOPICS)
    pipeline = beam.Pipeline()
    build(pipeline, Ends(read=ReadFromMemory("graph", ["news.articles"]), write=WriteToMemory("graph")), Settings())
    components = pipeline.to_runner_api().components
    records = {
        collection.coder_id
        for name, collection in components.pcollections.items()
        for stage in ("Decode", "DetectLanguage", "ExtractEntities", "FlagPolicyChange", "LinkStories", "RaiseAlerts", "Encode")
        if stage in collection.unique_name
    }
    assert records
    urns = {component_urn for coder in records for component_urn in urns_of(components, coder)}
    assert "openweight:coder:record:v1" in urns
    assert not {urn for urn in urns if "pickle" in urn}


def urns_of(components: object, coder_id: str) -> set[str]:
    coder = components.coders[coder_id]  # type: ignore[attr-defined]
    return {coder.spec.urn}.union(*(urns_of(components, inner) for inner in coder.component_coder_ids))

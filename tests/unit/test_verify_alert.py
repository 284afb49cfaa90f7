"""An alert is made again from its inputs, and what no longer holds is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from pipeline.assess import raw_line
from pipeline.commands.verify_alert import find_alert, prove
from pipeline.rerun import Rerun
from pipeline.settings import Settings
from transforms.records import Alert, AlertState, Position, RawMessage

SAMPLES = Path(__file__).resolve().parents[2] / "seeds" / "samples.jsonl"
AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def rerun() -> Rerun:
    return Rerun(Settings())


@pytest.fixture(scope="module")
def inputs(rerun: Rerun) -> dict[Position, RawMessage]:
    lines = SAMPLES.read_bytes().splitlines()
    found = [raw_line("news", number, line, AT) for number, line in enumerate(lines)]
    for raw in found:
        rerun.take(raw)
    return {raw.position: raw for raw in found}


@pytest.fixture
def alert(rerun: Rerun, inputs: dict[Position, RawMessage]) -> Alert:
    assert inputs
    alerts = [msgspec.json.decode(value, type=Alert) for value in rerun.state.alerts.values()]
    return max((one for one in alerts if one.state is not AlertState.RETRACTED), key=lambda one: (one.article_count, one.alert_id))


def reasons(alert: Alert, found: dict[Position, RawMessage], rerun: Rerun, settings: Settings | None = None) -> str:
    return "\n".join(prove(alert, found, rerun.assess, settings or Settings()).reasons)


def test_every_alert_of_the_samples_holds_by_its_own_inputs(inputs: dict[Position, RawMessage], rerun: Rerun) -> None:
    alerts = [msgspec.json.decode(value, type=Alert) for value in rerun.state.alerts.values()]
    assert len(alerts) > 3
    for one in alerts:
        if one.state is not AlertState.RETRACTED:
            assert one.inputs
            assert reasons(one, inputs, rerun) == ""


def test_input_that_is_gone_or_other_bytes_is_named(alert: Alert, inputs: dict[Position, RawMessage], rerun: Rerun) -> None:
    first = alert.inputs[0].position
    gone = {position: raw for position, raw in inputs.items() if position != first}
    assert "gone from the topic" in reasons(alert, gone, rerun)
    changed = json.loads(inputs[first].value or b"") | {"title": "Nothing"}
    other = inputs | {first: msgspec.structs.replace(inputs[first], value=json.dumps(changed).encode())}
    assert "other bytes" in reasons(alert, other, rerun)


def test_forged_alert_does_not_hold(alert: Alert, inputs: dict[Position, RawMessage], rerun: Rerun) -> None:
    forged = msgspec.structs.replace(alert, headline="Something else", publisher_count=40)
    assert "headline is another now" in reasons(forged, inputs, rerun)
    assert "publisher_count is another now" in reasons(forged, inputs, rerun)
    assert "no longer make this story" in reasons(msgspec.structs.replace(alert, story_id="0" * 16), inputs, rerun)


def test_retracted_alert_does_not_hold(alert: Alert, inputs: dict[Position, RawMessage], rerun: Rerun) -> None:
    retracted = msgspec.structs.replace(alert, state=AlertState.RETRACTED, retracted_because="withdrawn")
    assert "taken back: withdrawn" in reasons(retracted, inputs, rerun)


def test_other_severity_table_is_seen(alert: Alert, inputs: dict[Position, RawMessage], rerun: Rerun) -> None:
    other = "low" if alert.severity != "low" else "high"
    table = {name: [other, other] for name in ("in_force", "announced", "proposed", "rumoured", "denied")}
    settings = Settings.model_validate({"alerts": table | {"weighty_actors": []}})
    assert f"severity is another now: {other}" in reasons(alert, inputs, rerun, settings)


def test_newest_revision_is_the_one_that_is_proven(alert: Alert) -> None:
    older = msgspec.structs.replace(alert, revision=alert.revision - 1, headline="older")
    messages = [
        RawMessage(position=Position("alerts", 0, number), timestamp_milliseconds=0, key=alert.alert_id.encode(), value=value)
        for number, value in enumerate((msgspec.json.encode(older), b"cut", msgspec.json.encode(alert)))
    ]
    assert find_alert(messages, alert.alert_id) == alert
    assert find_alert(messages, "another") is None

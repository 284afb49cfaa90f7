"""`openweight replay`, `verify --alert` and `policy` against a real broker."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from connectors.kafka.connection import KafkaConnection, open_admin
from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.subscribe import read_positions, read_to_end
from connectors.kafka.write import send_all
from pipeline.commands.feed import as_messages, read_lines
from pipeline.commands.policy import read_ledger, show_policy
from pipeline.commands.replay import replay_topics
from pipeline.commands.verify_alert import verify_alert
from pipeline.exit_codes import ExitCode
from pipeline.rerun import Window
from pipeline.settings import Settings
from transforms.records import Direction, Position

SAMPLES = Path(__file__).resolve().parents[2] / "seeds" / "samples.jsonl"
ALERTS = [direction for direction in Direction if direction is not Direction.NONE]


def settings_of(broker: str, topic: str, prefix: str, folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "broker": {"bootstrap_servers": broker}, "reading": {"topics": [topic], "group": topic}, "writing": {"topic_prefix": prefix},
            "state": {"folder": folder},
        }
    )  # fmt: skip


def test_replay_fills_topics_of_its_own_whose_alerts_can_be_proven(
    broker: str, topic: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connection, live, prefix = (
        KafkaConnection(bootstrap_servers=broker),
        settings_of(broker, topic, f"{topic}-live", tmp_path),
        f"{topic}-re",
    )
    admin = open_admin(connection)
    admin.create_topics({topic: {"num_partitions": 2}}, wait_for_metadata=True)
    admin.close()
    with SAMPLES.open("rb") as stream:
        lines = list(islice(read_lines(stream), 12))
    send_all(connection, as_messages(lines[:6], topic, live))
    assert replay_topics(live, f"{topic}-live", Window(), is_fresh=False) is ExitCode.USAGE
    assert replay_topics(live, f"{topic}-live.x", Window(), is_fresh=False) is ExitCode.USAGE
    assert replay_topics(live, prefix, Window(), is_fresh=False) is ExitCode.DONE
    # What came meanwhile is read on from where the first one ended, with what it knew.
    send_all(connection, as_messages(lines[6:], topic, live))
    assert replay_topics(live, prefix, Window(), is_fresh=False) is ExitCode.DONE
    messages = {
        name: list(read_to_end(connection, ReadingPlan(topics=(f"{prefix}.{name}",))))
        for name in ("assessments", "rejected", "policy", *(f"alerts.{direction}" for direction in ALERTS))
    }
    assert len(messages["assessments"]) + len(messages["rejected"]) == len(lines)
    newest = {one.key: json.loads(one.value or b"") for direction in ALERTS for one in messages[f"alerts.{direction}"]}
    standing = {alert["alert_id"] for alert in newest.values() if alert["state"] != "retracted"}
    assert standing
    assert {stance.alert_id for state in read_ledger(messages["policy"]) for stance in state.history} == standing
    replayed = settings_of(broker, topic, prefix, tmp_path)
    capsys.readouterr()
    assert verify_alert(replayed, min(standing), is_json=True) is ExitCode.DONE
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["holds"]
    assert set(answer["inputs"].values()) == {"as said"}
    assert verify_alert(replayed, "none", is_json=False) is ExitCode.FOUND
    capsys.readouterr()
    assert show_policy(replayed, is_json=True, at=None) is ExitCode.DONE
    assert len(capsys.readouterr().out.splitlines()) == len(read_ledger(messages["policy"]))


def test_positions_that_the_topic_does_not_hold_are_left_out(broker: str, topic: str) -> None:
    connection = KafkaConnection(bootstrap_servers=broker)
    admin = open_admin(connection)
    admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
    admin.close()
    send_all(connection, as_messages([b'{"id":"a"}', b'{"id":"b"}'], topic, Settings()))
    found = read_positions(connection, [Position(topic, 0, 1), Position(topic, 0, 7), Position("no-such-topic", 0, 0)])
    assert {position.offset: one.value for position, one in found.items()} == {1: b'{"id":"b"}'}

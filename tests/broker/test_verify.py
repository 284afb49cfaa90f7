"""`openweight verify` against a real broker."""

from __future__ import annotations

import json

import pytest

from connectors.kafka.connection import KafkaConnection, open_admin
from connectors.kafka.write import send_all
from pipeline.commands import verify
from pipeline.commands.verify import verify_topics
from pipeline.exit_codes import ExitCode
from pipeline.settings import Settings
from transforms.records import OutgoingMessage


def test_hole_among_the_outcomes_is_lost_although_nothing_was_committed(
    broker: str, topic: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The outcomes below were written just now.
    monkeypatch.setattr(verify, "SETTLED_SECONDS", -60)
    connection = KafkaConnection(bootstrap_servers=broker)
    names = [
        f"{topic}.{name}" for name in ("assessments", "rejected", *(f"alerts.{one}" for one in ("opening", "closing", "mixed", "unclear")))
    ]
    admin = open_admin(connection)
    admin.create_topics({name: {"num_partitions": 1} for name in [topic, *names]}, wait_for_metadata=True)
    admin.close()
    send_all(connection, [OutgoingMessage(topic=topic, key=b"k", value=b"{}") for _ in range(4)])
    outcomes = [json.dumps({"position": {"topic": topic, "partition": 0, "offset": offset}}).encode() for offset in (0, 2)]
    send_all(connection, [OutgoingMessage(topic=names[0], key=b"k", value=value) for value in [*outcomes, b"cut"]])
    settings = Settings.model_validate(
        {"broker": {"bootstrap_servers": broker}, "reading": {"topics": [topic], "group": topic}, "writing": {"topic_prefix": topic}}
    )
    assert verify_topics(settings, is_json=True) is ExitCode.FOUND
    # Retries are logged to the same stream in tests.
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    partition = answer["partitions"][f"{topic}/0"]
    assert (answer["lost"], answer["unreadable"]) == (1, 1)
    assert (partition["lost"], partition["not_yet_read"], partition["uncommitted"]) == ([1], 1, True)

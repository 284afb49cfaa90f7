"""What strangers read: keys, headers and bytes of the topics."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from prometheus_client import REGISTRY

from transforms.encode import _encode_counted, encode_alert, encode_assessment, encode_rejected
from transforms.records import Alert, Assessment, ChangeType, Direction, Novelty, Position, RaisedAlert, Rejected, Status

EXAMPLE = Path(__file__).resolve().parents[2] / "transforms" / "schemas" / "alert.example.json"


def example() -> Alert:
    return msgspec.json.decode(EXAMPLE.read_bytes(), type=Alert)


def raised(*, is_notable: bool = True) -> RaisedAlert:
    return RaisedAlert(alert=example(), changes=("raised",) if is_notable else ())


def assessment(url: str = "https://example.org/a") -> Assessment:
    return Assessment(
        id="a1", language="de", flag=False, direction=Direction.NONE, change_type=ChangeType.NONE, status=Status.NONE, contested=False,
        novelty=Novelty.NONE, score=0.1, actors=(), evidence=(), entities=(), position=Position("news", 1, 2),
        received_at=datetime(2026, 3, 1, tzinfo=UTC), sha256="s", url=url, title="t", publisher="p", published_at=None, language_spans=(),
        is_candidate=False, warnings=(), model="m",
    )  # fmt: skip


def test_alert_is_keyed_by_its_id_and_goes_to_the_topic_of_its_direction() -> None:
    message = encode_alert(raised(), "openweight")
    assert message.topic == "openweight.alerts.closing"
    assert message.key == example().alert_id.encode()
    assert msgspec.json.decode(message.value or b"", type=Alert) == example()


def test_alert_carries_cloudevents_and_what_subscribers_filter_by() -> None:
    headers = dict(encode_alert(raised(), "openweight").headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"].startswith(f"{example().alert_id}.".encode())
    assert headers["ce_type"] == b"openweight.alert.raised"
    assert {"ce_source", "ce_time", "actor", "direction", "change_type", "language", "severity", "story_id", "contested", "notable"} <= set(
        headers
    )


def test_revisions_of_an_alert_are_different_events_of_one_subject() -> None:
    alerts = [RaisedAlert(alert=msgspec.structs.replace(example(), revision=number), changes=("raised",)) for number in (1, 2)]
    one, two = (dict(encode_alert(each, "p").headers) for each in alerts)
    assert one["ce_subject"] == two["ce_subject"]
    assert one["ce_id"] != two["ce_id"]


def test_notable_is_a_header_and_no_part_of_the_alert() -> None:
    notable, quiet = (encode_alert(raised(is_notable=is_notable), "p") for is_notable in (True, False))
    assert notable.value == quiet.value
    assert (dict(notable.headers)["notable"], dict(quiet.headers)["notable"]) == (b"true", b"false")


def test_assessment_is_keyed_by_url_else_by_id_and_keeps_the_contract() -> None:
    message = encode_assessment(assessment(), "openweight")
    assert message.key == b"https://example.org/a"
    assert encode_assessment(assessment(url=""), "openweight").key == b"a1"
    line = json.loads(message.value or b"")
    contract = {
        "id", "language", "flag", "direction", "change_type", "status", "contested", "novelty", "score", "actors", "evidence", "entities",
        "outcome",
    }  # fmt: skip
    assert contract <= set(line)
    assert line["outcome"] == "assessed"


def test_rejected_message_keeps_key_and_bytes_and_says_why_and_whence() -> None:
    rejected = Rejected(
        position=Position("news", 3, 9), timestamp_milliseconds=5, key=b"\xff", value=b"\x00\xff", headers=(), stage="decode",
        reason="not_utf8", detail="lone \ud800",
    )  # fmt: skip
    message = encode_rejected(rejected, "openweight")
    assert (message.key, message.value) == (b"\xff", b"\x00\xff")
    headers = dict(message.headers)
    assert (headers["topic"], headers["partition"], headers["offset"], headers["reason"]) == (b"news", b"3", b"9", b"not_utf8")


def test_rejected_message_keeps_its_own_headers_within_bounds() -> None:
    received = (("topic", b"\xff"), ("n" * 1_000, b"v" * 100_000), *((f"h{number}", b"") for number in range(100)))
    rejected = Rejected(
        position=Position("news", 3, 9), timestamp_milliseconds=5, key=None, value=b"", headers=received, stage="decode", reason="no_value",
        detail="",
    )  # fmt: skip
    kept = encode_rejected(rejected, "openweight").headers
    assert dict(kept)["topic"] == b"news"
    assert dict(kept)["original_topic"] == b"\xff"
    assert len([name for name, _ in kept if name.startswith("original_")]) == 50
    assert sum(len(name) + len(value) for name, value in kept) < 5_000


def test_flagged_article_is_counted_for_each_actor_of_a_closed_list() -> None:
    def count(actor: str) -> float:
        return REGISTRY.get_sample_value("openweight_flagged_by_actor_total", {"actor": actor}) or 0.0

    names = ("OpenAI", "other", "somebody whom an article names")
    before = [count(name) for name in names]
    for actors in (("OpenAI", names[2], "nobody known"), ()):
        _encode_counted(msgspec.structs.replace(assessment(), flag=True, direction=Direction.CLOSING, actors=actors), "openweight")
    assert [count(name) for name in names] == [before[0] + 1, before[1] + 2, 0]

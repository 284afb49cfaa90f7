"""Writing to a real broker, and its topics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from connectors.kafka.connection import KafkaConnection, open_admin
from connectors.kafka.fit_message import WritingPlan
from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.produce import DeliveryFailedError
from connectors.kafka.subscribe import read_to_end
from connectors.kafka.topics import TopicDifference, compare_topics, create_topics, read_topic_definitions
from connectors.kafka.write import SendMessages, send_all
from transforms.records import OutgoingMessage

if TYPE_CHECKING:
    from transforms.records import RawMessage

DEFINITIONS = Path(__file__).parents[2] / "deploy" / "topics.toml"


@pytest.fixture
def connection(broker: str) -> KafkaConnection:
    return KafkaConnection(bootstrap_servers=broker)


def create(connection: KafkaConnection, topic: str, limit_bytes: int = 1_048_588) -> None:
    admin = open_admin(connection)
    admin.create_topics({topic: {"num_partitions": 1, "configs": {"max.message.bytes": str(limit_bytes)}}}, wait_for_metadata=True)
    admin.close()


def read(connection: KafkaConnection, topic: str) -> list[RawMessage]:
    return list(read_to_end(connection, ReadingPlan(topics=(topic,))))


def test_bundle_is_done_when_the_broker_has_its_messages(connection: KafkaConnection, topic: str) -> None:
    create(connection, topic)
    sender = SendMessages(connection, WritingPlan())
    sender.start_bundle()
    for number in range(50):
        sender.process(OutgoingMessage(topic=topic, key=b"k", value=b"%d" % number))
    sender.finish_bundle()
    assert [one.value for one in read(connection, topic)] == [b"%d" % number for number in range(50)]


def test_bundle_for_a_topic_that_does_not_exist_fails(connection: KafkaConnection, topic: str) -> None:
    sender = SendMessages(connection, WritingPlan())
    sender.start_bundle()
    with pytest.raises(DeliveryFailedError, match="openweight topics"):
        sender.process(OutgoingMessage(topic=topic, key=b"k", value=b"v"))


def test_message_that_its_topic_refuses_is_cut_and_its_neighbours_pass(connection: KafkaConnection, topic: str) -> None:
    topic = f"{topic}.rejected"
    create(connection, topic, limit_bytes=100_000)
    values = [b"before", b"x" * 300_000, b"after"]
    send_all(connection, [OutgoingMessage(topic=topic, key=b"k", value=value) for value in values])
    found = {len(one.value or b""): dict(one.headers) for one in read(connection, topic)}
    assert {6, 5} < found.keys()
    (cut,) = found.keys() - {6, 5}
    assert 50_000 < cut < 100_000
    assert "openweight_truncated_from_bytes" in found[cut]


def test_record_of_ours_that_its_topic_refuses_is_left_out_and_its_neighbours_pass(connection: KafkaConnection, topic: str) -> None:
    create(connection, topic, limit_bytes=100_000)
    values = [b"before", b"x" * 300_000, b"after"]
    send_all(connection, [OutgoingMessage(topic=topic, key=b"k", value=value) for value in values])
    assert sorted(one.value or b"" for one in read(connection, topic)) == [b"after", b"before"]


def test_message_of_far_future_is_taken_with_the_time_of_sending(connection: KafkaConnection, topic: str) -> None:
    create(connection, topic)
    send_all(connection, [OutgoingMessage(topic=topic, key=b"k", value=b"v", timestamp_milliseconds=99_999_999_999_999)])
    (message,) = read(connection, topic)
    assert message.timestamp_milliseconds < 99_999_999_999_999


def test_topics_of_the_file_are_created_once_and_then_agree(connection: KafkaConnection) -> None:
    definitions = read_topic_definitions(DEFINITIONS)
    assert [difference.what for difference in compare_topics(connection, definitions)] == ["missing"] * len(definitions)
    assert create_topics(connection, definitions) == sorted(definitions)
    assert create_topics(connection, definitions) == []
    assert compare_topics(connection, definitions) == []


def test_difference_between_file_and_broker_is_named(connection: KafkaConnection, topic: str) -> None:
    definition = msgspec.structs.replace(read_topic_definitions(DEFINITIONS)["news.articles"], partitions=2)
    create_topics(connection, {topic: definition})
    wanted = msgspec.structs.replace(definition, partitions=3, config=definition.config | {"retention.ms": 5})
    assert compare_topics(connection, {topic: wanted}) == [
        TopicDifference(topic, "partitions", "3", "2"),
        TopicDifference(topic, "retention.ms", "5", "1209600000"),
    ]

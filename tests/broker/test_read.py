"""Reading from a real broker: what memory and files cannot show."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import RetriableError

from connectors.kafka.commit import OffsetCommitter
from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection, open_admin, wait_for_broker
from connectors.kafka.fetch import SharedConsumer
from connectors.kafka.partitions import ReadingPlan, Start, find_start_offsets, list_partitions
from connectors.kafka.read import read_record
from connectors.kafka.subscribe import read_to_end, subscribe
from connectors.kafka.write import send_all
from transforms.records import OutgoingMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka import KafkaAdminClient

    from transforms.records import RawMessage

DEADLINE_SECONDS = 20


@pytest.fixture
def connection(broker: str) -> KafkaConnection:
    return KafkaConnection(bootstrap_servers=broker)


@pytest.fixture
def admin(connection: KafkaConnection) -> Iterator[KafkaAdminClient]:
    client = open_admin(connection)
    yield client
    client.close()


def create(admin: KafkaAdminClient, topic: str, partitions: int = 1) -> None:
    admin.create_topics({topic: {"num_partitions": partitions}}, wait_for_metadata=True)


def send(connection: KafkaConnection, topic: str, count: int, timestamp_milliseconds: int | None = None) -> None:
    send_all(
        connection,
        (OutgoingMessage(topic=topic, key=b"k", value=b"%d" % n, timestamp_milliseconds=timestamp_milliseconds) for n in range(count)),
    )


def take_all(consumer: SharedConsumer, topic: str, offset: int, end_offset: int) -> list[RawMessage]:
    """Takes from one partition until `end_offset` is reached."""
    messages = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    while offset < end_offset and time.monotonic() < deadline:
        buffer = consumer.take(topic, 0, offset)
        while buffer.records:
            messages.append(read_record(topic, 0, buffer.pop()))
        offset = buffer.next_offset
    assert offset == end_offset
    return messages


def test_offset_before_the_one_taken_is_read_again(connection: KafkaConnection, admin: KafkaAdminClient, topic: str) -> None:
    create(admin, topic)
    send(connection, topic, 20)
    consumer = SharedConsumer(connection)
    assert len(take_all(consumer, topic, 0, 20)) == 20
    assert [one.position.offset for one in take_all(consumer, topic, 7, 20)] == list(range(7, 20))


def test_partitions_that_share_a_consumer_are_all_read(connection: KafkaConnection, admin: KafkaAdminClient, topic: str) -> None:
    create(admin, topic, 8)
    send_all(connection, (OutgoingMessage(topic=topic, key=b"%d" % n, value=b"x" * 3000) for n in range(9000)))
    consumer = SharedConsumer(connection)
    offsets = dict.fromkeys(range(8), 0)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while sum(offsets.values()) < 9000 and time.monotonic() < deadline:
        for partition, offset in offsets.items():
            buffer = consumer.take(topic, partition, offset)
            for _ in range(min(100, len(buffer.records))):
                buffer.pop()
            offsets[partition] = buffer.next_offset
    assert sum(offsets.values()) == 9000


def test_header_name_that_is_not_utf8_stops_nothing(connection: KafkaConnection, admin: KafkaAdminClient, topic: str) -> None:
    create(admin, topic)
    producer = KafkaProducer(bootstrap_servers=connection.bootstrap_servers, batch_size=100_000, linger_ms=50)
    producer.send(topic, value=b"before")
    # kafka-python encodes header names itself, so the bytes are put in as a name that encodes to them.
    producer.send(topic, key=b"\xe9", value=b"poison \xe9", headers=[(NotUtf8("caf\xe9"), b"v")])
    producer.send(topic, value=b"after")
    producer.close()
    messages = take_all(SharedConsumer(connection), topic, 0, 3)
    assert [one.value for one in messages] == [b"before", b"poison \xe9", b"after"]
    assert messages[1].headers == (("caf?", b"v"),)


class NotUtf8(str):  # noqa: SLOT000 - one instance
    """A header name whose bytes are Latin-1."""

    def encode(self, *_: object) -> bytes:
        return super().encode("latin-1")


def test_marker_of_a_transaction_at_the_end_leaves_no_lag(connection: KafkaConnection, admin: KafkaAdminClient, topic: str) -> None:
    create(admin, topic)
    producer = KafkaProducer(bootstrap_servers=connection.bootstrap_servers, transactional_id=topic)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, value=b"only")
    producer.commit_transaction()
    producer.close()
    # The marker takes offset 1.
    assert [one.value for one in take_all(SharedConsumer(connection), topic, 0, 2)] == [b"only"]
    assert [one.value for one in read_to_end(connection, ReadingPlan(topics=(topic,)))] == [b"only"]


@pytest.mark.parametrize("offset", [0, 99])
def test_offset_that_the_broker_does_not_have_is_marked_lost(
    connection: KafkaConnection, admin: KafkaAdminClient, topic: str, offset: int
) -> None:
    create(admin, topic)
    send(connection, topic, 10)
    admin.delete_records({TopicPartition(topic, 0): 5})
    consumer = SharedConsumer(connection)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not consumer.take(topic, 0, offset).is_lost and time.monotonic() < deadline:
        pass
    assert consumer.take(topic, 0, 5).is_lost is False
    assert consumer.find_earliest(topic, 0) == 5
    assert len(take_all(consumer, topic, 5, 10)) == 5


def test_reading_behind_what_retention_left_says_so(connection: KafkaConnection, admin: KafkaAdminClient, topic: str) -> None:
    create(admin, topic)
    send(connection, topic, 10)
    admin.delete_records({TopicPartition(topic, 0): 5})
    with pytest.raises(BrokerUnreachableError, match="OffsetOutOfRange"):
        list(read_to_end(connection, ReadingPlan(topics=(topic,)), {f"{topic}/0": 0}))


def test_cold_start_begins_where_the_plan_says(connection: KafkaConnection, admin: KafkaAdminClient, topic: str) -> None:
    create(admin, topic)
    send(connection, topic, 3, timestamp_milliseconds=1_700_000_000_000)
    send(connection, topic, 4, timestamp_milliseconds=1_700_000_100_000)
    admin.delete_records({TopicPartition(topic, 0): 1})
    key = f"{topic}/0"
    OffsetCommitter(connection, topic).commit(key, 5, "identity")
    wait_for_commit(admin, topic)

    def begin(start: Start, *, is_cold: bool = True) -> int:
        at = datetime.fromtimestamp(1_700_000_050, UTC)
        return find_start_offsets(admin, [key], ReadingPlan(topics=(topic,), start=start, start_at=at, group=topic), is_cold=is_cold)[key]

    assert [begin(start) for start in (Start.EARLIEST, Start.LATEST, Start.TIMESTAMP, Start.GROUP)] == [1, 7, 3, 5]
    assert begin(Start.LATEST, is_cold=False) == 1


def wait_for_commit(admin: KafkaAdminClient, group: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        # The first group makes the broker create the topic of all groups' offsets, which takes a while.
        with contextlib.suppress(RetriableError):
            if admin.list_group_offsets([group])[group]:
                return
        time.sleep(0.1)


def test_topic_that_is_made_anew_has_another_identity(admin: KafkaAdminClient, topic: str) -> None:
    create(admin, topic)
    plan = ReadingPlan(topics=(topic, f"{topic}.absent"))
    before = list_partitions(admin, plan)
    admin.delete_topics([topic])
    deadline = time.monotonic() + DEADLINE_SECONDS
    while topic in admin.list_topics() and time.monotonic() < deadline:
        time.sleep(0.1)
    create(admin, topic)
    after = list_partitions(admin, plan)
    assert before.partitions.keys() == after.partitions.keys() == {f"{topic}/0"}
    assert before.partitions != after.partitions
    assert after.missing == (f"{topic}.absent",)


def test_subscriber_gets_what_comes_later_also_from_new_topics(connection: KafkaConnection, admin: KafkaAdminClient, topic: str) -> None:
    create(admin, f"{topic}.one")
    subscription = subscribe(connection, ReadingPlan(pattern=f"{topic}\\..*", start=Start.LATEST, list_seconds=0.2))
    assert next(subscription) is None
    send(connection, f"{topic}.one", 1)
    create(admin, f"{topic}.two")
    send(connection, f"{topic}.two", 1)
    found: set[str] = set()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(found) < 2 and time.monotonic() < deadline:
        found |= {one.position.topic for one in [next(subscription)] if one is not None}
    subscription.close()
    assert found == {f"{topic}.one", f"{topic}.two"}


def test_waiting_for_a_broker_that_is_away_gives_up_and_says_where() -> None:
    lines: list[str] = []
    with pytest.raises(BrokerUnreachableError, match=r"127\.0\.0\.1:9: .* gave up after"):
        wait_for_broker(KafkaConnection(bootstrap_servers="127.0.0.1:9"), 2.5, lines.append, report_every_seconds=0.1)
    assert lines
    assert "127.0.0.1:9" in lines[0]

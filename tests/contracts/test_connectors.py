"""What every connector promises: memory, files and the real broker pass the same tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from connectors.files import FileTopics
from connectors.kafka.connection import KafkaConnection, open_admin
from connectors.kafka.fit_message import WritingPlan
from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.produce import DeliveryFailedError
from connectors.kafka.subscribe import read_to_end
from connectors.kafka.write import send_all
from connectors.memory import MemoryTopics, RefusedMessageError
from transforms.records import OutgoingMessage, RawMessage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Connector(Protocol):
    """What the tests need of a connector."""

    errors: tuple[type[Exception], ...]

    def create(self, topic: str, partitions: int) -> None: ...
    def grow(self, topic: str, partitions: int) -> None: ...
    def write(self, messages: Iterable[OutgoingMessage]) -> None: ...
    def read(self, topic: str, positions: dict[str, int] | None = None) -> list[RawMessage]: ...


class MemoryConnector:
    errors = (RefusedMessageError,)

    def __init__(self) -> None:
        self.topics = MemoryTopics({})

    def create(self, topic: str, partitions: int) -> None:
        self.topics.create(topic, partitions)

    grow = create

    def write(self, messages: Iterable[OutgoingMessage]) -> None:
        for message in messages:
            self.topics.append(message)

    def read(self, topic: str, positions: dict[str, int] | None = None) -> list[RawMessage]:
        return self.topics.read([topic], positions)


class FileConnector:
    errors = (OSError,)

    def __init__(self, folder: Path) -> None:
        self.topics = FileTopics(folder)

    def create(self, topic: str, partitions: int) -> None:
        self.topics.create(topic, partitions)

    grow = create

    def write(self, messages: Iterable[OutgoingMessage]) -> None:
        for message in messages:
            self.topics.append(message)

    def read(self, topic: str, positions: dict[str, int] | None = None) -> list[RawMessage]:
        return list(self.topics.read([topic], positions))


class KafkaConnector:
    errors = (DeliveryFailedError,)

    def __init__(self, address: str) -> None:
        self.connection = KafkaConnection(bootstrap_servers=address)
        self.plan = WritingPlan()

    def create(self, topic: str, partitions: int) -> None:
        admin = open_admin(self.connection)
        admin.create_topics({topic: {"num_partitions": partitions}}, wait_for_metadata=True)
        admin.close()

    def grow(self, topic: str, partitions: int) -> None:
        admin = open_admin(self.connection)
        admin.create_partitions({topic: partitions})
        admin.wait_for_topics([topic])
        admin.close()
        # Another plan, another producer: the one before hears of new partitions within five minutes only.
        self.plan = WritingPlan(timeout_seconds=59)

    def write(self, messages: Iterable[OutgoingMessage]) -> None:
        send_all(self.connection, messages, self.plan)

    def read(self, topic: str, positions: dict[str, int] | None = None) -> list[RawMessage]:
        return list(read_to_end(self.connection, ReadingPlan(topics=(topic,)), positions))


@pytest.fixture(params=["memory", "files", "kafka"])
def connector(request: pytest.FixtureRequest, tmp_path: Path) -> Connector:
    if request.param == "memory":
        return MemoryConnector()
    if request.param == "files":
        return FileConnector(tmp_path)
    return KafkaConnector(request.getfixturevalue("broker"))


def message(topic: str, key: bytes | None = b"key", value: bytes | None = b"value", **fields: object) -> OutgoingMessage:
    return OutgoingMessage(topic=topic, key=key, value=value, **fields)


def test_messages_of_a_key_stay_in_order(connector: Connector, topic: str) -> None:
    connector.create(topic, 3)
    connector.write(message(topic, key=b"key %d" % (number % 31), value=b"%d" % number) for number in range(700))
    read = connector.read(topic)
    for key in {one.key for one in read}:
        numbers = [int(one.value or b"") for one in read if one.key == key]
        assert numbers == sorted(numbers)
    assert len(read) == 700
    assert {one.position.partition for one in read} == {0, 1, 2}


def test_offsets_of_a_partition_count_from_zero_without_gaps(connector: Connector, topic: str) -> None:
    connector.create(topic, 2)
    connector.write(message(topic, key=b"%d" % number) for number in range(50))
    for partition in (0, 1):
        offsets = [one.position.offset for one in connector.read(topic) if one.position.partition == partition]
        assert offsets == list(range(len(offsets)))


def test_bytes_are_kept_exactly(connector: Connector, topic: str) -> None:
    connector.create(topic, 1)
    value = bytes(range(256)) + b'\xef\xbb\xbf{"a": "\xed\xa0\x80"}\r\n\x00'
    connector.write([message(topic, key=b"\x00\xff\n", value=value)])
    (read,) = connector.read(topic)
    assert (read.key, read.value) == (b"\x00\xff\n", value)


def test_headers_and_timestamp_are_kept(connector: Connector, topic: str) -> None:
    connector.create(topic, 1)
    headers = (("reason", b"bad"), ("reason", b"\xff\x00"), ("भाषा", b""))
    connector.write([message(topic, headers=headers, timestamp_milliseconds=1_700_000_000_123)])
    (read,) = connector.read(topic)
    assert (read.headers, read.timestamp_milliseconds) == (headers, 1_700_000_000_123)


def test_message_without_timestamp_gets_the_time_of_writing(connector: Connector, topic: str) -> None:
    connector.create(topic, 1)
    connector.write([message(topic)])
    (read,) = connector.read(topic)
    assert read.timestamp_milliseconds > 1_700_000_000_000


@pytest.mark.parametrize(("key", "value"), [(b"key", None), (None, b"value"), (b"", b"")])
def test_nothing_and_empty_stay_apart(connector: Connector, topic: str, key: bytes | None, value: bytes | None) -> None:
    connector.create(topic, 1)
    connector.write([message(topic, key=key, value=value)])
    (read,) = connector.read(topic)
    assert (read.key, read.value) == (key, value)


def test_message_of_a_million_bytes_passes_among_small_ones(connector: Connector, topic: str) -> None:
    connector.create(topic, 1)
    large = b"x" * 999_000
    connector.write([message(topic), message(topic, value=large), message(topic)])
    assert [one.value for one in connector.read(topic)] == [b"value", large, b"value"]


def test_writing_to_a_topic_that_does_not_exist_is_an_error(connector: Connector, topic: str) -> None:
    with pytest.raises(connector.errors, match=topic.replace(".", r"\.")):
        connector.write([message(topic)])


def test_reading_goes_on_from_a_position_and_reads_each_once(connector: Connector, topic: str) -> None:
    connector.create(topic, 2)
    connector.write(message(topic, key=b"%d" % number) for number in range(100))
    everything = connector.read(topic)
    positions = {f"{topic}/{number}": 10 for number in (0, 1)}
    first = [one for one in everything if one.position.offset < 10]
    assert sorted(one.position for one in [*first, *connector.read(topic, positions)]) == sorted(one.position for one in everything)


def test_partition_that_is_added_is_read_from_its_beginning(connector: Connector, topic: str) -> None:
    connector.create(topic, 1)
    connector.write([message(topic)])
    connector.grow(topic, 4)
    connector.write(message(topic, key=b"%d" % number) for number in range(200))
    read = connector.read(topic, {f"{topic}/0": 1})
    assert len(read) == 200
    assert {one.position.partition for one in read if one.position.offset == 0} == {1, 2, 3}

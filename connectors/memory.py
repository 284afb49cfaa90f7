"""Topics in this process's memory, with the broker's behaviour: for tests of the flow on bounded input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam

from connectors.appended import choose_partition, record_at
from transforms import coding  # noqa: F401 - registers the coders of the records
from transforms.records import OutgoingMessage, Position, RawMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT_BYTES = 1_048_588


class RefusedMessageError(Exception):
    """A message that a broker would refuse; the text says why."""


class MemoryTopics:
    """Topics by name, each a list of partitions, each a list of messages."""

    def __init__(self, partitions: dict[str, int]) -> None:
        self._topics: dict[str, list[list[RawMessage]]] = {}
        for topic, count in partitions.items():
            self.create(topic, count)

    def create(self, topic: str, partitions: int) -> None:
        """Makes a topic, or grows it to that many partitions."""
        numbered = self._topics.setdefault(topic, [])
        numbered.extend([] for _ in range(partitions - len(numbered)))

    def append(self, message: OutgoingMessage) -> Position:
        """Appends a message to the partition of its key (without a key: the first) and returns where it stands.

        Raises:
            RefusedMessageError: when there is no such topic, or the message is larger than a broker takes.
        """
        if message.topic not in self._topics:
            raise RefusedMessageError(f"there is no topic {message.topic}; there are {sorted(self._topics)}")
        size = len(message.key or b"") + len(message.value or b"")
        if size > LIMIT_BYTES:
            raise RefusedMessageError(f"{message.topic}: a message of {size} bytes; the limit is {LIMIT_BYTES}")
        partitions = self._topics[message.topic]
        number = choose_partition(message.key, len(partitions))
        position = Position(message.topic, number, len(partitions[number]))
        partitions[number].append(record_at(message, position))
        return position

    def read(self, topics: Iterable[str], positions: dict[str, int] | None = None) -> list[RawMessage]:
        """Returns all messages from `positions` (`topic/partition` to offset, else the start) to the end, partition by partition."""
        starts = positions or {}
        return [
            message
            for topic in topics
            for number, messages in enumerate(self._topics[topic])
            for message in messages[starts.get(f"{topic}/{number}", 0) :]
        ]


# A DoFn is pickled on its way to the worker, which runs in this process: it finds the topics here again.
_named: dict[str, MemoryTopics] = {}


def open_memory(name: str, partitions: dict[str, int]) -> MemoryTopics:
    """Makes topics that ReadFromMemory and WriteToMemory find by `name`; topics of that name before are gone."""
    _named[name] = MemoryTopics(partitions)
    return _named[name]


class ReadFromMemory(beam.PTransform):
    """Begin -> RawMessage, bounded: what the topics hold when the pipeline is built."""

    def __init__(self, name: str, topics: Iterable[str]) -> None:
        super().__init__()
        self._messages = _named[name].read(topics)

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[RawMessage]:
        return begin | "Messages" >> beam.Create(self._messages, reshuffle=False).with_output_types(RawMessage)


class WriteToMemory(beam.PTransform):
    """OutgoingMessage -> nothing; a refused message fails the pipeline."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def expand(self, messages: beam.PCollection[OutgoingMessage]) -> beam.PCollection[Position]:
        return messages | "Append" >> beam.Map(append_message, self._name).with_output_types(Position)


def append_message(message: OutgoingMessage, name: str) -> Position:
    """Appends to the topics of that name; see MemoryTopics.append for what is refused."""
    return _named[name].append(message)

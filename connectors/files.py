"""Topics as files: `FOLDER/TOPIC/PARTITION.jsonl`, one message a line; and plain JSON lines as people have them.

A message's line is its record as JSON, bytes in base64. A document's line is the value of a message.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import apache_beam as beam
import msgspec

from connectors.appended import choose_partition, record_at
from transforms import coding  # noqa: F401 - registers the coders of the records
from transforms.records import OutgoingMessage, Position, RawMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class UnreadableFileError(Exception):
    """A file that is not what it should be; the text names the file, the line and the fix."""


class FileTopics:
    """Topics in a folder. One process writes; others may read meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, topic: str, partitions: int) -> None:
        """Makes a topic, or grows it to that many partitions."""
        (self._folder / topic).mkdir(parents=True, exist_ok=True)
        for number in range(partitions):
            self._file(topic, number).touch()

    def append(self, message: OutgoingMessage) -> Position:
        """Appends a message to the partition of its key (without a key: the first) and returns where it stands.

        Raises:
            OSError: when there is no such topic, or it cannot be written.
        """
        count = self.count_partitions(message.topic)
        if not count:
            raise FileNotFoundError(f"{self._folder / message.topic} is no topic; FileTopics.create makes it")
        number = choose_partition(message.key, count)
        file = self._file(message.topic, number)
        with file.open("rb+") as stream:
            position = Position(message.topic, number, sum(1 for _ in stream))
            record = record_at(message, position)
            stream.write(msgspec.json.encode(record) + b"\n")
        return position

    def count_partitions(self, topic: str) -> int:
        return len(list((self._folder / topic).glob("*.jsonl")))

    def read(self, topics: Iterable[str], positions: dict[str, int] | None = None) -> Iterator[RawMessage]:
        """Yields all messages from `positions` (`topic/partition` to offset, else the start) to the end, partition by partition.

        Raises:
            UnreadableFileError: when a line is no message.
        """
        starts = positions or {}
        for topic in topics:
            for number in range(self.count_partitions(topic)):
                start = starts.get(f"{topic}/{number}", 0)
                yield from (message for message in read_messages(self._file(topic, number)) if message.position.offset >= start)

    def _file(self, topic: str, number: int) -> Path:
        return self._folder / topic / f"{number}.jsonl"


def read_messages(file: Path) -> Iterator[RawMessage]:
    """Yields the messages of a file.

    Raises:
        UnreadableFileError: when a line is no message.
    """
    decoder = msgspec.json.Decoder(RawMessage)
    for number, line in _read_lines(file):
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError as error:
            raise UnreadableFileError(f"{file}, line {number + 1}: {error}; expected a message as written by FileTopics") from error


def read_documents(files: Iterable[Path], topic: str) -> Iterator[RawMessage]:
    """Yields each line as a message of `topic`, partition = number of the file, offset = number of the line; empty lines are passed over.

    Raises:
        UnreadableFileError: when a file cannot be read.
    """
    for partition, file in enumerate(files):
        for number, line in _read_lines(file):
            value = line.rstrip(b"\r\n")
            if value:
                yield RawMessage(
                    position=Position(topic, partition, number), timestamp_milliseconds=time.time_ns() // 1_000_000, key=None, value=value
                )


def _read_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with file.open("rb") as stream:
            yield from enumerate(stream)
    except OSError as error:
        raise UnreadableFileError(f"{file}: {error.strerror}; give a readable file of JSON lines") from error


class ReadFromFiles(beam.PTransform):
    """Begin -> RawMessage, bounded: what the topics hold when the pipeline runs."""

    def __init__(self, folder: Path, topics: Iterable[str]) -> None:
        super().__init__()
        self._folder = str(folder)
        self._topics = list(topics)

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[RawMessage]:
        return (
            begin
            | "Topics" >> beam.Create(self._topics, reshuffle=False)
            | "Messages" >> beam.FlatMap(read_topic, self._folder).with_output_types(RawMessage)
        )


class WriteToFiles(beam.PTransform):
    """OutgoingMessage -> where it stands; a message that cannot be written fails the pipeline."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = str(folder)

    def expand(self, messages: beam.PCollection[OutgoingMessage]) -> beam.PCollection[Position]:
        return messages | "Append" >> beam.Map(append_message, self._folder).with_output_types(Position)


def read_topic(topic: str, folder: str) -> Iterator[RawMessage]:
    """Yields the messages of a topic; see FileTopics.read."""
    return FileTopics(Path(folder)).read([topic])


def append_message(message: OutgoingMessage, folder: str) -> Position:
    """Appends to a topic of the folder; see FileTopics.append."""
    return FileTopics(Path(folder)).append(message)

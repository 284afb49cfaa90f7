"""`openweight feed`: lines of files become messages of a news topic, as they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event
from typing import BinaryIO

import msgspec
from rich.progress import Progress

from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.subscribe import partition_offsets
from connectors.kafka.write import DeliveryFailedError, send_all
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.open_input import open_input, size_bytes
from pipeline.running import with_broker
from pipeline.settings import Settings
from pipeline.terminal import console
from transforms.records import OutgoingMessage


def feed_files(settings: Settings, files: list[Path], topic: str, rate: float) -> ExitCode:
    """Sends every line that is not empty; a line that is no JSON is sent too, since producers do the same."""
    settings = with_broker(settings)
    topic = topic or next(iter(settings.reading.topics), "")
    if not topic:
        print("openweight feed: reading.topics is empty; name a topic with --topic", file=sys.stderr)
        return ExitCode.USAGE
    try:
        streams = [open_input(file) for file in files]
    except OSError as error:
        print(f"openweight feed: {error.filename}: {error.strerror}", file=sys.stderr)
        return ExitCode.USAGE
    connection = kafka_connection(settings)
    if not partition_offsets(connection, ReadingPlan(topics=(topic,)))[0]:
        print(
            f"openweight feed: topic {topic} does not exist on {connection.bootstrap_servers}; openweight topics --create", file=sys.stderr
        )
        return ExitCode.USAGE
    progress = console(to_error_output=True)
    try:
        with Progress(console=progress, transient=True, disable=not progress.is_terminal) as shown:
            task = shown.add_task("feeding", total=sum(map(size_bytes, streams)) or None)
            lines = (line for stream in streams for line in read_lines(stream, lambda count: shown.advance(task, count)))
            counts = send_all(connection, as_messages(lines, topic, settings), rate_per_second=rate)
    except DeliveryFailedError as error:
        print(f"openweight feed: {error}", file=sys.stderr)
        return ExitCode.BROKER_AWAY
    progress.print(f"{sum(counts.values())} messages to {topic} on {connection.bootstrap_servers}")
    return ExitCode.DONE


def feed_samples(settings: Settings, file: Path, rate: float, should_stop: Event) -> None:
    """Feeds the sample articles when the news topic is still empty: a second run shows what the first one found."""
    topic, connection = settings.reading.topics[0], kafka_connection(settings)
    _, ends = partition_offsets(connection, ReadingPlan(topics=(topic,)))
    if any(ends.values()):
        console(to_error_output=True).print(f"the sample articles are in {topic} already; what was found is shown again")
        return
    with file.open("rb") as stream:
        messages = as_messages(read_lines(stream), topic, settings)
        send_all(connection, (message for message in messages if not should_stop.is_set()), rate_per_second=rate)
    console(to_error_output=True).print(f"all sample articles are in {topic}; `openweight feed FILE` sends more")


def read_lines(stream: BinaryIO, advance: Callable[[int], object] = lambda _: None) -> Iterator[bytes]:
    """The lines that are not empty, without their ends; `advance` is told how many bytes each took."""
    for line in stream:
        if line.strip():
            yield line.rstrip(b"\r\n")
        advance(len(line))


def as_messages(lines: Iterable[bytes], topic: str, settings: Settings) -> Iterator[OutgoingMessage]:
    """One message for each line, keyed by url or id where the line has one."""
    for line in lines:
        yield OutgoingMessage(topic=topic, key=_key(line, settings), value=line)


def _key(line: bytes, settings: Settings) -> bytes | None:
    try:
        article = msgspec.json.decode(line, type=dict)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    for name in (settings.fields.url, settings.fields.id):
        if isinstance(value := article.get(name), str) and value:
            return value.encode("utf-8", "replace")
    return None

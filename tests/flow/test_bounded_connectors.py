"""Memory and files as source and sink of a pipeline on bounded input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline

from connectors.files import FileTopics, ReadFromFiles, UnreadableFileError, WriteToFiles, read_documents
from connectors.memory import ReadFromMemory, WriteToMemory, open_memory
from transforms.records import OutgoingMessage, Position, RawMessage

if TYPE_CHECKING:
    from pathlib import Path


def answer(message: RawMessage) -> OutgoingMessage:
    return OutgoingMessage(topic="out", key=message.key, value=(message.value or b"").upper(), headers=message.headers)


def test_memory_carries_messages_through_a_pipeline() -> None:
    topics = open_memory("flow", {"in": 2, "out": 1})
    for number in range(5):
        topics.append(OutgoingMessage(topic="in", key=b"%d" % number, value=b"a\xff", headers=(("h", b"x"),)))
    with TestPipeline() as pipeline:
        pipeline | ReadFromMemory("flow", ["in"]) | beam.Map(answer).with_output_types(OutgoingMessage) | WriteToMemory("flow")
    written = topics.read(["out"])
    assert sorted(one.key or b"" for one in written) == [b"0", b"1", b"2", b"3", b"4"]
    assert {(one.value, one.headers) for one in written} == {(b"A\xff", (("h", b"x"),))}


def test_message_that_memory_refuses_fails_the_pipeline() -> None:
    topics = open_memory("refusing", {"in": 1})
    topics.append(OutgoingMessage(topic="in", key=b"k", value=b"v"))
    with pytest.raises(Exception, match="there is no topic out"), TestPipeline() as pipeline:
        pipeline | ReadFromMemory("refusing", ["in"]) | beam.Map(answer).with_output_types(OutgoingMessage) | WriteToMemory("refusing")


def test_files_carry_messages_through_a_pipeline(tmp_path: Path) -> None:
    topics = FileTopics(tmp_path)
    topics.create("in", 1)
    topics.create("out", 1)
    topics.append(OutgoingMessage(topic="in", key=b"k", value=b"a\n\xff", headers=(("h", b"x"),)))
    with TestPipeline() as pipeline:
        pipeline | ReadFromFiles(tmp_path, ["in"]) | beam.Map(answer).with_output_types(OutgoingMessage) | WriteToFiles(tmp_path)
    (written,) = topics.read(["out"])
    assert (written.key, written.value, written.headers) == (b"k", b"A\n\xff", (("h", b"x"),))


def test_documents_are_lines_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\n\n{"text": "\xff"}\r\n')
    messages = list(read_documents([tmp_path / "a.jsonl"], "files"))
    assert [(one.position, one.value) for one in messages] == [
        (Position("files", 0, 0), b'{"text": "one"}'),
        (Position("files", 0, 2), b'{"text": "\xff"}'),
    ]


def test_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"absent\.jsonl: No such file"):
        list(read_documents([tmp_path / "absent.jsonl"], "files"))


def test_line_that_is_no_message_is_named(tmp_path: Path) -> None:
    FileTopics(tmp_path).create("in", 1)
    (tmp_path / "in" / "0.jsonl").write_text("{}\n")
    with pytest.raises(UnreadableFileError, match=r"0\.jsonl, line 1: .*expected a message"):
        list(FileTopics(tmp_path).read(["in"]))

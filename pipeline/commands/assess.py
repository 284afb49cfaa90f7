"""`openweight assess`: JSON lines in, JSON lines out, no broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from rich.progress import wrap_file

from pipeline.assess import LightPath, assess_lines, raw_line
from pipeline.exit_codes import ExitCode
from pipeline.open_input import open_input, size_bytes
from pipeline.settings import Settings
from pipeline.terminal import console
from transforms.records import RawMessage


def assess_file(settings: Settings, file: Path) -> ExitCode:
    """Prints one line for each article as it is read; a line that is none becomes a line with outcome `rejected`."""
    progress = console(to_error_output=True)
    try:
        stream = open_input(file)
    except OSError as error:
        print(f"openweight assess: {file}: {error.strerror}", file=sys.stderr)
        return ExitCode.USAGE
    # On paper no throughput is at stake: the entity model reads every article.
    judgement = settings.judgement.model_copy(update={"entity_model_for": "all"})
    path = LightPath(settings.model_copy(update={"judgement": judgement}))
    total = size_bytes(stream)
    is_hidden = not (progress.is_terminal and total)
    with wrap_file(stream, total, description="assessing", console=progress, transient=True, disable=is_hidden) as watched:
        for result in assess_lines(path, read_messages(watched, file)):
            sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
            sys.stdout.buffer.flush()
    return ExitCode.DONE


def read_messages(stream: BinaryIO, file: Path) -> Iterator[RawMessage]:
    """The articles of a file of JSON lines, or the one article of a .txt file; empty lines are passed over.

    Raises:
        OSError: the file cannot be read.
    """
    now = datetime.now(UTC)
    # A file's name may have bytes that are no UTF-8, which no record takes.
    name, stem = (text.encode("utf-8", "replace").decode() for text in (file.name, file.stem))
    if file.suffix == ".txt":
        article = {"id": stem, "text": stream.read().decode("utf-8-sig", errors="replace")}
        yield raw_line(name, 0, msgspec.json.encode(article), now)
        return
    for number, line in enumerate(stream):
        if line.strip():
            yield raw_line(name, number, line, now)

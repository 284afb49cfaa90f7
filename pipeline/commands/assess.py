"""`openweight assess`: JSON lines in, JSON lines out, no broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.progress import track

from pipeline.assess import LightPath, assess_lines, raw_line
from pipeline.exit_codes import ExitCode
from pipeline.settings import Settings
from pipeline.terminal import console
from transforms.records import RawMessage

STANDARD_INPUT = Path("-")


def assess_file(settings: Settings, file: Path) -> ExitCode:
    """Prints one line for each article; a line that is none becomes a line with outcome `rejected`."""
    try:
        messages = list(read_messages(file))
    except OSError as error:
        print(f"{file}: {error.strerror}", file=sys.stderr)
        return ExitCode.USAGE
    # On paper no throughput is at stake: the entity model reads every article.
    judgement = settings.judgement.model_copy(update={"entity_model_for": "all"})
    path = LightPath(settings.model_copy(update={"judgement": judgement}))
    results = assess_lines(path, messages)
    progress = console(to_error_output=True)
    for result in track(results, "assessing", total=len(messages), console=progress, transient=True, disable=not progress.is_terminal):
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()
    return ExitCode.DONE


def read_messages(file: Path) -> Iterator[RawMessage]:
    """The articles of a file of JSON lines, or the one article of a .txt file; empty lines are passed over.

    Raises:
        OSError: the file cannot be read.
    """
    now = datetime.now(UTC)
    if file.suffix == ".txt":
        article = {"id": file.stem, "text": file.read_text("utf-8", errors="replace")}
        yield raw_line(file.name, 0, msgspec.json.encode(article), now)
        return
    content = sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()
    for number, line in enumerate(content.split(b"\n")):
        if line.strip():
            yield raw_line(file.name, number, line, now)

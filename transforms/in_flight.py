"""The record that a worker is at, kept where the pool finds it: a record that ends its process is set aside at the third try.

A worker that dies or hangs cannot say why. So it notes each record before a stage works on it, in a file of its own that it maps into
memory (a microsecond); the pool, another process, reads there what a dead worker was at, and how long a living one is at it. Only the
stages' own work is noted: a worker that is killed while it reads, writes or waits leaves no suspect behind.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections import Counter
from pathlib import Path

import msgspec

from transforms.records import RawMessage

FOLDER_VARIABLE = "IN_FLIGHT_FOLDER"
SLOT_VARIABLE = "IN_FLIGHT_SLOT"
FILE_BYTES = 1024
# Seconds of the monotonic clock, which all processes of a machine share (0 while no record is being worked on), CPU seconds that the
# process had used by then, length of the text.
HEADER = struct.Struct("<ddH")
NOTHING = HEADER.pack(0.0, 0.0, 0)
SUSPECTS_FILE = "suspects.json"
SUSPECTS_KEPT = 1_000
# So many deaths of a process at the same record, and it is not tried again.
DEATHS_ALLOWED = 2


class Journal:
    """Of one worker; without a folder it notes nothing, as in tests and in commands that run the stages themselves."""

    def __init__(self, folder: Path | None, slot: str) -> None:
        self._folder = folder
        self._map: mmap.mmap | None = None
        self._read_at_nanoseconds = -1
        self.suspects: dict[str, int] = {}
        if folder is not None:
            with journal_file(folder, slot).open("w+b") as file:
                file.truncate(FILE_BYTES)
                self._map = mmap.mmap(file.fileno(), FILE_BYTES)

    def begin(self, raw: RawMessage, stage: str) -> int:
        """Notes that work on a record begins; returns how often it ended its process before, when that is too often, else 0."""
        if self._map is None:
            return 0
        name = name_record(raw)
        if self.suspects and self.suspects.get(name, 0) >= DEATHS_ALLOWED:
            return self.suspects[name]
        text = f"{name}\n{stage}".encode()[: FILE_BYTES - HEADER.size]
        self._map[HEADER.size : HEADER.size + len(text)] = text
        self._map[: HEADER.size] = HEADER.pack(time.monotonic(), time.process_time(), len(text))
        return 0

    def end(self) -> None:
        if self._map is not None:
            self._map[: HEADER.size] = NOTHING

    def look_up_suspects(self) -> None:
        """Reads the suspects when the pool has written them anew; call it once a bundle."""
        if self._folder is None:
            return
        file = self._folder / SUSPECTS_FILE
        try:
            written_at = file.stat().st_mtime_ns
        except OSError:
            return
        if written_at != self._read_at_nanoseconds:
            self._read_at_nanoseconds, self.suspects = written_at, read_suspects(self._folder)


class InFlight(msgspec.Struct, frozen=True):
    """What a worker is at, or was when it died."""

    record: str
    stage: str
    begun_at: float
    cpu_seconds_before: float


def name_record(raw: RawMessage) -> str:
    """A record by its place and time: a topic that is made anew counts its offsets from 0 again."""
    position = raw.position
    return f"{position.topic}/{position.partition}/{position.offset}/{raw.timestamp_milliseconds}"


def journal_file(folder: Path, slot: str) -> Path:
    return folder / f"worker-{slot}.in-flight"


def read_journal(file: Path) -> InFlight | None:
    """Returns None when no record is being worked on, or there is no such file."""
    try:
        content = file.read_bytes()
        begun_at, cpu_seconds_before, length = HEADER.unpack_from(content)
        record, _, stage = content[HEADER.size : HEADER.size + length].decode().partition("\n")
    except (OSError, struct.error, UnicodeDecodeError):
        return None
    return InFlight(record, stage, begun_at, cpu_seconds_before) if begun_at else None


def read_suspects(folder: Path) -> dict[str, int]:
    """The records at which a process died, with the number of its deaths."""
    try:
        return msgspec.json.decode((folder / SUSPECTS_FILE).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}


def note_death(folder: Path, slot: str) -> InFlight | None:
    """Counts a death against the record that the worker was at, and returns it; the pool alone calls this."""
    file = journal_file(folder, slot)
    found = read_journal(file)
    file.unlink(missing_ok=True)
    if found is None:
        return None
    deaths = Counter(read_suspects(folder))
    # Anew at the end: the oldest go first.
    count = deaths.pop(found.record, 0) + 1
    kept = [*deaths.items(), (found.record, count)][-SUSPECTS_KEPT:]
    fresh = folder / f"{SUSPECTS_FILE}.new"
    fresh.write_bytes(msgspec.json.encode(dict(kept)))
    fresh.replace(folder / SUSPECTS_FILE)
    return found


def open_journal() -> Journal:
    """The journal of this process, where the pool said it should be."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return Journal(Path(folder) if folder else None, os.environ.get(SLOT_VARIABLE, "1"))

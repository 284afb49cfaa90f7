"""What a worker was at when it died is found by the pool, and a record that ends workers is set aside at the third try."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.processes import wait_until
from pipeline.worker_pool import WorkerPool
from transforms import attempt
from transforms.in_flight import Journal, journal_file, note_death, read_journal, read_suspects
from transforms.records import Position, RawMessage

ROOT = Path(__file__).resolve().parents[2]
# What a worker does that never comes back from its first record.
STUCK = """
import time
from transforms.in_flight import open_journal
from transforms.records import Position, RawMessage
open_journal().begin(RawMessage(position=Position("news", 3, 14), timestamp_milliseconds=15, key=None, value=b""), "decode")
while True:
    pass
"""


def message(offset: int) -> RawMessage:
    return RawMessage(position=Position("news", 0, offset), timestamp_milliseconds=7, key=None, value=b"{}")


def test_only_the_record_being_worked_on_is_a_suspect(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "1")
    journal.begin(message(1), "decode")
    journal.end()
    assert note_death(tmp_path, "1") is None
    journal = Journal(tmp_path, "1")
    journal.begin(message(2), "detect_language")
    found = note_death(tmp_path, "1")
    assert found is not None
    assert (found.record, found.stage) == ("news/0/2/7", "detect_language")
    assert read_suspects(tmp_path) == {"news/0/2/7": 1}


def test_record_at_which_two_workers_died_is_refused_and_its_neighbours_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        Journal(tmp_path, "1").begin(message(1), "decode")
        note_death(tmp_path, "1")
    monkeypatch.setattr(attempt, "_journal", Journal(tmp_path, "1"))
    each = attempt._AttemptEach("decode", lambda raw: raw)  # noqa: SLF001 - the stage without a pipeline around it
    each.start_bundle()
    accepted = [each.process(message(offset))[0] for offset in (0, 2)]
    assert [one.position.offset for one in accepted] == [0, 2]
    rejected = each.process(message(1))[0].value
    assert (rejected.reason, rejected.position.offset, rejected.value) == ("ends_worker", 1, b"{}")
    assert read_journal(journal_file(tmp_path, "1")) is None


def test_torn_files_are_no_suspicion(tmp_path: Path) -> None:
    journal_file(tmp_path, "1").write_bytes(b"\x01")
    (tmp_path / "suspects.json").write_bytes(b'{"a":')
    assert note_death(tmp_path, "1") is None
    assert read_suspects(tmp_path) == {}


def test_hung_worker_is_killed_and_its_record_is_a_suspect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _command, **options: start([sys.executable, "-c", STUCK], cwd=ROOT, **options))
    pool = WorkerPool(tmp_path, tmp_path, 0, record_seconds=0.1)
    running = threading.Thread(target=pool.run)
    running.start()
    try:
        pool.carry_out(lambda: pool.start_worker("1-1", "127.0.0.1:1"))
        worker = pool.workers["1-1"].process
        assert wait_until(lambda: "1-1" not in pool.workers, 60)
        assert worker.returncode == -9
        assert read_suspects(tmp_path / "in-flight") == {"news/3/14/15": 1}
    finally:
        pool.stop()
        running.join(10)

"""The pool starts, reaps and ends workers, and keeps their output bounded."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline import worker_pool
from pipeline.processes import wait_until
from pipeline.worker_pool import WorkerPool, keep_output, remove_metrics_of_the_dead


def start_printing(script: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_output_beyond_a_pipe_is_kept_in_bounded_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "LOG_LIMIT_BYTES", 10_000)
    worker = start_printing("for n in range(20000): print('line', n)")
    keep_output(worker, tmp_path / "worker-1.log")
    assert worker.wait(10) == 0
    assert (tmp_path / "worker-1.log").read_text().splitlines()[-1] == "line 19999"
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 10_000 * (worker_pool.OLD_LOGS + 1)


def test_output_is_printed_as_well_where_it_leads_somewhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    worker_pool.printed.addHandler(caplog.handler)
    caplog.set_level("INFO")
    keep_output(start_printing("print('100 % of it')"), tmp_path / "worker-1.log")
    worker_pool.printed.removeHandler(caplog.handler)
    assert caplog.messages == ["worker-1: 100 % of it"]


def test_line_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    worker = start_printing("print('x' * 300_000, end='')")
    keep_output(worker, tmp_path / "worker-1.log")
    assert worker.wait(10) == 0
    assert max(map(len, (tmp_path / "worker-1.log").read_text().splitlines())) <= worker_pool.LINE_LIMIT_BYTES


def test_worker_goes_on_printing_when_its_output_cannot_be_kept(tmp_path: Path) -> None:
    worker = start_printing("for n in range(20000): print('line', n)")
    keep_output(worker, tmp_path / "no folder" / "worker-1.log")
    assert worker.wait(10) == 0


def test_metrics_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    of_dead, of_living = tmp_path / f"counter_{dead.pid}.db", tmp_path / f"counter_{os.getpid()}.db"
    of_dead.touch()
    of_living.touch()
    remove_metrics_of_the_dead(tmp_path)
    assert not of_dead.exists()
    assert of_living.exists()


def find_disk_full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("is_disk_full", [False, True])
def test_worker_that_dies_is_reaped_and_the_rest_end_with_the_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_disk_full: bool
) -> None:
    if is_disk_full:
        monkeypatch.setattr(worker_pool.in_flight, "note_death", find_disk_full)
    idle = [sys.executable, "-c", "import time; time.sleep(300)"]
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _command, **options: start(idle, **options))
    pool = WorkerPool(tmp_path, tmp_path, 0)
    running = threading.Thread(target=pool.run)
    running.start()
    for worker_id in ("1-1", "2-1"):
        pool.carry_out(lambda worker_id=worker_id: pool.start_worker(worker_id, "127.0.0.1:1"))  # type: ignore[misc]
    first, second = pool.workers["1-1"].process, pool.workers["2-1"].process
    gauge = tmp_path / f"gauge_mostrecent_{first.pid}.db"
    gauge.touch()
    first.kill()
    assert wait_until(lambda: "1-1" not in pool.workers, 10)
    pool.stop()
    running.join(10)
    assert second.returncode is not None
    assert not gauge.exists()


def test_failed_order_is_raised_to_whoever_gave_it(tmp_path: Path) -> None:
    pool = WorkerPool(tmp_path, tmp_path, 0)
    running = threading.Thread(target=pool.run)
    running.start()
    with pytest.raises(ZeroDivisionError):
        pool.carry_out(lambda: [][1 // 0])
    pool.stop()
    running.join(10)
    assert not running.is_alive()

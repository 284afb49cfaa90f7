"""Processes are found again by identity, and ended."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pipeline.processes import ChildProcess, ProcessIdentity, end_leftovers, identify, is_alive, read_tail, wait_until
from pipeline.start_failure import StartFailure

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]


def write_pid_file(state_folder: Path, name: str, identity: ProcessIdentity) -> Path:
    file = state_folder / "run" / f"{name}.pid"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.encode(identity))
    return file


def test_leftover_of_a_killed_run_is_ended(tmp_path: Path) -> None:
    child = subprocess.Popen(SLEEP)
    identity = identify(child.pid)
    assert identity is not None
    file = write_pid_file(tmp_path, "pool", identity)
    assert end_leftovers(tmp_path, ["pool", "broker"]) == ["pool"]
    assert child.wait(10) != 0
    assert not file.exists()


def test_process_that_was_given_the_pid_of_a_dead_one_is_left_alone(tmp_path: Path) -> None:
    child = subprocess.Popen(SLEEP)
    identity = identify(child.pid)
    assert identity is not None
    try:
        write_pid_file(tmp_path, "pool", msgspec.structs.replace(identity, started_ticks=identity.started_ticks - 1))
        assert end_leftovers(tmp_path, ["pool"]) == []
        assert is_alive(identity)
    finally:
        child.kill()
        child.wait()


def test_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = identify(child.pid)
    assert identity is not None
    child.kill()
    pidfd_wait(child.pid)
    assert not is_alive(identity)
    child.communicate()


def pidfd_wait(pid: int) -> None:
    """Wait for the end of a process without reaping it."""
    import os  # noqa: PLC0415 - used here alone

    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_torn_pid_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "pool.pid").write_text('{"pid": 1')
    assert end_leftovers(tmp_path, ["pool"]) == []


def test_process_that_ends_before_it_answers_is_refused_with_its_last_words(tmp_path: Path) -> None:
    child = ChildProcess("pool", [sys.executable, "-c", "raise SystemExit('port 1 is taken')"], tmp_path, lambda: False)
    child.start()
    with pytest.raises(StartFailure, match=r"pool ended with 1(.|\n)*port 1 is taken"):
        child.wait_ready()


def test_ended_child_leaves_no_pid_file(tmp_path: Path) -> None:
    child = ChildProcess("pool", SLEEP, tmp_path, lambda: True)
    child.start()
    assert child.pid_file.exists()
    child.end()
    assert child.exit_code is not None
    assert not child.pid_file.exists()


def test_scratch_folder_is_emptied_at_each_start(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "left-by-a-kill"
    left.mkdir(parents=True)
    child = ChildProcess("pool", SLEEP, tmp_path, lambda: True, scratch_folder=tmp_path / "scratch")
    child.start()
    child.end()
    assert not left.exists()


def test_temporary_files_of_a_child_are_made_in_its_scratch_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import tempfile; tempfile.mkdtemp(prefix='left-')"]
    child = ChildProcess("submission", command, tmp_path, lambda: True, scratch_folder=tmp_path / "scratch")
    child.start()
    assert wait_until(lambda: child.exit_code == 0, 60)
    assert [path.name[:5] for path in (tmp_path / "scratch").iterdir()] == ["left-"]


def test_tail_of_a_large_file_is_its_end(tmp_path: Path) -> None:
    file = tmp_path / "big.log"
    file.write_text("\n".join(f"line {number}" for number in range(10_000)))
    assert read_tail(file)[-1] == "line 9999"
    assert len(read_tail(file)) < 1000

"""Faults of the state: torn and missing checkpoints, a full disk, bad settings; and how to look at a run from outside."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench import RECOVERY_SECONDS, Bench, Result, Run, progress

from pipeline.exit_codes import ExitCode
from pipeline.flink_rest import FlinkAway, FlinkRest
from pipeline.restore_points import FORMAT_FILE, METADATA, STATE_FORMAT, list_candidates

FULL_SECONDS = 15
STAYS_FULL_SECONDS = 3
SCRAPES = 200


def cut_to_two_bytes(checkpoint: Path) -> None:
    os.truncate(checkpoint / METADATA, 2)


def cut_in_half(checkpoint: Path) -> None:
    os.truncate(checkpoint / METADATA, (checkpoint / METADATA).stat().st_size // 2)


def take_away(checkpoint: Path) -> None:
    shutil.rmtree(checkpoint)


def tear_checkpoint(bench: Bench, _end_at: float) -> Result:
    """F9: everything is killed, the newest checkpoint spoiled: it goes on from the one before and says so."""
    result = Result("F9 newest checkpoint torn or missing")
    for spoil in (cut_to_two_bytes, cut_in_half, take_away):
        spoil_newest(bench, result, spoil)
        bench.close_books(result)
    return result


def spoil_newest(bench: Bench, result: Result, spoil: Callable[[Path], None]) -> None:
    bench.feed_backlog(600)
    bench.wait_for_flow()
    # The first checkpoints of a run stand beside those of the one before.
    bench.run.wait_for(lambda: len(points(bench.run)) > 1, "two checkpoints", RECOVERY_SECONDS)
    kill_all(bench.run)
    newest, before = points(bench.run)[:2]
    spoil(newest)
    begun = time.monotonic()
    bench.run.start()
    result.recoveries.append(time.monotonic() - begun)
    result.runs += 1
    said = bench.run.read_output().replace("\n", "")
    result.require(f"resumed from {before}" in said, f"{spoil.__name__}: it did not go on from {before.name}: {bench.run.last_lines(8)}")
    if spoil is not take_away:
        says = "passed over" in said or "trying the one before" in said
        result.require(says, f"{spoil.__name__}: it does not say that {newest.name} was torn")
    progress.print(f"  {spoil.__name__}: running after {result.recoveries[-1]:.1f} s")


def points(run: Run) -> list[Path]:
    """The complete ones, newest first; those that are being written just now are passed over in silence."""
    engine = run.state_folder / "engine"
    complete = [one for one in list_candidates(engine / "checkpoints", engine / "savepoints") if (one / METADATA).exists()]
    return sorted(complete, key=lambda one: (one / METADATA).stat().st_mtime_ns, reverse=True)


def kill_all(run: Run) -> None:
    """As a power cut: nothing of the run has the time to do anything."""
    assert run.process is not None
    pids = [run.process.pid, *(pid for name in ("pool", "worker", "taskmanager", "jobmanager") if (pid := run.pid_of(name)))]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    run.process.wait()
    run.call("stop")


def give_unknown_format(bench: Bench, _end_at: float) -> Result:
    """F19 on the state: that of an unknown major version is refused with the way out, and left as it was."""
    result = Result("F19 state of an unknown version", runs=1)
    bench.feed_backlog(400)
    bench.wait_for_flow()
    result.require(bench.run.stop() == 0, "it does not stop in order")
    format_file = bench.run.state_folder / "engine" / "checkpoints" / FORMAT_FILE
    before = points(bench.run)
    format_file.write_text(f"{STATE_FORMAT + 1}\n")
    try:
        answer = bench.run.call("run")
    finally:
        format_file.write_text(f"{STATE_FORMAT}\n")
    result.require(answer.returncode == ExitCode.ENGINE_FAILED, f"it ended with {answer.returncode}: {answer.stderr[-300:]}")
    said = answer.stderr.replace("\n", "")
    for word in (f"format '{STATE_FORMAT + 1}'", "Run the version that wrote it", "--fresh"):
        result.require(word in said, f"the refusal does not say {word}: {said[-400:]}")
    result.require(points(bench.run) == before, "the state was touched")
    begun = time.monotonic()
    bench.run.start()
    result.recoveries.append(time.monotonic() - begun)
    result.require("resumed from" in bench.run.read_output(), "afterwards it did not go on from its state")
    bench.close_books(result)
    return result


def fill_checkpoint_disk(bench: Bench, _end_at: float) -> Result:
    """F8 on the checkpoints' folder: no checkpoint, so nothing is committed; after room is made it goes on, nothing torn."""
    result = Result("F8 disk full, the checkpoints", runs=1)
    bench.feed_backlog(400)
    bench.wait_for_flow()
    filler = fill_up(bench.run.state_folder / "engine" / "checkpoints")
    try:
        time.sleep(FULL_SECONDS)
        committed = bench.committed()
        bench.feed_backlog(100)
        time.sleep(FULL_SECONDS)
        result.require(bench.committed() == committed, "offsets were committed without a checkpoint")
        result.require(bench.run.process is not None and bench.run.process.poll() is None, "the run ended")
        result.require(count_failures(bench.run) > 0, "neither a failed checkpoint nor a restart tells of the full disk")
    finally:
        filler.unlink()
    result.recoveries.append(
        bench.run.wait_for(lambda: bench.committed() > committed, "a checkpoint after room was made", RECOVERY_SECONDS)
    )
    bench.close_books(result)
    return result


def count_failures(run: Run) -> int:
    rest = FlinkRest(run.addresses.flink)
    try:
        return sum(rest.count_restarts(job["jid"]) + rest.read_checkpoints(job["jid"]).failed_count for job in rest.list_jobs())
    except FlinkAway:
        return 0
    finally:
        rest.client.close()


def fill_up(folder: Path) -> Path:
    """Fills the disk to its last byte and keeps it so for a while: what was being written just now is deleted, and leaves room again."""
    filler = folder / "filler"
    size_bytes = 0
    full_since = time.monotonic()
    with filler.open("wb") as file:
        while time.monotonic() - full_since < STAYS_FULL_SECONDS:
            disk = os.statvfs(folder)
            free_bytes = disk.f_bavail * disk.f_frsize
            if free_bytes:
                full_since = time.monotonic()
                with contextlib.suppress(OSError):  # somebody else took of it meanwhile
                    os.posix_fallocate(file.fileno(), size_bytes, free_bytes)
                    size_bytes += free_bytes
            time.sleep(0.02)
    return filler


class SmallDisks:
    """Folders on file systems of their own in memory; only root can mount them."""

    def __init__(self) -> None:
        self.mounted: list[Path] = []

    def mount(self, folder: Path, megabytes: int) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return False
        self.mounted.append(folder)
        return True

    def unmount(self) -> None:
        for folder in self.mounted:
            subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


def give_bad_settings(bench: Bench, _end_at: float) -> Result:
    """F20: a start with bad settings names the key and leaves the job that runs alone."""
    result = Result("F20 bad settings, then good")
    job, restored = bench.run.restores()
    for key, value in (("READING__RECORDS_PER_POLL", "many"), ("ENGINE__PARALELISM", "2"), ("BROKER__PASSWORD", "canary-in-a-setting")):
        bench.run.environment[f"OPENWEIGHT_{key}"] = value
        try:
            answer = bench.run.call("run")
        finally:
            del bench.run.environment[f"OPENWEIGHT_{key}"]
        result.require(answer.returncode == ExitCode.USAGE, f"{key} = {value} ended with {answer.returncode}")
        result.require(f"OPENWEIGHT_{key}" in answer.stderr, f"the error does not name {key}: {answer.stderr[-300:]}")
        result.runs += 1
    result.require(bench.run.call("settings").returncode == 0, "good settings are refused")
    result.require(bench.run.restores() == (job, restored), "the old job was disturbed")
    bench.feed_backlog(50)
    bench.close_books(result)
    return result


def scrape_under_load(bench: Bench, _end_at: float) -> Result:
    """F23: nobody scrapes in all other faults; here many do, and the counters agree with the topics."""
    result = Result("F23 Prometheus away; scrapes under load")
    bench.feed_backlog(600)
    for _ in range(SCRAPES):
        result.require(read_metric(bench.run, "openweight_job_running") == 1, "no running job in the metrics")
        result.runs += 1
    bench.close_books(result)
    return result


def read_metric(run: Run, name: str) -> float:
    """The largest value of a metric over its labels; -1 when there is none."""
    with urllib.request.urlopen(f"http://{run.addresses.metrics}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return max((float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} "))), default=-1.0)


def read_logs(run: Run) -> str:
    """What all processes of a run have logged and printed."""
    files = [*(run.state_folder / "logs").glob("*.log*"), *(run.state_folder / "logs").glob("*.out"), run.output_file]
    return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

"""Hours at a high rate with kills mixed in: what memory, files and threads do, and that nothing is lost. make soak MINUTES=60

Feeds mixed articles at a steady rate, kills a process of the job now and then (at moments that the seed decides), and looks at every process
once a second. At the end: the slope of each over the second half, by least squares, and the books. Exit code 1 when something is lost, or
memory, files or threads of a process grow by more than the limits below.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from bench import Bench, Result, progress  # noqa: E402 - found by the path above
from end_in_order import end_in_order  # noqa: E402 - the same
from measure_processes import Sample, Sampler  # noqa: E402 - the same
from mixed_articles import mix_messages  # noqa: E402 - the same
from process_faults import kill  # noqa: E402 - the same
from rich.console import Console  # noqa: E402 - the same
from rich.table import Table  # noqa: E402 - the same
from run_openweight import feed  # noqa: E402 - the same

# A process that was killed begins anew: slopes are of those that lived, over so many samples at least.
LEAST_SAMPLES = 60
# Per hour. A heap that fills up to its limit grows for a while; half a percent of 1.6 GB a minute would not be seen below this.
MEMORY_LIMIT_MEGABYTES, FILES_LIMIT, THREADS_LIMIT = 60.0, 20.0, 10.0
VICTIMS = ("worker", "taskmanager")
SERVICES = ("pool", "taskmanager", "jobmanager")


class Feeder(threading.Thread):
    """Feeds until it is told to stop; `fed` counts."""

    def __init__(self, bench: Bench, rate_per_second: float) -> None:
        super().__init__(daemon=True)
        self.bench = bench
        self.rate_per_second = rate_per_second
        self.should_stop = threading.Event()
        self.batch = 0

    def run(self) -> None:
        while not self.should_stop.is_set():
            self.batch += 1
            count = round(self.rate_per_second * 5)
            messages = mix_messages(count, seed=self.bench.seed * 100_000 + self.batch)
            self.bench.fed += feed(self.bench.broker.connection, messages, self.rate_per_second)


def find_processes(bench: Bench) -> dict[str, int]:
    """By name and pid: one that was started anew is another."""
    assert bench.run.process is not None
    pids = {"supervisor": bench.run.process.pid, "broker": bench.broker.process.pid}
    pids |= {name: bench.run.pid_of(name) for name in SERVICES}
    pids["worker"] = bench.run.pid_of("worker")
    return {f"{name} {pid}": pid for name, pid in pids.items()}


def slopes(samples: list[Sample]) -> tuple[float, float, float]:
    """Growth an hour of megabytes (PSS), open files and threads, over the second half."""
    later = samples[len(samples) // 2 :]
    hours = np.array([one.seconds for one in later]) / 3600
    columns = ([one.pss_megabytes for one in later], [float(one.open_files) for one in later], [float(one.threads) for one in later])
    memory, files, threads = (float(np.polyfit(hours - hours[0], np.array(column), 1)[0]) for column in columns)
    return memory, files, threads


def soak(bench: Bench, minutes: float, rate_per_second: float, kill_every_minutes: float) -> tuple[Result, Sampler]:
    chance = random.Random(bench.seed)  # noqa: S311 - reproducible on purpose
    result = Result(f"soak, {minutes:g} minutes at {rate_per_second:g}/s")
    sampler = Sampler(lambda: find_processes(bench), 1)
    feeder = Feeder(bench, rate_per_second)
    feeder.start()
    end_at = time.monotonic() + minutes * 60
    next_kill = time.monotonic() + kill_every_minutes * 60
    while time.monotonic() < end_at:
        time.sleep(1)
        # The second half is left alone: it is what the slopes are taken of.
        if next_kill < time.monotonic() < end_at - minutes * 30:
            victim = chance.choice(VICTIMS)
            result.recoveries.append(bench.recover(partial(kill, bench, victim), f"{victim} was killed"))
            result.runs += 1
            next_kill = time.monotonic() + kill_every_minutes * 60
            progress.print(f"  {victim} killed, back after {result.recoveries[-1]:.1f} s; {bench.fed} fed")
    feeder.should_stop.set()
    feeder.join(60)
    sampler.stop()
    bench.close_books(result)
    return result, sampler


def judge_growth(result: Result, sampler: Sampler) -> Table:
    table = Table("process", "seconds", "PSS MB", "MB/h", "files/h", "threads/h", box=None)
    for name, samples in sampler.samples.items():
        if len(samples) < LEAST_SAMPLES:
            continue
        memory, files, threads = slopes(samples)
        table.add_row(name, str(len(samples)), f"{samples[-1].pss_megabytes:.0f}", f"{memory:.1f}", f"{files:.1f}", f"{threads:.1f}")
        is_bounded = memory <= MEMORY_LIMIT_MEGABYTES and files <= FILES_LIMIT and threads <= THREADS_LIMIT
        result.require(is_bounded, f"{name} grows by {memory:.0f} MB, {files:.0f} files, {threads:.0f} threads an hour")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=50, help="articles a second; ten a second are expected")
    parser.add_argument("--kill-every-minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    end_in_order()
    with contextlib.ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="openweight-soak-", ignore_cleanup_errors=True)))
        # The checkpoints and polls of a deployment, not the small ones of the fault suite.
        usual = {"OPENWEIGHT_ENGINE__CHECKPOINT_SECONDS": "2", "OPENWEIGHT_READING__RECORDS_PER_POLL": "100"}
        bench = Bench(folder, given.seed, usual, partitions=8)
        at_end.callback(bench.stop)
        bench.start()
        result, sampler = soak(bench, given.minutes, given.rate, given.kill_every_minutes)
        table = judge_growth(result, sampler)
    screen = Console(width=150)
    screen.print(table)
    kills = f"{result.runs} kills, longest recovery {max(result.recoveries, default=0):.1f} s"
    screen.print(f"{bench.fed} fed, LOST {result.lost}, alerts raised twice {result.duplicated_alerts}; {kills}")
    for problem in result.problems:
        screen.print(f"[red]{problem}[/red]")
    sys.exit(1 if result.problems else 0)


if __name__ == "__main__":
    main()

"""Faults of the job's own processes: killed at named points and at random, stopped in the middle, ended by a record."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from functools import partial

from bench import NEWS, RECOVERY_SECONDS, Bench, Books, Result, RunFailed, progress

from transforms.records import OutgoingMessage

POINTS = ("after_poll", "mid_produce", "before_flush", "after_flush", "after_offset", "at_checkpoint")
VICTIMS = ("worker", "taskmanager", "jobmanager", "broker")
TRIES_AT_A_POINT = 12
SEEDS = 5
STOPS = 20
STOP_SECONDS = 25


def kill_at_points(bench: Bench, end_at: float, tries: int = TRIES_AT_A_POINT) -> Result:
    """F1: each point in turn, until all have had their tries or the time is over."""
    result = Result("F1 kill -9 at named points")
    chance = random.Random(bench.seed)  # noqa: S311 - reproducible on purpose
    for number in range(tries * len(POINTS)):
        if time.monotonic() > end_at:
            break
        point = POINTS[number % len(POINTS)]
        if bench.fed - bench.committed() < 200:
            bench.feed_backlog()
        seen: list[Books] = []
        try:
            action = partial(fire, bench, point, chance.randint(1, 40), seen)
            result.recoveries.append(bench.recover(action, f"a kill at {point}"))
        finally:
            bench.run.disarm()
        result.runs += 1
        result.require(not seen[0].lost, f"committed before it was written, at a kill at {point}: {seen[0].lost[:3]}")
        progress.print(f"  {point}: {seen[0].open} open at the kill, back after {result.recoveries[-1]:.1f} s")
    bench.close_books(result)
    return result


def fire(bench: Bench, point: str, count: int, seen: list[Books]) -> None:
    """Has the worker killed at a point; the books as they are then go to `seen`, before a new worker mends what it left undone."""
    pool = bench.run.pid_of("pool")
    # It starts no worker meanwhile.
    os.kill(pool, signal.SIGSTOP)
    try:
        wait_for_point(bench, point, count)
        seen.append(bench.open_books())
    finally:
        os.kill(pool, signal.SIGCONT)


def wait_for_point(bench: Bench, point: str, count: int) -> None:
    bench.run.arm(point, count)

    def has_fired() -> bool:
        if bench.fed - bench.committed() < 50:
            # A checkpoint comes twice a second: without work the point may not be passed so often.
            bench.feed_backlog(100)
        return bench.run.has_fired

    bench.run.wait_for(has_fired, f"the worker passes {point}", RECOVERY_SECONDS)


def kill_at_random(bench: Bench, end_at: float, seeds: int = SEEDS) -> Result:
    """F2: worker, TaskManager, JobManager and broker at moments that each seed decides."""
    result = Result(f"F2 kill -9 at random, seeds {bench.seed} to {bench.seed + seeds - 1}")
    for seed in range(bench.seed, bench.seed + seeds):
        chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
        for victim in chance.sample(VICTIMS, len(VICTIMS)):
            if time.monotonic() > end_at:
                break
            bench.feed_backlog(400)
            bench.wait_for_flow()
            time.sleep(chance.uniform(0.1, 3))
            result.require(bench.committed() < bench.fed, f"no backlog when {victim} was killed")
            seconds = kill_broker(bench) if victim == "broker" else bench.recover(partial(kill, bench, victim), f"{victim} was killed")
            result.recoveries.append(seconds)
            result.runs += 1
            progress.print(f"  seed {seed}, {victim}: back after {seconds:.1f} s")
    bench.close_books(result)
    return result


def kill(bench: Bench, victim: str) -> None:
    pid = bench.run.pid_of(victim)
    if not pid:
        raise RunFailed(f"{victim} does not run")
    os.kill(pid, signal.SIGKILL)


def kill_broker(bench: Bench) -> float:
    bench.broker.kill()
    begun = time.monotonic()
    bench.broker.start()
    bench.wait_for_flow()
    return time.monotonic() - begun


def stop_in_the_middle(bench: Bench, end_at: float, tries: int = STOPS) -> Result:
    """F3: SIGTERM with a backlog; it ends with 0 in time, and what was done is not done again."""
    result = Result("F3 SIGTERM mid bundle")
    while result.runs < tries and (time.monotonic() < end_at or not result.runs):
        bench.feed_backlog(600)
        bench.wait_for_flow()
        repeated = bench.open_books().repeated
        result.require(bench.committed() < bench.fed, "no backlog when it was stopped")
        begun = time.monotonic()
        code = bench.run.stop()
        result.recoveries.append(time.monotonic() - begun)
        result.require(code == 0, f"it ended with {code}: {bench.run.last_lines(5)}")
        result.require(result.recoveries[-1] <= STOP_SECONDS, f"it took {result.recoveries[-1]:.0f} s to stop")
        bench.close_books(result, settles=False)
        bench.run.start()
        result.runs += 1
        books = bench.close_books(result)
        result.require(books.repeated == repeated, f"{books.repeated - repeated} records were done again after a stop in order")
        progress.print(f"  stopped in {result.recoveries[-1]:.1f} s")
    return result


def end_by_record(bench: Bench, _end_at: float) -> Result:
    """F12: articles that end or hang the worker are set aside by the third try, their neighbours are processed."""
    result = Result("F12 record that kills or hangs")
    for kind in ("FAULT-EXIT", "FAULT-KILL", "FAULT-HANG"):
        before = bench.fed
        bench.feed(article(bench, f"{kind}-{number}" if number == 10 else f"neighbour {number}") for number in range(20))
        result.runs += 1
        result.recoveries.append(bench.settle(RECOVERY_SECONDS))
        progress.print(f"  {kind}: {bench.fed - before} records done after {result.recoveries[-1]:.1f} s")
    rejected = [headers for headers in bench.rejected_headers() if headers["reason"] == b"ends_worker"]
    result.require(len(rejected) == 3, f"{len(rejected)} of 3 records were set aside with the reason ends_worker")
    bench.close_books(result)
    return result


def article(bench: Bench, text: str) -> OutgoingMessage:
    bench.batches += 1
    name = f"article-{bench.batches}"
    value = {"id": name, "title": f"Rain, {name}", "text": f"It rained in the hills, {text}."}
    return OutgoingMessage(topic=NEWS, key=b"one-partition", value=json.dumps(value).encode())

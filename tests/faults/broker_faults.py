"""Faults of the broker, of the way to it, and of its topics."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time

from bench import NEWS, Bench, Result, progress
from run_openweight import feed, outcome_topics, prepare_topics, read_all
from state_faults import fill_up, read_logs, read_metric

from connectors.kafka.connection import open_admin
from transforms.records import OutgoingMessage

PAUSES_SECONDS = (2, 30, 130)
CUT_SECONDS = 20
# What may be open for a moment.
MORE_DESCRIPTORS = 40
NOTICED_SECONDS = 60
OTHER = "news.other"


def restart_broker(bench: Bench, _end_at: float) -> Result:
    """F4, its data kept: nothing is lost."""
    result = Result("F4 broker restarted with its data")
    for _ in range(2):
        bench.feed_backlog(400)
        bench.wait_for_flow()
        begun = time.monotonic()
        bench.broker.process.end()
        bench.broker.start()
        bench.wait_for_flow()
        result.recoveries.append(time.monotonic() - begun)
        result.runs += 1
        bench.close_books(result)
    return result


def empty_broker(bench: Bench, _end_at: float) -> Result:
    """F4, restarted empty: it stops loudly and never reads on in silence. The last fault of a bench."""
    result = Result("F4 broker restarted empty", runs=1)
    bench.broker.process.end()
    for entry in bench.broker.plan.data_folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    bench.broker.format()
    bench.broker.start()
    bench.broker.make_topic(NEWS, bench.partitions)
    prepare_topics(bench.run.settings)
    feed(bench.broker.connection, (OutgoingMessage(topic=NEWS, key=b"k", value=b'{"text":"new broker"}') for _ in range(50)))
    begun = time.monotonic()
    bench.run.wait_for(lambda: "this is another cluster" in read_logs(bench.run), "it says that the cluster is another", NOTICED_SECONDS)
    bench.run.wait_for(lambda: read_metric(bench.run, "openweight_partition_stopped") >= 1, "the metric that pages", NOTICED_SECONDS)
    result.recoveries.append(time.monotonic() - begun)
    time.sleep(10)
    result.require(bench.outcomes() == 0, f"{bench.outcomes()} records of the other cluster were read in silence")
    return result


def hold_up_broker(bench: Bench, end_at: float) -> Result:
    """F5: SIGSTOP."""
    result = Result("F5 broker SIGSTOP 2, 30, 130 s")
    for seconds in PAUSES_SECONDS:
        if result.runs and time.monotonic() + seconds > end_at:
            break
        bench.feed_backlog(400)
        bench.wait_for_flow()
        before = count_descriptors(bench)
        bench.broker.signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            bench.broker.signal(signal.SIGCONT)
        result.recoveries.append(bench.wait_for_flow())
        result.runs += 1
        bench.close_books(result)
        more = count_descriptors(bench) - before
        result.require(more <= MORE_DESCRIPTORS, f"{more} descriptors more after {seconds} s: attempts at the broker leave some behind")
        progress.print(f"  held up {seconds} s, back after {result.recoveries[-1]:.1f} s")
    return result


def count_descriptors(bench: Bench) -> int:
    """Those of the run and its workers."""
    assert bench.run.process is not None
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in (bench.run.process.pid, *bench.run.worker_pids()))  # noqa: PTH208 - only counted


def spoil_network(bench: Bench, _end_at: float) -> Result:
    """F6: cut, half-open, slow, and reset connections."""
    result = Result("F6 network cut, half-open, slow, reset")
    proxy = bench.broker.proxy
    for mode in ("cut", "hang", "slow", "reset"):
        bench.feed_backlog(400)
        bench.wait_for_flow()
        if mode == "reset":
            for _ in range(5):
                proxy.reset()
                time.sleep(1)
        else:
            proxy.switch(mode)
            time.sleep(CUT_SECONDS)
            if mode == "hang":
                # What was held up does not arrive later: the other side has given the connection up.
                proxy.reset()
            proxy.switch("pass")
        result.recoveries.append(bench.wait_for_flow())
        result.runs += 1
        bench.close_books(result)
        progress.print(f"  {mode}: back after {result.recoveries[-1]:.1f} s")
    return result


def fill_broker_disk(bench: Bench, _end_at: float) -> Result:
    """F8 on the broker's log: it ends, and after room is made and it is started, nothing is lost."""
    result = Result("F8 disk full, the broker's log", runs=1)
    bench.feed_backlog(400)
    bench.wait_for_flow()
    filler = fill_up(bench.broker.plan.data_folder)
    try:
        time.sleep(CUT_SECONDS)
        result.require(bench.run.process is not None and bench.run.process.poll() is None, "the run ended")
    finally:
        filler.unlink()
    if bench.broker.process.exit_code is None:
        bench.broker.process.end()
    begun = time.monotonic()
    bench.broker.start()
    bench.wait_for_flow()
    result.recoveries.append(time.monotonic() - begun)
    bench.close_books(result)
    return result


def change_topics(bench: Bench, _end_at: float) -> Result:
    """F17 and F18: a new topic that the pattern matches, deleted and made anew; more partitions."""
    result = Result("F17, F18 topic new, anew, 4 to 8 partitions")

    def feed_other(name: str) -> None:
        bench.broker.make_topic(OTHER, 2)
        values = ({"id": f"{name}-{number}", "text": f"Rain of {name}, {number}"} for number in range(40))
        feed(
            bench.broker.connection,
            (OutgoingMessage(topic=OTHER, key=one["id"].encode(), value=json.dumps(one).encode()) for one in values),
        )

    def first_and_count(name: str) -> tuple[int, int]:
        values = (json.loads(one.value or b"") for one in read_all(bench.broker.connection, outcome_topics(bench.run.settings)[:1]))
        offsets = [one["position"]["offset"] for one in values if one["id"].startswith(f"{name}-")]
        return min(offsets, default=-1), len(offsets)

    for name in ("new", "anew"):
        feed_other(name)
        result.recoveries.append(
            bench.run.wait_for(lambda name=name: first_and_count(name) == (0, 40), f"all of a {name} topic", NOTICED_SECONDS)
        )
        result.runs += 1
        admin = open_admin(bench.broker.connection, 20_000)
        admin.delete_topics([OTHER])
        admin.close()
        # The next look at the topics sees that it is gone; also without that, its identity tells.
        time.sleep(3)
    admin = open_admin(bench.broker.connection, 20_000)
    admin.create_partitions({NEWS: 2 * bench.partitions})
    admin.close()
    bench.feed_backlog(200)
    result.recoveries.append(bench.settle())
    result.runs += 1
    bench.close_books(result)
    return result

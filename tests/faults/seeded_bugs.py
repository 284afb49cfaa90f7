"""F26: bugs that are put into the worker on purpose must turn the books red; else the suite proves nothing."""

from __future__ import annotations

import os
import signal
import time

from bench import RECOVERY_SECONDS, Bench, Books, Result, RunFailed, progress
from mixed_articles import BAD_VALUES
from process_faults import fire

from transforms.records import OutgoingMessage

# Two checkpoints: what is in them is not read again.
CHECKPOINTS_SECONDS = 4


def swallow_decode_errors(bench: Bench) -> Books:
    bench.feed(OutgoingMessage(topic=bench.topics[0], key=str(number).encode(), value=BAD_VALUES[-1]) for number in range(10))
    bench.run.wait_for(lambda: bench.committed() >= bench.fed, "the bad records are passed", RECOVERY_SECONDS)
    return bench.open_books()


def offset_plus_one(bench: Bench) -> Books:
    committed = bench.committed()
    bench.feed_backlog(1_500)
    bench.run.wait_for(lambda: bench.committed() > committed, "a checkpoint with the bug in it", RECOVERY_SECONDS)
    # The buffer forgives it, and after a kill what is passed over was done already, between the checkpoint and the kill. After a savepoint
    # nothing more is done: with its backlog there, each partition goes on one offset too far.
    bench.run.stop()
    bench.run.start()
    bench.settle()
    return bench.open_books()


def no_flush(bench: Bench) -> Books:
    bench.feed_backlog(1_500)
    bench.wait_for_flow()
    bench.broker.signal(signal.SIGSTOP)
    try:
        # What was fetched is worked off, its offsets go into checkpoints, and nothing of it arrives.
        time.sleep(CHECKPOINTS_SECONDS)
        os.kill(bench.run.pid_of("worker"), signal.SIGKILL)
    finally:
        bench.broker.signal(signal.SIGCONT)
    bench.wait_for_flow()
    bench.run.take_bug()
    bench.run.wait_for(lambda: bench.committed() >= bench.fed, "the backlog is done", RECOVERY_SECONDS)
    return bench.open_books()


def commit_before_flush(bench: Bench) -> Books:
    bench.feed_backlog(600)
    bench.wait_for_flow()
    seen: list[Books] = []
    fire(bench, "mid_produce", 20, seen)
    # As it was while the worker was dead: later the records are written again, and nobody sees it.
    return seen[0]


BUGS = (swallow_decode_errors, commit_before_flush, offset_plus_one, no_flush)


def seed_bugs(bench: Bench, _end_at: float) -> Result:
    """The bench's books stay red afterwards: one of its last faults."""
    result = Result("F26 four seeded bugs turn it red")
    for bug in BUGS:
        result.runs += 1
        result.require(is_noticed(bench, bug), f"{bug.__name__} was not noticed: the suite is blind to it")
    return result


def is_noticed(bench: Bench, bug: object) -> bool:
    """Whether the books show LOST with the bug that were not there without: of the bug before, some are lost and some are done meanwhile."""
    before = set(bench.open_books().lost)
    name = bug.__name__  # type: ignore[attr-defined]
    bench.run.give_bug(name)
    try:
        books = bug(bench)  # type: ignore[operator]
    except RunFailed as failure:
        # A job that comes to a standstill by the bug is as red as lost records.
        progress.print(f"  {name}: {str(failure).splitlines()[0]}")
        return True
    finally:
        bench.run.take_bug()
        bench.run.disarm()
    new = set(books.lost) - before
    progress.print(f"  {name}: LOST {len(new)}")
    return bool(new)

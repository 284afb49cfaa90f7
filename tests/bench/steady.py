"""A steady rate for half an hour: does any process grow?

Feeds `openweight run` with its own broker, looks at each process every ten seconds, and prints the slope of its memory (PSS, MB per hour, least
squares) after the first third, how its open files and threads changed, and the lag. Usage: python tests/bench/steady.py --minutes 30 --rate 50
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from end_in_order import end_in_order  # noqa: E402 - found by the path above
from measure_processes import Sample, Sampler  # noqa: E402 - the same
from measure_rates import MIXTURE  # noqa: E402 - the same
from mixed_articles import mix_messages  # noqa: E402 - the same
from rich.console import Console  # noqa: E402 - the same
from rich.table import Table  # noqa: E402 - the same
from run_openweight import OpenweightRun, RunFailed, TopicEnds, feed, outcome_topics  # noqa: E402 - the same

PROCESSES = ("broker", "taskmanager", "jobmanager", "pool", "worker")
SAMPLE_SECONDS = 10.0
LEAST_SAMPLES = 3
progress = Console(stderr=True)


def slope_per_hour(samples: list[Sample]) -> float:
    """Megabytes (PSS) per hour by least squares; not a number with too few samples."""
    if len(samples) < LEAST_SAMPLES:
        return float("nan")
    fit = statistics.linear_regression([one.seconds for one in samples], [one.pss_megabytes for one in samples])
    return fit.slope * 3600


def feed_steadily(run: OpenweightRun, given: argparse.Namespace) -> None:
    count = int(given.minutes * 60 * given.rate)
    feed(run.connection, mix_messages(count, run.settings.reading.topics[0], mixture=MIXTURE), given.rate)


def watch(run: OpenweightRun, feeding: threading.Thread) -> list[int]:
    """Returns the lag, in articles without an outcome, once in ten seconds until the feeding ends and the lag is 0.

    Raises:
        RunFailed: the run ended, or the lag is not 0 two minutes after the last article.
    """
    fed, done = TopicEnds(run.connection, run.settings.reading.topics), TopicEnds(run.connection, outcome_topics(run.settings))
    lags = []
    while feeding.is_alive():
        feeding.join(SAMPLE_SECONDS)
        lags.append(fed.count() - done.count())
        progress.print(f"{fed.count()} fed, lag {lags[-1]}")
        if run.process is not None and run.process.poll() is not None:
            raise RunFailed(f"it ended with {run.process.returncode}:\n{run.last_lines()}")
    run.wait_for(lambda: fed.count() <= done.count(), "lag 0", 120)
    return lags


def print_report(samples: dict[str, list[Sample]], lags: list[int]) -> None:
    table = Table("process", "PSS MB, first third", "at the end", "slope MB/hour after it", "open files", "threads", box=None)
    for name, each in samples.items():
        third, later = each[: len(each) // 3] or each[:1], each[len(each) // 3 :]
        table.add_row(
            name, f"{third[-1].pss_megabytes:.0f}", f"{each[-1].pss_megabytes:.0f}", f"{slope_per_hour(later):+.1f}",
            f"{later[0].open_files} to {later[-1].open_files}", f"{later[0].threads} to {later[-1].threads}",
        )  # fmt: skip
    screen = Console()
    screen.print(table)
    screen.print(f"lag: {statistics.median(lags):.0f} in the median, {max(lags)} at most, {lags[-1]} at the last article, 0 after it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=50, help="articles/s")
    parser.add_argument("--json", type=Path, help="write all samples to this file too")
    given = parser.parse_args()
    end_in_order()
    with contextlib.ExitStack() as at_end:
        folder = at_end.enter_context(tempfile.TemporaryDirectory(prefix="openweight-steady-", ignore_cleanup_errors=True))
        run = OpenweightRun(Path(folder))
        at_end.callback(run.clear_away)
        run.start()
        find = lambda: {name: run.pid_of(name) for name in PROCESSES} | {"supervisor": run.process.pid if run.process else 0}  # noqa: E731 - one line
        sampler = Sampler(find, SAMPLE_SECONDS)
        feeding = threading.Thread(target=feed_steadily, args=(run, given), daemon=True)
        feeding.start()
        lags = watch(run, feeding)
        sampler.stop()
    print_report(sampler.samples, lags)
    if given.json:
        given.json.write_text(json.dumps({name: [asdict(one) for one in each] for name, each in sampler.samples.items()}) + "\n")


if __name__ == "__main__":
    started = time.monotonic()
    main()
    progress.print(f"{(time.monotonic() - started) / 60:.1f} minutes in all")

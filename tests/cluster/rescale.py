"""One machine with two TaskManagers, then one, then two again, by savepoint in the midst of a backlog; and how fast each is.

Each TaskManager has a worker pool of its own and is pinned, with its worker, to a core of its own. Prints how the partitions fell on the workers
and the articles a second of each step, then `openweight verify`, which must say LOST 0. Exit code 1 when something is lost, read twice, not
restored or unevenly spread. Usage: python tests/cluster/rescale.py [--articles 4000] [--no-pinning]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parents[2]),
    str(Path(__file__).resolve().parents[1] / "bench"),
    str(Path(__file__).resolve().parents[1]),
]

from end_in_order import end_in_order  # noqa: E402 - found by the path above
from measure_rates import MIXTURE  # noqa: E402 - the same
from mixed_articles import mix_messages  # noqa: E402 - the same
from prometheus_client.mmap_dict import MmapedDict  # noqa: E402 - the same
from rich.console import Console  # noqa: E402 - the same
from rich.table import Table  # noqa: E402 - the same
from run_openweight import OpenweightRun, RunFailed, TopicEnds, children_of, feed, outcome_topics  # noqa: E402 - the same

from pipeline.engine import node_name  # noqa: E402 - the same

STEPS = (2, 1, 2)
# A rate is taken between these shares of a step's articles; then the run is stopped, with the rest as a backlog.
FROM_SHARE, TO_SHARE = 0.1, 0.8
STEP_SECONDS = 900
STOP_SECONDS = 60
POSITION = "openweight_consumer_position"
progress = Console(stderr=True)


@dataclass(frozen=True)
class Step:
    """What one start with so many TaskManagers did; `partitions` counts those of each worker, `rate` is in articles a second."""

    task_managers: int
    restored_from: str
    partitions: tuple[int, ...]
    rate: float

    @property
    def is_even(self) -> bool:
        return len(self.partitions) == self.task_managers and max(self.partitions) - min(self.partitions) <= 1


def open_run(folder: Path, task_managers: int) -> OpenweightRun:
    variables = {"OPENWEIGHT_ENGINE__TASK_MANAGERS": str(task_managers), "OPENWEIGHT_ENGINE__PARALLELISM": str(task_managers)}
    return OpenweightRun(folder, variables)


def workers_of(run: OpenweightRun, number: int) -> list[int]:
    """The workers of the pool beside a TaskManager."""
    return list(children_of(run.pid_of(node_name("pool", number))))


def pin(run: OpenweightRun, task_managers: int) -> None:
    """Gives each TaskManager and its worker a core of their own, every thread of theirs."""
    cores = sorted(os.sched_getaffinity(0))
    for number in range(1, task_managers + 1):
        for pid in (run.pid_of(node_name("taskmanager", number)), *workers_of(run, number)):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):  # it has ended
                    os.sched_setaffinity(int(thread.name), {cores[(number - 1) % len(cores)]})


def count_partitions(run: OpenweightRun, task_managers: int) -> tuple[int, ...]:
    """How many partitions each worker reads, by what it last showed."""
    counts: dict[int, set[str]] = defaultdict(set)
    for number in range(1, task_managers + 1):
        for pid in workers_of(run, number):
            file = run.state_folder / "metrics" / f"gauge_mostrecent_{pid}.db"
            for key, *_ in MmapedDict.read_all_values_from_file(str(file)) if file.exists() else ():
                name, _, labels, _ = json.loads(key)
                if name == POSITION:
                    counts[pid].add(f"{labels['topic']}/{labels['partition']}")
    return tuple(sorted((len(partitions) for partitions in counts.values()), reverse=True))


def take_step(run: OpenweightRun, task_managers: int, articles: int, seed: int, *, is_pinned: bool) -> Step:
    run.start()
    restored_from = run.read_output().partition("resumed from ")[2].split("\n")[0]
    if is_pinned:
        pin(run, task_managers)
    ends = TopicEnds(run.connection, outcome_topics(run.settings))
    feed(run.connection, mix_messages(articles, run.settings.reading.topics[0], seed=seed, mixture=MIXTURE))
    begun = ends.count()
    progress.print(
        f"{task_managers} TaskManagers: restored from {restored_from or 'nothing'}; {articles} fed, {begun} outcomes", soft_wrap=True
    )
    run.wait_for(lambda: ends.count() - begun >= FROM_SHARE * articles, "the first articles", STEP_SECONDS)
    first, at = ends.count(), time.monotonic()
    run.wait_for(lambda: ends.count() - begun >= TO_SHARE * articles, "most articles", STEP_SECONDS)
    rate = (ends.count() - first) / (time.monotonic() - at)
    partitions = count_partitions(run, task_managers)
    ends.close()
    return Step(task_managers, restored_from, partitions, rate)


def prove(run: OpenweightRun) -> tuple[str, bool]:
    """Lets the rest be read and returns what `openweight verify` says, and whether every input has one outcome, written once."""
    ends = TopicEnds(run.connection, run.settings.reading.topics)
    fed = ends.count()
    ends.close()
    run.wait_for(lambda: run.committed() >= fed, "all articles are in a checkpoint", STEP_SECONDS)
    answer = run.call("verify", "--json")
    found = json.loads(answer.stdout)
    repeated, different = (sum(one[what] for one in found["partitions"].values()) for what in ("repeated", "different"))
    text = f"verify: {fed} inputs, LOST {found['lost']}, written twice {repeated}, two outcomes {different}"
    return text, answer.returncode == 0 and not repeated


def report(steps: list[Step], verified: str) -> None:
    table = Table("step", "TaskManagers", "restored from", "partitions by worker", "articles/s", box=None)
    for number, one in enumerate(steps, 1):
        shares = " + ".join(map(str, one.partitions))
        origin = Path(one.restored_from).name or "nothing"
        table.add_row(str(number), str(one.task_managers), origin, shares, f"{one.rate:.0f}")
    screen = Console()
    screen.print(table)
    one, two = (max(step.rate for step in steps if step.task_managers == number) for number in (1, 2))
    screen.print(f"two TaskManagers: {two / one:.2f} times as fast as one; load of the machine now {os.getloadavg()[0]:.1f}")
    print(verified)  # noqa: T201 - the table of a command, as it is


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=4000, help="of each step")
    parser.add_argument("--no-pinning", action="store_true", help="where there are fewer cores than TaskManagers")
    given = parser.parse_args()
    end_in_order()
    with tempfile.TemporaryDirectory(prefix="openweight-cluster-") as folder:
        state, steps = Path(folder) / "state", []
        try:
            for seed, task_managers in enumerate(STEPS, 1):
                run = open_run(state, task_managers)
                try:
                    steps.append(take_step(run, task_managers, given.articles, seed, is_pinned=not given.no_pinning))
                    if len(steps) == len(STEPS):
                        verified, is_proven = prove(run)
                    run.stop(STOP_SECONDS)
                finally:
                    run.clear_away()
        except RunFailed as failure:
            progress.print(f"FAILED: {failure}")
            return 1
    report(steps, verified)
    is_restored = all("savepoint-" in step.restored_from for step in steps[1:])
    is_even = all(step.is_even for step in steps)
    print(f"verify {'ok' if is_proven else 'FAILED'}, restored {'ok' if is_restored else 'FAILED'}, even {'ok' if is_even else 'FAILED'}")  # noqa: T201 - the verdict
    return 0 if is_proven and is_restored and is_even else 1


if __name__ == "__main__":
    sys.exit(main())

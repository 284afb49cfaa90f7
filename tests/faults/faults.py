"""Every fault on the real broker and the real engine, one after the other: make faults.

Prints what happens, and at the end a table: fault, runs, records lost, alerts raised twice, median and longest recovery, verdict. Exit code 1
when one is red, or was not tried because the time was over. --only F1,F9 tries some; --seed decides the moments; --minutes bounds it all.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

import broker_faults as broker  # noqa: E402 - found by the path above
import input_faults as given_input  # noqa: E402 - the same
import orders  # noqa: E402 - the same
import process_faults as processes  # noqa: E402 - the same
import seeded_bugs  # noqa: E402 - the same
import state_faults as state  # noqa: E402 - the same
from bench import Bench, Result, progress  # noqa: E402 - the same
from end_in_order import end_in_order  # noqa: E402 - the same
from rich.console import Console  # noqa: E402 - the same
from rich.table import Table  # noqa: E402 - the same

CHECKPOINT_DISK_MEGABYTES, BROKER_DISK_MEGABYTES = 64, 512


@dataclass(frozen=True)
class Fault:
    """`share` of all the time is what it may take for its repetitions; one repetition is always made."""

    name: str
    try_it: Callable[[Bench, float], Result]
    share: float = 0.05


# The last ones leave a bench behind whose books cannot be closed any more.
FAULTS = (
    Fault("F1", processes.kill_at_points, 0.27),
    Fault("F2", processes.kill_at_random, 0.16),
    Fault("F3", processes.stop_in_the_middle, 0.1),
    Fault("F4", broker.restart_broker),
    Fault("F5", broker.hold_up_broker, 0.08),
    Fault("F6", broker.spoil_network),
    Fault("F8", state.fill_checkpoint_disk),
    Fault("F8", broker.fill_broker_disk),
    Fault("F9", state.tear_checkpoint),
    Fault("F12", processes.end_by_record),
    Fault("F11", given_input.feed_poison),
    Fault("F11", given_input.feed_only_poison),
    Fault("F13", given_input.turn_clocks),
    Fault("F16", given_input.replay),
    Fault("F19", given_input.change_versions),
    Fault("F19", state.give_unknown_format),
    Fault("F20", state.give_bad_settings),
    Fault("F23", state.scrape_under_load),
    Fault("orders", orders.tell_in_other_orders, 0.18),
    Fault("verify", given_input.verify),
    Fault("F17", broker.change_topics),
    Fault("F26", seeded_bugs.seed_bugs),
    Fault("F4", broker.empty_broker),
)
NEEDS_SMALL_DISK = (state.fill_checkpoint_disk, broker.fill_broker_disk)


def try_all(bench: Bench, faults: list[Fault], minutes: float, results: list[Result], *, has_disks: bool) -> None:
    begun = time.monotonic()
    for fault in faults:
        spent = time.monotonic() - begun
        progress.print(f"[bold]{fault.name} {fault.try_it.__name__}[/bold], {spent / 60:.1f} of {minutes:g} minutes")
        if fault.try_it in NEEDS_SMALL_DISK and not has_disks:
            results.append(Result(f"{fault.name} {fault.try_it.__name__}", problems=["not tried: small disks need root"]))
        elif spent > minutes * 60:
            results.append(Result(f"{fault.name} {fault.try_it.__name__}", problems=["not tried: the time was over"]))
        else:
            results.append(try_one(bench, fault, time.monotonic() + fault.share * minutes * 60))
        for problem in results[-1].problems:
            progress.print(f"  [red]{problem}[/red]")


def try_one(bench: Bench, fault: Fault, end_at: float) -> Result:
    try:
        return fault.try_it(bench, end_at)
    except Exception as failure:  # noqa: BLE001 - whatever it is, this fault is red and the others are tried
        result = Result(f"{fault.name} {fault.try_it.__name__}", runs=1, problems=[f"{type(failure).__name__}: {failure}"])
    progress.print(f"  [red]{result.problems[0]}[/red]")
    # The next fault gets a run that works.
    try:
        bench.heal()
    except Exception as failure:  # noqa: BLE001 - the same
        result.problems.append(f"and it did not come back: {failure}")
    return result


def print_table(results: list[Result]) -> None:
    table = Table("fault", "runs", "LOST", "alerts twice", "recovery s", "longest", "verdict", box=None)
    for one in results:
        median = f"{statistics.median(one.recoveries):.1f}" if one.recoveries else ""
        longest = f"{max(one.recoveries):.1f}" if one.recoveries else ""
        verdict = f"[red]RED[/red] {one.problems[0].splitlines()[0][:70]}" if one.problems else "ok"
        table.add_row(one.fault, str(one.runs), str(one.lost), str(one.duplicated_alerts), median, longest, verdict)
    Console(width=150).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of faults, separated by commas")
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    end_in_order()
    chosen = {name.strip() for name in given.only.split(",") if name.strip()}
    if unknown := chosen - {fault.name for fault in FAULTS}:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(dict.fromkeys(fault.name for fault in FAULTS))}")
    faults = [fault for fault in FAULTS if not chosen or fault.name in chosen]
    # The ends of it, the books and the start take three minutes.
    minutes = given.minutes - 3
    results: list[Result] = []
    with contextlib.ExitStack() as at_end:
        # Also when it is ended early.
        at_end.callback(print_table, results)
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="openweight-faults-", ignore_cleanup_errors=True)))
        disks = state.SmallDisks()
        at_end.callback(disks.unmount)
        has_disks = disks.mount(folder / "broker" / "broker" / "data", BROKER_DISK_MEGABYTES) and disks.mount(
            folder / "state" / "engine" / "checkpoints", CHECKPOINT_DISK_MEGABYTES
        )
        bench = Bench(folder, given.seed, {"OPENWEIGHT_READING__TOPIC_PATTERN": r"news\..*"})
        at_end.callback(bench.stop)
        progress.print(f"starting broker and run, seed {given.seed}")
        bench.start()
        try_all(bench, faults, minutes, results, has_disks=has_disks)
    sys.exit(1 if any(one.problems for one in results) else 0)


if __name__ == "__main__":
    main()

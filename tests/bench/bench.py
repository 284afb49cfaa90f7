"""`make bench`: the job beside a plain loop and Quix Streams, on one broker, with the same articles and the same functions.

Rounds of loop, Quix, job, every second one in the reverse order, all from the same backlog. The rate is that of the outcomes' broker
timestamps on the middle stretch of the backlog; CPU is read from /proc over the same stretch. After the backlog of the first job: the delay
from article to alert at a steady rate, and what all processes cost at rest. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from measure_delay import Delays, measure_delay, quantile  # noqa: E402 - found by the path above
from measure_processes import Sampler, read_cpu_seconds  # noqa: E402 - the same
from measure_rates import TOPIC, Bench, Measured  # noqa: E402 - the same
from rich.console import Console  # noqa: E402 - the same
from rich.table import Table  # noqa: E402 - the same
from run_openweight import OpenweightRun  # noqa: E402 - the same

SERVICES = ("taskmanager", "jobmanager", "pool", "worker", "job-server", "submission")
SAMPLE_SECONDS = 1.0
progress = Console(stderr=True)


@dataclass
class Costs:
    """Peak megabytes (PSS) of each process and of all at once, and CPU at rest in percent of one core."""

    peaks: dict[str, float] = field(default_factory=dict)
    together_megabytes: float = 0.0
    together_running_megabytes: float = 0.0
    idle_percent: dict[str, float] = field(default_factory=dict)

    @property
    def idle_together(self) -> float:
        return sum(self.idle_percent.values())


@dataclass
class Report:
    measured: list[Measured] = field(default_factory=list)
    delays: Delays | None = None
    costs: Costs = field(default_factory=Costs)

    def of(self, name: str) -> list[Measured]:
        return [one for one in self.measured if one.name == name]

    def rate(self, name: str) -> float:
        return statistics.mean(one.articles_per_second for one in self.of(name)) if self.of(name) else float("nan")

    def figures(self) -> dict[str, tuple[float, str, float]]:
        """Name -> value, `>=` or `<=`, target of issue 3."""
        together = self.delays.together if self.delays else []
        return {
            "job / plain loop": (self.rate("job") / self.rate("loop"), ">=", 0.85),
            "delay p50 seconds": (quantile(together, 0.5), "<=", 0.4),
            "delay p99 seconds": (quantile(together, 0.99), "<=", 1.2),
            "memory of all together, megabytes": (self.costs.together_megabytes, "<=", 2560.0),
            "idle, percent of a core": (self.costs.idle_together, "<=", 15.0),
        }

    def missed(self) -> list[str]:
        # Not a number is a miss too.
        return [
            name for name, (value, sign, target) in self.figures().items() if not (value >= target if sign == ">=" else value <= target)
        ]


def find_processes(bench: Bench, run: OpenweightRun) -> dict[str, int]:
    found = {name: run.pid_of(name) for name in SERVICES}
    return {"broker": bench.machine.children["broker"].pid, "supervisor": run.process.pid if run.process else 0} | found


def run_job(bench: Bench, report: Report, given: argparse.Namespace, *, is_first: bool) -> None:
    run = OpenweightRun(bench.folder / f"job-{bench.phases}", bench.variables())
    sampler = Sampler(lambda: find_processes(bench, run), SAMPLE_SECONDS)
    try:
        report.measured.append(bench.run_job(run))
        if is_first:
            began = len(sampler.together_megabytes)
            progress.print(f"delay at {given.rate:g} articles/s for {given.seconds:g} s")
            report.delays = measure_delay(run, TOPIC, given.rate, given.seconds)
            report.costs.idle_percent = measure_idle(bench, run, given.idle_seconds)
            report.costs.together_running_megabytes = max(sampler.together_megabytes[began:], default=0.0)
    finally:
        run.clear_away()
        sampler.stop()
        report.costs.peaks = merge_peaks(report.costs.peaks, sampler.peaks())
        report.costs.together_megabytes = max([report.costs.together_megabytes, *sampler.together_megabytes])


def merge_peaks(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: max(one.get(name, 0.0), other.get(name, 0.0)) for name in one | other}


def measure_idle(bench: Bench, run: OpenweightRun, seconds: float) -> dict[str, float]:
    progress.print(f"at rest for {seconds:g} s")
    pids = {name: pid for name, pid in find_processes(bench, run).items() if pid}
    before = {name: read_cpu_seconds([pid]) for name, pid in pids.items()}
    time.sleep(seconds)
    return {name: 100 * (read_cpu_seconds([pid]) - before[name]) / seconds for name, pid in pids.items()}


def run_bench(bench: Bench, given: argparse.Namespace) -> Report:
    report = Report()
    bench.variables()
    progress.print(f"filling {TOPIC} with {given.articles} articles")
    bench.fill()
    for number in range(given.rounds):
        phases = [*given.peers, "job"]
        for name in reversed(phases) if number % 2 else phases:
            progress.print(f"round {number + 1}: {name}")
            if name == "job":
                run_job(bench, report, given, is_first=report.delays is None)
            else:
                report.measured.append(bench.run_peer(name))
            progress.print(f"  {report.measured[-1].articles_per_second:.0f} articles/s")
    return report


def print_report(report: Report) -> None:
    screen = Console()
    rates = Table("", "articles/s", "of the loop", "Python ms/article", "JVM ms/article", "broker ms/article", "each run", box=None)
    for name in dict.fromkeys(one.name for one in report.measured):
        runs = report.of(name)
        means = [statistics.mean(getattr(one, f"{part}_milliseconds") for one in runs) for part in ("python", "jvm", "broker")]
        each = ", ".join(f"{one.articles_per_second:.0f}" for one in runs)
        rates.add_row(
            name, f"{report.rate(name):.0f}", f"{report.rate(name) / report.rate('loop'):.2f}", *(f"{one:.2f}" for one in means), each
        )
    screen.print(rates)
    screen.print(f"noise: {noise(report):.0%} (the largest spread of one contender's runs, of their mean)\n")
    delays = report.delays
    if delays is not None:
        table = Table(f"alerts at {delays.articles_per_second:.0f} articles/s", "count", "p50 s", "p99 s", "longest s", box=None)
        for name, values in (("first of a story", delays.first), ("updates", delays.updates), ("together", delays.together)):
            table.add_row(name, str(len(values)), *(f"{quantile(values, share):.2f}" for share in (0.5, 0.99, 1.0)))
        screen.print(table)
    costs = Table("\nprocess", "\npeak MB (PSS)", "\nat rest, % of a core", box=None)
    for name, peak in report.costs.peaks.items():
        costs.add_row(name, f"{peak:.0f}", f"{report.costs.idle_percent[name]:.1f}" if name in report.costs.idle_percent else "")
    costs.add_row("all at once", f"{report.costs.together_megabytes:.0f}", f"{report.costs.idle_together:.1f}")
    costs.add_row("all at once, after the start", f"{report.costs.together_running_megabytes:.0f}", "")
    screen.print(costs)
    verdict = Table("\nfigure", "\nvalue", "\ntarget", "", box=None)
    for name, (value, sign, target) in report.figures().items():
        verdict.add_row(name, f"{value:.2f}", f"{sign} {target:g}", "missed" if name in report.missed() else "reached")
    screen.print(verdict)


def noise(report: Report) -> float:
    spreads = [0.0]
    for name in {one.name for one in report.measured}:
        rates = [one.articles_per_second for one in report.of(name)]
        spreads.append((max(rates) - min(rates)) / statistics.mean(rates))
    return max(spreads)


def as_json(report: Report, given: argparse.Namespace) -> dict[str, Any]:
    delays = report.delays or Delays([], [], 0.0)
    return {
        "options": {name: value for name, value in vars(given).items() if name != "json"},
        "measured": [asdict(one) for one in report.measured],
        "noise": noise(report),
        "delay_seconds": {
            name: {"count": len(values), "p50": quantile(values, 0.5), "p99": quantile(values, 0.99)}
            for name, values in (("first", delays.first), ("updates", delays.updates), ("together", delays.together))
        },
        "memory": "PSS",
        "costs": asdict(report.costs) | {"idle_together_percent": report.costs.idle_together},
        "figures": {name: {"value": value, "target": f"{sign} {target:g}"} for name, (value, sign, target) in report.figures().items()},
        "missed": report.missed(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=20_000, help="in the backlog")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peers", nargs="*", default=["loop", "quix"], choices=["loop", "quix"])
    parser.add_argument("--rate", type=float, default=100, help="articles/s while the delay is measured")
    parser.add_argument("--seconds", type=float, default=60, help="of that")
    parser.add_argument("--idle-seconds", type=float, default=30)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    given = parser.parse_args()
    with contextlib.ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="openweight-bench-", ignore_cleanup_errors=True)))
        bench = Bench(folder, given.articles)
        at_end.callback(bench.machine.stop)
        report = run_bench(bench, given)
    print_report(report)
    if given.json:
        given.json.write_text(json.dumps(as_json(report, given), indent=2, default=str) + "\n")
    sys.exit(1 if report.missed() else 0)


if __name__ == "__main__":
    main()

"""Alerts that fire and clear, live: a run on the real broker and engine, watched by a real Prometheus and Alertmanager with the shipped files.

First every panel of the dashboards must have data. Then the worker is halted (no heartbeat), everything but the broker killed, and the feeding
stopped: each time the right page must come within its time, and be taken back when the cause is gone. Prints a table; exit code 1 on a failure.
Only OpenweightSourceSilent is made faster, two minutes instead of half an hour; --full leaves it.
Usage: python tests/alarms/alarms.py [--full] [--only HeartbeatStale]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from end_in_order import end_in_order  # noqa: E402 - found by the path above
from mixed_articles import Mixture, mix_messages  # noqa: E402 - the same
from rich.console import Console  # noqa: E402 - the same
from rich.table import Table  # noqa: E402 - the same
from run_openweight import OpenweightRun, RunFailed, TopicEnds, feed  # noqa: E402 - the same
from watchers import Watchers, empty_panels  # noqa: E402 - the same

from pipeline.choose_ports import find_free_port  # noqa: E402 - the same
from pipeline.processes import wait_until  # noqa: E402 - the same
from pipeline.terminal import console  # noqa: E402 - the same

MIXTURE = Mixture(bad_share=0.03, flagged_share=0.2, near_share=0.2)
ARTICLES_PER_SECOND = 2.0
AWAY_SECONDS = 5
PANELS_SECONDS = 300
PANELS_PAUSE_SECONDS = 10
# Alertmanager sends what is resolved a minute after the last notification of the group; a killed run needs minutes to come back.
CLEAR_SECONDS = 600
SILENT_SECONDS = 120
# Scrape, evaluation, the wait of the group, each at its longest.
SLACK_SECONDS = 45
progress = Console(stderr=True)


@dataclass(frozen=True)
class Case:
    """A cause, the page that must come within `limit_seconds`, and what ends the cause."""

    alert: str
    what: str
    limit_seconds: float
    cause: Callable[[], None]
    end: Callable[[], None]


class Feeding:
    """A few articles a second while it goes on."""

    def __init__(self, run: OpenweightRun) -> None:
        self.run = run
        self.is_on = threading.Event()
        self.is_on.set()
        threading.Thread(target=self._feed, daemon=True).start()

    def _feed(self) -> None:
        for message in mix_messages(1_000_000, self.run.settings.reading.topics[0], seed=5, mixture=MIXTURE):
            self.is_on.wait()
            try:
                feed(self.run.connection, [message])
            except Exception:  # noqa: BLE001 - whatever a broker is that is just started anew
                time.sleep(AWAY_SECONDS)
            time.sleep(1 / ARTICLES_PER_SECOND)


def describe_cases(run: OpenweightRun, feeding: Feeding, silent_seconds: int) -> list[Case]:
    def halt(number: signal.Signals) -> None:
        for pid in run.worker_pids():
            os.kill(pid, number)

    def kill_run() -> None:
        for name in ("pool", "taskmanager", "jobmanager"):
            os.kill(run.pid_of(name), signal.SIGKILL)
        assert run.process is not None
        run.process.kill()
        run.process.wait()

    def stop_feeding() -> None:
        """Where a partition ends is only known from reading it: while a backlog is read, its end moves on."""
        feeding.is_on.clear()
        ends = TopicEnds(run.connection, run.settings.reading.topics)
        run.wait_for(lambda: run.committed() >= ends.count(), "all articles are read", CLEAR_SECONDS)
        ends.close()

    return [
        Case("OpenweightHeartbeatStale", "the worker is halted", 120, lambda: halt(signal.SIGSTOP), lambda: halt(signal.SIGCONT)),
        Case("OpenweightDown", "supervisor and engine are killed", 60 + SLACK_SECONDS, kill_run, run.start),
        Case("OpenweightSourceSilent", "no article is fed", silent_seconds + SLACK_SECONDS, stop_feeding, feeding.is_on.set),
    ]


def try_case(case: Case, watchers: Watchers) -> tuple[float, float]:
    """Returns the seconds to the page and to its end; infinite where none came."""

    def wait_for(status: str, since: float, limit_seconds: float) -> float:
        is_told = wait_until(lambda: watchers.person.was_told(case.alert, status, "page", since), limit_seconds)
        return time.monotonic() - since if is_told else float("inf")

    progress.print(f"{case.what}: {case.alert} must come within {case.limit_seconds:.0f} s")
    case.cause()
    begun = time.monotonic()
    fired = wait_for("firing", begun, case.limit_seconds + SLACK_SECONDS)
    ended = time.monotonic()
    case.end()
    cleared = wait_for("resolved", ended, CLEAR_SECONDS)
    progress.print(f"  came after {fired:.0f} s, was taken back after {cleared:.0f} s")
    return fired, cleared


def firing(watchers: Watchers) -> set[str]:
    return {one["metric"]["alertname"] for one in watchers.ask('ALERTS{alertstate="firing",severity=~"page|ticket"}')}


def watch(run: OpenweightRun, watchers: Watchers, silent_seconds: int, only: str) -> bool:
    table = Table("cause", "page", "came after s", "allowed s", "taken back after s", box=None)
    feeding = Feeding(run)
    deadline = time.monotonic() + PANELS_SECONDS
    while (found := empty_panels(watchers))[1] and time.monotonic() < deadline:
        time.sleep(PANELS_PAUSE_SECONDS)
    (count, empty), quiet = found, firing(watchers)
    is_right = not empty and not quiet
    for case in describe_cases(run, feeding, silent_seconds):
        if only not in case.alert:
            continue
        fired, cleared = try_case(case, watchers)
        is_right = is_right and fired <= case.limit_seconds and cleared <= CLEAR_SECONDS
        table.add_row(case.what, case.alert, f"{fired:.0f}", f"{case.limit_seconds:.0f}", f"{cleared:.0f}")
    # Or its last message would wait for a broker that is stopped by then.
    feeding.is_on.clear()
    is_alive = watchers.person.was_told("OpenweightDeadMan", "firing", "deadman", 0)
    screen = console()
    screen.print(table)
    screen.print(f"{count} queries of panels, without data: {empty or 'none'}; firing before anything was done: {sorted(quiet) or 'none'}")
    screen.print(f"the dead-man switch {'was heard' if is_alive else 'WAS NOT HEARD'}; pages in all: {sum_up(watchers)}")
    return is_right and is_alive


def sum_up(watchers: Watchers) -> str:
    return ", ".join(sorted({one.name for one in watchers.person.told if one.receiver == "page"})) or "none"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="half an hour until a source is silent, as shipped")
    parser.add_argument("--only", default="", help="a part of an alert's name: this case alone")
    given = parser.parse_args()
    end_in_order()
    silent_seconds = 0 if given.full else SILENT_SECONDS
    with tempfile.TemporaryDirectory(prefix="openweight-alarms-") as name:
        folder, metrics_port = Path(name), find_free_port()
        # Not killed for standing at one record: it is halted on purpose.
        variables = {"OPENWEIGHT_METRICS__PORT": str(metrics_port), "OPENWEIGHT_ENGINE__RECORD_SECONDS": "3600"}
        run = OpenweightRun(folder / "state", variables)
        try:
            run.start()
            ports = json.loads((run.state_folder / "ports.json").read_text("utf-8"))
            flink = [ports["jobmanager_metrics"], ports["taskmanager_metrics"]]
            watchers = Watchers(folder, f"127.0.0.1:{metrics_port}", flink, silent_seconds)
            try:
                watchers.start()
                return 0 if watch(run, watchers, silent_seconds or 30 * 60, given.only) else 1
            finally:
                watchers.stop()
        except RunFailed as failure:
            progress.print(f"FAILED: {failure}")
            return 1
        finally:
            run.clear_away()


if __name__ == "__main__":
    sys.exit(main())

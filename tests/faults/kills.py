"""Kills the engine and the Python worker of a run that has a backlog, and proves that nothing is lost and nothing changed.

20,000 mixed records; TaskManager, Python worker and JobManager are killed (SIGKILL) three times each at moments that the seed decides; then
`openweight verify` must print LOST 0, and the alerts after compaction must be those of an undisturbed run of the same records.
Prints a table and the verdict; exit code 1 on a failure. Usage: python tests/faults/kills.py [--records 20000] [--times 3] [--seed 1]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from end_in_order import end_in_order  # noqa: E402 - found by the path above
from mixed_articles import mix_messages  # noqa: E402 - the same
from rich.console import Console  # noqa: E402 - the same
from rich.table import Table  # noqa: E402 - the same
from run_openweight import (  # noqa: E402 - the same
    OpenweightRun,
    RunFailed,
    TopicEnds,
    alert_topics,
    feed,
    live_alerts,
    outcome_topics,
    prepare_topics,
    read_all,
)

from connectors.kafka.connection import KafkaConnection  # noqa: E402 - the same
from pipeline.local import USUAL_PORTS, LocalMachine, MachinePlan  # noqa: E402 - the same

VICTIMS = ("taskmanager", "worker", "jobmanager")
# After records flow again, the next kill comes within these seconds; between one checkpoint and several.
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 4.0
RECOVERY_SECONDS = 240
progress = Console(stderr=True)


@dataclass(frozen=True)
class Kill:
    """`left` is the backlog at the kill, `job` the job that was restored and `restored` how often Flink says it was."""

    victim: str
    outcomes: int
    left: int
    recovery_seconds: float
    job: str
    restored: int


class Records:
    """One broker with the records, for the disturbed and the undisturbed run."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.folder = folder
        self.machine = LocalMachine(MachinePlan(folder / "broker", has_engine=False, usual_ports=dict.fromkeys(USUAL_PORTS, 0)))
        self.count = count
        self.seed = seed

    def fill(self) -> None:
        """Starts the broker, which `machine.stop` ends, and feeds the records."""
        self.machine.start()
        assert self.machine.broker is not None
        self.servers = self.machine.broker.bootstrap_servers
        self.connection = KafkaConnection(bootstrap_servers=self.servers)
        # The topics come with the first run's settings.
        self.prepare("disturbed")
        self.count = feed(self.connection, mix_messages(self.count, seed=self.seed))

    def prepare(self, name: str) -> OpenweightRun:
        """A run on these records with topics, group and state of its own."""
        variables = {
            "OPENWEIGHT_BROKER__BOOTSTRAP_SERVERS": self.servers,
            "OPENWEIGHT_READING__GROUP": name,
            "OPENWEIGHT_WRITING__TOPIC_PREFIX": name,
        }
        run = OpenweightRun(self.folder / name, variables)
        prepare_topics(run.settings)
        return run

    def limit_seconds(self) -> float:
        return 120 + self.count * 0.1


def kill_each(records: Records, run: OpenweightRun, times: int, chance: random.Random) -> list[Kill]:
    """Kills each victim so many times in an order that the seed decides, each time with a backlog and after records flow.

    Raises:
        RunFailed: the backlog was done too early, the run ended, or it did not come back.
    """
    ends = TopicEnds(records.connection, outcome_topics(run.settings))
    victims = [*VICTIMS] * times
    chance.shuffle(victims)
    kills = []
    run.wait_for(lambda: ends.count() > 0, "the first outcome", RECOVERY_SECONDS)
    for victim in victims:
        time.sleep(chance.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
        kills.append(kill_one(records, run, victim, ends))
    ends.close()
    return kills


def kill_one(records: Records, run: OpenweightRun, victim: str, ends: TopicEnds) -> Kill:
    before, outcomes = run.restores(), ends.count()
    left = records.count - outcomes
    if left <= 0:
        raise RunFailed(f"the backlog was done before {victim} was killed: a kill without work shows nothing; give --records more")
    pid = run.pid_of(victim)
    if not pid or not before[0]:
        raise RunFailed(f"{victim} or the job does not run (pid {pid}, job {before[0] or 'none'}), although records flow")
    os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()

    def is_restored() -> bool:
        job, restored = run.restores()
        return bool(job) and restored > (before[1] if job == before[0] else 0)

    run.wait_for(is_restored, f"the job is restored after {victim} was killed", RECOVERY_SECONDS)
    # What the killed ones still had under way has arrived by now; what comes from here on is new.
    restored_with = ends.count()
    run.wait_for(lambda: ends.count() > restored_with, f"records flow after {victim} was killed", RECOVERY_SECONDS)
    seconds = time.monotonic() - killed_at
    job, restored = run.restores()
    progress.print(f"{victim} killed at {outcomes} outcomes, {left} left; back after {seconds:.1f} s, job {job[:8]} restored {restored}")
    return Kill(victim, outcomes, left, seconds, job, restored)


def finish(records: Records, run: OpenweightRun) -> tuple[dict[str, bytes], list[str]]:
    """Waits for lag 0, stops the run, and returns its alerts after compaction, and what `openweight verify` found.

    Raises:
        RunFailed: the lag does not become 0, or the run does not stop in order.
    """
    run.wait_for(lambda: run.committed() >= records.count, f"lag 0 of {run.state_folder.name}", records.limit_seconds())
    code = run.stop()
    if code != 0:
        raise RunFailed(f"it ended with {code} after SIGTERM:\n{run.last_lines()}")
    answer = run.call("verify")
    progress.print(answer.stdout)
    is_proven = answer.returncode == 0 and "LOST 0" in answer.stdout
    found = [] if is_proven else [f"{run.state_folder.name}: openweight verify ends with {answer.returncode} {answer.stderr[-1000:]}"]
    return live_alerts(read_all(records.connection, alert_topics(run.settings))), found


def compare(undisturbed: dict[str, bytes], disturbed: dict[str, bytes]) -> list[str]:
    """One line for each alert that is not the same in both."""

    def without_prefix(alerts: dict[str, bytes]) -> dict[str, bytes]:
        return {name.partition(".")[2]: value for name, value in alerts.items()}

    one, other = without_prefix(undisturbed), without_prefix(disturbed)
    return [
        f"{name}: {'missing' if name not in other else 'not expected' if name not in one else 'other bytes'}"
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]


def print_kills(kills: list[Kill]) -> None:
    table = Table("killed", "at outcome", "backlog left", "recovery s", "job", "restored", box=None)
    for kill in kills:
        table.add_row(
            kill.victim, str(kill.outcomes), str(kill.left), f"{kill.recovery_seconds:.1f}", kill.job[:8], f"yes ({kill.restored})"
        )
    Console().print(table)


def run_kills(records: Records, given: argparse.Namespace) -> list[str]:
    """Returns what is wrong, one line each."""
    alerts: dict[str, dict[str, bytes]] = {}
    kills: list[Kill] = []
    problems: list[str] = []
    for name in ("disturbed", "undisturbed"):
        run = records.prepare(name)
        progress.print(f"{name}: starting")
        try:
            run.start()
            if name == "disturbed":
                kills = kill_each(records, run, given.times, random.Random(given.seed))  # noqa: S311 - reproducible on purpose
            alerts[name], found = finish(records, run)
            problems += found
        except RunFailed as failure:
            return [*problems, f"{name}: {failure}"]
        finally:
            run.clear_away()
    print_kills(kills)
    print(f"{len(alerts['undisturbed'])} alerts without, {len(alerts['disturbed'])} with {len(kills)} kills")  # noqa: T201 - the report
    return problems + compare(alerts["undisturbed"], alerts["disturbed"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3, help="kills of each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="an empty folder for all state, which is kept")
    given = parser.parse_args()
    end_in_order()
    with contextlib.ExitStack() as at_end:
        scratch = tempfile.TemporaryDirectory(prefix="openweight-kills-", ignore_cleanup_errors=True)
        folder = given.keep or Path(at_end.enter_context(scratch))
        records = Records(folder, given.records, given.seed)
        at_end.callback(records.machine.stop)
        records.fill()
        problems = run_kills(records, given)
    for problem in problems:
        print(problem)  # noqa: T201 - the report
    print("FAILED" if problems else "nothing lost, nothing changed")  # noqa: T201 - the report
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

"""When a process that died is started again, and when it dies so often that the run gives up."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING

import structlog

from pipeline.start_failure import StartFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.processes import ChildProcess

log = structlog.get_logger()

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 1, 30


class CrashLoop(StartFailure):
    """Something died more often than allowed; the text ends with its last words."""


class Restarts:
    """Counts deaths by name and spaces the starts: 1 s after the first death within the window, doubling up to 30 s."""

    def __init__(self, allowed: int, window_minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.allowed = allowed
        self.window_minutes = window_minutes
        self.clock = clock
        self.counts: Counter[str] = Counter()
        self.deaths: dict[str, deque[float]] = defaultdict(deque)
        self.due: dict[str, float] = {}
        self.engine_restarts: dict[str, int] = {}

    def note_death(self, name: str, reason: str) -> None:
        """Plan the next start of `name`.

        Raises:
            CrashLoop: it is the death too many.
        """
        deaths = self._count(name, reason)
        delay = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (deaths - 1))
        self.due[name] = self.clock() + delay
        log.warning("died, will be started again", name=name, seconds=delay, reason=reason)

    def note_engine_restarts(self, job: str, total: int, read_reason: Callable[[], str]) -> None:
        """Take note of how often the engine itself has restarted a job so far: it would go on for ever.

        Raises:
            CrashLoop: it is the restart too many.
        """
        for _ in range(total - self.engine_restarts.get(job, 0)):
            self._count("the job on the engine", read_reason)
        # Less than before: the engine does not say at the moment.
        self.engine_restarts[job] = max(total, self.engine_restarts.get(job, 0))

    def _count(self, name: str, reason: str | Callable[[], str]) -> int:
        now = self.clock()
        deaths = self.deaths[name]
        deaths.append(now)
        while deaths[0] < now - self.window_minutes * 60:
            deaths.popleft()
        if len(deaths) > self.allowed:
            last = reason if isinstance(reason, str) else reason()
            raise CrashLoop(f"{name} died {len(deaths)} times within {self.window_minutes:g} minutes; the last time: {last}")
        return len(deaths)

    def is_planned(self, name: str) -> bool:
        return name in self.due

    def take_if_due(self, name: str) -> bool:
        """Whether the time has come to start `name`; if so it is counted as a restart."""
        if self.due.get(name, float("inf")) > self.clock():
            return False
        del self.due[name]
        self.counts[name] += 1
        return True

    def restart_dead(self, children: Iterable[ChildProcess]) -> list[str]:
        """Start those that died and whose pause is over; returns their names. Never blocks: call it about once a second."""
        started = []
        for child in children:
            if child.exit_code is None:
                continue
            if not self.is_planned(child.name):
                self.note_death(child.name, f"exit code {child.exit_code}; {child.last_lines()}")
            if self.take_if_due(child.name):
                try:
                    child.start()
                except OSError as error:
                    # A disk that is full today has room tomorrow.
                    self.note_death(child.name, f"cannot be started: {error}")
                    continue
                started.append(child.name)
        return started

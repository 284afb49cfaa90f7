"""Pauses between restarts, and when a run gives up."""

from dataclasses import dataclass

import pytest

from pipeline.restarts import CrashLoop, Restarts


@dataclass
class Clock:
    now: float = 1000

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeChild:
    name: str = "pool"
    exit_code: int | None = None
    starts: int = 0
    refusals: int = 0

    def start(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OSError(28, "No space left on device")
        self.exit_code = None
        self.starts += 1

    def last_lines(self) -> str:
        return "out of memory"


def die_and_come_back(restarts: Restarts, child: FakeChild, clock: Clock) -> float:
    """Let the child die; returns the seconds until it was started again."""
    died = clock.now
    child.exit_code = -9
    while child.exit_code is not None:
        restarts.restart_dead([child])  # type: ignore[list-item]  # a fake
        if child.exit_code is not None:
            clock.now += 0.5
    return clock.now - died


def test_pause_doubles_up_to_thirty_seconds() -> None:
    clock = Clock()
    restarts, child = Restarts(allowed=10, window_minutes=60, clock=clock), FakeChild()
    assert [die_and_come_back(restarts, child, clock) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert restarts.counts == {"pool": 7}


def test_pause_is_short_again_after_a_quiet_window() -> None:
    clock = Clock()
    restarts, child = Restarts(allowed=10, window_minutes=1, clock=clock), FakeChild()
    for _ in range(3):
        die_and_come_back(restarts, child, clock)
    clock.now += 61
    assert die_and_come_back(restarts, child, clock) == 1


def test_one_death_more_than_allowed_ends_the_run_with_the_last_words() -> None:
    clock = Clock()
    restarts, child = Restarts(allowed=2, window_minutes=10, clock=clock), FakeChild()
    for _ in range(2):
        die_and_come_back(restarts, child, clock)
    with pytest.raises(CrashLoop, match=r"pool died 3 times within 10 minutes(.|\n)*out of memory"):
        die_and_come_back(restarts, child, clock)


def test_machine_that_refuses_a_start_for_a_while_is_asked_again() -> None:
    clock = Clock()
    restarts, child = Restarts(allowed=10, window_minutes=60, clock=clock), FakeChild(refusals=2)
    assert die_and_come_back(restarts, child, clock) == 1 + 2 + 4
    assert child.starts == 1


def test_living_process_is_left_alone() -> None:
    child = FakeChild()
    assert Restarts(allowed=1, window_minutes=1).restart_dead([child]) == []  # type: ignore[list-item]  # a fake
    assert child.starts == 0


def test_job_that_the_engine_restarts_again_and_again_ends_the_run_with_its_reason() -> None:
    clock = Clock()
    restarts = Restarts(allowed=3, window_minutes=10, clock=clock)
    restarts.note_engine_restarts("first", 2, lambda: "")
    restarts.note_engine_restarts("first", 0, lambda: "")
    restarts.note_engine_restarts("first", 3, lambda: "")
    with pytest.raises(CrashLoop, match="4 times within 10 minutes; the last time: topic is missing"):
        restarts.note_engine_restarts("second", 1, lambda: "topic is missing")


def test_restarts_of_the_engine_spread_over_hours_are_no_crash_loop() -> None:
    clock = Clock()
    restarts = Restarts(allowed=2, window_minutes=10, clock=clock)
    for total in range(1, 30):
        restarts.note_engine_restarts("job", total, lambda: "")
        clock.now += 400

"""The loop of a run outlives what the machine refuses for a while."""

from threading import Event
from typing import Any

from pipeline.restarts import Restarts
from pipeline.watch_run import watch_run


class FakeJob:
    """Runs well, counts how often it was looked at, and asks for the stop at the second time."""

    def __init__(self, should_stop: Event) -> None:
        self.should_stop = should_stop
        self.looks = 0

    def is_lost(self) -> bool:
        return False

    def remove_earlier_state(self) -> list[Any]:
        self.looks += 1
        if self.looks == 1:
            raise OSError(28, "No space left on device")
        self.should_stop.set()
        return []


def test_full_disk_does_not_end_the_run() -> None:
    should_stop = Event()
    job = FakeJob(should_stop)
    watch_run(job, Restarts(allowed=1, window_minutes=1), lambda: None, should_stop)  # type: ignore[arg-type]  # a fake
    assert job.looks == 2

"""What SIGINT and SIGTERM do to a run: a start ends at once, a run that is watched ends in order."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """`event` is set by the first signal; `number` is that of the last, 0 before."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.number = 0
        self.is_starting = True
        self.received_at = float("inf")

    def listen(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, self.receive)

    def ignore_further(self) -> None:
        """What is left takes seconds, and interrupted it would leave processes behind."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """Interrupts a start, wherever it waits; and a stop in order, since who asks twice does not want to wait for the savepoint.

        Raises:
            KeyboardInterrupt: to be taken as the end of the run.
        """
        # A start is interrupted once: what clears it away takes seconds, and interrupted it would leave processes behind.
        is_urgent = self.is_starting != self.event.is_set()
        self.number = number
        self.received_at = min(self.received_at, time.monotonic())
        self.event.set()
        if is_urgent:
            raise KeyboardInterrupt

    @property
    def seconds_since(self) -> float:
        """Since the first signal; 0 before."""
        return max(0.0, time.monotonic() - self.received_at)

    def begin_watching(self) -> None:
        self.is_starting = False

    def interrupt_if_asked(self) -> None:
        """For waits within a watched run.

        Raises:
            KeyboardInterrupt: a stop was asked for.
        """
        if self.event.is_set():
            raise KeyboardInterrupt

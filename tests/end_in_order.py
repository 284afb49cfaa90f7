"""Lets a command that starts brokers and runs clear them away also when it is told to end."""

from __future__ import annotations

import signal
import sys
from types import FrameType

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_in_order() -> None:
    """Has the first of these signals end the process by SystemExit, so that every `finally` and `with` clears away; further ones wait for it.

    Without it SIGTERM, as `timeout` and CI send it, leaves a broker and an engine behind.
    """

    def receive(number: int, _frame: FrameType | None) -> None:
        for each in END_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        print(f"ending after {signal.Signals(number).name}: clearing away, up to half a minute", file=sys.stderr, flush=True)  # noqa: T201
        sys.exit(128 + number)

    for number in END_SIGNALS:
        signal.signal(number, receive)

"""How a command ends, for scripts that call it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    DONE = 0
    FOUND = 1
    USAGE = 2
    BROKER_AWAY = 3
    ENGINE_FAILED = 4
    INTERRUPTED = 130

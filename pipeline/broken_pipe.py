"""What happens when whoever reads our output has gone, as with `openweight watch --json | head`: nothing is wrong."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from pipeline.exit_codes import ExitCode


class Commands(TyperGroup):
    """The sub-commands. Typer would end with 1 for a reader that has gone; here that is a check that found something."""

    def invoke(self, context: Any) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:
            write_nowhere()
            raise typer.Exit(ExitCode.DONE) from None


def write_nowhere() -> None:
    """Lets standard output lead to nothing, so that what is still in its buffer fails no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

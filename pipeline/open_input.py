"""The files that commands read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

STANDARD_INPUT = Path("-")


def open_input(file: Path) -> BinaryIO:
    """A file, or standard input for `-`.

    Raises:
        OSError: the file cannot be read.
    """
    return sys.stdin.buffer if file == STANDARD_INPUT else file.open("rb")


def size_bytes(stream: BinaryIO) -> int:
    """How much there is to read; 0 for a pipe, which does not say."""
    return os.fstat(stream.fileno()).st_size

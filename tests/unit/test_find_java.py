"""Which Java is taken."""

from pathlib import Path

import pytest

from pipeline.find_java import find_java, packaged, parse_major_version
from pipeline.start_failure import StartFailure


def make_java(folder: Path, banner: str) -> Path:
    executable = folder / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho '{banner}' >&2\n")
    executable.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("banner", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ('openjdk version "22-ea" 2024-03-19', 22),
        ("sh: java: not found", None),
    ],
)
def test_major_version_is_read_from_the_banner(banner: str, major: int | None) -> None:
    assert parse_major_version(banner) == major


def test_java_home_that_fits_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_java(tmp_path / "home", 'openjdk version "21.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java().executable == home / "bin" / "java"


def test_java_home_that_is_too_new_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "home", 'openjdk version "25"')))
    monkeypatch.setenv("PATH", str(make_java(tmp_path / "path", 'openjdk version "17.0.1"') / "bin"))
    assert find_java().executable == tmp_path / "path" / "bin" / "java"


def test_configured_java_of_a_wrong_version_is_refused_by_name(tmp_path: Path) -> None:
    home = make_java(tmp_path / "home", 'openjdk version "11.0.2"')
    with pytest.raises(StartFailure, match=r"home/bin/java \(version 11\)"):
        find_java(home)


def test_packaged_java_fits() -> None:
    executable = next(packaged())
    assert find_java(executable).major_version == 21

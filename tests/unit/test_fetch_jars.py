"""Jars are what checksums.txt says, or the start is refused."""

import hashlib
import os
from pathlib import Path

import pytest

from pipeline.fetch_jars import JarKind, fetch_jars
from pipeline.start_failure import StartFailure


class Workshop:
    """Definitions, one jar, and a Maven that answers with that jar and counts its calls."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.definitions, self.state, self.jar = root / "definitions", root / "state", root / "one.jar"
        self.calls = root / "calls"
        self.definitions.mkdir()
        (self.definitions / "kafka-pom.xml").write_text("<project/>")
        self.jar.write_bytes(b"jar")
        self.write_checksums(f"{hashlib.sha256(b'jar').hexdigest()}  broker/one.jar\n")
        maven = root / "bin" / "mvn"
        maven.parent.mkdir()
        script = f'for a in "$@"; do case $a in -Dmdep.outputFile=*) echo {self.jar} > "${{a#*=}}";; esac; done'
        maven.write_text(f"#!/bin/sh\necho call >> {self.calls}\n{script}\n")
        maven.chmod(0o755)
        monkeypatch.setenv("PATH", f"{maven.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def write_checksums(self, text: str) -> None:
        (self.definitions / "checksums.txt").write_text(text)

    def fetch(self) -> list[Path]:
        return fetch_jars(JarKind.BROKER, self.state, self.definitions)

    def count_calls(self) -> int:
        return len(self.calls.read_text().splitlines())


def test_second_fetch_asks_maven_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop(tmp_path, monkeypatch)
    assert workshop.fetch() == workshop.fetch() == [workshop.jar]
    assert workshop.count_calls() == 1


def test_jar_replaced_after_the_fetch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop(tmp_path, monkeypatch)
    workshop.fetch()
    workshop.jar.write_bytes(b"evil")
    with pytest.raises(StartFailure, match=r"one\.jar has sha-256"):
        workshop.fetch()


def test_jar_that_is_not_listed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop(tmp_path, monkeypatch)
    workshop.write_checksums("")
    with pytest.raises(StartFailure, match=r"not listed \['one\.jar'\]"):
        workshop.fetch()


def test_missing_maven_is_named_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StartFailure, match="apt-get install maven"):
        workshop.fetch()

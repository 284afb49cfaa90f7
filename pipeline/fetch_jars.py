"""The jars of broker and engine: named by coordinates in deploy/engine, fetched with Maven, every hash checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog

from pipeline.start_failure import StartFailure

log = structlog.get_logger()

DEFINITIONS = Path(__file__).resolve().parents[1] / "deploy" / "engine"
FETCH_LIMIT_SECONDS = 1800


class JarKind(StrEnum):
    BROKER = "broker"
    ENGINE = "engine"


POMS = {JarKind.BROKER: "kafka-pom.xml", JarKind.ENGINE: "pom.xml"}


class FetchedJars(msgspec.Struct, frozen=True):
    """What was checked last time: when neither definition nor file changed, nothing is read again."""

    definition_sha256: str
    jars: tuple[tuple[str, int, int], ...]
    """Path, size in bytes and modification time in nanoseconds of each jar, in the order of the class path."""


def fetch_jars(kind: JarKind, state_folder: Path, definitions: Path = DEFINITIONS) -> list[Path]:
    """Return the jars of `kind` in the order of their class path, each with the hash that `checksums.txt` states.

    Raises:
        StartFailure: Maven is missing or fails, a jar has another hash, or the list and the jars differ.
    """
    record = state_folder / "jars" / f"{kind.value}.json"
    definition = hash_definition(kind, definitions)
    if jars := recall(record, definition):
        return jars
    log.info("fetching jars with Maven", kind=kind.value)
    jars = resolve(definitions / POMS[kind], record.with_suffix(".classpath"))
    verify(kind, jars, read_checksums(kind, definitions))
    fetched = FetchedJars(definition, tuple((str(jar), *fingerprint(jar)) for jar in jars))
    record.write_bytes(msgspec.json.encode(fetched))
    return jars


def hash_definition(kind: JarKind, definitions: Path) -> str:
    digest = hashlib.sha256()
    for name in (POMS[kind], "checksums.txt"):
        try:
            digest.update((definitions / name).read_bytes())
        except FileNotFoundError:
            raise StartFailure(f"{definitions / name} is missing: run from a whole checkout of the project") from None
    return digest.hexdigest()


def recall(record: Path, definition_sha256: str) -> list[Path] | None:
    try:
        fetched = msgspec.json.decode(record.read_bytes(), type=FetchedJars)
        if fetched.definition_sha256 != definition_sha256:
            return None
        unchanged = all((size, modified) == fingerprint(Path(path)) for path, size, modified in fetched.jars)
    except (OSError, msgspec.MsgspecError):
        return None
    return [Path(path) for path, _, _ in fetched.jars] if unchanged else None


def fingerprint(jar: Path) -> tuple[int, int]:
    status = jar.stat()
    return status.st_size, status.st_mtime_ns


def resolve(pom: Path, output: Path) -> list[Path]:
    maven = shutil.which("mvn")
    if maven is None:
        raise StartFailure("Maven (mvn) is not on the PATH; it fetches the jars. Debian: apt-get install maven")
    output.parent.mkdir(parents=True, exist_ok=True)
    goal = "org.apache.maven.plugins:maven-dependency-plugin:build-classpath"
    command = [maven, "--quiet", "--batch-mode", "--file", str(pom), f"-Dmdep.outputFile={output}", goal]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise StartFailure(f"Maven did not fetch the jars of {pom} within {FETCH_LIMIT_SECONDS} s") from None
    if answer.returncode != 0:
        reason = next((line for line in answer.stdout.splitlines() if "ERROR" in line), answer.stderr[-300:])
        raise StartFailure(f"Maven could not fetch the jars of {pom}: {reason.strip()}")
    return [Path(path) for path in output.read_text().strip().split(os.pathsep)]


def read_checksums(kind: JarKind, definitions: Path) -> dict[str, str]:
    """Return sha-256 by jar name; a line of the file is `SHA256  KIND/NAME.jar`."""
    checksums = {}
    for line in (definitions / "checksums.txt").read_text().splitlines():
        digest, _, place = line.partition("  ")
        if place.startswith(f"{kind.value}/"):
            checksums[place.removeprefix(f"{kind.value}/")] = digest
    return checksums


def verify(kind: JarKind, jars: list[Path], checksums: dict[str, str]) -> None:
    listed = set(checksums)
    found = {jar.name for jar in jars}
    if listed != found:
        raise StartFailure(
            f"checksums.txt and the {kind.value} jars differ: not listed {sorted(found - listed)}, not fetched "
            f"{sorted(listed - found)}. After a deliberate change of versions: python -m pipeline.write_checksums"
        )
    for jar in jars:
        actual = hash_file(jar)
        if actual != checksums[jar.name]:
            raise StartFailure(
                f"{jar} has sha-256 {actual}, checksums.txt says {checksums[jar.name]}: the file is damaged or was replaced. "
                "Delete it and start again"
            )


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

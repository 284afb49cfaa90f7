"""The jars of broker and engine: named by coordinates in deploy/engine, fetched with Maven, every hash checked."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog

from pipeline.start_failure import StartFailure

log = structlog.get_logger()

DEFINITIONS = Path(__file__).resolve().parents[1] / "deploy" / "engine"
# What an image or an installation without Maven brings: copies whose hashes were checked when they were made.
BUNDLE = DEFINITIONS.parents[1] / "jars"
# A whole second, long ago: layers of an image keep no fractions, and reproducible builds cut off what is later than the commit.
BUNDLED_AT_SECONDS = 315_532_800
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


def fetch_jars(kind: JarKind, state_folder: Path, definitions: Path = DEFINITIONS, bundle: Path = BUNDLE) -> list[Path]:
    """Return the jars of `kind` in the order of their class path, each with the hash that `checksums.txt` states.

    Those of `bundle` are taken when it has them, else Maven is asked, once for each state folder.

    Raises:
        StartFailure: Maven is missing or fails, a jar has another hash, or the list and the jars differ.
    """
    record = state_folder / "jars" / f"{kind.value}.json"
    definition = hash_definition(kind, definitions)
    for known in (bundle / record.name, record):
        if jars := recall(known, definition):
            return jars
    log.info("fetching jars with Maven", kind=kind.value)
    jars = resolve(definitions / POMS[kind], record.with_suffix(".classpath"))
    verify(kind, jars, read_checksums(kind, definitions))
    remember(record, definition, jars)
    return jars


def bundle_jars(kind: JarKind, bundle: Path, jars: list[Path], definitions: Path = DEFINITIONS) -> None:
    """Copy checked jars into `bundle`, and write `KIND.arguments` beside them: the class path for `java @FILE`."""
    folder = bundle / kind.value
    folder.mkdir(parents=True, exist_ok=True)
    copies = [shutil.copyfile(jar, folder / jar.name) for jar in jars]
    for copy in copies:
        os.utime(copy, (BUNDLED_AT_SECONDS, BUNDLED_AT_SECONDS))
    remember(bundle / f"{kind.value}.json", hash_definition(kind, definitions), copies)
    (bundle / f"{kind.value}.arguments").write_text(f"-cp {os.pathsep.join(map(str, copies))}\n")


def hash_definition(kind: JarKind, definitions: Path) -> str:
    digest = hashlib.sha256()
    for name in (POMS[kind], "checksums.txt"):
        try:
            digest.update((definitions / name).read_bytes())
        except FileNotFoundError:
            raise StartFailure(f"{definitions / name} is missing: run from a whole checkout of the project") from None
    return digest.hexdigest()


def remember(record: Path, definition_sha256: str, jars: list[Path]) -> None:
    fetched = FetchedJars(definition_sha256, tuple((str(jar), *fingerprint(jar)) for jar in jars))
    record.write_bytes(msgspec.json.encode(fetched))


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


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", type=JarKind, help="broker, engine; both when none is named")
    parser.add_argument("--state-folder", type=Path, default=Path(".local"), help="remembers what was fetched")
    parser.add_argument("--bundle", type=Path, help="also copy the jars into this folder: of an image, or of a machine without Maven")
    given = parser.parse_args(None if arguments is None else list(arguments))
    try:
        for kind in given.kinds or JarKind:
            jars = fetch_jars(kind, given.state_folder.absolute())
            if given.bundle is not None:
                bundle_jars(kind, given.bundle.absolute(), jars)
    except StartFailure as failure:
        sys.exit(f"fetch_jars: {failure}")


if __name__ == "__main__":
    main()

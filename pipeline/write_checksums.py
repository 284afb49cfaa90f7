"""Writes deploy/engine/checksums.txt anew after a deliberate change of versions: python -m pipeline.write_checksums."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipeline.fetch_jars import DEFINITIONS, POMS, JarKind, hash_file, resolve


def write_checksums(definitions: Path = DEFINITIONS) -> Path:
    """Fetch the jars of every kind and write down their hashes; returns the file written."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in JarKind:
            jars = resolve(definitions / POMS[kind], Path(folder) / f"{kind.value}.classpath")
            lines += [f"{hash_file(jar)}  {kind.value}/{jar.name}" for jar in sorted(jars, key=lambda jar: jar.name)]
    target = definitions / "checksums.txt"
    target.write_text("\n".join(lines) + "\n")
    return target


if __name__ == "__main__":
    write_checksums()

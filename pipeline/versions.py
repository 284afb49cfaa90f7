"""Which versions are at work, read from where each is defined."""

from __future__ import annotations

import re
from importlib.metadata import version

from pipeline.fetch_jars import DEFINITIONS

FLINK_DEPENDENCY = re.compile(r"<artifactId>flink-runtime-web</artifactId><version>([^<]+)</version>")


def flink_version() -> str:
    """The Flink version that deploy/engine/pom.xml names.

    Raises:
        LookupError: it names none.
    """
    found = FLINK_DEPENDENCY.search((DEFINITIONS / "pom.xml").read_text("utf-8"))
    if found is None:
        raise LookupError(f"{DEFINITIONS / 'pom.xml'} has no dependency flink-runtime-web with a version")
    return found[1]


def describe_versions() -> str:
    from transforms.model.judge import model_version  # noqa: PLC0415 - loads numpy and the model's code

    return (
        f"openweight-monitor {version('openweight-monitor')}\napache-beam {version('apache-beam')}\n"
        f"flink {flink_version()}\nmodel {model_version()}"
    )

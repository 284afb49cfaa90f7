"""Models that a text calls by the end of their names: V3 is DeepSeek-V3 where DeepSeek is named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

# What stands between a series and its version.
BETWEEN = " -"


@cache
def _series() -> dict[str, tuple[str, frozenset[str]]]:
    """The end of a name, in small letters -> the name, and whose naming it needs (transforms/languages/series.tsv)."""
    lines = (resources.files("transforms") / "languages" / "series.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {short.lower(): (full, frozenset(needed.split(" | "))) for short, full, needed in rows}


def full_model_name(name: str, models: Iterable[str], names: Iterable[str]) -> str:
    """The name (canonical) in full: as another of the article's `models` has it that ends so, else by its series; `names` are all."""
    first, rest = _split(name)
    if first.lower() not in _series() and not re.fullmatch(r"[A-Z]\d[\w.-]*", name):
        return name
    longer = {one for one in models if one.endswith(name) and one[: -len(name)].endswith(tuple(BETWEEN))}
    if len(longer) == 1:
        return longer.pop()
    full, needed = _series().get(first.lower(), (name, frozenset()))
    return full + rest if any(one == need or one.startswith((f"{need} ", f"{need}-")) for one in names for need in needed) else name


def _split(name: str) -> tuple[str, str]:
    """The first word, and the rest with what stands before it: "Medium 3" -> "Medium", " 3"."""
    place = next((place for place, letter in enumerate(name) if letter in BETWEEN), len(name))
    return name[:place], name[place:]

"""The registry of languages: one file each in transforms/languages, no code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Language:
    """What is known of a language; see transforms/languages/README.md for the fields."""

    tag: str
    name: str
    script: str
    letters: str = ""
    words: frozenset[str] = frozenset()
    traditional: str = ""
    simplified: str = ""
    least_letters: int = 0


@cache
def languages() -> dict[str, Language]:
    """BCP 47 tag -> language, for every file of transforms/languages."""
    folder = resources.files("transforms") / "languages"
    found = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            tag = file.name.removesuffix(".toml")
            values = tomllib.loads(file.read_text("utf-8"))
            found[tag] = Language(
                tag=tag,
                name=values["name"],
                script=values["script"],
                letters=values.get("letters", ""),
                words=frozenset(values.get("words", ())),
                traditional=values.get("traditional", ""),
                simplified=values.get("simplified", ""),
                least_letters=values.get("least_letters", 0),
            )
    return found

"""Bodies of a state that texts call without it: Senado is the Senate of Mexico where Mexico is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

from transforms.model.actors import affiliations, state_of
from transforms.text.fold import fold

UNION = "European Union"
# What the Union's bodies are called.
UNION_BODIES = {"Parliament": "European Parliament"}
# Behind the tag of a language: the state that is meant when a text in it names none.
WITHOUT_BEING_NAMED = "!"
# How many names, and how many times those of the own state, must point to another before it is meant.
LEAST_FOREIGN, TIMES_FOREIGN = 3, 4
WITH_ARTICLE = ("United ", "Netherlands", "Philippines", "Czech Republic", "Dominican Republic", "European Union")


class State(NamedTuple):
    """A state's adjective, and the tags of the languages in which its own press writes."""

    adjective: str
    languages: tuple[str, ...]


@cache
def states() -> dict[str, State]:
    """States by their names (transforms/languages/states.tsv)."""
    rows = (line.split("\t") for line in _read_lines("states.tsv"))
    return {name: State(adjective, tuple(languages.split())) for name, adjective, languages in rows}


@cache
def institutions() -> dict[str, str]:
    """What an institution is called, folded -> its English name without its state (transforms/languages/institutions.tsv)."""
    rows = (line.split("\t") for line in _read_lines("institutions.tsv"))
    return {fold(form).text: institution for institution, forms in rows for form in forms.split(" | ")}


def _read_lines(file: str) -> list[str]:
    return (resources.files("transforms") / "languages" / file).read_text("utf-8").splitlines()[1:]


def meant_state(canonicals: Iterable[str], language: str) -> str:
    """Whose institutions a text means: of its language's states the one that its names (canonical) point to most; "" when none does.

    The Union when more names point to it, another state when the text is about that: many more names do.
    """
    pointed = Counter(state for name in canonicals if (state := _pointed(name)) in states())
    own = [name for name, state in states().items() if language in (tag.removesuffix(WITHOUT_BEING_NAMED) for tag in state.languages)]
    best = max(own, key=lambda name: pointed[name], default="")
    if not pointed[best]:
        best = next((name for name in own if language + WITHOUT_BEING_NAMED in states()[name].languages), "")
    foremost = max(pointed, key=lambda name: pointed[name], default="")
    if foremost and (not own or pointed[foremost] > max(LEAST_FOREIGN, TIMES_FOREIGN * pointed[best])):
        best = foremost
    return UNION if pointed[UNION] > pointed[best] else best


def _pointed(name: str) -> str:
    return name if name in states() else affiliations().get(name) or state_of(name)


def with_state(institution: str, state: str) -> list[str]:
    """What an institution of a state may be called in English, the plainest last."""
    if state == UNION:
        return [UNION_BODIES.get(institution, institution)]
    if not state:
        return [institution]
    article = "the " if state.startswith(WITH_ARTICLE) else ""
    return [f"{states()[state].adjective} {institution}", f"{institution} of {article}{state}"]

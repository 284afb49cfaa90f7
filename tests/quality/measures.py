"""The arithmetic of the scorecard: shares and F1 with exact intervals, calibration, names and spans that match."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from transforms.model.entities.institutions import states

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """`hits` of `total`, with the exact (Clopper-Pearson) interval of 95 %."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        return self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The smallest and the largest rate under which so many hits are not surprising."""
        if not self.total:
            return 0.0, 1.0
        tail = (1 - CONFIDENCE) / 2
        low = 0.0 if self.hits == 0 else _solve(lambda rate: 1 - _at_most(self.hits - 1, self.total, rate) - tail)
        high = 1.0 if self.hits == self.total else _solve(lambda rate: tail - _at_most(self.hits, self.total, rate))
        return low, high

    def __str__(self) -> str:
        if not self.total:
            return "-"
        low, high = self.interval
        return f"{self.value:.2f} [{low:.2f} {high:.2f}] of {self.total}"

    def json(self) -> dict[str, float | int | list[float]]:
        return {
            "value": round(self.value, 4) if self.total else -1.0,
            "hits": self.hits,
            "total": self.total,
            "interval": [round(x, 4) for x in self.interval],
        }


def share(values: Iterable[bool]) -> Share:
    found = list(values)
    return Share(sum(map(bool, found)), len(found))


def _at_most(hits: int, total: int, rate: float) -> float:
    """The chance of at most `hits` of `total` at `rate`."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return float(hits >= total)
    logs = (
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * math.log(rate) + (total - k) * math.log1p(-rate)
        for k in range(hits + 1)
    )
    return min(1.0, sum(map(math.exp, logs)))


def _solve(rising: object) -> float:
    """Where a rising function of a rate crosses zero."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)  # type: ignore[operator]
    return (low + high) / 2


@dataclass(frozen=True)
class Flags:
    """Precision, recall and F1 of a yes or no."""

    precision: Share
    recall: Share

    @property
    def f1(self) -> float:
        total = self.precision.total + self.recall.total
        return 2 * self.precision.hits / total if total else math.nan

    @property
    def f1_interval(self) -> tuple[float, float]:
        """Exact: F1 = 2 j / (1 + j), where j is the share of right ones among all that are labelled or found, a plain share."""
        hits = self.precision.hits
        low, high = Share(hits, self.precision.total + self.recall.total - hits).interval
        return 2 * low / (1 + low), 2 * high / (1 + high)

    def json(self) -> dict[str, Any]:
        value = round(self.f1, 4) if self.precision.total + self.recall.total else -1.0
        return {"value": value, "interval": [round(x, 4) for x in self.f1_interval]}

    def __str__(self) -> str:
        low, high = self.f1_interval
        total = self.precision.total + self.recall.total - self.precision.hits
        return f"{self.f1:.2f} [{low:.2f} {high:.2f}] of {total}" if total else "-"


def flags(truth: Sequence[bool], found: Sequence[bool]) -> Flags:
    both = sum(t and f for t, f in zip(truth, found, strict=True))
    return Flags(Share(both, sum(found)), Share(both, sum(truth)))


def matches(truth: set[Any], found: set[Any]) -> Flags:
    """Precision and recall of a set of things found, such as names."""
    both = len(truth & found)
    return Flags(Share(both, len(found)), Share(both, len(truth)))


def total(parts: Iterable[Flags]) -> Flags:
    """The counts of all parts together."""
    all_parts = list(parts)
    return Flags(
        Share(sum(p.precision.hits for p in all_parts), sum(p.precision.total for p in all_parts)),
        Share(sum(p.recall.hits for p in all_parts), sum(p.recall.total for p in all_parts)),
    )


def calibration_error(truth: Sequence[bool], scores: Sequence[float], bins: int = 10) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error, and for each tenth of the scores: mean score, share of yes, number."""
    groups: list[list[int]] = [[] for _ in range(bins)]
    for i, score in enumerate(scores):
        groups[min(bins - 1, int(score * bins))].append(i)
    curve = [(sum(scores[i] for i in g) / len(g), sum(truth[i] for i in g) / len(g), len(g)) for g in groups if g]
    return sum(abs(score - rate) * number for score, rate, number in curve) / max(1, len(scores)), curve


def overlaps(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return min(first[1], second[1]) > max(first[0], second[0])


def same_name(first: str, second: str) -> bool:
    """Whether two common English names mean one body: "Mistral" and "Mistral AI", "the EU" and "European Union"."""
    return bare_name(first) == bare_name(second)


def bare_name(name: str) -> str:
    """The name without article, case, accents, punctuation and "AI", "Inc"; one name for those in SAME.

    The state of a body stands behind it, however it was said: "French Senate", "Senate (France)" and "Senate of France" are one.
    """
    bare = unicodedata.normalize("NFD", name.casefold().translate(PLAIN_LETTERS))
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    bare = " ".join(bare.replace("-", " ").removeprefix("the ").replace(",", "").replace(".", "").split())
    for ending in (" ai", " inc", " labs", " platforms"):
        bare = bare.removesuffix(ending)
    bare = re.sub(r" \(([^()]+)\)$", r" of \1", bare).replace(" of the ", " of ")
    adjective = next((one for one in _adjectives() if bare.startswith(one + " ") and BODY.search(bare)), "")
    if adjective:
        bare = f"{bare.removeprefix(adjective + ' ')} of {_adjectives()[adjective]}"
    # What its government decides is the state's policy.
    bare = bare.removeprefix("government of ").removesuffix(" government")
    return SAME.get(bare, bare)


@cache
def _adjectives() -> dict[str, str]:
    return {state.adjective.casefold(): name.casefold() for name, state in states().items()}


PLAIN_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ı": "i", "ß": "ss", "æ": "ae"})
# Words of a state's bodies: "Swedish Academy" is none.
BODY = re.compile(
    r"\b(ministry|senate|parliament|government|chamber|house of|congress|council of state|court|national assembly|central bank|department"
    r"|national library|party)\b"
)
SAME = {
    "eu": "european union", "us": "united states", "usa": "united states", "uk": "united kingdom", "alibaba cloud": "alibaba",
    "ai2": "allen institute for ai", "allen institute for": "allen institute for ai", "osi": "open source initiative",
    "technology innovation institute": "tii", "sberbank": "sber", "google deepmind": "google",
}  # fmt: skip

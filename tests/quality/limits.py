"""What issue JUDGEMENT needs of each figure, and the floors that are pinned at what was reached."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measures import Flags, Share

FLOORS = Path(__file__).parent / "floors.json"
PLACES = 3


@dataclass(frozen=True)
class Need:
    """A figure, the value from which it is called reached, and the aim; None where the issue names none."""

    figure: str
    says: str
    needed: float | None
    aim: float | None = None
    is_most: bool = False

    def verdict(self, card: dict[str, Any]) -> str:
        """Whether the figure is "reached" or "missed": by `needed`, or by the aim where nothing is needed."""
        limit = self.needed if self.needed is not None else self.aim
        value = number(card[self.figure])
        if limit is None:
            return "-"
        return "reached" if (value <= limit if self.is_most else value >= limit) else "missed"


NEEDS = (
    Need("precision", "precision", 0.90, 0.95),
    Need("recall", "recall", 0.85, 0.90),
    Need("f1_lowest", "F1 in the worst of the first 12 languages", 0.80, 0.88),
    Need("f1_gap_to_english", "its gap to English", 0.10, is_most=True),
    Need("direction", "direction, of those rightly flagged", 0.85, 0.93),
    Need("flips", "direction turned round", 0.05, 0.02, is_most=True),
    Need("kind", "kind of change", 0.80),
    Need("contested", "contested", 0.85),
    Need("novelty", "news or history", 0.85),
    Need("actors", "one actor right", 0.90),
    Need("evidence_verbatim", "evidence is verbatim", 1.0),
    Need("evidence", "evidence overlaps the labelled sentence", 0.85),
    Need("minimal_pairs", "minimal pairs, both right", 0.85, 0.95),
    Need("hostile_changed", "hostile articles: decisions changed", 0, is_most=True),
    Need("false_alarms_per_thousand", "false alarms per 1,000 real articles", 1.0, is_most=True),
    Need("names_canonical", "names, canonical: recall", 0.85),
    Need("names_exact", "people, organisations, places, exact: recall", 0.85),
    Need("rare_names_exact", "models, licences, laws, exact: recall", 0.70),
    Need("language", "language", 0.97),
    Need("title_language", "language of titles alone", 0.95),
    Need("invented_fall", "F1 lost with invented names", 0.03, is_most=True),
    Need("milliseconds_not_gated", "CPU ms per article, not gated", None, 0.7, is_most=True),
    Need("milliseconds_gated", "CPU ms per article, gated", None, 150, is_most=True),
    Need("process_megabytes", "MB of the process, at the most", None, 550, is_most=True),
)
# What the machine decides is not pinned.
PINNED_LEAST = (
    "precision", "recall", "f1_lowest", "direction", "kind", "status", "contested", "novelty", "actors", "evidence", "evidence_verbatim",
    "language", "title_language", "names_exact", "names_exact_precision", "rare_names_exact", "rare_names_exact_precision",
    "names_canonical", "names_canonical_precision", "span_f1", "invented_f1", "minimal_pairs", "minimal_pair_articles", "pairs_change",
    "pairs_direction",
)  # fmt: skip
PINNED_MOST = ("flips", "f1_gap_to_english", "false_alarms_per_thousand", "hostile_changed", "invented_fall", "calibration_error")


def number(value: Any) -> float:
    """A figure of any kind as one number."""
    if isinstance(value, Share):
        return value.value
    return value.f1 if isinstance(value, Flags) else float(value)


def rounded(value: Any) -> float:
    return round(number(value), PLACES)


def missed_floors(card: dict[str, Any], floors: dict[str, Any]) -> list[str]:
    """What fell below its pinned floor, and what has none, as sentences."""
    problems = [
        f"{name} is {rounded(card[name])}, the floor is {least}"
        for name, least in floors["least"].items()
        if not rounded(card[name]) >= least
    ]
    problems += [
        f"{name} is {rounded(card[name])}, the ceiling is {most}"
        for name, most in floors["most"].items()
        if not rounded(card[name]) <= most
    ]
    unpinned = sorted({*PINNED_LEAST, *PINNED_MOST} - {*floors["least"], *floors["most"]})
    if unpinned:
        problems.append(f"{FLOORS.name} has no floor for {', '.join(unpinned)}: pin with --allow-lower")
    if floors["data_sha256"] != card["data_sha256"]:
        problems.append(f"the test set is another one than the floors were pinned for: sha256 {card['data_sha256']}")
    return problems


def pinned(card: dict[str, Any]) -> dict[str, Any]:
    """Floors at what the card has."""
    return {
        "data_sha256": card["data_sha256"],
        "least": {name: rounded(card[name]) for name in PINNED_LEAST},
        "most": {name: rounded(card[name]) for name in PINNED_MOST},
    }


def read_floors() -> dict[str, Any]:
    return json.loads(FLOORS.read_text("utf-8")) if FLOORS.exists() else {"data_sha256": "", "least": {}, "most": {}}


def write_floors(floors: dict[str, Any]) -> None:
    FLOORS.write_text(json.dumps(floors, indent=1) + "\n", "utf-8")

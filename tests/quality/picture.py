"""Draws the scorecard: F1 by language with exact intervals, and how far scores can be taken at their word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from judged import FIRST_LANGUAGES
from limits import NEEDS

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from measures import Flags

FIRST, LATER, ALL, NEEDED, INTERVAL = "#3a7ca5", "#a9c8dc", "#7f7f7f", "#c0392b", "#1a1a1a"


def draw(path: Path, card: dict[str, Any], languages: dict[str, Any]) -> None:
    """Writes a PNG."""
    figure, (bars, curve) = plt.subplots(1, 2, figsize=(17, 7.5), width_ratios=(2.2, 1), layout="constrained")
    draw_bars(bars, {"all": card} | languages)
    draw_reliability(curve, card)
    figure.suptitle(f"Scorecard: {card['articles']} labelled articles ({card['side']}) in {len(languages)} languages", fontsize=15)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_bars(axes: Axes, rows: dict[str, Any]) -> None:
    """F1 with its interval; the first 12 languages before the others; under each the articles that are labelled or flagged."""
    order = ["all", *(name for name in FIRST_LANGUAGES if name in rows), *(n for n in rows if n not in {"all", *FIRST_LANGUAGES})]
    found: dict[str, Flags] = {name: rows[name]["f1"] for name in order if not np.isnan(rows[name]["f1"].f1)}
    heights = np.array([one.f1 for one in found.values()])
    intervals = np.array([one.f1_interval for one in found.values()]).reshape(-1, 2)
    errors = np.clip([heights - intervals[:, 0], intervals[:, 1] - heights], 0, None)
    colours = [ALL if name == "all" else FIRST if name in FIRST_LANGUAGES else LATER for name in found]
    places = np.arange(len(found))
    axes.bar(places, heights, color=colours)
    # The dot shows an F1 of zero, which has no bar.
    axes.errorbar(places, heights, yerr=errors, fmt="o", color=INTERVAL, markersize=4, capsize=3, linewidth=1)
    cases = [one.precision.total + one.recall.total - one.recall.hits for one in found.values()]
    axes.set_xticks(places, [f"{number}\n" + name.replace("-", "-\n") for name, number in zip(found, cases, strict=True)], fontsize=10)
    least = next(need.needed for need in NEEDS if need.figure == "f1_lowest")
    axes.axhline(least, color=NEEDED, linestyle="--", linewidth=1, label=f"needed in each of the first 12 languages: {least:.2f}")
    axes.set(ylim=(0, 1.12), xlim=(-0.7, len(found) - 0.3), ylabel="F1, exact 95 % interval")
    axes.set_xlabel("how many articles are labelled or flagged, and their language (dark: the first 12 languages)")
    left_out = [name for name in order if name not in found]
    axes.set_title("F1 by language" + (f" (nothing to flag in {', '.join(left_out)})" if left_out else ""))
    axes.legend(loc="upper right")


def draw_reliability(axes: Axes, card: dict[str, Any]) -> None:
    """For each tenth of the scores: the mean score, and how many of these articles are changes."""
    points = card["reliability"]
    axes.plot([0, 1], [0, 1], color="#999999", linestyle="--", linewidth=1, label="calibrated")
    axes.plot([p[0] for p in points], [p[1] for p in points], marker="o", color=FIRST, label="reached")
    for score, rate, number in points:
        axes.annotate(str(number), (score, rate), textcoords="offset points", xytext=(8, -13), fontsize=10)
    axes.set(xlim=(-0.03, 1.06), ylim=(-0.06, 1.06), aspect="equal", xlabel="mean score", ylabel="share of changes among the articles")
    axes.set_title(f"Reliability; expected calibration error {card['calibration_error']:.3f}\n(numbers: articles in the tenth)")
    axes.legend(loc="upper left")

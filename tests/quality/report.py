"""Prints the scorecard as tables and writes it as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from limits import NEEDS, rounded
from measures import Flags, Share
from rich.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

COLUMNS = ("precision", "recall", "f1", "direction", "kind", "novelty", "actors", "evidence", "names_canonical", "language")
COLOURS = {"reached": "[green]reached[/green]", "missed": "[red]missed[/red]"}


def print_card(console: Console, card: dict[str, Any], languages: dict[str, Any]) -> None:
    """Three tables: by language, the needed figures with their verdicts, all other figures."""
    console.print(language_table(card, languages))
    console.print(other_languages_table(card))
    console.print(needs_table(card))
    console.print(rest_table(card))


def language_table(card: dict[str, Any], languages: dict[str, Any]) -> Table:
    table = Table(title=f"{card['side']}: {card['articles']} articles, hits of cases")
    for column in ("", "articles", *COLUMNS):
        table.add_column(column)
    for name, row in [*languages.items(), ("all", card)]:
        table.add_row(name, str(row["articles"]), *(short(row[column]) for column in COLUMNS))
    return table


def other_languages_table(card: dict[str, Any]) -> Table:
    """The figures that are not of the labelled articles, by language."""
    columns = {
        "title language": "title_language_by_language", "minimal pairs": "minimal_pairs_by_language", "hostile": "hostile_by_language",
        "F1 of named spans": "span_f1_by_language", "false alarms": "false_alarms_by_language", "gated": "gated_share_by_language",
    }  # fmt: skip
    table = Table(title="other sets, hits of cases")
    for column in ("", *columns):
        table.add_column(column)
    for language in sorted({language for name in columns.values() for language in card[name]}):
        table.add_row(language, *(short(card[name][language]) if language in card[name] else "" for name in columns.values()))
    return table


def needs_table(card: dict[str, Any]) -> Table:
    table = Table(title="what issue JUDGEMENT needs, 95 % intervals")
    for column in ("figure", "value", "interval", "of", "needed", "aim", ""):
        table.add_column(column)
    for need in NEEDS:
        value = card[need.figure]
        sign = "at most " if need.is_most else ""
        low, high = value.interval if isinstance(value, Share) else (None, None)
        table.add_row(
            need.says + (f" ({card['f1_lowest_language']})" if need.figure == "f1_lowest" else ""),
            f"{rounded(value):g}",
            "" if low is None else f"{low:.2f} to {high:.2f}",
            str(value.total) if isinstance(value, Share) else "",
            "" if need.needed is None else f"{sign}{need.needed:g}",
            "" if need.aim is None else f"{sign}{need.aim:g}",
            COLOURS.get(need.verdict(card), ""),
        )
    return table


def rest_table(card: dict[str, Any]) -> Table:
    table = Table(title="all other figures, 95 % intervals")
    table.add_column("figure")
    table.add_column("value")
    for name, value in card.items():
        if name not in {need.figure for need in NEEDS} and not name.endswith("_by_language"):
            table.add_row(name, ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else str(value))
    return table


def short(value: Share | Flags | float) -> str:
    if isinstance(value, Share):
        return f"{value.hits}/{value.total}"
    if isinstance(value, Flags):
        return "-" if np.isnan(value.f1) else f"{value.f1:.2f}"
    return f"{value:.2f}"


def write_json(path: Path, card: dict[str, Any], languages: dict[str, Any]) -> None:
    needs = {
        need.figure: {"needed": need.needed, "aim": need.aim, "is_most": need.is_most, "verdict": need.verdict(card)} for need in NEEDS
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = card | {"needs": needs, "languages": languages}
    path.write_text(json.dumps(whole, default=lambda value: value.json(), ensure_ascii=False, indent=1) + "\n", "utf-8")

"""How well articles are linked to stories: `make stories`, over seeds/stories.jsonl.

Usage: python tests/quality/stories.py [--labels] [--json FILE]
Runs the articles through the stages of the job, once with the labels of the set in place of the judgement (how well the linking does by
itself), and once with the real model (what a subscriber sees; left out with --labels). Prints pairwise precision and recall over articles,
merges of opposite directions, and alerts for each story; fails when the linking by itself misses a figure of issue STORIES.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import msgspec  # noqa: E402 - after the path is set
from measures import Share  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402

from pipeline.assess import LightPath, raw_line  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from transforms.flag_policy_change import assessment  # noqa: E402
from transforms.group_stories import StoryLimits, group_into_stories, publisher_count, story_direction  # noqa: E402
from transforms.key_articles import key_by_actor  # noqa: E402
from transforms.model.decision import Decision  # noqa: E402
from transforms.model.judge import Judgement  # noqa: E402
from transforms.records import Assessment, ChangeType, Direction, Evidence, Member, Novelty, Status  # noqa: E402
from transforms.text.sentences import split_sentences  # noqa: E402

SET = ROOT / "seeds" / "stories.jsonl"
RECEIVED = datetime(2026, 11, 24, tzinfo=UTC)
LEAST_PRECISION, LEAST_RECALL, MOST_ALERTS = 0.97, 0.85, 1.1


@dataclass(frozen=True)
class Labelled:
    """An article of the set: its labels, and what the light path made of it."""

    labels: dict[str, Any]
    by_labels: Assessment
    by_model: Assessment | None


def read_set(path: LightPath, *, with_model: bool) -> list[Labelled]:
    rows = [json.loads(line) for line in SET.read_text("utf-8").splitlines()]
    return [
        _read(path, number, row, with_model=with_model)
        for number, row in enumerate(track(rows, "articles", console=Console(stderr=True), transient=True))
    ]


def _read(path: LightPath, number: int, row: dict[str, Any], *, with_model: bool) -> Labelled:
    message = {name: row[name] for name in ("id", "url", "title", "text", "publisher", "published_at")}
    raw = raw_line("stories", number, msgspec.json.encode(message), RECEIVED)
    annotated = path.annotate(raw)
    decision = Decision(
        row["flag"], 1.0, Novelty(row["novelty"]), Direction(row["direction"]), ChangeType(row["change_type"]), Status(row["status"]),
        row["contested"], (),
    )  # fmt: skip
    content = annotated.document.article.content
    labelled = assessment(annotated, Judgement(decision, [], None, tuple(row["actors"])), "labels")
    title_end = len(row["title"])
    spans = [span for span in split_sentences(content) if span[0] >= title_end][:3]
    labelled = msgspec.structs.replace(labelled, evidence=tuple(Evidence(start, end, content[start:end]) for start, end in spans))
    return Labelled(row, labelled, path.assess(raw) if with_model else None)


def link_all(assessments: list[Assessment], limits: StoryLimits) -> list[tuple[str, tuple[Member, ...]]]:
    """The stories, each with its actor, as they stand when all articles have come."""
    by_actor: dict[str, list[Member]] = defaultdict(list)
    for one in assessments:
        for actor, member in key_by_actor(one):
            if not member.gone_because:
                by_actor[actor].append(member)
    return [(actor, members) for actor, found in by_actor.items() for members in group_into_stories(actor, found, limits).values()]


def measure(rows: list[dict[str, Any]], stories: list[tuple[str, tuple[Member, ...]]]) -> dict[str, Any]:
    """Every figure; a pair of articles is right when both are of one story in the set."""
    row_of = {row["url"]: row for row in rows}
    linked = {pair for _, members in stories for pair in combinations(sorted(member.article for member in members), 2)}
    wanted = {
        pair
        for name in {row["story"] for row in rows if row["story"]}
        for pair in combinations(sorted(row["url"] for row in rows if row["story"] == name), 2)
    }
    opposite = {("opening", "closing"), ("closing", "opening")}
    is_merged = [pair for pair in linked if (row_of[pair[0]]["direction"], row_of[pair[1]]["direction"]) in opposite]
    alerts = Counter(row_of[members[0].article]["story"] for _, members in stories)
    told = {row["story"] for row in rows if row["story"]}
    found = {name: alerts[name] for name in told if alerts[name]}
    copies = {row["url"] for row in rows if row["copy_of"]}
    independent = [
        publisher_count(members) == len({row_of[member.article]["publisher"] for member in members if member.article not in copies})
        for _, members in stories
    ]
    return {
        "articles": len(rows), "languages": len({row["language"] for row in rows}), "stories": len(told),
        "pairwise precision": Share(len(linked & wanted), len(linked)), "pairwise recall": Share(len(linked & wanted), len(wanted)),
        "opposite directions merged": len(is_merged), "stories with an alert": Share(len(found), len(told)),
        "alerts per story": round(sum(found.values()) / max(1, len(found)), 3), "alerts without a story": alerts[""],
        "publishers counted right": Share(sum(independent), len(independent)),
    }  # fmt: skip


def mistakes(rows: list[dict[str, Any]], stories: list[tuple[str, tuple[Member, ...]]]) -> list[str]:
    """What was put together wrongly and what was torn apart, a line each."""
    row_of = {row["url"]: row for row in rows}
    lines = []
    places: dict[str, list[str]] = defaultdict(list)
    for actor, members in stories:
        names = Counter(row_of[member.article]["story"] or "no story" for member in members)
        if len(names) > 1:
            lines.append(f"together  {actor} ({story_direction(members)}): {dict(names)}")
        for name, count in names.items():
            places[name].append(f"{count} under {actor} {story_direction(members)}")
    return lines + [f"apart     {name}: {', '.join(found)}" for name, found in places.items() if len(found) > 1 and name != "no story"]


def main() -> int:
    """Prints both tables; returns 1 when the linking by itself misses a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", action="store_true", help="only with the labels in place of the judgement")
    parser.add_argument("--json", type=Path, help="writes the figures there")
    options = parser.parse_args()
    settings = Settings()
    path = LightPath(settings)
    limits = settings.stories.limits
    articles = read_set(path, with_model=not options.labels)
    rows = [one.labels for one in articles]
    cards = {"labels": (stories := link_all([one.by_labels for one in articles], limits), measure(rows, stories))}
    if not options.labels:
        cards["model"] = (stories := link_all([one.by_model for one in articles if one.by_model], limits), measure(rows, stories))
    console = Console(width=150)
    table = Table("figure", *(f"with the {name}" for name in cards), box=None)
    for figure in next(iter(cards.values()))[1]:
        table.add_row(figure, *(str(card[figure]) for _, card in cards.values()))
    console.print(table)
    for name, (stories, _) in cards.items():
        console.print(f"\nmistakes with the {name}:", *mistakes(rows, stories), sep="\n  ", highlight=False)
    if options.json:
        figures = {name: card for name, (_, card) in cards.items()}
        options.json.write_text(json.dumps(figures, default=Share.json, indent=1) + "\n", "utf-8")
    card = cards["labels"][1]
    is_met = (
        card["pairwise precision"].value >= LEAST_PRECISION
        and card["pairwise recall"].value >= LEAST_RECALL
        and card["opposite directions merged"] == 0
        and card["alerts per story"] <= MOST_ALERTS
    )
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())

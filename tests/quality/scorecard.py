"""The scorecard: how right the light path is on articles that nothing was trained on. `make quality` runs it.

Usage: python tests/quality/scorecard.py [--side test] [--shared ../shared] [--news 2200] [--json FILE] [--allow-lower]
Prints a table by language and a table of all figures, writes them as JSON, and fails when a figure is below its floor in floors.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "seeds")]

import msgspec  # noqa: E402 - after the path is set
import numpy as np  # noqa: E402
from measures import Share, calibration_error, flags, overlaps, same_name, share  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402
from training import data  # noqa: E402

from pipeline.assess import LightPath, raw_line  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from transforms.model.encoder import WEIGHTS, load_encoder  # noqa: E402
from transforms.model.heads import DIRECTIONS, SentenceHeads  # noqa: E402

if TYPE_CHECKING:
    from transforms.records import Assessment

FLOORS = HERE / "floors.json"
OPPOSITE = {("opening", "closing"), ("closing", "opening")}
EXACT_KINDS, RARE_KINDS = {"PERSON", "ORG", "GPE"}, {"MODEL", "LICENCE", "LAW"}


@dataclass(frozen=True)
class Result:
    """A labelled article and what came out of it."""

    article: data.LabelledArticle
    assessment: Assessment
    milliseconds: float

    @property
    def is_right_flag(self) -> bool:
        return bool(self.article.labels["flag"] and self.assessment.flag)


def main() -> int:
    """Runs the chain over labelled articles, sentence pairs and real news; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", choices=["test", "dev", "train"], default="test")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--news", type=int, default=2500, help="how many real articles at most")
    parser.add_argument("--json", type=Path, default=ROOT / ".local" / "scorecard.json")
    parser.add_argument("--allow-lower", action="store_true", help="write lower floors; say why in DECISIONS.md")
    options = parser.parse_args()
    console = Console(width=170)
    path = LightPath(Settings())
    articles = [a for a in data.read_articles() if data.side(a.group) == options.side]
    results = [run(path, a) for a in track(articles, "labelled articles", console=Console(stderr=True))]
    card = {"side": options.side, "articles": len(articles), "data_sha256": data_hash(articles)} | figures(results) | pairs(options.side)
    news = [a for a in data.read_news(options.shared) if data.news_side(a.group) == options.side][: options.news]
    card |= false_alarms([run(path, a) for a in track(news, "real news", console=Console(stderr=True))])
    languages = {
        language: figures([r for r in results if r.article.language == language]) for language in sorted({a.language for a in articles})
    }
    print_card(console, card, languages)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(card | {"languages": languages}, default=Share.json, ensure_ascii=False, indent=1) + "\n", "utf-8")
    console.print(f"written: {options.json}")
    return check_floors(console, card, allow_lower=options.allow_lower) if options.side == "test" else 0


def run(path: LightPath, article: data.LabelledArticle) -> Result:
    line = {
        "id": article.id,
        "title": article.title,
        "text": article.content[len(article.title) + 1 :] if article.title else article.content,
    }
    raw = raw_line("scorecard", 0, msgspec.json.encode(line), datetime(2026, 11, 24, tzinfo=UTC))
    started = time.process_time()
    assessment = path.assess(raw)
    return Result(article, assessment, 1000 * (time.process_time() - started))


def figures(results: list[Result]) -> dict[str, Any]:
    """Every figure over some results; a share without cases has the total 0."""
    flagged = flags([r.article.labels["flag"] for r in results], [r.assessment.flag for r in results])
    right = [r for r in results if r.is_right_flag]
    told = [r for r in results if r.article.labels["novelty"] != "none"]
    error, curve = calibration_error([r.article.labels["flag"] for r in results], [r.assessment.score for r in results])
    return {
        "precision": flagged.precision, "recall": flagged.recall, "f1": round(flagged.f1, 4),
        "gate_recall": share(r.assessment.is_candidate for r in told),
        "direction": share(r.article.labels["direction"] == r.assessment.direction for r in right),
        "flips": share((r.article.labels["direction"], r.assessment.direction.value) in OPPOSITE for r in right),
        "kind": share(r.article.labels["change_type"] == r.assessment.change_type for r in right),
        "status": share(r.article.labels["status"] == r.assessment.status for r in right),
        "contested": share(r.article.labels["contested"] == r.assessment.contested for r in right),
        "novelty": share(r.article.labels["novelty"] == r.assessment.novelty for r in results),
        "retrospectives": share(r.assessment.novelty == "retrospective" for r in results if r.article.labels["novelty"] == "retrospective"),
        "actors": share(any(same_name(a, b) for a in r.article.labels["actors"] for b in r.assessment.actors) for r in right),
        "evidence_verbatim": share(content(r)[e.start : e.end] == e.text for r in right for e in r.assessment.evidence),
        "evidence": share(is_evidence_right(r) for r in right),
        "names_exact": entity_recall(results, EXACT_KINDS, exact=True),
        "rare_names_exact": entity_recall(results, RARE_KINDS, exact=True),
        "names_canonical": entity_recall(results, EXACT_KINDS | RARE_KINDS, exact=False),
        "language": share(is_language_right(r) for r in results),
        "calibration_error": round(error, 4), "reliability": [[round(x, 3) for x in point] for point in curve],
        "milliseconds_gated": round(float(np.mean([r.milliseconds for r in results if r.assessment.is_candidate] or [0.0])), 2),
    }  # fmt: skip


def content(result: Result) -> str:
    return result.article.content


def is_evidence_right(result: Result) -> bool:
    labelled = [reading for reading, is_it in zip(result.article.readings, result.article.is_evidence, strict=True) if is_it]
    return any(overlaps((r.start, r.end), (e.start, e.end)) for r in labelled for e in result.assessment.evidence)


def is_language_right(result: Result) -> bool:
    return result.assessment.language == result.article.language or result.assessment.language.split("-")[0] == result.article.language


def entity_recall(results: list[Result], kinds: set[str], *, exact: bool) -> Share:
    """Labelled names that were found: by surface, or by canonical name."""
    found = []
    for result in results:
        if not result.assessment.is_candidate:
            continue  # names are looked for in candidates only
        surfaces = {e.surface for e in result.assessment.entities}
        canonicals = [e.canonical for e in result.assessment.entities]
        for surface, canonical, kind in result.article.labels["entities"]:
            if kind in kinds:
                found.append(surface in surfaces if exact else any(same_name(canonical, other) for other in canonicals))
    return share(found)


def pairs(side: str) -> dict[str, Any]:
    """Sentence sets that differ in one thing, read alone: is it a change, and which way."""
    encoder, heads = load_encoder(), SentenceHeads(WEIGHTS)
    rows = [example for _, example in data.read_sentences() if data.side(example.group) == side]
    scores = heads.score(np.stack([encoder.encode(e.text).vector for e in rows]))
    told = [i for i, e in enumerate(rows) if e.change == 1 and DIRECTIONS[e.direction] in {"opening", "closing"}]
    return {
        "pairs_change": share(bool(scores.change[i] > 0) == bool(e.change) for i, e in enumerate(rows)),
        "pairs_direction": share(bool(scores.direction[i][:2].argmax() == rows[i].direction) for i in told),
    }


def false_alarms(results: list[Result]) -> dict[str, Any]:
    count = sum(r.assessment.flag for r in results)
    return {
        "real_news": len(results), "false_alarms": count, "false_alarms_per_thousand": round(1000 * count / max(1, len(results)), 2),
        "false_alarm_ids": [r.article.id for r in results if r.assessment.flag],
        "gated_share": share(r.assessment.is_candidate for r in results),
        "milliseconds_not_gated": round(float(np.mean([r.milliseconds for r in results if not r.assessment.is_candidate] or [0.0])), 2),
    }  # fmt: skip


def print_card(console: Console, card: dict[str, Any], languages: dict[str, Any]) -> None:
    table = Table(title=f"{card['side']}: {card['articles']} articles")
    columns = ("precision", "recall", "f1", "direction", "kind", "novelty", "actors", "evidence", "names_canonical", "language")
    for column in ("", *columns):
        table.add_column(column)
    for name, row in [*languages.items(), ("all", card)]:
        table.add_row(name, *(_short(row[column]) for column in columns))
    console.print(table)
    whole = Table(title="all figures, 95 % intervals")
    whole.add_column("figure")
    whole.add_column("value")
    for name, value in card.items():
        whole.add_row(name, str(value))
    console.print(whole)


def _short(value: Share | float) -> str:
    if isinstance(value, Share):
        return f"{value.hits}/{value.total}"
    return "-" if np.isnan(value) else f"{value:.2f}"


def data_hash(articles: list[data.LabelledArticle]) -> str:
    return hashlib.sha256("\n".join(json.dumps(a.labels, sort_keys=True) for a in articles).encode()).hexdigest()


def check_floors(console: Console, card: dict[str, Any], *, allow_lower: bool) -> int:
    """Compares with the pinned floors; 1 when one is missed or the test set is another one."""
    floors = json.loads(FLOORS.read_text("utf-8")) if FLOORS.exists() else {"data_sha256": "", "least": {}, "most": {}}
    problems = [
        f"{name} is {_number(card[name]):.3f}, the floor is {least}"
        for name, least in floors["least"].items()
        if _number(card[name]) < least
    ]
    problems += [
        f"{name} is {_number(card[name]):.3f}, the ceiling is {most}" for name, most in floors["most"].items() if _number(card[name]) > most
    ]
    if floors["data_sha256"] != card["data_sha256"]:
        problems.append(f"the test set is another one than the floors were pinned for: sha256 {card['data_sha256']}")
    if problems and allow_lower:
        pinned = {side: {name: round(_number(card[name]), 3) for name in floors[side]} for side in ("least", "most")}
        FLOORS.write_text(json.dumps({"data_sha256": card["data_sha256"], **pinned}, indent=1) + "\n", "utf-8")
        console.print(f"floors written to {FLOORS.name}: say why in DECISIONS.md")
        return 0
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    return int(bool(problems))


def _number(value: Share | float) -> float:
    return value.value if isinstance(value, Share) else float(value)


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started:.0f} s")  # noqa: T201 - a program's last line
    sys.exit(code)

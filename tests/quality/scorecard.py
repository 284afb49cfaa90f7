"""The scorecard: how right the light path is on articles that nothing was trained on. `make quality` runs it.

Usage: python tests/quality/scorecard.py [--side test] [--shared ../shared] [--news 2500] [--json FILE] [--allow-lower]
Prints tables by language and of all figures, writes them as JSON and beside it as a picture, and fails when a figure is below its floor
in floors.json. Nothing may be trained, chosen or tuned on what it reads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "seeds")]

from invented_names import with_invented_names  # noqa: E402 - after the path is set
from judged import Result, figures, first_language_figures, flag_figures, news_figures, run, time_figures, title_figures  # noqa: E402
from limits import FLOORS, missed_floors, number, pinned, read_floors, write_floors  # noqa: E402
from named import NamedSentence, read_named_sentences, sentence_figures, sentence_names  # noqa: E402
from report import print_card, write_json  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn  # noqa: E402
from training import data  # noqa: E402
from training.news import news_side, read_news  # noqa: E402
from trials import HOSTILE, MINIMAL_PAIRS, hostile_figures, minimal_pair_figures, read_trials, sentence_set_figures  # noqa: E402

from pipeline.assess import LightPath  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from transforms.attempt import Refused  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

KILOBYTES_PER_MEGABYTE = 1024


def main() -> int:
    """Runs every part and reports; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", choices=["test", "dev", "train"], default="test")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--news", type=int, default=2500, help="how many real articles at most")
    parser.add_argument("--json", type=Path, default=ROOT / ".local" / "scorecard.json")
    parser.add_argument("--allow-lower", action="store_true", help="pin the floors at what this run reaches; say why in DECISIONS.md")
    options = parser.parse_args()
    console = Console(width=170)
    columns = (SpinnerColumn(), *Progress.get_default_columns()[:-1], TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        card, languages = measure(options.side, options.shared, options.news, progress)
    print_card(console, card, languages)
    write_json(options.json, card, languages)
    # Loaded here, so that it does not count as memory of the light path.
    from picture import draw  # noqa: PLC0415

    draw(options.json.with_suffix(".png"), card, languages)
    console.print(f"written: {options.json} and {options.json.with_suffix('.png').name}")
    return check_floors(console, card, allow_lower=options.allow_lower) if options.side == "test" else 0


def measure(side: str, shared: Path, limit_news: int, progress: Progress) -> tuple[dict[str, Any], dict[str, Any]]:
    """The card, and the figures of the labelled articles by language."""
    path = LightPath(Settings())
    articles = [a for a in data.read_articles() if data.side(a.group) == side]

    def run_all(articles: Sequence[data.LabelledArticle], part: str) -> list[Result]:
        return each(progress, part, articles, lambda article: run(path, article))

    # What is loaded at the first article is no cost of that article.
    run(path, articles[0])
    results = run_all(articles, "labelled articles")
    process_megabytes = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES_PER_MEGABYTE)
    card = {"side": side} | figures(results) | first_language_figures(results) | title_figures(path, articles)
    card |= invented_figures(run_all([with_invented_names(a) for a in articles], "invented names"), results)
    trials = {file: read_trials(file) for file in (MINIMAL_PAIRS, HOSTILE)}
    card |= minimal_pair_figures(run_all(trials[MINIMAL_PAIRS], "minimal pairs"))
    card |= hostile_figures(run_all(trials[HOSTILE], "hostile articles"))
    card |= each(progress, "sentence sets", [side], sentence_set_figures)[0]
    sentences = list(read_named_sentences(shared))
    card |= sentence_figures(each(progress, "named sentences", sentences, lambda one: (one.language, sentence_names(one))))
    news = [a for a in read_news(shared) if news_side(a.group) == side][:limit_news]
    news_results = run_all(news, "real news")
    card |= news_figures(news_results) | time_figures(results, news_results)
    card |= {
        "process_megabytes": process_megabytes,
        "data_sha256": data_hash([*articles, *trials[MINIMAL_PAIRS], *trials[HOSTILE]], sentences),
    }
    languages = {name: figures([r for r in results if r.article.language == name]) for name in sorted({a.language for a in articles})}
    return card, languages


def each(progress: Progress, part: str, things: Iterable[Any], step: Callable[[Any], Any]) -> list[Any]:
    """The step's answer for each thing, with a bar; an article that is refused ends the run, with its name."""
    answers = []
    for thing in progress.track(list(things), description=f"{part:18s}"):
        try:
            answers.append(step(thing))
        except Refused as refused:
            raise ValueError(f"{part}: {getattr(thing, 'id', thing)} is refused as {refused.reason}: {refused.detail}") from refused
    return answers


def invented_figures(invented: list[Result], results: list[Result]) -> dict[str, Any]:
    """F1 on the same articles with other names, and what it lost."""
    found = flag_figures(invented)
    told = [r for r in invented if r.article.labels["flag"]]
    return {
        "invented_f1": found, "invented_precision": found.precision, "invented_recall": found.recall,
        "invented_fall": round(number(flag_figures(results)) - number(found), 4),
        "invented_gated_out": sum(not r.assessment.is_candidate for r in told),
    }  # fmt: skip


def data_hash(articles: list[data.LabelledArticle], sentences: list[NamedSentence]) -> str:
    lines = [json.dumps(a.labels, sort_keys=True) for a in articles] + [repr(sentence) for sentence in sentences]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def check_floors(console: Console, card: dict[str, Any], *, allow_lower: bool) -> int:
    """Compares with the pinned floors; 1 when one is missed or the test set is another one."""
    problems = missed_floors(card, read_floors())
    if allow_lower:
        write_floors(pinned(card))
        console.print(f"floors written to {FLOORS.name}: say why in DECISIONS.md")
        return 0
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    return int(bool(problems))


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started:.0f} s")  # noqa: T201 - a program's last line
    sys.exit(code)

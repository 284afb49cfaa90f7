"""Checks the labelled articles and sentences: closed sets, verbatim spans, unique ids.

Usage: python seeds/check_labels.py [FILE...]   (all of seeds/articles and seeds/sentences by default)
Prints one line for each problem (file, line, what, how to mend it) and a table of counts; exit code 1 when there is a problem.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SEEDS = Path(__file__).parent
DIRECTIONS = {"opening", "closing", "mixed", "unclear", "none"}
CHANGE_TYPES = {"release_strategy", "weights_access", "licence", "regulation", "platform", "none"}
STATUSES = {"in_force", "announced", "proposed", "rumoured", "denied", "none"}
NOVELTIES = {"new", "retrospective", "none"}
ENTITY_TYPES = {"PERSON", "ORG", "GPE", "MODEL", "LICENCE", "LAW", "PRODUCT"}
NOISES = {"none", "mt", "codemix", "romanised", "boilerplate", "caps", "ocr"}
OBJECTS = {"weights", "ai_other", "software", "data", "other"}
ARTICLE_FIELDS = {
    "id", "event", "language", "title", "text", "published_at", "flag", "direction", "change_type", "status",
    "contested", "novelty", "actors", "evidence", "entities", "noise", "genre", "hand",
}  # fmt: skip
SENTENCE_FIELDS = ["set", "language", "text", "change", "object", "direction", "change_type", "status", "time"]


def article_problems(article: dict[str, Any]) -> list[str]:
    """What is wrong with one labelled article, as sentences; empty when nothing is."""
    missing, unknown = ARTICLE_FIELDS - article.keys(), article.keys() - ARTICLE_FIELDS - {"same_as", "publisher"}
    if missing or unknown:
        return [f"fields missing {sorted(missing)}, unknown {sorted(unknown)}"]
    closed = {"direction": DIRECTIONS, "change_type": CHANGE_TYPES, "status": STATUSES, "novelty": NOVELTIES, "noise": NOISES}
    return _not_allowed(article, closed) + _not_verbatim(article) + _contradictions(article)


def _not_allowed(labelled: dict[str, Any], closed: dict[str, set[str]]) -> list[str]:
    return [
        f"{field} is {labelled[field]!r}; allowed: {', '.join(sorted(some))}"
        for field, some in closed.items()
        if labelled[field] not in some
    ]


def _not_verbatim(article: dict[str, Any]) -> list[str]:
    document = f"{article['title']}\n{article['text']}"
    problems = [f"evidence is not verbatim in title or text: {quote[:60]!r}" for quote in article["evidence"] if quote not in document]
    problems += [f"entity is not verbatim in title or text: {name!r}" for name, _, _ in article["entities"] if name not in document]
    return problems + [
        f"entity type {kind!r}; allowed: {', '.join(sorted(ENTITY_TYPES))}"
        for _, _, kind in article["entities"]
        if kind not in ENTITY_TYPES
    ]


def _contradictions(article: dict[str, Any]) -> list[str]:
    is_labelled = article["flag"] or article["novelty"] == "retrospective"
    problems = [
        f"{field} is {article[field]!r} while flag is {article['flag']} and novelty {article['novelty']}"
        for field in ("direction", "change_type", "status")
        if bool(is_labelled) == (article[field] == "none")
    ]
    if article["flag"] and article["novelty"] != "new":
        problems.append("a flagged article has novelty new; a retrospective is not flagged")
    if is_labelled and not (article["evidence"] and article["actors"]):
        problems.append("a flagged or retrospective article names evidence and actors")
    if not is_labelled and (article["evidence"] or article["novelty"] != "none"):
        problems.append("an article that is not flagged has no evidence and novelty none (or is a retrospective)")
    return problems


def sentence_problems(row: dict[str, Any]) -> list[str]:
    """What is wrong with one labelled sentence, as sentences; empty when nothing is."""
    closed = {
        "change": {"0", "1"}, "object": OBJECTS, "direction": DIRECTIONS, "change_type": CHANGE_TYPES,
        "status": STATUSES, "time": {"now", "past", "none"},
    }  # fmt: skip
    problems = _not_allowed(row, closed)
    if not row["text"].strip() or not row["set"] or not row["language"]:
        problems.append("set, language and text are required")
    if row["change"] == "1" and (row["object"] != "weights" or row["direction"] == "none"):
        problems.append("change is 1 only for object weights with a direction")
    return problems


def check(paths: list[Path]) -> int:
    """Prints every problem and the counts; returns the number of problems."""
    counts: dict[str, Counter[str]] = {"flag": Counter(), "language": Counter(), "sentences": Counter()}
    ids: Counter[str] = Counter()
    problems = []
    for path in paths:
        checked = _check_articles(path, ids, counts) if path.suffix == ".jsonl" else _check_sentences(path, counts["sentences"])
        problems += [f"{path.name}:{line}: {problem}" for line, problem in checked]
    print("\n".join([*problems, *(f"{name}: {sum(some.values())}  {dict(some.most_common())}" for name, some in counts.items())]))
    return len(problems)


def _check_articles(path: Path, ids: Counter[str], counts: dict[str, Counter[str]]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            article = json.loads(line)
            yield from ((number, f"{article['id']}: {problem}") for problem in article_problems(article))
        except (ValueError, TypeError, KeyError) as error:
            yield number, f"not a labelled article: {error!r}"
            continue
        ids[article["id"]] += 1
        if ids[article["id"]] > 1:
            yield number, f"id {article['id']} is used twice"
        for field in ("flag", "language"):
            counts[field][str(article.get(field))] += 1


def _check_sentences(path: Path, counts: Counter[str]) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if reader.fieldnames != SENTENCE_FIELDS:
            yield 1, f"the header must be {SENTENCE_FIELDS}"
            return
        for number, row in enumerate(reader, 2):
            is_whole = None not in row and None not in row.values()
            yield from ((number, problem) for problem in (sentence_problems(row) if is_whole else ["wrong number of columns"]))
            counts[row["language"]] += 1


def print_agreement() -> None:
    """How often a second reader, who saw the text alone, gave the labels of the first."""
    articles = {one["id"]: one for file in SEEDS.glob("articles/*.jsonl") for one in map(json.loads, file.read_text("utf-8").splitlines())}
    with (SEEDS / "second_reading.tsv").open(encoding="utf-8", newline="") as file:
        pairs = [(articles[row["id"]], row) for row in csv.DictReader(file, delimiter="\t") if row["id"] in articles]
    flagged = [(one, row) for one, row in pairs if one["flag"] and row["flag"] == "yes"]
    same_flag = sum(one["flag"] == (row["flag"] == "yes") for one, row in pairs)
    print(f"second reader: {len(pairs)} articles, flag agrees {same_flag / len(pairs):.3f}; of {len(flagged)} flagged by both:", end="")
    for field in ("direction", "change_type", "status"):
        print(f" {field} {sum(one[field] == row[field] for one, row in flagged) / len(flagged):.3f}", end="")
    print()


if __name__ == "__main__":
    chosen = [Path(name) for name in sys.argv[1:]]
    if not chosen:
        print_agreement()
    sys.exit(1 if check(chosen or sorted([*SEEDS.glob("articles/*.jsonl"), *SEEDS.glob("sentences/*.tsv")])) else 0)

"""Checks the labelled articles, contrast sets, calibration articles, denials and sentences: closed sets, verbatim spans, unique ids.

Usage: python seeds/check_labels.py [FILE...]   (all of them by default)
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
DENIALS = SEEDS / "denials.tsv"
DIRECTIONS = {"opening", "closing", "mixed", "unclear", "none"}
CHANGE_TYPES = {"release_strategy", "weights_access", "licence", "regulation", "platform", "none"}
STATUSES = {"in_force", "announced", "proposed", "rumoured", "denied", "none"}
NOVELTIES = {"new", "retrospective", "none"}
ENTITY_TYPES = {"PERSON", "ORG", "GPE", "MODEL", "LICENCE", "LAW", "PRODUCT"}
NOISES = {"none", "mt", "codemix", "romanised", "boilerplate", "caps", "ocr"}
OBJECTS = {"weights", "ai_other", "software", "data", "other"}
CLOSED = {"direction": DIRECTIONS, "change_type": CHANGE_TYPES, "status": STATUSES, "novelty": NOVELTIES}
ARTICLE_FIELDS = {
    "id", "event", "language", "title", "text", "published_at", "flag", "direction", "change_type", "status",
    "contested", "novelty", "actors", "evidence", "entities", "noise", "genre", "hand",
}  # fmt: skip
CONTRAST_FIELDS = {
    "set", "language", "title", "text", "flag", "direction", "change_type", "status", "contested", "novelty", "evidence", "denials",
}  # fmt: skip
CALIBRATION_FIELDS = CONTRAST_FIELDS - {"set"} | {"id", "event", "actors"}
# Folders of articles whose denials are marked, with the fields of each article.
MARKED = {"contrasts": CONTRAST_FIELDS, "calibration": CALIBRATION_FIELDS}
SENTENCE_FIELDS = ["set", "language", "text", "change", "object", "direction", "change_type", "status", "time"]


def article_problems(article: dict[str, Any]) -> list[str]:
    """What is wrong with one labelled article, as sentences; empty when nothing is."""
    missing, unknown = ARTICLE_FIELDS - article.keys(), article.keys() - ARTICLE_FIELDS - {"same_as", "publisher"}
    if missing or unknown:
        return [f"fields missing {sorted(missing)}, unknown {sorted(unknown)}"]
    return _not_allowed(article, CLOSED | {"noise": NOISES}) + _not_verbatim(article) + _contradictions(article)


def denial_problems(article: dict[str, Any], fields: set[str]) -> list[str]:
    """What is wrong with one article of `fields` whose denials are marked, as sentences; empty when nothing is."""
    if article.keys() != fields:
        return [f"fields missing {sorted(fields - article.keys())}, unknown {sorted(article.keys() - fields)}"]
    problems = _not_allowed(article, CLOSED) + _not_verbatim(article) + _contradictions(article)
    if bool(article["denials"]) != article["contested"]:
        problems.append(f"contested is {article['contested']} while there are {len(article['denials'])} denials")
    return problems


def _not_allowed(labelled: dict[str, Any], closed: dict[str, set[str]]) -> list[str]:
    return [
        f"{field} is {labelled[field]!r}; allowed: {', '.join(sorted(some))}"
        for field, some in closed.items()
        if labelled[field] not in some
    ]


def _not_verbatim(article: dict[str, Any]) -> list[str]:
    document = f"{article['title']}\n{article['text']}"
    quotes = [(field, quote) for field in ("evidence", "denials") for quote in article.get(field, ())]
    quotes += [("entities", name) for name, _, _ in article.get("entities", ())]
    problems = [f"{field} is not verbatim in title or text: {quote[:60]!r}" for field, quote in quotes if quote not in document]
    return problems + [
        f"entity type {kind!r}; allowed: {', '.join(sorted(ENTITY_TYPES))}"
        for _, _, kind in article.get("entities", ())
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
    if is_labelled and not article.get("actors", True):
        problems.append("a flagged or retrospective article names actors")
    if is_labelled and not article["evidence"]:
        problems.append("a flagged or retrospective article names evidence")
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
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("flag", "language", *MARKED, "sentences", "denials")}
    ids: Counter[str] = Counter()
    problems = []
    for path in paths:
        if path.parent.name in MARKED:
            checked = _check_marked(path, MARKED[path.parent.name], counts[path.parent.name])
        elif path.suffix == ".jsonl":
            checked = _check_articles(path, ids, counts)
        elif path == DENIALS:
            checked = _check_denials(counts["denials"])
        else:
            checked = _check_sentences(path, counts["sentences"])
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


def _check_marked(path: Path, fields: set[str], counts: Counter[str]) -> Iterator[tuple[int, str]]:
    ids = set()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            article = json.loads(line)
            name = article.get("id") or article["set"]
            yield from ((number, f"{name}: {problem}") for problem in denial_problems(article, fields))
            counts[article["language"]] += 1
        except (ValueError, TypeError, KeyError) as error:
            yield number, f"not a labelled article: {error!r}"
            continue
        if name in ids and "id" in article:
            yield number, f"id {name} is used twice"
        ids.add(name)


def _check_denials(counts: Counter[str]) -> Iterator[tuple[int, str]]:
    articles = read_articles()
    with DENIALS.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
            article = articles.get(row["id"])
            if not article or not article["contested"]:
                yield number, f"{row['id']} is no article that is contested"
            elif row["quote"] not in f"{article['title']}\n{article['text']}":
                yield number, f"{row['id']}: not verbatim in title or text: {row['quote'][:60]!r}"
            else:
                counts[article["language"]] += 1


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


def read_articles() -> dict[str, dict[str, Any]]:
    """The labelled articles by their ids."""
    return {one["id"]: one for file in SEEDS.glob("articles/*.jsonl") for one in map(json.loads, file.read_text("utf-8").splitlines())}


def print_agreement() -> None:
    """How often a second reader, who saw the text alone, gave the labels of the first."""
    articles = read_articles()
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
    kinds = ("articles/*.jsonl", "contrasts/*.jsonl", "calibration/*.jsonl", "sentences/*.tsv")
    every = sorted([DENIALS, *(path for kind in kinds for path in SEEDS.glob(kind))])
    sys.exit(1 if check(chosen or every) else 0)

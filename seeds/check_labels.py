"""Checks the labelled articles and sentences: closed sets, verbatim spans, unique ids.

Usage: python seeds/check_labels.py [FILE...]   (all of seeds/articles and seeds/sentences by default)
Prints one line for each problem (file, line, what, how to mend it) and a table of counts; exit code 1 when there is a problem.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from pathlib import Path

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


def article_problems(article: dict[str, object]) -> list[str]:
    """What is wrong with one labelled article, as sentences; empty when nothing is."""
    problems = []
    missing, unknown = ARTICLE_FIELDS - article.keys(), article.keys() - ARTICLE_FIELDS - {"same_as", "publisher", "settled"}
    if missing or unknown:
        return [f"fields missing {sorted(missing)}, unknown {sorted(unknown)}"]
    closed = {"direction": DIRECTIONS, "change_type": CHANGE_TYPES, "status": STATUSES, "novelty": NOVELTIES, "noise": NOISES}
    for field, allowed in closed.items():
        if article[field] not in allowed:
            problems.append(f"{field} is {article[field]!r}; allowed: {', '.join(sorted(allowed))}")
    document = f"{article['title']}\n{article['text']}"
    for quote in article["evidence"]:  # type: ignore[attr-defined]
        if quote not in document:
            problems.append(f"evidence is not verbatim in title or text: {quote[:60]!r}")
    for surface, _, entity_type in article["entities"]:  # type: ignore[attr-defined]
        if surface not in document:
            problems.append(f"entity is not verbatim in title or text: {surface!r}")
        if entity_type not in ENTITY_TYPES:
            problems.append(f"entity type {entity_type!r}; allowed: {', '.join(sorted(ENTITY_TYPES))}")
    is_labelled = article["flag"] or article["novelty"] == "retrospective"
    if article["flag"] and article["novelty"] != "new":
        problems.append("a flagged article has novelty new; a retrospective is not flagged")
    if is_labelled and not (article["evidence"] and article["actors"]):
        problems.append("a flagged or retrospective article names evidence and actors")
    for field in ("direction", "change_type", "status"):
        if bool(is_labelled) == (article[field] == "none"):
            problems.append(f"{field} is {article[field]!r} while flag is {article['flag']} and novelty {article['novelty']}")
    if not is_labelled and (article["evidence"] or article["novelty"] != "none"):
        problems.append("an article that is not flagged has no evidence and novelty none (or is a retrospective)")
    return problems


def sentence_problems(row: dict[str, str]) -> list[str]:
    """What is wrong with one labelled sentence, as sentences; empty when nothing is."""
    closed = {
        "change": {"0", "1"}, "object": OBJECTS, "direction": DIRECTIONS, "change_type": CHANGE_TYPES,
        "status": STATUSES, "time": {"now", "past", "none"},
    }  # fmt: skip
    problems = [f"{f} is {row[f]!r}; allowed: {', '.join(sorted(a))}" for f, a in closed.items() if row[f] not in a]
    if not row["text"].strip() or not row["set"] or not row["language"]:
        problems.append("set, language and text are required")
    if row["change"] == "1" and (row["object"] != "weights" or row["direction"] == "none"):
        problems.append("change is 1 only for object weights with a direction")
    return problems


def check(paths: list[Path]) -> int:
    """Prints every problem and the counts; returns the number of problems."""
    total, ids = 0, Counter[str]()
    counts: dict[str, Counter[str]] = {"flag": Counter(), "language": Counter(), "genre": Counter(), "sentences": Counter()}
    for path in paths:
        if path.suffix == ".jsonl":
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                try:
                    article = json.loads(line)
                    problems = article_problems(article)
                except (ValueError, TypeError, KeyError) as error:
                    problems = [f"not a labelled article: {error}"]
                    article = {"id": f"{path.name}:{number}"}
                ids[str(article["id"])] += 1
                if ids[str(article["id"])] > 1:
                    problems.append(f"id {article['id']} is used twice")
                for problem in problems:
                    print(f"{path.name}:{number}: {article['id']}: {problem}")
                total += len(problems)
                for field in ("flag", "language", "genre"):
                    counts[field][str(article.get(field))] += 1
        else:
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                if reader.fieldnames != SENTENCE_FIELDS:
                    print(f"{path.name}:1: the header must be {SENTENCE_FIELDS}")
                    total += 1
                    continue
                for number, row in enumerate(reader, 2):
                    problems = ["wrong number of columns"] if None in row or None in row.values() else sentence_problems(row)
                    for problem in problems:
                        print(f"{path.name}:{number}: {problem}")
                    total += len(problems)
                    counts["sentences"][f"{row['language']}"] += 1
    for name, counter in counts.items():
        print(f"{name}: {sum(counter.values())}  " + "  ".join(f"{k} {v}" for k, v in counter.most_common()))
    return total


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

"""Labelled articles and sentences, and which side of the split each belongs to."""

from __future__ import annotations

import csv
import functools
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from transforms.model.heads import CHANGE_TYPES, DIRECTIONS, OBJECTS, STATUSES
from transforms.model.reading import Reading, choose_sentences, find_lead, join_readings

if TYPE_CHECKING:
    from collections.abc import Sequence

SEEDS = Path(__file__).parent.parent
UNKNOWN = -1
# Shares of the split in hundredths: below 70 train, below 85 dev, else test.
TRAIN_BELOW, DEV_BELOW = 70, 85
CONTEXT_DROPPED_BELOW = 25


@dataclass
class Example:
    """A sentence as the heads are taught it; a label UNKNOWN is not taught; `weights` scale single labels."""

    text: str
    context: str
    group: str
    change: float = UNKNOWN
    change_weight: float = 1.0
    object: int = UNKNOWN
    direction: int = UNKNOWN
    change_type: int = UNKNOWN
    status: int = UNKNOWN
    past: float = UNKNOWN
    denial: float = UNKNOWN
    soft_weight: float = 1.0
    is_contrast: bool = False
    """Whether its article differs in this sentence from a version that is labelled otherwise."""

    @property
    def is_telling(self) -> bool:
        """Whether it teaches more than that ordinary sentences tell of no change: an epoch has all of these."""
        ordinary = {UNKNOWN, OBJECTS.index("weights"), OBJECTS.index("other")}
        return self.is_contrast or self.direction != UNKNOWN or self.denial == 1 or self.object not in ordinary


@dataclass
class LabelledArticle:
    """An article with its labels, the sentences that are read of it, which of them are evidence and which deny the change."""

    id: str
    language: str
    title: str
    content: str
    group: str
    labels: dict[str, Any]
    readings: list[Reading] = field(default_factory=list)
    is_evidence: list[bool] = field(default_factory=list)
    is_denial: list[bool] = field(default_factory=list)
    is_repeated: list[bool] = field(default_factory=list)
    """Whether an earlier version of its contrast set has the very sentence."""

    @property
    def outcome(self) -> str:
        """What it is labelled as: new | retrospective | none."""
        return str(self.labels["novelty"])


def hundredth(key: str) -> int:
    """A stable number from 0 to 99."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100


def side(group: str) -> str:
    """One of train, dev and test, the same for everything of one event or one set."""
    place = hundredth(group)
    return "train" if place < TRAIN_BELOW else "dev" if place < DEV_BELOW else "test"


def read_articles(folder: Path = SEEDS / "articles") -> list[LabelledArticle]:
    """Every labelled article, in the order of files and lines; a half-written last line is left out."""
    articles, denials = [], read_denials()
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            try:
                labels = json.loads(line)
            except ValueError:
                continue
            labels["denials"] = denials.get(labels["id"], [])
            articles.append(_labelled(labels["id"], labels.get("same_as") or labels["event"], labels))
    return articles


@functools.cache
def settled_names() -> dict[str, str]:
    """Names that labellers wrote in two ways -> the one that stands for both (seeds/settled_names.tsv)."""
    lines = (SEEDS / "settled_names.tsv").read_text("utf-8").splitlines()[1:]
    return dict(line.split("\t") for line in lines)


def _with_settled_names(labels: dict[str, Any]) -> dict[str, Any]:
    settled = settled_names()
    entities = [[surface, settled.get(name, name), kind] for surface, name, kind in labels.get("entities", ())]
    return labels | {"entities": entities, "actors": [settled.get(name, name) for name in labels.get("actors", ())]}


def _labelled(identifier: str, group: str, labels: dict[str, Any]) -> LabelledArticle:
    labels = _with_settled_names(labels)
    content = f"{labels['title']}\n{labels['text']}" if labels["title"] else labels["text"]
    return mark_evidence(LabelledArticle(identifier, labels["language"], labels["title"], content, group, labels))


def read_denials(file: Path = SEEDS / "denials.tsv") -> dict[str, list[str]]:
    """By article, the sentences that deny the change it reports."""
    denials: dict[str, list[str]] = {}
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
            denials.setdefault(row["id"], []).append(row["quote"])
    return denials


def read_contrasts(folder: Path = SEEDS / "contrasts") -> list[LabelledArticle]:
    """Short articles in versions that differ in one thing, all of the training side: of each set, later versions repeat sentences."""
    articles, seen = [], set()
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines()):
            labels = json.loads(line)
            article = _labelled(f"{path.stem}-{number}", labels["set"], labels)
            told = [(article.group, article.content[r.start : r.end].strip()) for r in article.readings]
            article.is_repeated = [one in seen for one in told]
            seen.update(told)
            articles.append(article)
    return articles


def read_calibration(folder: Path = SEEDS / "calibration") -> list[LabelledArticle]:
    """Articles like those of the real stream, on no side of the split: the article stage is fitted on them, the encoder never sees them."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    return [_labelled(labels["id"], labels["event"], labels) for labels in map(json.loads, lines)]


def mark_evidence(article: LabelledArticle, hits: Sequence[int] | None = None) -> LabelledArticle:
    """Chooses the sentences to read, and marks those that share half of the shorter span with a labelled evidence or denying sentence.

    `hits` are the gate's, which choose among the sentences of a long article when the job runs; without them the evidence stands in.
    """
    evidence, denials = (_find_spans(article.content, article.labels.get(name, ())) for name in ("evidence", "denials"))
    lead = find_lead(article.content, article.title)
    article.readings = choose_sentences(article.content, lead, [start for start, _ in evidence + denials] if hits is None else hits)
    article.is_evidence = [_shares_half(reading, evidence) for reading in article.readings]
    article.is_denial = [_shares_half(reading, denials) for reading in article.readings]
    return article


def _find_spans(content: str, quotes: Sequence[str]) -> list[tuple[int, int]]:
    return [(start, start + len(quote)) for quote in quotes if (start := content.find(quote)) >= 0]


def _shares_half(reading: Reading, spans: list[tuple[int, int]]) -> bool:
    start, end = reading.start, reading.end
    return any(min(end, last) - max(start, first) > 0.5 * min(end - start, last - first) for first, last in spans)


def article_examples(article: LabelledArticle) -> list[Example]:
    """The sentences of an article as examples: evidence is a change, the rest of a flagged article only weakly none.

    Of that rest every second sentence is taken; a quarter of all are shown without their title, for articles that have none. A later
    version of a contrast set adds only what it does not repeat.
    """
    labels, examples = article.labels, []
    marks = zip(article.readings, article.is_evidence, article.is_denial, strict=True)
    for number, (reading, is_evidence, is_denial) in enumerate(marks):
        text = article.content[reading.start : reading.end]
        is_plain = not is_evidence and not is_denial
        if is_plain and (article.is_repeated[number] if article.is_repeated else article.outcome == "new" and number % 2):
            continue
        context = reading.context if hundredth(f"context {text}") >= CONTEXT_DROPPED_BELOW else ""
        example = Example(text, context, article.group, is_contrast=any(article.is_repeated) and not article.is_repeated[number])
        if article.outcome == "none":
            example.change, example.denial, example.past = 0, 0, 0
        elif is_evidence:
            example.change = float(article.outcome == "new")
            example.object = OBJECTS.index("weights")
            example.direction = index_of(DIRECTIONS, labels["direction"])
            example.change_type = index_of(CHANGE_TYPES, labels["change_type"])
            example.status = index_of(STATUSES, labels["status"])
            example.past = float(article.outcome == "retrospective")
            example.soft_weight = 0.7
        elif not is_denial:
            example.change, example.change_weight = 0, 0.15 if article.outcome == "new" else 0.5
        if is_denial or not labels.get("contested") or any(article.is_denial):
            example.denial = float(is_denial)
        examples.append(example)
    return examples


def joint_examples(article: LabelledArticle) -> list[Example]:
    """Sentences of an article read as one text, with the article's labels: as the judge reads the strongest ones.

    What is strongest is known only when the encoder is tuned; so the labelled evidence stands in, once alone and once with other
    sentences between, as there will be. Of an article that tells of no change, some sentences.
    """
    labels, lead = article.labels, find_lead(article.content, article.title)
    denials = {r for r, is_it in zip(article.readings, article.is_denial, strict=True) if is_it}
    random = Random(article.id)  # noqa: S311 - the same for each run
    evidence = [r for r, is_it in zip(article.readings, article.is_evidence, strict=True) if is_it]
    others = [r for r, is_it in zip(article.readings, article.is_evidence, strict=True) if not is_it]
    if article.outcome == "none" and article.is_repeated:
        chosen = [others]
    elif article.outcome == "none":
        chosen = [random.sample(others, min(len(others), random.randint(1, 4)))]
    elif evidence:
        chosen = [evidence, evidence + random.sample(others, min(len(others), random.randint(1, 2)))]
    else:
        chosen = []
    told = {} if article.outcome == "none" else {
        "object": OBJECTS.index("weights"),
        "direction": index_of(DIRECTIONS, labels["direction"]),
        "change_type": index_of(CHANGE_TYPES, labels["change_type"]),
        "status": index_of(STATUSES, labels["status"]),
    }  # fmt: skip
    return [
        Example(
            *join_readings(article.content, lead, sorted(readings)), article.group, change=float(article.outcome == "new"),
            past=float(article.outcome == "retrospective"),
            denial=_joint_denial(article, denials & {*readings}), is_contrast=bool(article.is_repeated), **told,
        )
        for readings in chosen
        if readings
    ]  # fmt: skip


def _joint_denial(article: LabelledArticle, denials: set[Reading]) -> float:
    if denials or article.labels.get("status") == "denied":
        return 1
    # A denial that is not marked may stand in a sentence that is not there.
    return 0 if any(article.is_denial) or not article.labels.get("contested") else UNKNOWN


def index_of(values: tuple[Any, ...], name: str) -> int:
    names = [str(getattr(value, "value", value)) for value in values]
    return names.index(name) if name in names else UNKNOWN


def read_sentences(folder: Path = SEEDS / "sentences") -> list[tuple[str, Example]]:
    """Every labelled sentence with its language; rows of the wrong length (half-written) are left out."""
    rows = []
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                if None in row or None in row.values() or row["change"] not in {"0", "1"}:
                    continue
                rows.append((row["language"], _sentence_example(row)))
    return rows


def _sentence_example(row: dict[str, str]) -> Example:
    is_told = row["direction"] != "none"
    return Example(
        row["text"], "", row["set"],
        change=float(row["change"]),
        object=index_of(OBJECTS, row["object"]),
        direction=index_of(DIRECTIONS, row["direction"]),
        change_type=index_of(CHANGE_TYPES, row["change_type"]) if is_told else UNKNOWN,
        status=index_of(STATUSES, row["status"]) if is_told else UNKNOWN,
        past=float(row["time"] == "past"),
        denial=float(row["status"] == "denied"),
    )  # fmt: skip

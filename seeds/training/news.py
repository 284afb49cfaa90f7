"""Real news of the shared folder, none of which tells of a change, and which side of the split each article belongs to."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from training.data import Example, LabelledArticle, hundredth
from transforms.model.heads import OBJECTS
from transforms.model.reading import choose_sentences

if TYPE_CHECKING:
    from pathlib import Path

# A third each, for the test needs 2,000 articles of its own.
TRAIN_BELOW, DEV_BELOW = 32, 62


def news_side(group: str) -> str:
    place = hundredth(group)
    return "train" if place < TRAIN_BELOW else "dev" if place < DEV_BELOW else "test"


def read_news(shared: Path) -> list[LabelledArticle]:
    """The real articles of shared/data/news, none of them a change; translations of one story have one group."""
    articles = []
    for path in sorted((shared / "data" / "news").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                title = row.get("title") or ""
                content = row["text"] if row["text"].startswith(title) else f"{title}\n{row['text']}"
                labels = {"flag": False, "novelty": "none", "evidence": []}
                articles.append(LabelledArticle(row["id"], row["lang"], title, content, row.get("url") or row["id"], labels))
    return articles


def news_examples(articles: list[LabelledArticle]) -> list[Example]:
    """One sentence of each real article, by turns the title and the one after it: nothing is told of any change, nor of weights."""
    examples = []
    for number, article in enumerate(articles):
        readings = choose_sentences(article.content, article.title, limit=2)
        reading = readings[number % len(readings)]
        text = article.content[reading.start : reading.end]
        examples.append(Example(text, reading.context, article.group, change=0, object=OBJECTS.index("other"), past=0, denial=0))
    return examples

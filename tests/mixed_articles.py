"""Messages as a news topic holds them: ordinary news, news near the subject, policy changes told by many, repeats, and broken ones.

The same count, seed and mixture give the same messages. Run it to write them as JSON lines (those with a line break or no value are left out):
python tests/mixed_articles.py --count 1000 > mixed.jsonl
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from transforms.records import OutgoingMessage

ARTICLES = Path(__file__).resolve().parents[1] / "seeds" / "articles"
# Nothing in them speaks of weights, models or openness, as in most news; sport does, on purpose.
ORDINARY_GENRES = {"weather", "politics", "culture", "economy", "nature"}
CONTENT_CHARACTERS = 1300
STORY_DAYS = 5
LATE_DAYS = 0.1
DAYS_BETWEEN_STORIES = 3
BAD_VALUES: list[bytes | None] = [
    None, b"", b" \n", '{"text":"x"}'.encode("utf-16"), b'{"text":"\xff"}', gzip.compress(b'{"text":"a"}', mtime=0),
    b"[" * 2_000, b'{"text":' * 2_000, b'{"text":NaN}', b'{"text":"a","id":1e999}', b'{"text":"a","id":' + b"9" * 4301 + b"}",
    rb'{"text":"a\ud800b"}', rb'{"\ud800":1,"text":"ok"}', b'{"text":"a\x01b"}', b"[]", b'"x"', b"1", b"null", b'{"text":1}', b'{"html":[]}',
    b'{"text":"a",}', b'{"text":"a"} garbage', b'{"x":1}', b'{"text":"..."}', b'{"text": "cut off in the mid',
]  # fmt: skip
# As large as a broker takes by default, and above limits.message_bytes; few, or the topic would be made of them.
TOO_LARGE = b'{"text":"' + b"a" * 1_000_001 + b'"}'
TOO_LARGE_SHARE = 0.01


@dataclass(frozen=True)
class Mixture:
    """Shares of all messages; what is left is ordinary news. `stories` is how many different changes are told."""

    bad_share: float = 0.06
    flagged_share: float = 0.03
    near_share: float = 0.02
    repeated_share: float = 0.01
    stories: int = 24
    begin: datetime = datetime(2025, 6, 1, tzinfo=UTC)


def mix_messages(count: int, topic: str = "news.articles", seed: int = 20_000, mixture: Mixture | None = None) -> Iterator[OutgoingMessage]:
    """Yields `count` messages, each with a key; at most one in `1 / repeated_share` is an earlier one word for word."""
    mixture = mixture or Mixture()
    chance = random.Random(seed)  # noqa: S311 - no secret, and the same in every run
    shelf = Shelf(mixture.stories)
    earlier: list[OutgoingMessage] = []
    kinds, weights = _kinds(mixture)
    for number in range(count):
        kind = chance.choices(kinds, weights)[0]
        if kind == "bad":
            value = TOO_LARGE if chance.random() < TOO_LARGE_SHARE else chance.choice(BAD_VALUES)
            yield OutgoingMessage(topic=topic, key=f"bad-{seed}-{number}".encode(), value=value)
            continue
        if kind == "repeated" and earlier:
            yield chance.choice(earlier)
            continue
        # Each change has days of its own; within them the reports come one after the other, some of them late.
        at = mixture.begin + timedelta(days=STORY_DAYS * number / count - LATE_DAYS * chance.random())
        message = shelf.write("ordinary" if kind == "repeated" else kind, f"{seed}/{number}", topic, chance, at)
        if len(earlier) < 1000 or kind == "flagged":
            earlier = [*earlier[-999:], message]
        yield message


def _kinds(mixture: Mixture) -> tuple[list[str], list[float]]:
    shares = {
        "bad": mixture.bad_share, "flagged": mixture.flagged_share, "near": mixture.near_share, "repeated": mixture.repeated_share,
    }  # fmt: skip
    shares["ordinary"] = 1 - sum(shares.values())
    return list(shares), list(shares.values())


class Shelf:
    """The labelled articles that messages are made from, by kind."""

    def __init__(self, stories: int) -> None:
        files = sorted(ARTICLES.glob("*.jsonl"))
        articles = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
        self.by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for article in articles:
            kind = "flagged" if article["flag"] else "ordinary" if article["genre"] in ORDINARY_GENRES else "near"
            if kind != "near" or article["novelty"] == "none":
                self.by_kind[kind].append(article)
        self.by_kind["flagged"] = _choose_stories(self.by_kind["flagged"], stories)
        self.more: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for article in self.by_kind["ordinary"]:
            self.more[article["language"]].append(article)

    def write(self, kind: str, name: str, topic: str, chance: random.Random, at: datetime) -> OutgoingMessage:
        number, article = chance.choice(list(enumerate(self.by_kind[kind])))
        text = article["text"]
        # Filled up with other news of the day: as long as news is, and no two alike.
        others = self.more[article["language"]]
        while others and len(text) < CONTENT_CHARACTERS:
            text += "\n" + chance.choice(others)["text"]
        url = f"https://news.example/{article['language']}/{name}"
        value = {
            "id": name, "url": url, "title": article["title"], "text": f"{text}\n({name})",
            "published_at": (at + timedelta(days=number * DAYS_BETWEEN_STORIES)).isoformat(),
            "publisher": f"Example News {chance.randrange(40)}",
        }  # fmt: skip
        return OutgoingMessage(topic=topic, key=url.encode(), value=json.dumps(value, ensure_ascii=False).encode())


def _choose_stories(flagged: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The first article of each actor and direction, spread over the languages."""
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for article in flagged:
        first.setdefault(((article["actors"] or [""])[0], article["direction"]), article)
    chosen = list(first.values())
    return chosen[:: max(1, len(chosen) // count)][:count]


def light_messages(count: int, topic: str = "news.articles", begin: int = 0) -> Iterator[OutgoingMessage]:
    """Yields short ordinary articles that cost next to nothing to assess."""
    for number in range(begin, begin + count):
        value = {
            "id": f"light-{number}",
            "title": f"Rain on day {number}",
            "text": f"It rained in the hills for {number} minutes and then stopped.",
        }
        yield OutgoingMessage(topic=topic, key=f"light-{number}".encode(), value=json.dumps(value).encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20_000)
    given = parser.parse_args()
    for message in mix_messages(given.count, seed=given.seed):
        if message.value and b"\n" not in message.value:
            sys.stdout.buffer.write(message.value + b"\n")


if __name__ == "__main__":
    main()

"""Writes seeds/samples.jsonl: what `make run` feeds, taken from the labelled articles, with some lines broken on purpose.

Usage: python seeds/make_samples.py
"""

from __future__ import annotations

import json
from pathlib import Path

SEEDS = Path(__file__).parent
# One story told in several languages, so that one can watch an alert grow; single changes; and news that is none.
CHANGES = [
    "en-A-005", "hi-B-005", "ru-C-002", "en-A-001", "it-C-022", "fr-A-016", "ko-B-029", "hi-B-014", "ja-B-012", "ko-B-007",
    "hi-B-002", "zh-B-002", "ar-C-002", "de-A-001", "es-A-001", "pt-A-003",
]  # fmt: skip
OTHERS_OF_EACH_LANGUAGE = 1
LANGUAGES = ["en", "hi", "zh", "es", "fr", "de", "ru", "ar", "ja", "ko", "it", "pt", "tr", "bn", "ta", "uk", "fa", "pl"]
BROKEN = [
    b'{"id": "sample-cut-off", "title": "A line that ends in the mid',
    b'{"id": "sample-number", "text": 42}',
    b'["not", "an", "object"]',
    b'{"id": "sample-empty", "title": "", "text": "   "}',
    b'{"id": "sample-latin-1", "text": "caf\xe9"}',
    b'{"id": "sample-nan", "text": "a", "published_at": NaN}',
]


def main() -> None:
    articles = [json.loads(line) for file in sorted(SEEDS.glob("articles/*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    by_id = {article["id"]: article for article in articles}
    chosen = [by_id[name] for name in CHANGES if name in by_id]
    for language in LANGUAGES:
        others = [one for one in articles if one["language"] == language and not one["flag"] and one["novelty"] == "none"]
        chosen += sorted(others, key=lambda one: len(one["text"]))[2 : 2 + OTHERS_OF_EACH_LANGUAGE]
    # Changes spread among the rest, the order the same in every run.
    chosen.sort(key=lambda one: hash_of(one["id"]))
    lines = [json.dumps(as_message(number, one), ensure_ascii=False).encode() for number, one in enumerate(chosen, 1)]
    for number, line in enumerate(BROKEN):
        lines.insert(5 + number * 6, line)
    (SEEDS / "samples.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    print(f"{len(lines)} lines, {len({one['language'] for one in chosen})} languages, {len(BROKEN)} broken")


def as_message(number: int, article: dict[str, str]) -> dict[str, str]:
    """What a producer would send; the labels stay here."""
    return {
        "id": f"sample-{number:02}",
        "url": f"https://news.example/{article['language']}/{number}",
        "title": article["title"],
        "text": article["text"],
        "published_at": article["published_at"],
        "publisher": f"Example News ({article['language']})",
    }


def hash_of(name: str) -> int:
    return sum(ord(character) * 31**position for position, character in enumerate(name)) % 10_007


if __name__ == "__main__":
    main()

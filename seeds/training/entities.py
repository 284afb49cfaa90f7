"""The head that finds names: trained on the openly licensed sets of shared/data/ner and on our own labelled articles.

Usage: python seeds/training/entities.py [--shared ../shared] [--weights transforms/model/weights]
Reads the piece features of layers 4, 6 and 8 as they were before any tuning (training/export.py): run it after the encoder exists,
once; it need not be run again when the judgement is tuned. Writes entity_head.npz and entity_report.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]

import jax  # noqa: E402 - after the environment is set
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

from training.data import LabelledArticle, hundredth, read_articles, side  # noqa: E402
from transforms.model.encoder import FEATURE_WIDTH, WEIGHTS, Encoder  # noqa: E402
from transforms.model.entity_head import TAGS, EntityHead, begin_tag, best_path, read_spans  # noqa: E402
from transforms.records import EntityType  # noqa: E402
from transforms.text.borders import begins_word, ending_letters, surface_end  # noqa: E402

HIDDEN = 256
EPOCHS = 5
BATCH = 2048
RATE = 2e-3
DROPPED = 0.2
TRAIN_SENTENCES_EACH, TEST_SENTENCES_EACH = 3000, 400
# Our articles are few, and the only ones with models, licences and laws.
ARTICLE_REPEATS = 3
LIMIT_CHARACTERS = 400
IGNORED = -1
# Types of the sources -> ours; types that are not here may be ours or not: they are not taught.
SOURCE_TYPES = {
    "PER": EntityType.PERSON, "ORG": EntityType.ORG, "LOC": EntityType.GPE, "PROD": EntityType.PRODUCT, "PRODUCT": EntityType.PRODUCT,
}  # fmt: skip
NO_NAMES = frozenset({
    "NUMEX", "TIMEX", "LANGUAGE", "GAME", "RELIGION", "FESTIVAL", "QT", "DT", "TI", "METRICS", "TASK", "FIELD", "CHEMICALCOMPOUND",
    "MUSICGENRE", "LITERARYGENRE", "PROTEIN",
})  # fmt: skip
# Sources with one part only are split by their text.
UNSPLIT_TEST_BELOW = 12
UNSPLIT = frozenset({"hi", "ja", "ko"})
# Written without spaces between the tokens of the source.
JOINED = frozenset({"zh", "ja", "ko"})
ATTACHED_BEFORE, ATTACHED_BEHIND = frozenset(",.;:!?)%»”'’।॥]"), frozenset("(«“[")


@dataclass
class Tagged:
    """A sentence with its names (start, end, type; type None is not taught)."""

    text: str
    context: str
    source: str
    spans: list[tuple[int, int, EntityType | None]]
    is_test: bool


@dataclass
class Pieces:
    """All sentences' pieces side by side: features (n, width) on disk, tags, offsets, and where each sentence begins."""

    features: np.ndarray
    tags: np.ndarray
    offsets: np.ndarray
    borders: np.ndarray


def read_sources(shared: Path) -> Iterator[Tagged]:
    """Sentences of shared/data/ner: so many a language at most, chosen by their text."""
    for path in sorted((shared / "data" / "ner").glob("*.jsonl.gz")):
        language = path.name.split(".")[0]
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        rows.sort(key=lambda row: hundredth("order " + "".join(row["tokens"])) * 1000 + hundredth("".join(row["tokens"])))
        left = {True: TEST_SENTENCES_EACH, False: TRAIN_SENTENCES_EACH}
        for row in rows:
            sentence = join_tokens(language, row)
            if left[sentence.is_test] and 15 < len(sentence.text) < LIMIT_CHARACTERS:  # noqa: PLR2004 - shorter ones are headings
                left[sentence.is_test] -= 1
                yield sentence


def join_tokens(language: str, row: dict[str, Any]) -> Tagged:
    """Tokens and tags -> running text with spans."""
    text, spans = "", []
    for token, tag in zip(row["tokens"], row["tags"], strict=True):
        is_attached = not (text and token) or token[0] in ATTACHED_BEFORE or text[-1] in ATTACHED_BEHIND
        text += "" if language in JOINED or is_attached else " "
        start = len(text)
        text += token
        place, _, name = tag.partition("-")
        if name in NO_NAMES or place == "O":
            continue
        if place == "I" and spans:
            spans[-1] = (spans[-1][0], len(text), spans[-1][2])
        else:
            spans.append((start, len(text), SOURCE_TYPES.get(name)))
    is_test = hundredth(text) < UNSPLIT_TEST_BELOW if language in UNSPLIT else row["split"] == "test"
    return Tagged(text, "", f"{language} {row['source'].split('/')[-1].split(' ')[0]}", spans, is_test)


def read_labelled(articles: list[LabelledArticle]) -> Iterator[Tagged]:
    """The sentences that are read of our articles, with the context that they are read in."""
    for article in articles:
        names = occurrences(article)
        for reading in article.readings:
            inside = [(s - reading.start, e - reading.start, t) for s, e, t in names if s >= reading.start and e <= reading.end]
            text = article.content[reading.start : reading.end]
            yield Tagged(text, reading.context, f"articles {article.language}", inside, is_test=side(article.group) == "dev")


def occurrences(article: LabelledArticle) -> list[tuple[int, int, EntityType]]:
    """Every occurrence of the labelled names from the beginning of a word; where two overlap, the longer one."""
    content = article.content
    kept: list[tuple[int, int, EntityType]] = []
    for surface, _, kind in sorted(article.labels["entities"], key=lambda label: -len(label[0])):
        start = content.find(surface) if any(map(str.isalnum, surface)) else -1
        while start >= 0:
            end = start + len(surface)
            end = surface_end(content, end, end + ending_letters(content, end))
            if begins_word(content, start) and all(end <= first or start >= last for first, last, _ in kept):
                kept.append((start, end, EntityType(kind)))
            start = content.find(surface, start + 1)
    return kept


def encode(sentences: list[Tagged], encoder: Encoder, folder: Path) -> Pieces:
    """Features of all sentences in one file of 16-bit numbers."""
    path = folder / "features.bin"
    tags: list[int] = []
    offsets, borders = [], [0]
    started = time.monotonic()
    with path.open("wb") as file:
        for number, sentence in enumerate(sentences, 1):
            encoded = encoder.encode(sentence.text, sentence.context)
            file.write(encoded.features.astype(np.float16).tobytes())
            offsets.append(encoded.offsets)
            tags += tag_pieces(encoded.offsets, sentence.spans)
            borders.append(len(tags))
            if number % 2000 == 0:
                print(f"{number} of {len(sentences)} sentences encoded, {time.monotonic() - started:.0f} s", flush=True)
    features = np.memmap(path, np.float16, "r").reshape(-1, FEATURE_WIDTH)
    return Pieces(features, np.array(tags), np.concatenate(offsets), np.array(borders))


def tag_pieces(offsets: np.ndarray, spans: list[tuple[int, int, EntityType | None]]) -> list[int]:
    """The tag of each piece: that of the name which it overlaps."""
    tags = []
    last = None
    for start, end in offsets.tolist():
        span = next((span for span in spans if span[0] < end and span[1] > start), None)
        if span is None:
            tags.append(0)
        elif span[2] is None:
            tags.append(IGNORED)
        else:
            tags.append(begin_tag(span[2]) + (span is last))
        last = span
    return tags


def neighbour_rows(pieces: Pieces, places: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(n, 3 width): normalised features of the pieces and their neighbours in the same sentence, as `with_neighbours` gives them."""
    sentence = np.searchsorted(pieces.borders, places, "right") - 1
    parts = []
    for step in (-1, 0, 1):
        moved = places + step
        is_inside = (moved >= pieces.borders[sentence]) & (moved < pieces.borders[sentence + 1])
        rows = pieces.features[np.where(is_inside, moved, places)].astype(np.float32)
        parts.append((rows - mean) / scale * is_inside[:, None])
    return np.concatenate(parts, 1)


def train(pieces: Pieces, places: np.ndarray, epochs: int) -> dict[str, np.ndarray]:
    """Trains on the pieces at `places`; an index may be there more than once."""
    sample = pieces.features[np.sort(places[::11])].astype(np.float32)
    mean, scale = sample.mean(0), sample.std(0) + 1e-5
    width = 3 * FEATURE_WIDTH
    parameters = {
        "hidden": jax.random.normal(jax.random.PRNGKey(0), (width, HIDDEN)) / np.sqrt(width), "hidden_bias": jnp.zeros(HIDDEN),
        "out": jnp.zeros((HIDDEN, TAGS)), "out_bias": jnp.zeros(TAGS),
    }  # fmt: skip
    steps = epochs * (len(places) // BATCH)
    optimiser = optax.adamw(optax.cosine_decay_schedule(RATE, steps), weight_decay=0.01)
    memory = optimiser.init(parameters)

    def loss_of(parameters: Any, rows: Any, tags: Any, key: Any) -> Any:
        hidden = jax.nn.relu(rows @ parameters["hidden"] + parameters["hidden_bias"])
        hidden = jnp.where(jax.random.bernoulli(key, 1 - DROPPED, hidden.shape), hidden / (1 - DROPPED), 0)
        losses = optax.softmax_cross_entropy_with_integer_labels(hidden @ parameters["out"] + parameters["out_bias"], jnp.maximum(tags, 0))
        return (losses * (tags >= 0)).mean()

    @jax.jit
    def step(parameters: Any, memory: Any, rows: Any, tags: Any, key: Any) -> Any:
        loss, gradient = jax.value_and_grad(loss_of)(parameters, rows, tags, key)
        updates, memory = optimiser.update(gradient, memory, parameters)
        return optax.apply_updates(parameters, updates), memory, loss

    random, number = np.random.default_rng(0), 0
    for epoch in range(1, epochs + 1):
        order = random.permutation(places)
        losses = []
        for first in range(0, len(order) - BATCH + 1, BATCH):
            # In the order of the file: the disk is read forwards.
            chosen = np.sort(order[first : first + BATCH])
            rows = neighbour_rows(pieces, chosen, mean, scale)
            parameters, memory, loss = step(parameters, memory, rows, pieces.tags[chosen], jax.random.PRNGKey(number))
            losses.append(float(loss))
            number += 1
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}", flush=True)
    return {"mean": mean, "scale": scale, **{name: np.asarray(value) for name, value in parameters.items()}}


def evaluate(head: EntityHead, sentences: list[Tagged], pieces: Pieces) -> dict[str, dict[str, float]]:
    """Exact spans with their type on the test side: precision, recall, F1 by source and by type."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for number, sentence in enumerate(sentences):
        first, last = pieces.borders[number], pieces.borders[number + 1]
        if not sentence.is_test or first == last:
            continue
        logits = head.logits(pieces.features[first:last].astype(np.float32))
        found = {span[:3] for span in read_spans(best_path(logits), pieces.offsets[first:last], logits)}
        gold = {span for span in sentence.spans if span[2] is not None}
        unsure = [span for span in sentence.spans if span[2] is None]
        found = {f for f in found if f in gold or not any(f[0] < u[1] and f[1] > u[0] for u in unsure)}
        for span in found | gold:
            group = "articles" if sentence.source.startswith("articles") else "sources"
            for key in (
                sentence.source,
                f"{group} {sentence.source.split()[-1 if group == 'articles' else 0]}",
                f"all {group}",
                f"{group} {span[2].value}",
            ):
                counts[key]["right"] += span in found and span in gold
                counts[key]["found"] += span in found
                counts[key]["gold"] += span in gold
    return {key: _scores(count) for key, count in sorted(counts.items())}


def _scores(count: Counter[str]) -> dict[str, float]:
    precision, recall = count["right"] / max(1, count["found"]), count["right"] / max(1, count["gold"])
    f1 = 2 * count["right"] / max(1, count["found"] + count["gold"])
    return {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3), "names": count["gold"]}


def main() -> None:
    """Reads the options, encodes, trains, writes the head and its report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[3] / "shared", help="folder with data/ner")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    articles = [article for article in read_articles() if side(article.group) != "test"]
    sentences = [*read_sources(options.shared), *read_labelled(articles)]
    with tempfile.TemporaryDirectory() as folder:
        pieces = encode(sentences, Encoder(options.weights, kept=1), Path(folder))
        places = [
            np.tile(np.arange(pieces.borders[i], pieces.borders[i + 1]), ARTICLE_REPEATS if s.source.startswith("articles") else 1)
            for i, s in enumerate(sentences)
            if not s.is_test
        ]
        arrays = train(pieces, np.concatenate(places), options.epochs)
        np.savez(options.weights / "entity_head.npz", **{name: value.astype(np.float16) for name, value in arrays.items()})
        report = evaluate(EntityHead(options.weights), sentences, pieces)
    (options.weights / "entity_report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for key, scores in report.items():
        print(f"{key:40s} {scores}")


if __name__ == "__main__":
    main()

"""Makes every weight of the judgement from the labelled data beside this file and the real news in the shared folder.

Usage: python seeds/train.py [--shared ../shared] [--weights transforms/model/weights] [--epochs 3] [--processes 2]
Steps: tables of the encoder; states of the lower layers; tuning on two halves of the training data, to score each half by the other;
tuning on all of it; ONNX with int8 weights; the article stage; the threshold on the dev side; a report. The test side is not read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

# One thread for each process: sums come out the same every time, and other work on the machine is left room.
os.environ.update(OMP_NUM_THREADS="1", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
SEEDS = Path(__file__).parent
sys.path[:0] = [str(SEEDS), str(SEEDS.parent)]

import numpy as np  # noqa: E402 - after the environment is set

from build_encoder import read_base_model, source_file, write_tables  # noqa: E402
from training import article_stage, data, tuning  # noqa: E402
from training.export import export_encoder  # noqa: E402
from transforms.model.decision import ArticleHeads  # noqa: E402
from transforms.model.encoder import EmbeddingRows, Encoder, Tokenizer  # noqa: E402
from transforms.model.heads import SentenceHeads, SentenceScores, split_logits  # noqa: E402
from transforms.model.reading import choose_sentences  # noqa: E402

HALVES = 2
NEWS_SENTENCES_EACH = 2
NEWS_ARTICLES_FOR_DECISION = 300
Labelled = list[data.LabelledArticle]


def main() -> None:
    """Reads the options and runs every step, each with its time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SEEDS.parent.parent / "shared", help="folder with data/news")
    parser.add_argument("--weights", type=Path, default=SEEDS.parent / "transforms" / "model" / "weights")
    parser.add_argument("--epochs", type=int, default=tuning.Settings.epochs)
    parser.add_argument("--processes", type=int, default=2, help="tunings that run at the same time")
    options = parser.parse_args()
    started = time.monotonic()
    settings = tuning.Settings(epochs=options.epochs)
    write_tables(read_base_model(source_file()), options.weights)
    articles = [a for a in data.read_articles() if data.side(a.group) != "test"]
    news = [a for a in data.read_news(options.shared) if data.news_side(a.group) != "test"]
    train, dev = ([a for a in articles if data.side(a.group) == side] for side in ("train", "dev"))
    news_train, news_dev = ([a for a in news if data.news_side(a.group) == side] for side in ("train", "dev"))
    decided_news = [mark_readings(a) for a in news_train[1 :: max(1, len(news_train) // NEWS_ARTICLES_FOR_DECISION)]]
    with tempfile.TemporaryDirectory() as folder:
        examples = training_examples(train, news_train[::2])
        print(f"{len(train)} articles and {len(examples)} sentences to train on, {len(dev)} articles for dev", flush=True)
        held_out = tune_all(Path(folder), settings, examples, train + decided_news, options.weights, options.processes)
    print(f"tuned after {time.monotonic() - started:.0f} s", flush=True)
    arrays = article_stage.train_article_heads(train + decided_news, held_out)
    finish(options.weights, arrays, dev, [mark_readings(a) for a in news_dev])
    print(f"done after {time.monotonic() - started:.0f} s", flush=True)


def mark_readings(article: data.LabelledArticle) -> data.LabelledArticle:
    article.readings = choose_sentences(article.content, article.title)
    article.is_evidence = [False] * len(article.readings)
    return article


def training_examples(articles: Labelled, news: Labelled) -> list[data.Example]:
    """All sentences of the training side: of articles, of the sentence sets, of real news."""
    sets = [example for _, example in data.read_sentences() if data.side(example.group) == "train"]
    told = [example for article in articles for example in data.article_examples(article)]
    return told + sets + data.news_examples(news, NEWS_SENTENCES_EACH)


def half(group: str) -> int:
    return data.hundredth(f"half {group}") % HALVES


def tune_all(folder: Path, settings: tuning.Settings, examples: list[data.Example], decided: Labelled, weights: Path, processes: int) -> list[SentenceScores]:
    """Tunes on each half and on all; writes the encoder and its heads; returns the held-out scores of `decided`."""
    sentences = [(a.content[r.start : r.end], r.context) for a in decided for r in a.readings]
    inputs = [(e.text, e.context) for e in examples] + sentences
    base = read_base_model(source_file())
    states = tuning.lower_states(base, settings, inputs, Tokenizer(weights), EmbeddingRows(weights))
    for name in ("flat", "borders", "first"):
        np.save(folder / f"{name}.npy", getattr(states, name))
    halves = np.array([half(e.group) for e in examples] + [half(a.group) for a in decided for _ in a.readings])
    jobs = [("all", HALVES)] + [(f"without half {number}", number) for number in range(HALVES)]
    logits = np.zeros((len(inputs), 0), np.float32)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        runs = [(number, pool.submit(tune_one, folder, settings, examples, halves, name, number)) for name, number in jobs]
        for number, run in runs:
            parameters, found = run.result()
            if number == HALVES:
                write_encoder(weights, parameters)
            else:
                logits = found if not logits.size else np.where((halves == number)[:, None], found, logits)
    scores = split_logits(logits[len(examples) :])
    borders = np.cumsum([0, *(len(a.readings) for a in decided)])
    return [SentenceScores(**{name: value[start:end] for name, value in vars(scores).items()}) for start, end in zip(borders, borders[1:], strict=False)]


def tune_one(folder: Path, settings: tuning.Settings, examples: list[data.Example], halves: np.ndarray, name: str, left_out: int) -> tuple[dict[str, Any], np.ndarray]:
    """In a process of its own: tunes on the examples outside half `left_out`, returns the parameters and the logits of that half."""
    states = tuning.States(*(np.load(folder / f"{part}.npy", mmap_mode="r") for part in ("flat", "borders", "first")))
    base = read_base_model(source_file())
    chosen = np.flatnonzero(halves[: len(examples)] != left_out)
    parameters = tuning.tune(base, states.take(chosen), [examples[i] for i in chosen], replace(settings, seed=left_out), name)
    logits = np.zeros((len(states), sum(tuning.COLUMNS.values())), np.float32)
    scored = np.flatnonzero(halves == left_out)
    scored = scored[scored >= len(examples)]
    if len(scored):
        logits[scored] = tuning.predict(base, parameters, states.take(scored))
    layers = {key: np.asarray(value) for key, value in parameters["layers"].items()}
    return {"layers": layers, "matrix": np.asarray(parameters["matrix"]), "bias": np.asarray(parameters["bias"])}, logits


def write_encoder(weights: Path, parameters: dict[str, Any]) -> None:
    base = read_base_model(source_file())
    export_encoder(tuning.tuned_layers(base, parameters), base.norm, base.heads, float(base.epsilon), weights / "encoder.onnx")
    np.savez(weights / "sentence_heads.npz", matrix=parameters["matrix"], bias=parameters["bias"])


def finish(weights: Path, arrays: dict[str, np.ndarray], dev: Labelled, news: Labelled) -> None:
    """Chooses the threshold on the dev side with the very encoder that will run; writes the article heads and the report."""
    np.savez(weights / "article_heads.npz", **arrays, threshold=0.5)
    encoder, sentence_heads, heads = Encoder(weights, kept=1), SentenceHeads(weights), ArticleHeads(weights)
    scores = [read_scores(encoder, sentence_heads, a) for a in dev]
    news_scores = []
    for number, article in enumerate(news, 1):
        news_scores.append(read_scores(encoder, sentence_heads, article))
        if number % 250 == 0:
            print(f"real news: {number} of {len(news)}", flush=True)
    chances = np.array([heads.decide(s, article_stage.is_title(a)).score for a, s in zip(dev, scores, strict=True)])
    alarms = np.array([heads.decide(s, article_stage.is_title(a)).score for a, s in zip(news, news_scores, strict=True)])
    threshold = article_stage.choose_threshold(np.array([a.labels["flag"] for a in dev]), chances, alarms)
    np.savez(weights / "article_heads.npz", **arrays, threshold=threshold)
    report = article_stage.report(dev, scores, ArticleHeads(weights))
    report |= {"threshold": threshold, "real_news": len(news), "false_alarms": int((alarms >= threshold).sum()), "data_sha256": data_hash()}
    (weights / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps(report, ensure_ascii=False))


def read_scores(encoder: Encoder, heads: SentenceHeads, article: data.LabelledArticle) -> SentenceScores:
    return heads.score(np.stack([encoder.encode(article.content[r.start : r.end], r.context).vector for r in article.readings]))


def data_hash() -> str:
    """SHA-256 over the labelled files, so that the card says which data the weights came from."""
    digest = hashlib.sha256()
    for path in sorted([*SEEDS.glob("articles/*.jsonl"), *SEEDS.glob("sentences/*.tsv")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()

"""Makes every weight of the judgement from the labelled data beside this file and the real news in the shared folder.

Usage: python seeds/train.py [--shared ../shared] [--weights transforms/model/weights] [--epochs 3] [--processes 2]
Steps: tables of the encoder; states of the lower layers; tuning on two halves of the training data, to score each half by the other;
tuning on all of it; ONNX with int8 weights; the article stage; the threshold on the dev side; a report. The test side is not read.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# One thread for each process: sums come out the same every time, and other work on the machine is left room.
os.environ.update(OMP_NUM_THREADS="1", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
SEEDS = Path(__file__).parent
sys.path[:0] = [str(SEEDS), str(SEEDS.parent)]

import jax  # noqa: E402 - after the environment is set
import numpy as np  # noqa: E402 - after the environment is set
from build_encoder import read_base_model, source_file, write_tables  # noqa: E402
from training import article_stage, data, tuning  # noqa: E402
from training.export import export_encoder  # noqa: E402

from transforms.model.decision import ArticleHeads  # noqa: E402
from transforms.model.encoder import EmbeddingRows, Encoder, Tokenizer  # noqa: E402
from transforms.model.heads import SentenceHeads, SentenceScores, split_logits  # noqa: E402

HALVES = 2
STATE_PARTS = ("flat", "borders", "first")
NEWS_ARTICLES_FOR_DECISION = 300
# Every third real article of the dev side: reading them all takes longer than it tells.
NEWS_STEP_FOR_THRESHOLD = 3
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
    decided_news = [data.mark_evidence(a) for a in news_train[1 :: max(1, len(news_train) // NEWS_ARTICLES_FOR_DECISION)]]
    with tempfile.TemporaryDirectory() as folder:
        examples = training_examples(train, news_train[::2])
        print(f"{len(train)} articles and {len(examples)} sentences to train on, {len(dev)} articles for dev", flush=True)
        job = Job(Path(folder), settings, examples, np.zeros(0), HALVES)
        held_out = tune_all(job, train + decided_news, options.weights, options.processes)
    print(f"tuned after {time.monotonic() - started:.0f} s", flush=True)
    arrays = article_stage.train_article_heads(train + decided_news, held_out)
    finish(options.weights, arrays, dev, [data.mark_evidence(a) for a in news_dev[::NEWS_STEP_FOR_THRESHOLD]])
    print(f"done after {time.monotonic() - started:.0f} s", flush=True)


def training_examples(articles: Labelled, news: Labelled) -> list[data.Example]:
    """All sentences of the training side: of articles, of the sentence sets, of real news."""
    sets = [example for _, example in data.read_sentences() if data.side(example.group) == "train"]
    told = [example for article in articles for example in data.article_examples(article)]
    return told + sets + data.news_examples(news)


def half(group: str) -> int:
    return data.hundredth(f"half {group}") % HALVES


@dataclass(frozen=True)
class Job:
    """One tuning in a process of its own, on what `folder` holds: all examples outside half `left_out`."""

    folder: Path
    settings: tuning.Settings
    examples: list[data.Example]
    halves: np.ndarray
    left_out: int

    def run(self) -> tuple[dict[str, Any], np.ndarray]:
        """Tunes; returns the parameters and the logits of what is decided on in the half left out (zeros elsewhere)."""
        states = tuning.States(*(np.load(self.folder / f"{part}.npy", mmap_mode="r") for part in STATE_PARTS))
        base = read_base_model(source_file())
        chosen = np.flatnonzero(self.halves[: len(self.examples)] != self.left_out)
        name = "all" if self.left_out == HALVES else f"without half {self.left_out}"
        settings = replace(self.settings, seed=self.left_out)
        parameters = tuning.tune(base, states.take(chosen), [self.examples[i] for i in chosen], settings, name)
        logits = np.zeros((len(states), sum(tuning.COLUMNS.values())), np.float32)
        scored = np.flatnonzero(self.halves == self.left_out)
        scored = scored[scored >= len(self.examples)]
        if len(scored):
            logits[scored] = tuning.predict(base, parameters, states.take(scored))
        return jax.tree.map(np.asarray, parameters), logits


def tune_all(job: Job, decided: Labelled, weights: Path, processes: int) -> list[SentenceScores]:
    """Tunes on each half and on all; writes the encoder and its heads; returns the held-out scores of `decided`."""
    sentences = [(a.content[r.start : r.end], r.context) for a in decided for r in a.readings]
    inputs = [(e.text, e.context) for e in job.examples] + sentences
    states = tuning.lower_states(read_base_model(source_file()), job.settings, inputs, Tokenizer(weights), EmbeddingRows(weights))
    for name in STATE_PARTS:
        np.save(job.folder / f"{name}.npy", getattr(states, name))
    halves = np.array([half(e.group) for e in job.examples] + [half(a.group) for a in decided for _ in a.readings])
    jobs = [replace(job, halves=halves, left_out=number) for number in (HALVES, *range(HALVES))]
    logits = np.zeros((len(inputs), sum(tuning.COLUMNS.values())), np.float32)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for done, (parameters, found) in zip(jobs, pool.map(Job.run, jobs), strict=True):
            logits += found
            if done.left_out == HALVES:
                write_encoder(weights, parameters)
    scores = split_logits(logits[len(job.examples) :])
    borders = np.cumsum([0, *(len(a.readings) for a in decided)])
    return [SentenceScores(**{name: value[a:b] for name, value in vars(scores).items()}) for a, b in itertools.pairwise(borders)]


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

"""Makes every weight of the judgement from the labelled data beside this file and the real news in the shared folder.

Usage: python seeds/train.py [--shared ../shared] [--weights transforms/model/weights] [--epochs 3]
Steps: tables of the encoder; states of the lower layers; tuning on the training side; ONNX with int8 weights; the article stage and its
threshold on the dev side, the calibration articles and real news that passes the gate, none of which the encoder has seen; a report on dev.
The test side is not read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path

# One thread for each process: sums come out the same every time, and other work on the machine is left room.
os.environ.update(OMP_NUM_THREADS="1", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
SEEDS = Path(__file__).parent
sys.path[:0] = [str(SEEDS), str(SEEDS.parent)]

import numpy as np  # noqa: E402 - after the environment is set
from build_encoder import read_base_model, source_file, write_tables  # noqa: E402
from training import article_stage, data, tuning  # noqa: E402
from training.export import export_encoder  # noqa: E402
from training.news import news_examples, news_side, read_news  # noqa: E402

from transforms.model.decision import ArticleHeads, choose_joint  # noqa: E402
from transforms.model.encoder import EmbeddingRows, Encoder, Tokenizer  # noqa: E402
from transforms.model.heads import SentenceHeads, SentenceScores  # noqa: E402
from transforms.model.probe import write_probe  # noqa: E402
from transforms.model.reading import find_lead, join_readings  # noqa: E402
from transforms.text.scan import load_scanner  # noqa: E402

Labelled = list[data.LabelledArticle]


def main() -> None:
    """Reads the options and runs every step, each with its time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SEEDS.parent.parent / "shared", help="folder with data/news")
    parser.add_argument("--weights", type=Path, default=SEEDS.parent / "transforms" / "model" / "weights")
    parser.add_argument("--epochs", type=int, default=tuning.Settings.epochs)
    options = parser.parse_args()
    started = time.monotonic()
    settings = tuning.Settings(epochs=options.epochs)
    write_tables(read_base_model(source_file()), options.weights)
    articles = [a for a in data.read_articles() if data.side(a.group) != "test"]
    news = [a for a in read_news(options.shared) if news_side(a.group) != "test"]
    train, dev = ([a for a in articles if data.side(a.group) == side] for side in ("train", "dev"))
    news_train, news_dev = ([a for a in news if news_side(a.group) == side] for side in ("train", "dev"))
    examples = training_examples(train, news_train)
    print(f"{len(train)} articles and {len(examples)} sentences to train on, {len(dev)} articles for dev", flush=True)
    tune_encoder(settings, examples, options.weights)
    print(f"tuned after {time.monotonic() - started:.0f} s", flush=True)
    finish(options.weights, train, dev, news_dev)
    print(f"done after {time.monotonic() - started:.0f} s", flush=True)


def training_examples(articles: Labelled, news: Labelled) -> list[data.Example]:
    """All sentences of the training side: of articles, contrast sets and real news that passes the gate, the sets, other real news."""
    sets = [example for _, example in data.read_sentences() if data.side(example.group) == "train"]
    near = pass_gate(news)
    told = [
        example
        for article in [*articles, *data.read_contrasts(), *near]
        for example in data.article_examples(article) + data.joint_examples(article)
    ]
    return told + sets + news_examples(news[::2])


def pass_gate(news: Labelled) -> Labelled:
    """The articles that come to the encoder when the job runs, with the sentences that are read of them."""
    scanner = load_scanner()
    return [data.mark_evidence(a, scan.gate_hits) for a in news if (scan := scanner.scan(a.content)).is_candidate]


def tune_encoder(settings: tuning.Settings, examples: list[data.Example], weights: Path) -> None:
    """Tunes the upper layers and the heads on all examples and writes them."""
    base = read_base_model(source_file())
    inputs = [(example.text, example.context) for example in examples]
    states = tuning.lower_states(base, settings, inputs, Tokenizer(weights), EmbeddingRows(weights))
    parameters = tuning.tune(base, states, examples, settings, "all")
    export_encoder(base, tuning.tuned_layers(parameters), weights / "encoder.onnx")
    write_probe(weights)
    np.savez(weights / "sentence_heads.npz", matrix=np.asarray(parameters["matrix"]), bias=np.asarray(parameters["bias"]))


def finish(weights: Path, train: Labelled, dev: Labelled, news: Labelled) -> None:
    """Fits the article stage and its threshold with the very encoder that will run; writes the article heads and the report."""
    encoder, sentence_heads, scanner = Encoder(weights, kept=1), SentenceHeads(weights), load_scanner()
    held_out = [*dev, *data.read_calibration()]
    scores = [read_scores(encoder, sentence_heads, data.mark_evidence(a, scanner.scan(a.content).gate_hits)) for a in held_out]
    gated = pass_gate(news)
    news_scores = [(article, read_scores(encoder, sentence_heads, article)) for article in gated]
    names = {a.id: article_stage.found_names(a, encoder) for a in [*train, *held_out] if a.outcome != "none"}
    arrays = article_stage.train_article_heads(train, held_out, scores, news_scores, names)
    np.savez(weights / "article_heads.npz", **arrays, threshold=0.5)
    heads = ArticleHeads(weights)
    chances = np.array([article_stage.decide(heads, a, s).score for a, s in zip(held_out, scores, strict=True)])
    alarms = np.array([article_stage.decide(heads, a, s).score for a, s in news_scores])
    threshold = article_stage.choose_threshold(np.array([a.labels["flag"] for a in held_out]), chances, alarms, len(news))
    np.savez(weights / "article_heads.npz", **arrays, threshold=threshold)
    heads = ArticleHeads(weights)
    report = article_stage.report(dev, scores[: len(dev)], heads, names)
    report["calibration"] = article_stage.report(held_out[len(dev) :], scores[len(dev) :], heads, names)
    report |= {"threshold": threshold, "real_news": len(news), "real_news_gated": len(gated)}
    report |= {"false_alarms": int((alarms >= threshold).sum()), "data_sha256": data_hash()}
    (weights / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps(report, ensure_ascii=False))


def read_scores(encoder: Encoder, heads: SentenceHeads, article: data.LabelledArticle) -> article_stage.Scores:
    """Reads an article as the judge does."""

    def score(texts: list[tuple[str, str]]) -> SentenceScores:
        return heads.score(np.stack([encoder.encode(*text).vector for text in texts]))

    sentences = [article.content[r.start : r.end] for r in article.readings]
    together = score([(text, r.context) for text, r in zip(sentences, article.readings, strict=True)])
    lead = find_lead(article.content, article.title)
    joint = score([join_readings(article.content, lead, [article.readings[i] for i in choose_joint(together)])])
    return together, joint


def data_hash() -> str:
    """SHA-256 over the labelled files, so that the card says which data the weights came from."""
    digest = hashlib.sha256()
    kinds = ("articles/*.jsonl", "calibration/*.jsonl", "contrasts/*.jsonl", "sentences/*.tsv", "denials.tsv", "settled_names.tsv")
    for path in sorted(path for kind in kinds for path in SEEDS.glob(kind)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()

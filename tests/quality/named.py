"""How right the names are: on labelled articles, and on the test side of openly licensed sets of named sentences."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from measures import Flags, bare_name, matches, total
from training.data import hundredth

from transforms.model.entities.pipeline import read_entities
from transforms.records import EntityType
from transforms.text.scan import load_scanner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from training.data import LabelledArticle

    from transforms.records import Assessment

COMMON_KINDS, RARE_KINDS = ("PERSON", "ORG", "GPE"), ("MODEL", "LICENCE", "LAW")
# What every set labels; a name of another type can be neither right nor wrong there.
SET_TYPES = {"PER": EntityType.PERSON, "ORG": EntityType.ORG, "LOC": EntityType.GPE}
SENTENCES_EACH = 150
SHORTEST_CHARACTERS, LONGEST_CHARACTERS = 15, 400
# As seeds/training/entities.py splits and joins them, which needs the packages of training.
UNSPLIT_TEST_BELOW, UNSPLIT, JOINED = 12, frozenset({"hi", "ja", "ko"}), frozenset({"zh", "ja", "ko"})
ATTACHED_BEFORE, ATTACHED_BEHIND = frozenset(",.;:!?)%»”'’।॥]"), frozenset("(«“[")


def name_figures(pairs: list[tuple[LabelledArticle, Assessment]]) -> dict[str, Any]:
    """Recall and precision by surface and by canonical name, each name of an article counted once; names are read in candidates only.

    A type does not have to agree for a name to be right; for precision the found type says which figure it belongs to.
    """
    parts = {"names_exact": COMMON_KINDS, "rare_names_exact": RARE_KINDS}
    card: dict[str, Any] = {}
    for name, kinds in parts.items():
        found = total(_surfaces(article, assessment, kinds) for article, assessment in pairs)
        card |= {name: found.recall, f"{name}_precision": found.precision}
    found = total(_canonicals(article, assessment, COMMON_KINDS + RARE_KINDS) for article, assessment in pairs)
    return card | {"names_canonical": found.recall, "names_canonical_precision": found.precision}


def _surfaces(article: LabelledArticle, assessment: Assessment, kinds: tuple[str, ...]) -> Flags:
    return _found(
        [(surface, kind) for surface, _, kind in article.labels["entities"]],
        [(e.surface, e.type.value) for e in assessment.entities],
        kinds,
    )


def _canonicals(article: LabelledArticle, assessment: Assessment, kinds: tuple[str, ...]) -> Flags:
    return _found(
        [(bare_name(canonical), kind) for _, canonical, kind in article.labels["entities"]],
        [(bare_name(e.canonical), e.type.value) for e in assessment.entities],
        kinds,
    )


def _found(labelled: list[tuple[str, str]], found: list[tuple[str, str]], kinds: tuple[str, ...]) -> Flags:
    """Recall over labelled names of the kinds, precision over found ones of the kinds; a match is the same text."""
    recall = matches({text for text, kind in labelled if kind in kinds}, {text for text, _ in found}).recall
    precision = matches({text for text, _ in labelled}, {text for text, kind in found if kind in kinds}).precision
    return Flags(precision, recall)


@dataclass(frozen=True)
class NamedSentence:
    """Running text with its names (start, end, type); type None is of a type that is not ours or may not be."""

    language: str
    text: str
    names: tuple[tuple[int, int, EntityType | None], ...]


def read_named_sentences(shared: Path, each: int = SENTENCES_EACH) -> Iterator[NamedSentence]:
    """Test sentences of shared/data/ner, `each` a language at most, chosen by their text alone."""
    for path in sorted((shared / "data" / "ner").glob("*.jsonl.gz")):
        language = path.name.split(".")[0]
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        rows.sort(key=lambda row: hundredth("order " + "".join(row["tokens"])) * 1000 + hundredth("".join(row["tokens"])))
        left = each
        for row in rows:
            if language not in UNSPLIT and row["split"] != "test":
                continue
            sentence = join_tokens(language, row["tokens"], row["tags"])
            is_test = language not in UNSPLIT or hundredth(sentence.text) < UNSPLIT_TEST_BELOW
            if left and is_test and SHORTEST_CHARACTERS < len(sentence.text) < LONGEST_CHARACTERS:
                left -= 1
                yield sentence


def join_tokens(language: str, tokens: Iterable[str], tags: Iterable[str]) -> NamedSentence:
    """Tokens and BIO tags -> running text with names."""
    text = ""
    names: list[tuple[int, int, EntityType | None]] = []
    for token, tag in zip(tokens, tags, strict=True):
        is_attached = not (text and token) or token[0] in ATTACHED_BEFORE or text[-1] in ATTACHED_BEHIND
        text += "" if language in JOINED or is_attached else " "
        start = len(text)
        text += token
        place, _, kind = tag.partition("-")
        if place == "I" and names:
            names[-1] = (names[-1][0], len(text), names[-1][2])
        elif place != "O":
            names.append((start, len(text), SET_TYPES.get(kind)))
    return NamedSentence(language, text, tuple(names))


def sentence_names(sentence: NamedSentence) -> Flags:
    """Exact spans with their type, as the product finds them: gazetteer and model together."""
    found = read_entities(sentence.text, "", load_scanner().scan(sentence.text))
    types = set(SET_TYPES.values())
    return compare_spans(sentence, {(e.start, e.end, e.type) for e in found if e.type in types})


def compare_spans(sentence: NamedSentence, found: set[tuple[int, int, EntityType]]) -> Flags:
    """What touches a labelled name of a type that is not ours is left out."""
    truth = {name for name in sentence.names if name[2] is not None}
    unsure = [name for name in sentence.names if name[2] is None]
    judged = {f for f in found if f in truth or not any(f[0] < end and f[1] > start for start, end, _ in unsure)}
    return matches(truth, judged)


def sentence_figures(results: list[tuple[str, Flags]]) -> dict[str, Any]:
    """F1 of exact spans over all sentences and by language; `results` are (language, counts)."""
    languages = {language: total(one for other, one in results if other == language) for language in sorted({name for name, _ in results})}
    return {"named_sentences": len(results), "span_f1": total(languages.values()), "span_f1_by_language": languages}

"""Runs articles through the light path, step by step, and counts how right the judgement is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from measures import Flags, Share, calibration_error, flags, overlaps, same_name, share
from named import name_figures

from pipeline.assess import LightPath, raw_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from training.data import LabelledArticle

    from transforms.records import Assessment

OPPOSITE = {("opening", "closing"), ("closing", "opening")}
NOW = datetime(2026, 11, 24, tzinfo=UTC)
# The languages that issue JUDGEMENT asks figures of their own for.
FIRST_LANGUAGES = ("en", "hi", "zh", "es", "fr", "de", "pt", "ru", "ar", "ja", "ko", "it")


@dataclass(frozen=True)
class Result:
    """A labelled article, what came out of it, and the milliseconds of CPU time by stage."""

    article: LabelledArticle
    assessment: Assessment
    milliseconds: dict[str, float]

    @property
    def is_right_flag(self) -> bool:
        return bool(self.article.labels["flag"] and self.assessment.flag)


def run(path: LightPath, article: LabelledArticle) -> Result:
    """The article through decode, language, names and judgement.

    Raises:
        Refused: the text is no article.
    """
    text = article.content[len(article.title) + 1 :] if article.title else article.content
    line = {"id": article.id, "title": article.title, "text": text}
    value: Any = raw_line("scorecard", 0, msgspec.json.encode(line), NOW)
    milliseconds = {}
    for stage, step in path.steps.items():
        started = time.process_time()
        value = step(value)
        milliseconds[stage] = 1000 * (time.process_time() - started)
    return Result(article, value, milliseconds)


def flag_figures(results: list[Result]) -> Flags:
    return flags([r.article.labels["flag"] for r in results], [r.assessment.flag for r in results])


def figures(results: list[Result]) -> dict[str, Any]:
    """Every figure over some results; a share without cases has the total 0."""
    flagged = flag_figures(results)
    right = [r for r in results if r.is_right_flag]
    told = [r for r in results if r.article.labels["novelty"] != "none"]
    error, curve = calibration_error([r.article.labels["flag"] for r in results], [r.assessment.score for r in results])
    return {
        "articles": len(results),
        "precision": flagged.precision, "recall": flagged.recall, "f1": flagged,
        "gate_recall": share(r.assessment.is_candidate for r in told),
        "direction": share(r.article.labels["direction"] == r.assessment.direction for r in right),
        "flips": share((r.article.labels["direction"], r.assessment.direction.value) in OPPOSITE for r in right),
        "kind": share(r.article.labels["change_type"] == r.assessment.change_type for r in right),
        "status": share(r.article.labels["status"] == r.assessment.status for r in right),
        "contested": share(r.article.labels["contested"] == r.assessment.contested for r in right),
        "novelty": share(r.article.labels["novelty"] == r.assessment.novelty for r in results),
        "retrospectives": share(r.assessment.novelty == "retrospective" for r in results if r.article.labels["novelty"] == "retrospective"),
        "actors": share(any(same_name(a, b) for a in r.article.labels["actors"] for b in r.assessment.actors) for r in right),
        "evidence_verbatim": share(r.article.content[e.start : e.end] == e.text for r in right for e in r.assessment.evidence),
        "evidence": share(is_evidence_right(r) for r in right),
        **name_figures([(r.article, r.assessment) for r in results if r.assessment.is_candidate]),
        "language": share(is_language(r.assessment.language, r.article.language) for r in results),
        "calibration_error": round(error, 4), "reliability": [[round(x, 3) for x in point] for point in curve],
    }  # fmt: skip


def first_language_figures(results: list[Result]) -> dict[str, Any]:
    """The lowest F1 among FIRST_LANGUAGES and its distance from that of English; of those with cases."""
    found = {language: flag_figures([r for r in results if r.article.language == language]) for language in FIRST_LANGUAGES}
    known = {language: one.f1 for language, one in found.items() if not np.isnan(one.f1)}
    lowest = min(known, key=lambda language: known[language]) if known else ""
    return {
        "f1_of_first_languages": found,
        "f1_languages_without_cases": sorted(set(FIRST_LANGUAGES) - set(known)),
        "f1_lowest_language": lowest,
        "f1_lowest": round(known.get(lowest, 0.0), 4),
        "f1_gap_to_english": round(known.get("en", 0.0) - known.get(lowest, 0.0), 4),
    }


def is_evidence_right(result: Result) -> bool:
    article = result.article
    labelled = [reading for reading, is_it in zip(article.readings, article.is_evidence, strict=True) if is_it]
    return any(overlaps((r.start, r.end), (e.start, e.end)) for r in labelled for e in result.assessment.evidence)


def is_language(found: str, labelled: str) -> bool:
    """Whether the tag is the labelled one, or names its script as well ("zh-Hant" for "zh")."""
    return labelled in {found, found.split("-", maxsplit=1)[0]}


def title_figures(path: LightPath, articles: list[LabelledArticle]) -> dict[str, Any]:
    """The language of titles read alone, overall and by language."""
    decode, detect = path.steps["decode"], path.steps["detect_language"]
    right: dict[str, list[bool]] = {}
    for article in articles:
        if article.title:
            document = detect(decode(raw_line("titles", 0, msgspec.json.encode({"id": article.id, "text": article.title}), NOW)))
            right.setdefault(article.language, []).append(is_language(document.language, article.language))
    return {
        "title_language": share(one for values in right.values() for one in values),
        "title_language_by_language": {language: share(values) for language, values in sorted(right.items())},
    }


def news_figures(results: list[Result]) -> dict[str, Any]:
    """False alarms and the share that passes the gate, on real news in which nothing is to be flagged."""
    alarms = [r for r in results if r.assessment.flag]
    by_language: dict[str, list[Result]] = {}
    for result in results:
        by_language.setdefault(result.article.language, []).append(result)
    return {
        "real_news": len(results), "false_alarms": len(alarms),
        "false_alarms_per_thousand": round(1000 * len(alarms) / max(1, len(results)), 2),
        "false_alarm_ids": [r.article.id for r in alarms],
        "gated_share": share(r.assessment.is_candidate for r in results),
        "false_alarms_by_language": {name: share(r.assessment.flag for r in rows) for name, rows in sorted(by_language.items())},
        "gated_share_by_language": {name: share(r.assessment.is_candidate for r in rows) for name, rows in sorted(by_language.items())},
    }  # fmt: skip


def time_figures(labelled: list[Result], news: list[Result]) -> dict[str, Any]:
    """Mean milliseconds of CPU time: of labelled articles that pass the gate, of real news that does not; in all and by stage."""
    gated = [r.milliseconds for r in labelled if r.assessment.is_candidate]
    others = [r.milliseconds for r in news if not r.assessment.is_candidate]
    stages = {"gated": mean_by_stage(gated), "not_gated": mean_by_stage(others)}
    return {f"milliseconds_{name}": round(sum(by_stage.values()), 2) for name, by_stage in stages.items()} | {
        "milliseconds_by_stage": stages
    }


def mean_by_stage(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    taken = list(rows)
    return {stage: round(float(np.mean([row[stage] for row in taken])), 3) for stage in (taken[0] if taken else ())}


def same_decision(result: Result) -> bool:
    """Whether flag and, if flagged, direction are as labelled."""
    labels, found = result.article.labels, result.assessment
    return bool(labels["flag"] == found.flag and (not found.flag or labels["direction"] == found.direction))


def shares_by_language(results: list[Result], is_right: dict[str, bool]) -> dict[str, Share]:
    """Share right by language; `is_right` by the article's id."""
    languages = sorted({r.article.language for r in results})
    return {language: share(is_right[r.article.id] for r in results if r.article.language == language) for language in languages}

"""DetectLanguage: which language an article is in, and where it changes."""

from __future__ import annotations

import re
from collections import Counter

import apache_beam as beam

from transforms.attempt import Attempt, Attempted
from transforms.records import Article, Document, LanguageSpan
from transforms.text.identify import UNKNOWN, identify_language
from transforms.text.scripts import count_scripts

STAGE = "detect_language"
# A block is as long as a voter needs to be sure; a text has so many at most, so that a long one costs no more.
LEAST_BLOCK_CHARACTERS = 300
MOST_BLOCKS = 5
# The start of a block speaks for it.
READ_CHARACTERS = 400
LINE = re.compile(r"[^\n]*\n|[^\n]+")


class DetectLanguage(beam.PTransform):
    """Article -> Document."""

    def expand(self, articles: beam.PCollection) -> Attempted:
        return articles | Attempt(STAGE, detect)


def detect(article: Article) -> Document:
    spans = _spans(article.content)
    return Document(article=article, language=_main_language(article.content, spans), language_spans=spans)


def _spans(content: str) -> tuple[LanguageSpan, ...]:
    """Spans that tile the content, each in one language; neighbours differ."""
    spans: list[LanguageSpan] = []
    for start, end in _blocks(content):
        language = identify_language(content[start : min(end, start + READ_CHARACTERS)])
        if language == UNKNOWN and spans:
            language = spans[-1].language
        if spans and spans[-1].language in {language, UNKNOWN}:
            spans[-1] = LanguageSpan(spans[-1].start, end, language)
        else:
            spans.append(LanguageSpan(start, end, language))
    return tuple(spans)


def _blocks(content: str) -> list[tuple[int, int]]:
    """Whole lines, joined until a block is long enough."""
    least = max(LEAST_BLOCK_CHARACTERS, len(content) // MOST_BLOCKS)
    blocks: list[tuple[int, int]] = []
    start = 0
    for line in LINE.finditer(content):
        if line.end() - start >= least:
            blocks.append((start, line.end()))
            start = line.end()
    if start < len(content):
        if blocks and len(content) - start < LEAST_BLOCK_CHARACTERS // 2:
            blocks[-1] = (blocks[-1][0], len(content))
        else:
            blocks.append((start, len(content)))
    return blocks


def _main_language(content: str, spans: tuple[LanguageSpan, ...]) -> str:
    """The language with most letters; boilerplate in another language does not outweigh the article."""
    if len(spans) == 1:
        return spans[0].language
    letters: Counter[str] = Counter()
    for span in spans:
        letters[span.language] += sum(count_scripts(content[span.start : span.end]).values())
    letters.pop(UNKNOWN, None)
    return letters.most_common(1)[0][0] if letters else UNKNOWN

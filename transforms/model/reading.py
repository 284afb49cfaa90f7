"""Which sentences of an article the encoder reads, and after which context."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from transforms.text.sentences import split_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_SENTENCES = 16
# So many are read for names: those beyond the judge's limit cost half, for they are read alone and no further than names need.
LIMIT_NAMED_SENTENCES = 32
# A first line of up to so many characters stands in for a title that is missing.
LIMIT_LEAD_CHARACTERS = 300


class Reading(NamedTuple):
    """A sentence to read: its characters in the content, what is put before it, whether it belongs to the title."""

    start: int
    end: int
    context: str
    is_title: bool


def find_lead(content: str, title: str) -> str:
    """What says what the article is about: its title, or else its first line when that is short enough; "" when there is neither."""
    if any(map(str.isalnum, title)):
        return title.strip()
    first_line = content.lstrip().split("\n", 1)[0].rstrip()
    return first_line if len(first_line) <= LIMIT_LEAD_CHARACTERS else ""


def choose_sentences(content: str, title: str, hits: Sequence[int] = (), limit: int = LIMIT_SENTENCES) -> list[Reading]:
    """At most `limit` sentences in the order of the text: the lead, then those that hold one of `hits` (offsets), then the first ones.

    The title is read alone, every other sentence after the title; what stands there word for word once more says no more.
    """
    first = {" ".join(content[start:end].split()): (start, end) for start, end in reversed(split_sentences(content))}
    spans = sorted(first.values())
    title = title.strip()
    title_start = len(content) - len(content.lstrip())
    title_end = title_start + len(title) if title and content.startswith(title, title_start) else 0
    sorted_hits = sorted(hits)
    ranked = sorted(range(len(spans)), key=lambda index: _rank(spans, index, title_end, sorted_hits))
    context = " ".join(title.split())
    return [
        Reading(start, end, "" if start < title_end else context, start < title_end)
        for start, end in (spans[index] for index in sorted(ranked[:limit]))
    ]


def _rank(spans: list[tuple[int, int]], index: int, title_end: int, hits: list[int]) -> tuple[int, int]:
    start, end = spans[index]
    if start < title_end:
        return 0, index
    has_hit = bisect_left(hits, end) > bisect_left(hits, start)
    return (1 if has_hit else 2), index


def join_readings(content: str, title: str, readings: Sequence[Reading]) -> tuple[str, str]:
    """The sentences of `readings` as one text, and what is put before it: the title, or nothing when there is only the title."""
    context = " ".join(title.split())
    text = " ".join(content[r.start : r.end].strip() for r in readings if not r.is_title)
    return (text, context) if text else (" ".join(content[r.start : r.end].strip() for r in readings), "")

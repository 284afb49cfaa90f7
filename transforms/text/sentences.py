"""Where sentences begin and end, in any script: rules on the end mark, the word before it and the letter after it."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

# Longer runs without an end mark are cut, so that every part of them can be read by the encoder.
LIMIT_CHARACTERS = 600
# Thai, Lao, Khmer and Burmese write no end mark; a space ends a clause, and one of this length stands for a sentence.
SPACED_CLAUSE_CHARACTERS = 90

# Shorter lines are those of lists and verse.
LEAST_WRAPPED_CHARACTERS = 50

# "am 3. März", but a year ends a sentence.
LONGEST_ORDINAL = 2

_CLOSERS = "\"'”’»«)］\\]）」』】》〉›“"
_MARKS = "।॥۔؟։።፧၊။។៕!?"
_STOPS = ".…"
# Linear on any text: runs are possessive (++, *+), and no match begins inside a run that an earlier attempt has read to its end.
_END = re.compile(
    rf"(?P<line>[\n\r\u2028\u2029\x0b\x0c]++)"
    rf"|(?P<wide>[。！？｡︒]++[{_CLOSERS.replace('“', '')}]*+)"
    rf"|(?P<greek>(?<=[\u0370-\u03ff\u1f00-\u1fff]);)[{_CLOSERS}]*+(?=\s|$)"
    rf"|(?P<stop>(?<![{_STOPS}])[{_STOPS}]++)[!?]*+[{_CLOSERS}]*+(?:\[\d++\])*+(?=\s|$)"
    rf"|(?P<mark>(?<![{_STOPS}{_MARKS}])[{_STOPS}]*+[{_MARKS}]++|(?<=[\u0900-\u0dff])\s?\|++(?=\s))"
    rf"[{_STOPS}{_MARKS}]*+[{_CLOSERS}]*+(?=\s|$|[A-Z\u0900-\u0dff\u0600-\u06ff])"
)
# One line break, and a letter behind it rather than the mark of a list.
_WRAPPED = re.compile(r"(?:\r\n|\n)[ \t]*[^\W\d_]")
_LAST_WORD = re.compile(r"[^\s(\[“\"'«„‚‹]*$")
_NO_END_MARK = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f]")
_GOES_ON_IN_JAPANESE = re.compile(r"(?:と|って|っ|な|の|は|が|を|に|で|も|など|、)")
# Words after which a full stop does not end a sentence (abbreviations.tsv).
_ABBREVIATIONS = frozenset(
    word
    for line in (Path(__file__).parent / "abbreviations.tsv").read_text("utf-8").splitlines()[1:]
    for word in line.partition("\t")[2].split()
)


def split_sentences(content: str) -> list[tuple[int, int]]:
    """Character spans of the sentences of `content`, in order, without the space around them.

    A line break ends one, unless a long line goes on in small letters: text that was wrapped at some width.
    """
    spans: list[tuple[int, int]] = []
    start = line_begin = 0
    line_start = True
    for end in _END.finditer(content):
        if end.lastgroup == "line":
            is_wrapped = end.start() - line_begin >= LEAST_WRAPPED_CHARACTERS and _WRAPPED.match(content, end.start()) is not None
            line_begin = end.end()
            if is_wrapped and _goes_on_small(content, end.end()):
                continue
            _add(content, start, end.start(), spans, line_start)
            line_start = True
        elif _ends_sentence(content, start, end):
            is_added = _add(content, start, end.end(), spans, line_start)
            line_start = line_start and not is_added
        else:
            continue
        start = end.end()
    _add(content, start, len(content), spans, line_start)
    return spans


def _goes_on_small(content: str, at: int) -> bool:
    follower = _next_letter(content, at)
    return follower is not None and content[follower[0]].islower() and not _is_branded(content, follower)


def _ends_sentence(content: str, start: int, end: re.Match[str]) -> bool:
    if end.lastgroup == "wide":
        is_closed = end.group()[-1] in _CLOSERS
        return not (is_closed and _GOES_ON_IN_JAPANESE.match(content, end.end()))
    follower = _next_letter(content, end.end())
    if follower and content[follower[0]].islower() and not _is_branded(content, follower):
        return False
    if end.lastgroup != "stop" or "…" in end.group() or len(end.group("stop")) > 1:
        return True
    before = _LAST_WORD.search(content, max(start, end.start() - 40), end.start())
    word = before.group() if before else ""
    return not _is_abbreviation(word)


def _is_abbreviation(word: str) -> bool:
    folded = word.lower().rstrip(".")
    if folded in _ABBREVIATIONS or folded.rsplit("-", 1)[-1] in _ABBREVIATIONS:
        return True
    if word.isdecimal():
        return len(word) <= LONGEST_ORDINAL
    letters = [c for c in word.rsplit(".", 1)[-1] if unicodedata.category(c)[0] == "L"]
    # An initial: "J. Smith", "М. Иванов". Indic words may have one letter with its vowel sign, East Asian ones one character.
    return len(letters) == 1 and len(word) <= 2 + 2 * word.count(".") and letters[0] < "\u0900"


def _next_letter(content: str, at: int) -> tuple[int, int] | None:
    """Where the next word begins and ends when only spaces and opening marks come before it."""
    found = _NEXT_WORD.match(content, at)
    return (found.start(1), found.end(1)) if found else None


_NEXT_WORD = re.compile(r"[^\S\n\r]*[\"'“„«(\[‘‹¿¡—–-]*\s?([^\W\d_][\w]{0,30})")


def _is_branded(content: str, word: tuple[int, int]) -> bool:
    """A name that begins small: xAI, iPhone."""
    return any(character.isupper() for character in content[word[0] : word[1]])


def _add(content: str, start: int, end: int, spans: list[tuple[int, int]], line_start: bool) -> bool:
    """Adds the span without the space around it; marks alone go to the sentence before them on the line. True when one was added."""
    while start < end and content[start].isspace():
        start += 1
    while end > start and content[end - 1].isspace():
        end -= 1
    if start == end:
        return False
    if not any(character.isalnum() for character in content[start : min(end, start + 200)]):
        if spans and not line_start:
            spans[-1] = (spans[-1][0], end)
        return False
    spans.extend(_cut(content, start, end))
    return True


def _cut(content: str, start: int, end: int) -> list[tuple[int, int]]:
    parts = []
    limit = LIMIT_CHARACTERS
    if _NO_END_MARK.search(content, start, min(end, start + 200)):
        limit = SPACED_CLAUSE_CHARACTERS
    while end - start > limit:
        border = _clause_end(content, start, end, limit)
        parts.append((start, len(content[start:border].rstrip()) + start))
        start = border
        while start < end and content[start].isspace():
            start += 1
    if start < end:
        parts.append((start, end))
    return parts


def _clause_end(content: str, start: int, end: int, limit: int) -> int:
    """The space to cut at: for scripts without end marks the first after `limit`, else the last before it; else `limit` itself."""
    if limit == SPACED_CLAUSE_CHARACTERS:
        after = content.find(" ", start + limit, min(end, start + LIMIT_CHARACTERS))
        return after if after > 0 else min(end, start + LIMIT_CHARACTERS)
    before = content.rfind(" ", start + limit // 2, start + limit)
    return before if before > 0 else start + limit

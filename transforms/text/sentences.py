"""Where sentences begin and end, in any script: rules on the end mark, the word before it and the letter after it."""

from __future__ import annotations

import re
import unicodedata

# Longer runs without an end mark are cut, so that every part of them can be read by the encoder.
LIMIT_CHARACTERS = 600
# Thai, Lao, Khmer and Burmese write no end mark; a space ends a clause, and one of this length stands for a sentence.
SPACED_CLAUSE_CHARACTERS = 90

_CLOSERS = "\"'”’»«)］\\]）」』】》〉›“"
_END = re.compile(
    rf"(?P<line>[\n\r\u2028\u2029\x0b\x0c]+)"
    rf"|(?P<wide>[。！？｡︒]+[{_CLOSERS.replace('“', '')}]*)"
    rf"|(?P<mark>[।॥۔؟։።፧၊။។៕!?]+|(?<=[\u0900-\u0dff])\s?\|+(?=\s))[.!?…]*[{_CLOSERS}]*(?=\s|$|[A-Z\u0900-\u0dff\u0600-\u06ff])"
    rf"|(?P<greek>(?<=[\u0370-\u03ff\u1f00-\u1fff]);)[{_CLOSERS}]*(?=\s|$)"
    rf"|(?P<stop>[.…]+)[!?]*[{_CLOSERS}]*(?:\[\d+\])*(?=\s|$)"
)
_LAST_WORD = re.compile(r"[^\s(\[“\"'«„‚‹]*$")
_NO_END_MARK = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f]")
_GOES_ON_IN_JAPANESE = re.compile(r"(?:と|って|っ|な|の|は|が|を|に|で|も|など|、)")
_ABBREVIATIONS = frozenset(
    # English, German, Dutch, Scandinavian
    "mr mrs ms dr prof rev gen gov sen rep lt col sgt capt st jr sr inc corp ltd co bros vs etc approx est dept fig no nos vol pp al "
    "jan feb mar apr jun jul aug sep sept oct nov dec calif mass u.s u.k u.n e.g i.e a.m p.m z.b d.h u.a bzw ca ggf usw str nr evtl inkl "
    "bijv dhr mevr bv dr.h o.a d.w.z m.b.t bl.a t.ex f.eks m.m s.k "
    # Romance
    "sr sra srta dña d ud uds ee.uu aa.vv pág núm art mme mlle cf p.ex av exmo exma dott sig sigg ing avv ecc on gent pag dl dna "
    # Slavic and Baltic
    "г гг т.е т.д т.п т.к им ул руб млн млрд тыс д-р проф акад см стр р ін грн тис np tzn tj prof dr inż mgr godz ul zł r tzv mj např č str "
    # Turkish, Indonesian, Malay, Vietnamese, Finnish, Hungarian
    "doç yrd sn alb gn vb vs tel bkz no drs dra ir hj tn ny kec kab pt tbk tp ths gs ts pgs esim mm ns klo kpl pl ill stb kb ún "
    # Devanagari, Bengali, Tamil, Telugu, Arabic, Persian
    "डॉ प्रो श्री कु स्व रु पं मो मा अ.भा ड. डा ড মো মি ড. প্রফে திரு டாக்டர் பேரா ரூ డా శ్రీ ప్రొ రూ د أ م ص.ب "
    # initials as Devanagari and Tamil spell them
    "ए बी सी डी ई एफ जी एच आई जे के एल एम एन ओ पी आर एस टी यू वी एक्स वाई எம் கே எஸ் பி ஆர் ஜி டி வி என் எல்".split()
)


def split_sentences(content: str) -> list[tuple[int, int]]:
    """Character spans of the sentences of `content`, in order, without the space around them; a line break always ends one."""
    spans: list[tuple[int, int]] = []
    start = 0
    line_start = True
    for end in _END.finditer(content):
        if end.lastgroup == "line":
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
        return len(word) <= 2  # an ordinal: "am 3. März"
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

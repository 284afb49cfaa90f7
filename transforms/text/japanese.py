"""Japanese names in Latin letters as newspapers write them: 島田明 is Akira Shimada, ゆうと Yuto.

Readings are the likeliest of each name alone (transforms/languages/japanese, from IPADIC); many given names have others.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

IDEOGRAPHS = re.compile("[\u4e00-\u9fff々]+")
LONGEST_SURNAME = 3
SYLLABLES = {"SI": "shi", "TI": "chi", "TU": "tsu", "HU": "fu", "ZI": "ji", "DI": "ji", "DU": "zu", "WO": "o"}
# Long vowels are written short, but not where two words meet: Inoue, Matsuura.
LONG_VOWELS = ((re.compile("oo|ou(?!e)"), "o"), (re.compile("(?<=[yhj])uu"), "u"))


@cache
def _readings(file: str) -> dict[str, str]:
    """Names as written -> their likeliest reading, in katakana."""
    lines = (resources.files("transforms") / "languages" / "japanese" / file).read_text("utf-8").splitlines()[1:]
    return {name: reading for reading, names in (line.split("\t") for line in lines) for name in names.split()}


def japanese_person(name: str) -> str:
    """A surname, or a given name before its surname; "" when the parts are no known names.

    Given names in kana are read as they are.
    """
    surnames, given_names = _readings("surnames.tsv"), _readings("given_names.tsv")
    for length in (2, 3, 1):
        surname, given = name[:length], name[length:].strip()
        if surname not in surnames:
            continue
        reading = given_names.get(given) or ("" if IDEOGRAPHS.search(given) else given)
        if not given or (reading and (spelled := newspaper_spelling(reading))):
            return " ".join(part.capitalize() for part in (spelled if given else "", newspaper_spelling(surnames[surname])) if part)
    return ""


def japanese_word(word: str) -> str:
    """A surname or given name that something is called by, in small letters; "" for other words."""
    reading = _readings("surnames.tsv").get(word) or _readings("given_names.tsv").get(word)
    return newspaper_spelling(reading) if reading else ""


def newspaper_spelling(kana: str) -> str:
    """Kana in small Latin letters without marks for long vowels: キョウヘイ is kyohei."""
    spelled = romanise_kana(kana)
    for pattern, short in LONG_VOWELS:
        spelled = pattern.sub(short, spelled)
    return spelled


def romanise_kana(word: str) -> str:
    """Kana in small Latin letters, syllable by syllable; "" when it has another character."""
    spelled, doubles = "", False
    for letter in word:
        name = unicodedata.name(letter, "").split(" LETTER ")[-1]
        if name == "SMALL TU":
            doubles = True
        elif name.startswith("SMALL "):
            # キャ is kya, シャ is sha, ファ is fa.
            vowel = name.removeprefix("SMALL ").lower()
            base = spelled[:-1] if spelled else ""
            spelled = base + (vowel.removeprefix("y") if base.endswith(("sh", "ch", "j")) else vowel)
        elif name.isalpha() and name.isascii():
            syllable = SYLLABLES.get(name, name.lower())
            spelled += syllable[0] * doubles + syllable
            doubles = False
        elif letter != "ー":
            return ""
    return spelled

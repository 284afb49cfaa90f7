"""Skeletons: the consonants of a name as rough sounds, the same in whatever script it is written.

Letters are read by their Unicode names (`DEVANAGARI LETTER KA`, `ARABIC LETTER KEHEH`): most begin with their sound. Sounds that one
script keeps apart and another does not share a class; vowels are left out. Two names with one long skeleton are nearly always one name:
join only names of one type, and only with names that are known.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# First letter of a letter's name -> class of its sound; letters not here are vowels or too weak to be written everywhere.
CLASSES = {
    **dict.fromkeys("BP", "P"), **dict.fromkeys("FV", "F"), **dict.fromkeys("TD", "T"), **dict.fromkeys("KGQX", "K"),
    **dict.fromkeys("SZCJ", "S"), "M": "M", "N": "N", **dict.fromkeys("LR", "L"),
}  # fmt: skip
# Letters whose name begins with another sound, and signs.
SOUNDS = {
    "TSE": "S", "TSADI": "S", "TCHEH": "S", "XI": "KS", "PSI": "PS", "HU": "F",
    "VAV": "", "SIGN": "", "VOWEL": "", "SARA": "", "MAI": "", "MAITAIKHU": "", "THANTHAKHAT": "", "ANUSVARA": "N", "CANDRABINDU": "N",
    "VIRAMA": "", "NUKTA": "", "VISARGA": "", "PULLI": "",
}  # fmt: skip
CYRILLIC_SOUNDS = {"EL": "L", "EM": "M", "EN": "N", "ER": "L", "ES": "S", "EF": "F"}
# Words before the one that names the sound.
QUALIFIERS = frozenset(
    {"LETTER", "SMALL", "CAPITAL", "FINAL", "SHORT", "HARD", "SOFT", "UKRAINIAN", "BYELORUSSIAN-UKRAINIAN", "SIGN", "CHARACTER", "SYLLABLE"}
    | {"CHOSEONG", "JONGSEONG", "JUNGSEONG", "FARSI", "ALEF-LAM", "DOTLESS", "CHILLU", "VOCALIC", "GEORGIAN"}
)  # fmt: skip
# Letters of the Latin script that are read together, or otherwise before e and i.
LATIN_RULES = (
    (re.compile("sch|ch|sh|ts|tz"), "s"), (re.compile("ph"), "f"), (re.compile("th"), "t"), (re.compile("c(?=[eiy])"), "s"),
    (re.compile("c"), "k"), (re.compile("x"), "ks"), (re.compile("ng(?![aeiouy])"), "n"),
)  # fmt: skip
# Clusters that scripts spell in more than one way: "lamb" with m or with a nasal sign, "tz" as one letter or two.
ONE_SPELLING = (("MP", "NP"), ("TS", "S"))
# Shorter skeletons belong to too many names: on the aliases of the gazetteer, 5 sounds joined none of 723 wrongly, 4 sounds 5 of 1,141.
LEAST_SOUNDS = 5
# Scripts that have one letter for l and r, or leave r out.
ONE_LIQUID = ("KATAKANA", "HIRAGANA", "HANGUL", "THAI")


@lru_cache(maxsize=4096)
def skeleton(name: str) -> str:
    """The sounds of a name, its words joined; "" when there are fewer than LEAST_SOUNDS or a letter has no sound (ideographs)."""
    words = [_word_sounds(word) for word in re.split(r"[\s・·\-.'’]+", name) if word]
    sounds = "" if None in words else "".join(word for word in words if word)
    return sounds if len(sounds) >= LEAST_SOUNDS else ""


def agree_in_liquids(first: str, second: str) -> bool:
    """Whether two names have l and r in the same order; a name in a script with one letter for both (kana, Hangul) agrees with any."""
    if any(unicodedata.name(letter, "").startswith(ONE_LIQUID) for letter in first + second):
        return True
    return _liquids(first) == _liquids(second)


def _liquids(name: str) -> str:
    """The letters l and r of a name, doubled ones once."""
    found = ""
    for letter in unicodedata.normalize("NFC", name.lower()):
        plain = unicodedata.normalize("NFD", letter)[0]
        words = [word for word in unicodedata.name(plain, "").split()[1:] if word not in QUALIFIERS]
        sound = {"EL": "L", "ER": "R"}.get(words[0], words[0][:1]) if words and _sound(plain) == "L" else ""
        found += "" if found.endswith(sound) else sound
    return found


def _word_sounds(word: str) -> str | None:
    lower = word.lower()
    for pattern, letters in LATIN_RULES:
        lower = pattern.sub(letters, lower)
    sounds = ""
    for character in unicodedata.normalize("NFC", lower):
        # A Hangul syllable is two or three letters, a Latin letter with an accent one and its mark.
        for letter in (
            unicodedata.normalize("NFD", character) if unicodedata.name(character, "").startswith(("HANGUL", "LATIN")) else character
        ):
            sound = _sound(letter)
            if sound is None:
                return None
            sounds += "" if sounds.endswith(sound) else sound
    for written, one in ONE_SPELLING:
        sounds = sounds.replace(written, one)
    return sounds


@lru_cache(maxsize=4096)
def _sound(character: str) -> str | None:
    """The class of a letter; "" for vowels, marks and digits; None for letters without a sound of their own."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    words = unicodedata.name(character, "").replace("COMBINING", "SIGN SIGN").split()
    if not words or words[0] in {"CJK", "KANGXI"}:
        return None
    if "VOWEL" in words or "JUNGSEONG" in words or (words[0] in {"KATAKANA", "HIRAGANA"} and "SMALL" in words):
        return ""
    if words[0] == "HANGUL" and words[-1] == "IEUNG":
        return "N" if "JONGSEONG" in words else ""
    named = [word for word in words[1:] if word not in QUALIFIERS]
    word = named[0] if named else ""
    if words[0] == "CYRILLIC" and word in CYRILLIC_SOUNDS:
        return CYRILLIC_SOUNDS[word]
    return SOUNDS.get(word, CLASSES.get(word[:1], ""))

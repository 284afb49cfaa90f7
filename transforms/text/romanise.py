"""Names in Latin letters, as English newspapers would spell them, more or less: पद्मा एआई -> Padma AI, Вихрь -> Vikhr.

For names that no list knows, so that readers of alerts can read them and one name in two languages can be one actor. Scripts that leave
vowels out (Arabic, Hebrew) or write no sounds (Han) have no such spelling, nor has Thai, where vowels stand before their consonants.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

from transforms.text.fold import fold

BRAHMIC = ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA")
# Unicode's names of Brahmic letters -> English spelling, where they differ.
BRAHMIC_CONSONANTS = {
    "CA": "ch", "CHA": "chh", "NYA": "n", "TTA": "t", "TTHA": "th", "DDA": "d", "DDHA": "dh", "NNA": "n", "NNNA": "n", "SSA": "sh",
    "LLA": "l", "LLLA": "zh", "RRA": "r", "DDDHA": "d", "RHA": "rh", "KHHA": "kh", "GHHA": "gh", "YYA": "y", "PHA": "f",
}  # fmt: skip
BRAHMIC_VOWELS = {
    "AA": "a", "II": "i", "UU": "u", "EE": "e", "OO": "o", "CANDRA E": "e", "CANDRA O": "o", "SHORT E": "e", "SHORT O": "o",
    "VOCALIC R": "ri",
}  # fmt: skip
# The nasal sign until it is known what follows: lamb, hind.
NASAL = "~"
# Languages of these scripts leave out the vowel at a word's end.
SILENT_END = ("DEVANAGARI", "GURMUKHI", "GUJARATI", "BENGALI")
KANA = {"SI": "shi", "TI": "chi", "TU": "tsu", "HU": "fu", "ZI": "ji", "DI": "ji", "DU": "zu", "WO": "o"}
# Revised Romanisation of Korean: the parts of a syllable in the order of Unicode.
INITIALS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
MEDIALS = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu", "eu", "ui", "i",
)  # fmt: skip
FINALS = (
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l",
    "p", "l", "m", "p", "p", "t", "t", "ng", "t", "t", "k", "t", "p", "t",
)  # fmt: skip
# All of ASCII, and Latin letters with their accents.
LATIN = r"\x21-\x7e\u00c0-\u024f\u1e00-\u1eff"
LATIN_OR_OTHER = re.compile(rf"([{LATIN}]+)|[^{LATIN}]+")
FIRST_SYLLABLE, LAST_SYLLABLE = 0xAC00, 0xD7A3


@cache
def latin_letters() -> dict[str, str]:
    """Letters of alphabets -> Latin letters (transforms/languages/letters.tsv; `_` stands for none)."""
    lines = (resources.files("transforms") / "languages" / "letters.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t")[1:] for line in lines)
    pairs = (pair for letters, latin in rows for pair in zip(letters.split(), latin.split(), strict=True))
    return {letter: latin.strip("_") for letter, latin in pairs}


@cache
def english_words() -> dict[str, str]:
    """Words of company names as other scripts spell them, folded -> in English (transforms/languages/name_words.tsv)."""
    lines = (resources.files("transforms") / "languages" / "name_words.tsv").read_text("utf-8").splitlines()[1:]
    return {fold(form).text: english for english, forms in (line.split("\t") for line in lines) for form in forms.split()}


def romanise(name: str) -> str:
    """The name in Latin letters, each word with a capital; "" when a letter of it has no spelling."""
    parts = re.split(r"([\s・·_-]+)", name.strip())
    words = [_spell(word) for word in parts[::2]]
    marks = ["-" if "-" in mark else " " for mark in parts[1::2]]
    return "".join(word + mark for word, mark in zip(words, [*marks, ""], strict=True)) if all(words) else ""


def _spell(word: str) -> str:
    """Latin letters stay as they are, what stands before or behind them becomes words of its own: 사이오닉AI -> Saionik AI."""
    spelled = []
    for part in LATIN_OR_OTHER.finditer(word):
        is_latin = part.group(1) is not None
        latin = part.group() if is_latin else english_words().get(fold(part.group()).text) or _romanise_word(part.group())
        if not latin:
            return ""
        spelled.append(latin if is_latin else latin[0].upper() + latin[1:])
    return " ".join(spelled)


def _romanise_word(word: str) -> str:
    lower = unicodedata.normalize("NFC", word.lower())
    script = unicodedata.name(lower[0], "").split(" ")[0]
    if script in BRAHMIC:
        return _romanise_brahmic(lower)
    if script in {"KATAKANA", "HIRAGANA"}:
        return _romanise_kana(lower)
    parts = [_romanise_letter(letter) for letter in lower.replace("ου", "u").replace("ού", "u")]
    return "" if None in parts else "".join(part for part in parts if part)


def _romanise_letter(letter: str) -> str | None:
    if FIRST_SYLLABLE <= ord(letter) <= LAST_SYLLABLE:
        index = ord(letter) - FIRST_SYLLABLE
        medial, final = divmod(index, len(FINALS))
        initial, medial = divmod(medial, len(MEDIALS))
        return INITIALS[initial] + MEDIALS[medial] + FINALS[final]
    if letter.isascii():
        return letter
    plain = unicodedata.normalize("NFD", letter)[0]
    return latin_letters().get(letter, latin_letters().get(plain))


def _romanise_brahmic(word: str) -> str:
    """Consonants carry an "a" unless a vowel sign or a virama follows."""
    spelled, has_inherent = "", False
    for letter in unicodedata.normalize("NFD", word):
        script, _, name = unicodedata.name(letter, "? ").partition(" ")
        kind, _, sound = name.replace("VOWEL SIGN", "VOWEL").partition(" ")
        if script not in BRAHMIC and not letter.isascii():
            if unicodedata.category(letter) == "Cf":
                continue
            return ""
        if kind == "VOWEL" or "VIRAMA" in name or "AL-LAKUNA" in name:
            spelled = spelled.removesuffix("a") if has_inherent else spelled
            spelled += BRAHMIC_VOWELS.get(sound, sound.lower()) if kind == "VOWEL" else ""
            has_inherent = False
        elif kind == "LETTER" and sound.endswith("A") and sound not in {"A", "AA"}:
            spelled += BRAHMIC_CONSONANTS.get(sound, sound[:-1].lower()) + "a"
            has_inherent = True
        elif kind == "LETTER":
            spelled, has_inherent = spelled + BRAHMIC_VOWELS.get(sound, sound.lower()), False
        elif "ANUSVARA" in name or "CANDRABINDU" in name or "TIPPI" in name or "BINDI" in name:
            spelled, has_inherent = spelled + NASAL, False
    is_silent = has_inherent and unicodedata.name(word[0], "").startswith(SILENT_END) and len(spelled) > len("ka")
    spelled = spelled.removesuffix("a") if is_silent else spelled
    return re.sub(f"{NASAL}(?=[pb])", "m", spelled).replace(NASAL, "n")


def _romanise_kana(word: str) -> str:
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
            syllable = KANA.get(name, name.lower())
            spelled += syllable[0] * doubles + syllable
            doubles = False
        elif letter != "ー":
            return ""
    return spelled

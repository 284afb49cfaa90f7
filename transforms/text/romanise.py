"""Names in Latin letters, as English newspapers would spell them, more or less: पद्मा एआई -> Padma AI, Вихрь -> Vikhr.

For names that no list knows, so that readers of alerts can read them and one name in two languages can be one actor. The vowels of Arabic
and Hebrew are guessed. Thai has no such spelling, for vowels stand before their consonants; of Japanese ideographs only known names have.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import resources

from transforms.records import EntityType
from transforms.text.abjad import ARTICLE, LEAST_BEHIND_ARTICLE, is_coined, romanise_abjad
from transforms.text.abjad import SCRIPTS as ABJADS
from transforms.text.borders import UNSPACED_NAMES, listed_endings, word_script
from transforms.text.brahmic import SCRIPTS as BRAHMIC
from transforms.text.brahmic import romanise_brahmic
from transforms.text.fold import fold
from transforms.text.han import IDEOGRAPHS, chinese_person, chinese_place, coined_name
from transforms.text.hangul import korean_person, romanise_hangul
from transforms.text.japanese import japanese_person, japanese_word, romanise_kana
from transforms.text.letter_names import LEAST_LETTERS, abbreviation

# All of ASCII, and Latin letters with their accents; digits of any script.
LATIN = r"\x21-\x7e\u00c0-\u024f\u1e00-\u1eff"
PART = re.compile(rf"([{LATIN}\d]+)|[^{LATIN}\d]+")
LONGEST_ABBREVIATION = 5
# Behind the tag of a language: letters that it spells otherwise at the beginning of a word.
FIRST = "at the beginning"
# Between the parts of foreign names in Chinese.
POINTS = "·・．•"
# Of a word that is made of two: fewer letters are found in many a word by chance.
LEAST_FORM, LEAST_REST = 2, 2
BETWEEN_WORDS = re.compile(r"([\s・·_-]+)")
JAPANESE, TAIWANESE = "ja", "zh-Hant"
WRITTEN_BY_LETTERS = frozenset({EntityType.ORG, EntityType.MODEL, EntityType.PRODUCT})
# Of letters and endings that depend on their neighbours, as English newspapers spell Russian.
RUSSIAN_RULES = tuple(
    (re.compile(pattern), latin)
    for pattern, latin in (
        (r"[иы]й$", "y"), (r"ия$", "ia"), (r"[ьъ]?ё", "yo"), (r"(?<=[жчшщ])yo", "o"), (r"[ьъ](?=[еиэ])", "y"), (r"yе", "ye"),
        (r"(?:^|(?<=[аоыэюя]))е", "ye"), (r"(?<=[аеёиоуыэюя])й(?=[бвгджзклмнпрстфхцчшщ])", "i"),
    )
)  # fmt: skip

GREEK_RULES = tuple(
    (re.compile(pattern), latin)
    for pattern, latin in (
        ("ο[υύ]", "ou"), ("α[υύ](?=[θκξπσςτφχψ]|$)", "af"), ("ε[υύ](?=[θκξπσςτφχψ]|$)", "ef"), ("α[υύ]", "av"), ("ε[υύ]", "ev"),
        ("γ(?=[γχξ])", "n"), ("^μπ", "b"), ("^ντ", "d"), ("^γκ", "g"),
    )
)  # fmt: skip


@cache
def latin_letters(language: str) -> dict[str, str]:
    """Letters of alphabets, as the language spells them -> Latin letters (transforms/languages/letters.tsv; `_` stands for none)."""
    lines = (resources.files("transforms") / "languages" / "letters.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    own = [(letters, latin) for of, letters, latin in rows if of in ({language} if language.endswith(FIRST) else {language, ""})]
    pairs = (pair for letters, latin in own for pair in zip(letters.split(), latin.split(), strict=True))
    return {letter: latin.strip("_") for letter, latin in pairs}


@cache
def english_words() -> dict[str, str]:
    """Words of names as other scripts spell them, folded -> in English (transforms/languages/name_words.tsv)."""
    return _read_spellings("name_words.tsv")


@cache
def usual_spellings() -> dict[str, str]:
    """Names of people that have a usual spelling, folded -> that spelling (transforms/languages/name_spellings.tsv)."""
    return _read_spellings("name_spellings.tsv")


def _read_spellings(file: str) -> dict[str, str]:
    lines = (resources.files("transforms") / "languages" / file).read_text("utf-8").splitlines()[1:]
    return {fold(form).text: spelling for spelling, forms in (line.split("\t") for line in lines) for form in forms.split()}


def romanise(name: str, language: str = "und", entity_type: EntityType | None = None) -> str:
    """The name in Latin letters, each word with a capital; "" when a letter of it has no spelling.

    `language` is the tag of the text that the name stands in; names of people are spelled after the customs of their country.
    """
    parts = BETWEEN_WORDS.split("".join(letter for letter in name.strip() if unicodedata.category(letter) != "Cf"))
    if IDEOGRAPHS.search(name):
        if language == JAPANESE:
            return japanese_person(name.strip()) if entity_type is EntityType.PERSON else _spell_words(name, japanese_word)
        return "" if any(point in name for point in POINTS) else _spell_chinese(name, language, entity_type)
    if entity_type is EntityType.PERSON and len(parts) == 1 and (person := korean_person(name)):
        return person
    if (
        entity_type is not EntityType.PERSON
        and unicodedata.name((name.strip() or " ")[0], "").startswith(ABJADS)
        and not is_coined(parts[::2])
    ):
        return ""
    words = [_spell(word, language, entity_type) for word in parts[::2]]
    marks = ["-" if "-" in mark else " " for mark in parts[1::2]]
    spelled = "".join(word + mark for word, mark in zip(words, [*marks, ""], strict=True)) if all(words) else ""
    # عبد السلام is Abdel Salam.
    return spelled.replace("Abdel Al ", "Abdel ")


def _spell_chinese(name: str, language: str, entity_type: EntityType | None) -> str:
    if entity_type is EntityType.PERSON:
        return chinese_person(name, is_of_taiwan=language == TAIWANESE) if IDEOGRAPHS.fullmatch(name) else ""
    if entity_type is EntityType.GPE:
        return chinese_place(name) if IDEOGRAPHS.fullmatch(name) else ""
    return _spell_words(name, coined_name)


def _spell_words(name: str, spell: Callable[[str], str]) -> str:
    """A name of ideographs and other letters; `spell` spells the ideographs before an English word."""
    spelled = []
    for part in re.findall(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff\s]+", name):
        if not IDEOGRAPHS.match(part):
            spelled.append(part)
            continue
        word = next((part[start:] for start in range(len(part)) if part[start:] in english_words()), "")
        rest = part.removesuffix(word)
        coined = spell(rest).capitalize()
        if not coined and rest:
            return ""
        spelled += [text for text in (coined, english_words().get(word, "")) if text]
    text = " ".join(spelled)
    # 山海-2: the number stays where it was.
    return re.sub(r" (?=[-.])", "", text)


@lru_cache(maxsize=4096)
def _spell(word: str, language: str, entity_type: EntityType | None) -> str:
    """Latin letters stay as they are, what stands before or behind them becomes words of its own: 사이오닉AI -> Saionik AI.

    But one letter belongs to the number or full stop beside it: आर1 -> R1, 14बी -> 14B, एन. -> N.
    """
    spelled, was_one_letter = "", False
    parts = list(PART.finditer(word))
    for place, part in enumerate(parts):
        text, is_latin = part.group(), part.group(1) is not None
        behind = parts[place + 1].group() if place + 1 < len(parts) else ""
        is_one_letter = not is_latin and (spelled[-1:].isdigit() or behind[:1].isdigit() or behind[:1] == ".")
        least = 1 if is_one_letter else 2 if entity_type in WRITTEN_BY_LETTERS else LEAST_LETTERS
        latin = "".join(str(unicodedata.digit(letter, letter)) for letter in text) if is_latin else _listed(text)
        letters = "" if latin else abbreviation(text, least)
        latin = latin or letters or _spell_compound(text, language) or _romanise_word(text, language)
        if entity_type in WRITTEN_BY_LETTERS and 1 < len(text) <= LONGEST_ABBREVIATION and text.isupper():
            latin = latin.upper()
        if not latin:
            return ""
        is_one_letter = is_one_letter and (bool(letters) or len(text) == 1)
        is_behind_letter = is_latin and (text.startswith(".") or (text[0].isdigit() and was_one_letter))
        # वी.एस. is V. S.
        spelled += " " if spelled.endswith(".") and letters else ""
        spelled += " " * bool(spelled and not is_one_letter and not is_behind_letter) + (
            latin if is_latin else latin[0].upper() + latin[1:]
        )
        was_one_letter = is_one_letter
    return spelled


def _listed(word: str) -> str | None:
    folded = fold(word).text
    found = english_words().get(folded) or usual_spellings().get(folded)
    if not found and folded.startswith(ARTICLE) and len(folded) >= len(ARTICLE) + LEAST_BEHIND_ARTICLE:
        behind = usual_spellings().get(folded.removeprefix(ARTICLE))
        return behind and f"Al {behind}"
    return found


def _spell_compound(word: str, language: str) -> str:
    """A word that begins or ends with one of the English words: 소리테크놀로지 -> Sori Technologies, मेघहब -> MeghHub; "" for others."""
    folded = fold(word).text
    listed = listed_endings().get(word_script(word[0]))
    for count in range(min(_longest_form(), len(folded) - LEAST_REST), LEAST_FORM - 1, -1):
        for form, rest, is_behind in ((folded[-count:], folded[:-count], True), (folded[:count], folded[count:], False)):
            english = english_words().get(form)
            if english and not is_behind and listed and rest in listed.endings:
                return english
            if not english or unicodedata.category(rest[0])[0] != "L":
                continue
            spelled = _listed(rest) or _romanise_word(rest, language)
            if spelled:
                spelled = spelled[0].upper() + spelled[1:]
                space = " " if word_script(word[0]) in UNSPACED_NAMES else ""
                return f"{spelled}{space}{english}" if is_behind else f"{english}{space}{spelled}"
    return ""


@cache
def _longest_form() -> int:
    return max(map(len, english_words()))


def _romanise_word(word: str, language: str) -> str:
    lower = unicodedata.normalize("NFC", word.lower())
    script = unicodedata.name(lower[0], "").split(" ")[0]
    if script in BRAHMIC:
        return romanise_brahmic(lower)
    if script in {"KATAKANA", "HIRAGANA"}:
        return romanise_kana(lower)
    if script == "HANGUL":
        return romanise_hangul(lower)
    if script in ABJADS:
        return romanise_abjad(lower, language)
    return _romanise_letters(lower, language)


def _romanise_letters(word: str, language: str) -> str:
    first = latin_letters(f"{language} {FIRST}").get(word[0])
    if language in {"ru", "und"}:
        for pattern, latin in RUSSIAN_RULES:
            word = pattern.sub(latin, word)
    letters = latin_letters(language)
    for pattern, latin in GREEK_RULES:
        word = pattern.sub(latin, word)
    parts = [letter if letter.isascii() else letters.get(letter, letters.get(unicodedata.normalize("NFD", letter)[0])) for letter in word]
    if first:
        parts[0] = first
    return "" if None in parts else "".join(part for part in parts if part)

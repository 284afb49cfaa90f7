"""Arabic and Hebrew script in Latin letters, the vowels that it leaves out guessed: سند is Sanad, ورقة Waraqa.

A consonant without a vowel sign gets one where the next letter cannot close its syllable. Names whose vowels are others stand in
transforms/languages/name_spellings.tsv; what is guessed is for reading, and seldom the spelling that its owner uses.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources

SCRIPTS = ("ARABIC", "HEBREW")
CONSONANTS = {
    "ب": "b", "ت": "t", "ث": "th", "ج": "j", "ح": "h", "خ": "kh", "د": "d", "ذ": "dh", "ر": "r", "ز": "z", "س": "s", "ش": "sh",
    "ص": "s", "ض": "d", "ط": "t", "ظ": "z", "غ": "gh", "ف": "f", "ق": "q", "ك": "k", "ل": "l", "م": "m", "ن": "n", "ه": "h",
    "پ": "p", "چ": "ch", "ژ": "zh", "گ": "g", "ٹ": "t", "ڈ": "d", "ڑ": "r", "ع": "", "ء": "", "ئ": "", "ؤ": "",
    "ב": "b", "ג": "g", "ד": "d", "ה": "h", "ז": "z", "ח": "h", "ט": "t", "כ": "k", "ך": "ch", "ל": "l", "מ": "m", "ם": "m",
    "נ": "n", "ן": "n", "ס": "s", "ע": "", "פ": "p", "ף": "f", "צ": "tz", "ץ": "tz", "ק": "k", "ר": "r", "ש": "sh", "ת": "t",
}  # fmt: skip
OF_LANGUAGE = {
    "fa": {"ث": "s", "ذ": "z", "ض": "z", "ق": "gh"},
    "ur": {"ث": "s", "ذ": "z", "ض": "z"},
}
# Letters for long vowels; the second of each pair is the consonant that it is beside another of them.
LONG = {"ا": "a", "أ": "a", "إ": "i", "آ": "a", "ى": "a", "ة": "a", "א": "a", "ے": "e"}
HALF = {"و": ("u", "w"), "ي": ("i", "y"), "ו": ("o", "v"), "י": ("i", "y")}
HALF_OF_LANGUAGE = {"fa": {"و": ("u", "v")}, "ur": {"و": ("o", "w")}}
# Letters that other keyboards write.
SAME = {"ی": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ں": "ن", "ۀ": "ه", "ٱ": "ا", "ە": "ه"}
ARTICLE = "ال"
LEAST_BEHIND_ARTICLE = 3
# Behind these and one consonant a short i follows, in most names: Khalid, Qasim.
BROAD = frozenset("اآ")
AFTER_BROAD = {"ar": "i", "fa": "e", "ur": "i"}
VOWELS = tuple("aiueo")
MOST_WORDS = 2
# At the end of a word they are vowels.
SILENT_ENDS = {"ه": {"fa": "eh", "ur": "a"}, "ה": {"he": "a"}}
# Words of so many letters take a vowel before the last: Fahad, Sanad.
SHORT_WORD = 3


@cache
def _words_for_bodies() -> frozenset[str]:
    """Bank, company, council: names that begin so are made of words, which English translates."""
    return frozenset((resources.files("transforms") / "languages" / "words_for_bodies.txt").read_text("utf-8").split())


def is_coined(words: list[str]) -> bool:
    """Whether words may be a made-up name of a firm or model: few, none that English would translate."""
    return len(words) <= MOST_WORDS and words[0] not in _words_for_bodies() and not any(word.startswith(ARTICLE) for word in words[1:])


def romanise_abjad(word: str, language: str) -> str:
    """A word in small Latin letters, its Arabic article apart; "" when a letter has no spelling."""
    letters = [SAME.get(letter, letter) for letter in unicodedata.normalize("NFC", word) if unicodedata.category(letter) != "Mn"]
    if "".join(letters).startswith(ARTICLE) and len(letters) >= len(ARTICLE) + LEAST_BEHIND_ARTICLE and language not in OF_LANGUAGE:
        rest = _spell(letters[len(ARTICLE) :], language)
        return rest and f"al {rest.capitalize()}"
    return _spell(letters, language)


def _spell(letters: list[str], language: str) -> str:
    sounds = [_sound(letters, place, language) for place in range(len(letters))]
    if None in sounds:
        return ""
    spelled = ""
    for place, sound in enumerate(sounds):
        spelled += sound or ""
        following = sounds[place + 1] if place + 1 < len(sounds) else None
        if following is None or following.startswith(VOWELS) or (sound or "").startswith(VOWELS):
            continue
        before = spelled.removesuffix(sound or "")
        is_last_pair = place + 2 == len(sounds)
        if place and letters[place - 1] in BROAD:
            spelled += AFTER_BROAD.get(language, "i")
        elif not before.endswith(VOWELS) or (is_last_pair and len(letters) == SHORT_WORD):
            spelled += "a"
    return spelled


def _sound(letters: list[str], place: int, language: str) -> str | None:
    """What a letter stands for; "" for one without a sound of its own, None when it is not known."""
    letter = letters[place]
    is_last = place == len(letters) - 1
    if is_last and place and language in SILENT_ENDS.get(letter, {}):
        return SILENT_ENDS[letter][language]
    if letter in LONG:
        return LONG[letter]
    vowel, consonant = HALF_OF_LANGUAGE.get(language, {}).get(letter) or HALF.get(letter, ("", ""))
    if vowel:
        following = letters[place + 1] if not is_last else ""
        before = letters[place - 1] if place else ""
        is_consonant = not place or following in LONG or (before in LONG and not is_last)
        return consonant if is_consonant else vowel
    return OF_LANGUAGE.get(language, {}).get(letter, CONSONANTS.get(letter))

"""Words of India's scripts in Latin letters, as English newspapers there would spell them, more or less.

Consonants carry a vowel unless a sign says otherwise; the north leaves it out at the end and often within a word (जामनगर is Jamnagar), the
south writes th for the dental t, and Tamil has one letter for k and g, t and d, p and b, which its neighbours tell apart.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

SCRIPTS = ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA")
# Unicode's names of letters -> English spelling, where they differ.
CONSONANTS = {
    "CA": "ch", "CHA": "chh", "NYA": "n", "TTA": "t", "TTHA": "th", "DDA": "d", "DDHA": "dh", "NNA": "n", "NNNA": "n", "SSA": "sh",
    "LLA": "l", "LLLA": "zh", "RRA": "r", "DDDHA": "r", "RHA": "rh", "KHHA": "kh", "GHHA": "gh", "YYA": "y", "PHA": "ph",
}  # fmt: skip
VOWELS = {
    "AA": "a", "II": "i", "UU": "u", "EE": "e", "OO": "o", "CANDRA E": "e", "CANDRA O": "o", "SHORT E": "e", "SHORT O": "o",
    "VOCALIC R": "ri", "VOCALIC RR": "ri",
}  # fmt: skip
OF_SCRIPT = {
    "DEVANAGARI": {"PHA": "f"},
    "BENGALI": {"YA": "j", "PHA": "f"},
    "GURMUKHI": {"PHA": "ph"},
    "GUJARATI": {"PHA": "f"},
    "TELUGU": {"TA": "th", "THA": "th"},
    "KANNADA": {"TA": "th", "THA": "th"},
    "MALAYALAM": {"TA": "th", "THA": "th", "RRA": "r"},
    "TAMIL": {"TA": "th", "CA": "s", "RRA": "r", "JA": "j"},
}
# Bengali has y and a soft r as variants of j and d.
WITH_NUKTA = {
    ("DEVANAGARI", "j"): "z", ("DEVANAGARI", "ph"): "f", ("DEVANAGARI", "d"): "r", ("DEVANAGARI", "dh"): "rh",
    ("BENGALI", "j"): "y", ("BENGALI", "d"): "r", ("BENGALI", "dh"): "rh",
}  # fmt: skip
NASAL_SIGNS = ("ANUSVARA", "CANDRABINDU", "TIPPI", "BINDI")
# Tamil letters between vowels and behind a nasal.
TAMIL_BETWEEN = {"k": "g", "t": "d", "th": "dh", "p": "b"}
TAMIL_BEHIND_NASAL = TAMIL_BETWEEN | {"s": "j", "th": "th"}
# Of these, doubled, one is written.
TAMIL_DOUBLED = {"s": "ch", "th": "th"}
# The nasal sign until it is known what follows: lamb, hind.
NASAL = "~"
# Languages of these scripts leave out the vowel at a word's end, and some within words.
SILENT_END = ("DEVANAGARI", "GURMUKHI", "GUJARATI", "BENGALI")
SILENT_WITHIN = SILENT_END
# Behind another consonant these are not said without the vowel: Mahendra, Shabd.
SPOKEN_BEHIND_CONSONANT = frozenset({"r", "y", "v"})
# Words that towns are named with keep their vowels: Jamnagar.
ENDINGS_OF_TOWNS = ("नगर", "નગર", "ਨਗਰ", "নগর")
SOUTHERN = frozenset({"TELUGU", "KANNADA", "MALAYALAM"})
SPELLED = ((re.compile("(?<=pr)it$"), "eet"), (re.compile("dip$"), "deep"))
LONG_ENDINGS = ("ीत", "ीप", "ੀਤ", "ੀਪ")


class Syllable(NamedTuple):
    """Consonants before a vowel; the vowel is "" behind a virama, and inherent when no sign is written for it."""

    consonants: str
    vowel: str
    is_inherent: bool


def romanise_brahmic(word: str) -> str:
    """The word in small Latin letters; "" when it has a letter of another script that is not Latin."""
    script = unicodedata.name(word[0], "").split(" ")[0]
    town = next((ending for ending in ENDINGS_OF_TOWNS if word.endswith(ending) and word != ending), "")
    if town:
        return romanise_brahmic(word.removesuffix(town)) + romanise_brahmic(town)
    syllables = _syllables(word, script)
    if script == "TAMIL":
        syllables = _voiced(syllables)
    if script in SILENT_END and len(syllables) > 1 and not _is_spoken_at_end(syllables):
        syllables[-1] = syllables[-1]._replace(vowel="", is_inherent=False)
    if script in SILENT_WITHIN:
        syllables = _without_silent_vowels(syllables)
    spelled = "".join(syllable.consonants + syllable.vowel for syllable in syllables)
    if script in SOUTHERN:
        spelled = re.sub(f"{NASAL}$", "m", spelled)
    if script == "TAMIL":
        spelled = spelled.replace("iya", "ia")
    if word.endswith(LONG_ENDINGS):
        for pattern, ending in SPELLED:
            spelled = pattern.sub(ending, spelled)
    return re.sub(f"{NASAL}(?=[pbm])", "m", spelled).replace(NASAL, "n")


def _is_spoken_at_end(syllables: list[Syllable]) -> bool:
    last, before = syllables[-1], syllables[-2]
    return not last.is_inherent or (not before.vowel and last.consonants in SPOKEN_BEHIND_CONSONANT)


def _syllables(word: str, script: str) -> list[Syllable]:
    syllables: list[Syllable] = []
    # Composed: a vowel sign of two parts is one vowel.
    for letter in unicodedata.normalize("NFC", word):
        own, _, name = unicodedata.name(letter, "? ").partition(" ")
        if own in SCRIPTS:
            _add(syllables, script, name.replace("VOWEL SIGN", "VOWEL").replace("AU LENGTH MARK", "VOWEL AU"))
        elif letter.isascii():
            syllables.append(Syllable(letter, "", is_inherent=False))
        elif unicodedata.category(letter) != "Cf":
            return []
    return syllables


def _add(syllables: list[Syllable], script: str, name: str) -> None:
    """Adds a letter or sign, by its name without its script: a syllable of its own, or a change of the last one."""
    kind, _, sound = name.partition(" ")
    last = syllables[-1] if syllables else Syllable("", "", is_inherent=False)
    is_consonant = kind == "LETTER" and sound.endswith("A") and sound not in {"A", "AA"}
    if "NUKTA" in name:
        syllables[-1:] = [last._replace(consonants=WITH_NUKTA.get((script, last.consonants), last.consonants))]
    elif kind == "VOWEL" and last.is_inherent:
        syllables[-1] = Syllable(last.consonants, VOWELS.get(sound, sound.lower()), is_inherent=False)
    elif "VIRAMA" in name or "AL-LAKUNA" in name:
        syllables[-1:] = [Syllable(last.consonants, "", is_inherent=False)]
    elif is_consonant and script == "BENGALI" and sound == "YA" and syllables and not last.vowel:
        # The same letter behind another consonant, as in bidya; behind a vowel it makes one sound with it.
        syllables[-1:] = [last] * bool(last.consonants) + [Syllable("y" if last.consonants else "", "a", is_inherent=True)]
    elif is_consonant:
        consonant = (CONSONANTS | OF_SCRIPT.get(script, {})).get(sound, sound[:-1].lower())
        syllables.append(Syllable(consonant, "a", is_inherent=True))
    elif kind == "LETTER":
        syllables.append(Syllable("", VOWELS.get(sound, sound.lower()), is_inherent=False))
    elif any(sign in name for sign in NASAL_SIGNS) and syllables:
        nasal = "ng" if script == "BENGALI" and "ANUSVARA" in name else NASAL
        syllables[-1] = last._replace(vowel=last.vowel + nasal, is_inherent=False)


def _without_silent_vowels(syllables: list[Syllable]) -> list[Syllable]:
    """From the end of the word: an inherent vowel falls silent behind a vowel and one consonant and before a consonant with a vowel."""
    kept = list(syllables)
    for place in range(len(kept) - 2, 0, -1):
        before, here, behind = kept[place - 1], kept[place], kept[place + 1]
        is_light = behind.vowel or (place + 2 < len(kept) and kept[place + 2].consonants == "r" and kept[place + 2].vowel)
        if here.is_inherent and before.vowel and before.vowel[-1] != NASAL and behind.consonants and is_light:
            kept[place] = here._replace(vowel="", is_inherent=False)
    return kept


def _voiced(syllables: list[Syllable]) -> list[Syllable]:
    """Tamil: k, t and p are g, d and b between vowels and behind a nasal; of a doubled letter nothing changes."""
    spelled: list[Syllable] = []
    for place, here in enumerate(syllables):
        before = syllables[place - 1] if place else Syllable("", "", is_inherent=False)
        consonant = here.consonants
        if before.vowel and here.vowel:
            consonant = TAMIL_BETWEEN.get(consonant, consonant)
        elif before.consonants in {"n", "m", "ng"} and not before.vowel:
            consonant = TAMIL_BEHIND_NASAL.get(consonant, consonant)
            spelled[-1] = before._replace(consonants=before.consonants[0])
        elif consonant and before.consonants == consonant and not before.vowel:
            spelled[-1] = before._replace(consonants="" if consonant in TAMIL_DOUBLED else before.consonants[:1])
            consonant = TAMIL_DOUBLED.get(consonant, consonant)
        spelled.append(here._replace(consonants=consonant))
    return spelled

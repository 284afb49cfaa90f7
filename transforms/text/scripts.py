"""Scripts: which writing system each letter belongs to, and how much of a text each has."""

from __future__ import annotations

import unicodedata
from collections import Counter

# First and last code point of each block that news is written in (Unicode 15.1, Blocks.txt).
BLOCKS = (
    (0x0041, 0x024F, "Latin"),
    (0x1E00, 0x1EFF, "Latin"),
    (0xFF21, 0xFF5A, "Latin"),
    (0x0370, 0x03FF, "Greek"),
    (0x1F00, 0x1FFF, "Greek"),
    (0x0400, 0x052F, "Cyrillic"),
    (0x0530, 0x058F, "Armenian"),
    (0x0590, 0x05FF, "Hebrew"),
    (0xFB1D, 0xFB4F, "Hebrew"),
    (0x0600, 0x06FF, "Arabic"),
    (0x0750, 0x077F, "Arabic"),
    (0xFB50, 0xFDFF, "Arabic"),
    (0xFE70, 0xFEFF, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0A00, 0x0A7F, "Gurmukhi"),
    (0x0A80, 0x0AFF, "Gujarati"),
    (0x0B00, 0x0B7F, "Odia"),
    (0x0B80, 0x0BFF, "Tamil"),
    (0x0C00, 0x0C7F, "Telugu"),
    (0x0C80, 0x0CFF, "Kannada"),
    (0x0D00, 0x0D7F, "Malayalam"),
    (0x0D80, 0x0DFF, "Sinhala"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Lao"),
    (0x1000, 0x109F, "Myanmar"),
    (0x10A0, 0x10FF, "Georgian"),
    (0x1200, 0x137F, "Ethiopic"),
    (0x1780, 0x17FF, "Khmer"),
    (0x1100, 0x11FF, "Hangul"),
    (0x3130, 0x318F, "Hangul"),
    (0xAC00, 0xD7AF, "Hangul"),
    (0x3041, 0x30FF, "Kana"),
    (0x31F0, 0x31FF, "Kana"),
    (0x3400, 0x4DBF, "Han"),
    (0x4E00, 0x9FFF, "Han"),
    (0xF900, 0xFAFF, "Han"),
    (0x20000, 0x2FA1F, "Han"),
)
# An ideograph says what takes about three letters elsewhere.
CHARACTERS_PER_IDEOGRAPH = 3
MOST_REMEMBERED = 100_000

_script_of_letter: dict[str, str] = {}


def script_of(character: str) -> str:
    """The script of a letter; "" for what is no letter of BLOCKS."""
    script = _script_of_letter.get(character)
    if script is None:
        code = ord(character)
        # Vowel signs are marks, and belong to the letters of their block.
        is_letter = character.isalpha() or unicodedata.category(character).startswith("M")
        script = next((name for first, last, name in BLOCKS if first <= code <= last), "") if is_letter else ""
        if len(_script_of_letter) < MOST_REMEMBERED:
            _script_of_letter[character] = script
    return script


def count_scripts(text: str) -> Counter[str]:
    """Letters of the text by script, ideographs weighed as the letters they stand for."""
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        script = script_of(character)
        if script:
            counts[script] += count * (CHARACTERS_PER_IDEOGRAPH if script in {"Han", "Kana", "Hangul"} else 1)
    return counts

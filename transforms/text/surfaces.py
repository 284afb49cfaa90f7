"""What belongs to a name besides its spelling in the gazetteer, and what does not.

Versions and sizes make models of their own: `Llama 3.1 405B`, `Qwen3-Max`, `लामा 2`. Of `licencia MIT` the name is `MIT`.
"""

from __future__ import annotations

import re

from transforms.records import EntityType
from transforms.text.gazetteer import Mention
from transforms.text.spelled_versions import WRITTEN_WITH_NUMBER, with_spelled_version

# A number of up to three digits with at most two letters behind it (4o, 70B, 3.5, V3.2), or a word that makers put behind a name.
_VERSION_NUMBER = r"[vV]?\d{1,3}(?:\.\d{1,2})*(?:[a-zA-Z]{1,2})?"
_WORD = (
    r"Max|Mini|mini|Pro|Plus|Large|Medium|Small|Tiny|Nano|Micro|Ultra|Lite|Flash|Turbo|Instruct|Coder|Chat|Next|VL|Omni|Opus|Sonnet|Haiku"
)
# H1R, E4B.
_LETTER_NUMBER = r"[A-Z]\d{1,2}[A-Z]?"
_PART = rf"(?:{_VERSION_NUMBER}|{_LETTER_NUMBER}|{_WORD})"
# Words that are part of a name only behind a hyphen, and how many parameters are at work: GLM-4.5-Air, Qwen3-Next-80B-A3B.
_HYPHENED = r"-(?:A\d{1,2}B|Air|TTS|Image|Speciale|Thinking|Edit|Guard|Vision|Audio|Math)"
# Letters of scripts without spaces may follow (GPT-2于), but not what is counted or dated (Llama 2월).
_NOTHING_BEHIND = r"(?![A-Za-z0-9月日年号個个種种名位人倍次款월일년개명배번])"
# No name has more parts; without a limit "Opus Opus …" is read to its end from each of its words.
_MOST_PARTS = 8
_BEHIND = re.compile(rf"(?:\.\d{{1,2}}(?!\d))?(?:(?:[ \-‑]?{_PART}|{_HYPHENED}){_NOTHING_BEHIND}){{0,{_MOST_PARTS}}}")
_OWN = re.compile(rf"(?:[ \-‑]{_PART}|(?<=[^\W\d]){_VERSION_NUMBER})(?:[ \-‑]{_PART})*$")


# "Licence" in scripts without capitals, where it is written before the name.
LICENCE_WORDS = ("رخصة ", "ترخيص ", "الرخصة ", "مجوز ", "لائسنس ", "רישיון ")


# The institute's name is a licence's as well: near these words it is meant as that.
INSTITUTE_AND_LICENCE, LICENCE_NAME = "MIT", "MIT License"
OF_LICENCES = re.compile(
    "licen[cs]|lizen|lisan|lisen|leyfi|giấy phép|лиценз|ліценз|лиценц|許諾|许可|許可|授权|授權|协议|ライセンス|라이선스|라이센스"
    "|लाइसेंस|लाइसेन्स|परवान|লাইসেন্স|உரிம|లైసెన్స్|લાયસન્સ|ಪರವಾನಗಿ|ലൈസൻസ്|ترخيص|رخصة|رخص|مجوز|لائسنس|רישיו|άδεια|leseni|ใบอนุญาต|apache|gpl",
    re.IGNORECASE,
)
NEAR_CHARACTERS = 40


def settled(content: str, mention: Mention) -> Mention:
    """The mention as people would mark it."""
    if mention.name.type is EntityType.MODEL:
        return with_version(content, mention)
    if mention.name.type is EntityType.LICENCE:
        return without_licence_word(content, mention)
    if mention.name.spelling == INSTITUTE_AND_LICENCE and OF_LICENCES.search(
        content, max(0, mention.start - NEAR_CHARACTERS), mention.end + NEAR_CHARACTERS
    ):
        return mention._replace(name=mention.name._replace(canonical=LICENCE_NAME, type=EntityType.LICENCE))
    return mention


def without_licence_word(content: str, mention: Mention) -> Mention:
    """The mention from its first capital or digit on, or without the word licence before it."""
    surface = content[mention.start : mention.name_end]
    skipped = next((len(word) for word in LICENCE_WORDS if surface.startswith(word)), 0)
    if surface[0].islower():
        skipped = next((place for place, letter in enumerate(surface) if letter.isupper()), 0)
    return mention._replace(start=mention.start + skipped)


def with_version(content: str, mention: Mention) -> Mention:
    """The mention of a model with the version that follows it, and that version in its canonical name."""
    name = mention.name
    if not content[mention.start].isascii() and (versioned := with_spelled_version(content, mention)):
        return versioned
    behind = _BEHIND.match(content, mention.end)
    end = behind.end() if behind else mention.end
    surface = content[mention.start : end]
    if surface.lower().startswith(name.canonical.lower()):
        canonical = name.canonical + surface[len(name.canonical) :]
    else:
        # "लामा 2" is an alias of Llama: the number belongs to the canonical name as well.
        own = None if any(map(str.isdigit, name.canonical)) else _OWN.search(content, mention.start + 1, mention.end)
        version = (own.group() if own else "") + content[mention.end : end]
        is_apart = version[:1] in ("", " ", "-", "‑", ".") or name.canonical in WRITTEN_WITH_NUMBER
        canonical = name.canonical + ("" if is_apart else " ") + version
    return Mention(mention.start, end, max(end, mention.name_end), name._replace(canonical=canonical.replace("‑", "-")))

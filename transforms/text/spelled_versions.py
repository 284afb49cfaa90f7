"""Versions of models that other scripts spell: क्वेन3-मैक्स is Qwen3-Max, जीपीटी-ओएसएस-१२०बी gpt-oss-120b."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

from transforms.text.fold import fold
from transforms.text.gazetteer import Mention

# Their numbers are written without a space.
WRITTEN_WITH_NUMBER = frozenset({"Qwen", "Hunyuan"})
_OWN_NUMBER = re.compile(r"[ \-‑]?\d{1,3}(?:\.\d{1,2})?$")
LONGEST = 40
_PARTS = re.compile(r"[ \-‑]|\d+(?:\.\d+)?|[^ \-‑\d]+")


@cache
def _words() -> dict[str, str]:
    """Words of versions as other scripts spell them, folded -> in English (transforms/languages/version_words.tsv)."""
    lines = (resources.files("transforms") / "languages" / "version_words.tsv").read_text("utf-8").splitlines()[1:]
    return {fold(form).text: word for word, forms in (line.split("\t") for line in lines) for form in forms.split()}


@cache
def _version() -> re.Pattern[str]:
    """A number, and words of versions behind it, in folded text; no letter or vowel sign may follow.

    Letters (70B, 3n) only stand behind a number: alone they are words as well.
    """
    number = r"\d{1,3}(?:\.\d{1,2})?"
    forms = sorted(_words(), key=len, reverse=True)
    word, letter = ("|".join(re.escape(form) for form in forms if (len(_words()[form]) == 1) is is_letter) for is_letter in (False, True))
    return re.compile(
        rf"(?:[ \-]?{number})?(?:[ \-]?{number}[ \-]?(?:{letter})|(?:[ \-]?{number})?[ \-]?(?:{word}))+(?![\w\u093e-\u094d\u09be-\u09cd])"
    )


def with_spelled_version(content: str, mention: Mention) -> Mention | None:
    """The mention with the version behind it, and that in its canonical name; None when no such version follows."""
    behind = fold(content[mention.end : mention.end + LONGEST])
    found = _version().match(behind.text)
    if not found:
        return None
    canonical = mention.name.canonical
    own = None if any(map(str.isdigit, canonical)) else _OWN_NUMBER.search(content, mention.start + 1, mention.end)
    version = _in_english((own.group() if own else "") + found.group())
    end = mention.end + behind.original(0, found.end())[1]
    canonical += version if version[0] in " -" or canonical in WRITTEN_WITH_NUMBER else f" {version}"
    return Mention(mention.start, end, max(end, mention.name_end), mention.name._replace(canonical=canonical))


def _in_english(version: str) -> str:
    words = [_words().get(part, part) for part in _PARTS.findall(version)]
    spelled = "".join("".join(str(unicodedata.digit(letter, letter)) for letter in word) for word in words).replace("‑", "-")
    return re.sub(r"(?<=\d)[ -](?=[A-Z]\b)", "", spelled)

"""Replaces the labelled names of an article by invented ones: is the judgement more than knowing Meta?"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from measures import bare_name

from transforms.text.borders import begins_word, ending_letters, may_take_ending
from transforms.text.scan import load_scanner
from transforms.text.scripts import count_scripts

if TYPE_CHECKING:
    from training.data import LabelledArticle

REPLACED = frozenset({"PERSON", "ORG", "MODEL", "PRODUCT"})
PERSON = "PERSON"
# "-4.1" of "GPT-4.1": a version stays, as does which names share all before it.
VERSION = re.compile(r"[\s\-–]*\d[\w.\-]*.*$")
# Syllables that names are made of.
SYLLABLES = {
    "Latin": "ba dor vel mi tar zo nel ku ris fa lom pe gan shi vor ta lu ren os",
    "Cyrillic": "ба дор вел ми тар зо нел ку рис фа лом пе ган ши вор та лу рен ос",
    "Greek": "βα δορ βελ μι ταρ ζο νελ κου ρις φα λομ πε γαν σι βορ τα λου ρεν",
    "Han": "洛 峦 泽 澜 屹 柏 霁 岑 栩 沅 珞 岚 翎 槿 昱 衡 湛 砚",
    "Kana": "バ ドル ベル ミ タル ゾ ネル ク リス ファ ロム ペ ガン シ ボル タ ル レン",
    "Hangul": "바 도르 벨 미 타르 조 넬 쿠 리스 파 롬 페 간 시 보르 타 루 렌",
    "Devanagari": "बा दोर वेल मी तार ज़ो नेल कू रिस फा लोम पे गान शी वोर ता लू रेन",
    "Bengali": "বা দোর ভেল মি তার জো নেল কু রিস ফা লোম পে গান শি ভোর তা লু রেন",
    "Tamil": "பா தோர் வேல் மி தார் சோ நேல் கு ரிஸ் பா லோம் பெ கான் ஷி வோர் தா லு ரென்",
    "Telugu": "బా దోర్ వేల్ మి తార్ జో నేల్ కు రిస్ ఫా లోమ్ పే గాన్ షి వోర్ తా లు రెన్",
    "Arabic": "با دور فيل مي تار زو نيل كو ريس فا لوم بي غان شي فور تا لو رين",
    "Hebrew": "בא דור ול מי תאר זו נל קו ריס פא לום פה גן שי וור טא לו רן",
    "Thai": "บา ดอร์ เวล มี ตาร์ โซ เนล คู ริส ฟา ลอม เป กัน ชี วอร์ ทา ลู เรน",
}
SEPARATORS = {"Han": "", "Kana": "・", "Hangul": " ", "Thai": " "}
SYLLABLES_IN_NAME, SYLLABLES_IN_PART = 3, 2
MOST_TRIES = 200
# Some names of the gazetteer are known among words of AI only: "Mistral" is a wind too.
AMONG_AI = ", an artificial intelligence lab that trains language models"


def with_invented_names(article: LabelledArticle) -> LabelledArticle:
    """The article with each labelled name of REPLACED invented anew, one for each bearer, in the script of the article.

    Only title and content are other; the labels stay, but for names and evidence, which the text no longer has.
    """
    names = invent(article)
    text = article.content[len(article.title) + 1 :] if article.title else article.content
    title, text = replace_names(article.title, names), replace_names(text, names)
    labels = article.labels | {"entities": [], "evidence": [], "actors": []}
    content = f"{title}\n{text}" if title else text
    return replace(article, title=title, content=content, labels=labels, readings=[], is_evidence=[])


def invent(article: LabelledArticle) -> dict[str, str]:
    """Labelled surface -> invented name; the same for all spellings of a bearer, and for "Mark Zuckerberg" and "Zuckerberg"."""
    labelled = [(surface, canonical, kind) for surface, canonical, kind in article.labels["entities"] if kind in REPLACED]
    script = main_script(article)
    separator = SEPARATORS.get(script, " ")
    parts: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    taken: set[str] = set()
    for surface, canonical, kind in labelled:
        bearer = bare_name(VERSION.sub("", canonical) or canonical)
        if bearer not in parts:
            parts[bearer] = new_name(Random(f"{article.id} {bearer}"), script, kind, taken)  # noqa: S311 - the same for each run
        version = VERSION.search(surface)
        stem = surface[: version.start()] if version else surface
        longer = [other for other, its, _ in labelled if its == canonical and stem != other and stem in other]
        if kind == PERSON and (longer or (" " in canonical and " " not in stem and separator == " ")):
            is_first = any(other.startswith(stem) for other in longer)
            names[surface] = parts[bearer][0 if is_first else -1]
        else:
            names[surface] = separator.join(parts[bearer]) + (version.group() if version and stem else "")
    return names


def main_script(article: LabelledArticle) -> str:
    """The script with most letters, of those that names can be invented in."""
    if article.language == "ja":
        return "Kana"
    counts = count_scripts(article.content)
    return max((script for script in counts if script in SYLLABLES), key=lambda script: counts[script], default="Latin")


def new_name(random: Random, script: str, kind: str, taken: set[str]) -> list[str]:
    """A name that no file of the project knows and that is not taken yet: a person has two parts, all others one.

    Raises:
        ValueError: every name that was tried is known.
    """
    syllables = SYLLABLES[script].split()
    shape = [SYLLABLES_IN_PART, SYLLABLES_IN_PART] if kind == PERSON else [SYLLABLES_IN_NAME]
    for _ in range(MOST_TRIES):
        parts = ["".join(random.choice(syllables) for _ in range(count)).capitalize() for count in shape]
        whole = SEPARATORS.get(script, " ").join(parts)
        if whole not in taken and all(is_unknown(name) for name in (whole, *parts)):
            taken.add(whole)
            return parts
    raise ValueError(f"{MOST_TRIES} invented {script} names were all taken or known: add syllables to SYLLABLES")


def is_unknown(name: str) -> bool:
    """Whether neither the gazetteer nor the gate's terms know it."""
    scan = load_scanner().scan(name + AMONG_AI)
    return not any(entity.start < len(name) for entity in scan.entities) and not any(hit < len(name) for hit in scan.gate_hits)


def replace_names(text: str, names: dict[str, str]) -> str:
    """Puts the invented name wherever a surface stands as a word, with its case ending or without; the longest surface first."""
    if not names:
        return text
    pattern = re.compile("|".join(re.escape(surface) for surface in sorted(names, key=len, reverse=True)))

    def put(match: re.Match[str]) -> str:
        start, end = match.span()
        ending = ending_letters(text, end)
        is_word = begins_word(text, start) and (not ending or may_take_ending(text, start, end, ending))
        return names[match.group()] if is_word else match.group()

    return pattern.sub(put, text)

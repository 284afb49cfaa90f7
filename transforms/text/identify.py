"""Which language a text is in: the script first, then two voters where a script has several languages.

langdetect is confidently wrong outside the 55 languages that it knows (Serbian Cyrillic, Malay, Azerbaijani); the script table, the letters
of a language and py3langid are for that. Answers depend on the text alone: langdetect is seeded.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import langdetect
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from transforms.text.compose import compose
from transforms.text.languages import Language, languages
from transforms.text.scripts import count_scripts

try:
    import langdetect_rs as detector  # 100 times faster, same answers to the bit; a test proves it
except ImportError:
    detector = langdetect

UNKNOWN = "und"
LIMIT_LETTERS = 1_000
LEAST_LETTERS = 20
# A script that one language alone is written in needs no vote, only a word.
LEAST_LETTERS_OF_ONE_LANGUAGE = 4
# A fifth of the words: romanised Hindi has a third, English text that quotes it far fewer.
LEAST_SHARE_OF_WORDS = 0.2
# Devanagari marks the language even when half of the text is Latin names and quotes.
LEAST_SHARE_OF_SCRIPT = 0.25
# The rarest of such letters occur about once in two hundred; a foreign name can bring one or two.
LEAST_SHARE_OF_LETTERS = 0.005
SURE = 0.99

# Three spellings for one language: what the voters call it, and what we call it.
ALIASES = {"zh-cn": "zh", "zh-tw": "zh-Hant", "nb": "no", "nn": "no", "tl": "fil", "ku": "ku", "jv": "id", "iw": "he"}
URL = re.compile(r"https?://\S+|www\.\S+|[^\s@]++@[^\s@]+\.\S+")
WORD = re.compile(r"[a-z]+")
# Soft hyphens and characters without width, in the midst of words; not those that Persian and Hindi spell with.
INVISIBLE = re.compile("[\u00ad\u200b\u2060-\u206f\ufeff]")

detector.DetectorFactory.seed = 0


@dataclass(frozen=True)
class Vote:
    """A language and how sure the voter is of it, 0 to 1."""

    language: str
    share: float


@cache
def _second_voter() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE)


@cache
def _by_script() -> dict[str, dict[str, Language]]:
    scripts: dict[str, dict[str, Language]] = {}
    for tag, language in languages().items():
        scripts.setdefault(language.script, {})[tag] = language
    return scripts


@cache
def _known_to_first_voter() -> frozenset[str]:
    detector.detect("This starts the voter, which loads its profiles on first use.")
    names = langdetect.detector_factory.DetectorFactory()
    names.load_profile(langdetect.PROFILES_DIRECTORY)
    return frozenset(ALIASES.get(name, name) for name in names.get_lang_list())


def identify_language(text: str) -> str:
    """BCP 47 tag of the text's language; `und` when it has fewer than 20 letters or none that is known.

    Only the first 1,000 letters are looked at; links and addresses do not count.
    """
    sample = INVISIBLE.sub("", URL.sub(" ", compose(text[: 2 * LIMIT_LETTERS])))[:LIMIT_LETTERS].lower()
    scripts = count_scripts(sample)
    letters = sum(scripts.values())
    script = _main_script(scripts, letters) if letters >= LEAST_LETTERS_OF_ONE_LANGUAGE else ""
    candidates = _by_script().get(script, {})
    if script == "Han":
        return _chinese(sample)
    if len(candidates) == 1:
        return next(iter(candidates))
    if letters < LEAST_LETTERS:
        return UNKNOWN
    if script == "Latin" and _share_of_words(sample, candidates["hi-Latn"]) >= LEAST_SHARE_OF_WORDS:
        return "hi-Latn"
    return _vote(sample, scripts[script], candidates)


def _main_script(scripts: Counter[str], letters: int) -> str:
    # Japanese mixes kana into Han; a Chinese text has none.
    if scripts["Kana"] >= 0.1 * (scripts["Kana"] + scripts["Han"]) and scripts["Kana"] + scripts["Han"] > 0.3 * letters:
        return "Kana"
    for script, count in scripts.most_common():
        if script != "Latin" and count >= LEAST_SHARE_OF_SCRIPT * letters:
            return script
    return scripts.most_common(1)[0][0]


def _chinese(sample: str) -> str:
    traditional = languages()["zh-Hant"]
    counts = Counter(sample)
    of_traditional = sum(counts[character] for character in traditional.traditional)
    of_simplified = sum(counts[character] for character in traditional.simplified)
    return "zh-Hant" if of_traditional > of_simplified else "zh"


def _share_of_words(sample: str, language: Language) -> float:
    words = WORD.findall(sample)
    return sum(word in language.words for word in words) / len(words) if words else 0.0


def _vote(sample: str, letters: int, candidates: dict[str, Language]) -> str:
    marked = _marked_by_letters(sample, candidates)
    if marked is not None:
        return marked
    first, second = _first_vote(sample), _second_vote(sample, candidates)
    if first.language == second.language or second.language not in candidates:
        return first.language if first.language in candidates else UNKNOWN
    if first.language not in candidates:
        return second.language
    return _settle(sample, letters, candidates, first, second)


def _settle(sample: str, letters: int, candidates: dict[str, Language], first: Vote, second: Vote) -> str:
    """Which of two voters that disagree to believe."""
    if candidates[first.language].words and candidates[second.language].words:
        return max((second, first), key=lambda vote: _share_of_words(sample, candidates[vote.language])).language
    if letters < candidates[second.language].least_letters:
        return first.language
    is_second_better = letters < candidates[first.language].least_letters or second.language not in _known_to_first_voter()
    return first.language if first.share >= SURE and not is_second_better else second.language


def _first_vote(sample: str) -> Vote:
    try:
        best = detector.detect_langs(sample)[0]
    except (detector.LangDetectException, IndexError):
        return Vote(UNKNOWN, 0.0)
    return Vote(ALIASES.get(best.lang, best.lang), best.prob)


def _second_vote(sample: str, candidates: dict[str, Language]) -> Vote:
    for name, score in _second_voter().rank(sample[:300]):
        language = ALIASES.get(name, name)
        if language in candidates:
            return Vote(language, score)
        # The voter knows Serbian without its script.
        if name == "sr" and "sr-Latn" in candidates:
            return Vote("sr-Latn", score)
    return Vote(UNKNOWN, 0.0)


def _marked_by_letters(sample: str, candidates: dict[str, Language]) -> str | None:
    """The language whose own letters the text uses most; None when it has fewer than two of any language's."""
    counts = Counter(sample)
    found = {tag: sum(counts[letter] for letter in language.letters) for tag, language in candidates.items() if language.letters}
    best = max(found, key=lambda tag: found[tag], default=None)
    is_marked = best is not None and found[best] >= max(2, LEAST_SHARE_OF_LETTERS * len(sample))
    return best if is_marked else None

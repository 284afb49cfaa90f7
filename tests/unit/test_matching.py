"""Whole words in every script: what may stand beside a name and what may not."""

import pytest

from transforms.text.borders import surface_end
from transforms.text.fold import fold
from transforms.text.matching import Matcher


def surfaces(pattern: str, text: str) -> list[str]:
    return [text[m.start : surface_end(text, m.end, m.word_end)] for m in Matcher([pattern]).find(fold(text))]


@pytest.mark.parametrize(
    ("pattern", "text", "surface"),
    [
        ("Meta", "Meta's new rule", "Meta"),
        ("OpenAI", "OpenAI,Google", "OpenAI"),
        ("Llama", "Llama3 weights", "Llama"),
        ("Маск", "у Маска спросили", "Маска"),
        ("Google", "Googlen malli", "Googlen"),
        ("메타", "메타는 밝혔다", "메타"),
        ("오픈소스", "오픈소스를", "오픈소스"),
        ("メタ", "メタは発表した", "メタ"),
        ("アルトマン", "サム・アルトマン氏", "アルトマン"),
        ("阿里巴巴", "今天阿里巴巴宣布", "阿里巴巴"),
        ("मेटा", "मेटा।", "मेटा"),
        ("गूगल", "गूगलने", "गूगल"),
        ("ميتا", "وميتا تعلن", "ميتا"),
        ("ميتا", "قالت ميتا،", "ميتا"),
        ("גוגל", "בגוגל אמרו", "גוגל"),
        ("கூகுள்", "கூகுள்ளின் மாடல்", "கூகுள்ளின்"),
        ("เมตา", "บริษัทเมตาประกาศ", "เมตา"),
        ("გუგლ", "გუგლმა", "გუგლმა"),
    ],
)
def test_a_name_is_found_beside_what_its_script_allows(pattern: str, text: str, surface: str) -> None:
    assert surfaces(pattern, text) == [surface]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("Meta", "Metaphor"),
        ("Meta", "a metabolic rate"),
        ("AI", "said"),
        ("Llama", "Llamada perdida"),
        ("Байду", "байдуже"),
        ("메타", "메타버스 시장"),
        ("メタ", "メタル製"),
        ("भार", "आभार"),
        ("मॉडल", "कमॉडल"),
        ("ميتا", "سميتا"),
        ("गूगल", "गूगलीबाजोंने"),
    ],
)
def test_a_name_is_not_found_inside_another_word(pattern: str, text: str) -> None:
    assert surfaces(pattern, text) == []


def test_a_stem_takes_any_ending_but_no_beginning() -> None:
    stem = Matcher(["licen*"])
    assert [m.start for m in stem.find(fold("licensing, unlicensed, Licences"))] == [0, 23]


def test_overlapping_patterns_are_all_found_longest_first() -> None:
    matcher = Matcher(["Apache", "Apache 2.0"])
    assert [m.pattern for m in matcher.find(fold("under Apache 2.0"))] == [1, 0]


def test_names_that_share_a_spelling_are_both_found() -> None:
    assert sorted(m.pattern for m in Matcher(["Llama", "LLaMA"]).find(fold("llama"))) == [0, 1]


def test_a_pattern_without_letters_is_refused() -> None:
    with pytest.raises(ValueError, match="no letters"):
        Matcher(["Meta", "\u200b*"])

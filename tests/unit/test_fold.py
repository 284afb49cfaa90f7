"""Folding: spellings that mean one word become one text, and offsets lead back."""

import unicodedata

import pytest

from transforms.text.fold import FoldTable, fold


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ＭＥＴＡ", "meta"),
        ("Хуавей", "хуавей"),
        ("ёлка", "елка"),
        ("أوزان", "اوزان"),
        ("علی", "علي"),
        ("ज़करबर्ग", "जकरबर्ग"),
        ("\u095bकरबर्ग", "जकरबर्ग"),
        ("म\u0931", "मर"),
        ("मर\u093c", "मर"),
        ("Μοντέλα", "μοντελα"),
        ("open\u00adai", "openai"),
        ("o\u200bpen", "open"),
        ("İstanbul", "istanbul"),
        ("open\u2011weight", "open-weight"),
        ("open  weights", "open weights"),
        ("open \r\n weights", "open weights"),
        ("open\u00a0 weights", "open weights"),
    ],
)
def test_spellings_of_one_word_fold_to_one_text(written: str, meant: str) -> None:
    assert fold(written).text == meant


def test_offsets_lead_back_over_dropped_characters() -> None:
    text = "x o\u200bpe\u00adn y"
    folded = fold(text)
    start = folded.text.index("open")
    first, last = folded.original(start, start + 4)
    assert text[first:last] == "o\u200bpe\u00adn"


def test_offsets_are_the_same_when_nothing_is_dropped() -> None:
    assert fold("Meta AI").original(5, 7) == (5, 7)


@pytest.mark.parametrize(
    "text",
    ["mã nguồn mở", "přístup k vahám", "Ångström", "Київ", "메타는 가중치", "データ・モデル", "ওপেন কোড", "தொகுப்பு", "മോഡൽ", "مؤسسة شائعة"],
)
def test_letters_in_parts_fold_like_letters_in_one_and_offsets_hold_all_parts(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    folded = fold(f"- {apart} -")
    assert apart != text
    assert folded.text == f"- {fold(text).text} -"
    first, last = folded.original(2, len(folded.text) - 2)
    assert f"- {apart} -"[first:last] == apart


def test_only_so_many_characters_are_remembered() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E40)))
    table = FoldTable(most=20)
    assert text.translate(table) == text
    assert len(table) == 20


def test_an_empty_line_is_more_than_a_space() -> None:
    assert fold("said Meta\n\nPlatforms").text != fold("said Meta Platforms").text


def test_a_lone_surrogate_is_kept_in_its_place() -> None:
    assert fold("a\ud800b").original(2, 3) == (2, 3)

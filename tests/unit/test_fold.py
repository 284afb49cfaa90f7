"""Folding: spellings that mean one word become one text, and offsets lead back."""

import pytest

from transforms.text.fold import fold


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
        ("Μοντέλα", "μοντελα"),
        ("open\u00adai", "openai"),
        ("o\u200bpen", "open"),
        ("İstanbul", "istanbul"),
        ("open\u2011weight", "open-weight"),
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


def test_a_lone_surrogate_is_kept_in_its_place() -> None:
    assert fold("a\ud800b").original(2, 3) == (2, 3)

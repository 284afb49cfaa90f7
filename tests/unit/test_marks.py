"""Numbers and names that are the same in every language."""

from __future__ import annotations

import pytest

from transforms.text.marks import LIMIT_MARKS, find_marks, mark_weight


@pytest.mark.parametrize(
    "text",
    [
        "a 640-billion-parameter model",
        "640 Milliarden Parameter",
        "640.000 millones de parámetros",
        "6400億パラメーター",
        "拥有6400亿参数",
        "٦٤٠ مليار معامل",
        "६४० अरब पैरामीटर",
    ],
)
def test_number_is_one_mark_however_it_is_counted(text: str) -> None:
    assert "#64" in find_marks(text)


def test_latin_words_are_names_in_other_scripts_only() -> None:
    assert find_marks("智谱公开Kimi K3权重，采用MIT许可证") == ("#3", "k3", "kimi", "mit")
    assert find_marks("The lab published gpt-oss and OpenELM under its terms") == ("openelm",)


def test_what_every_article_holds_is_no_mark() -> None:
    assert find_marks("仅通过API使用AI") == ()


def test_number_of_one_digit_says_least() -> None:
    assert mark_weight("#5") < mark_weight("#64") < mark_weight("#671")


def test_marks_are_bounded() -> None:
    text = " ".join(f"N{number}x" for number in range(1000, 3000)) + " " + "1" * 500
    marks = find_marks(text)
    assert len(marks) == LIMIT_MARKS
    assert max(map(len, marks)) <= 60

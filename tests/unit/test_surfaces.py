"""How far names of the gazetteer reach in running text."""

import pytest

from transforms.text.scan import load_scanner


@pytest.mark.parametrize(
    ("text", "surface", "canonical"),
    [
        ("AI: GPT-2于2019年", "GPT-2", "GPT-2"),
        ("AI: 라마 3.2는", "라마 3.2", "Llama 3.2"),
        ("AI: 라마 2월", "라마", "Llama"),
        ("AI: GLM-4.5-Air", "GLM-4.5-Air", "GLM-4.5-Air"),
        ("AI: Qwen3-Next-80B-A3B", "Qwen3-Next-80B-A3B", "Qwen3-Next-80B-A3B"),
        ("ঢাকা বিশ্ববিদ্যা\u09b2\u09af\u09bc", "ঢাকা বিশ্ববিদ্যা\u09b2\u09af\u09bc", "University of Dhaka"),
    ],
)
def test_a_name_ends_with_its_version_and_with_its_last_mark(text: str, surface: str, canonical: str) -> None:
    assert [(e.surface, e.canonical) for e in load_scanner().scan(text).entities] == [(surface, canonical)]

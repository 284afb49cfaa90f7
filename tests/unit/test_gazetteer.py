"""The gazetteer: its files, and which occurrences of a name are meant."""

import pytest

from transforms.records import EntityType
from transforms.text.gate import Term, TermClass
from transforms.text.gazetteer import parse_names, read_names
from transforms.text.scan import Scanner

HEADER = "canonical\ttype\taliases\n"
NAMES = (
    "Meta\tORG\tMeta!= | Meta Platforms | मेटा!\n"
    "OpenAI\tORG\tओपनएआई\n"
    "Apple\tORG\tApple!\n"
    "Llama\tMODEL\tLlama! | Llama 2 | लामा!\n"
    "Llama Community License\tLICENCE\tLlama licence\n"
    "MIT License\tLICENCE\tlicencia MIT | رخصة إم آي تي\n"
    "Georgia\tGPE\tGeorgia!\n"
    "Armenia\tGPE\tArmenia\n"
    "Chad\tGPE\tChad\n"
)
TERMS = [Term("AI", TermClass.AI, is_case_sensitive=True), Term("एआई", TermClass.AI, is_case_sensitive=False)]


def scanner() -> Scanner:
    return Scanner(parse_names("names.tsv", HEADER + NAMES), TERMS)


def found(text: str) -> list[tuple[str, str]]:
    entities = scanner().scan(text).entities
    assert all(text[e.start : e.end] == e.surface for e in entities)
    return [(e.surface, e.canonical) for e in entities]


@pytest.mark.parametrize("text", ["Meta is a prefix.", "An Apple a day.", "Llama wool sells well.", "पहाड़ पर लामा रहते हैं।"])
def test_a_common_word_alone_is_no_name(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Apple sells AI.", [("Apple", "Apple")]),
        ("Apple follows OpenAI.", [("Apple", "Apple"), ("OpenAI", "OpenAI")]),
        ("मेटा का एआई", [("मेटा", "Meta")]),
        ("Meta Platforms: Meta lays off", [("Meta Platforms", "Meta"), ("Meta", "Meta")]),
    ],
)
def test_a_common_word_is_a_name_beside_an_ai_term_or_a_certain_name(text: str, names: list[tuple[str, str]]) -> None:
    assert found(text) == names


@pytest.mark.parametrize("text", ["an apple, says the AI", "META, says the AI", "he ate chad"])
def test_wrong_capitals_make_no_name(text: str) -> None:
    assert found(text) == []


def test_a_country_does_not_support_a_company_nor_a_company_a_country() -> None:
    assert found("Apple trees in Armenia") == [("Armenia", "Armenia")]
    assert found("OpenAI is not in Georgia") == [("OpenAI", "OpenAI")]
    assert found("Armenia and Georgia") == [("Armenia", "Armenia"), ("Georgia", "Georgia")]


def test_the_longest_of_overlapping_names_stays() -> None:
    assert found("OpenAI reads the Llama licence") == [("OpenAI", "OpenAI"), ("Llama licence", "Llama Community License")]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AI: Llama 3.1 405B is out", ("Llama 3.1 405B", "Llama 3.1 405B")),
        ("AI: Llama 2.", ("Llama 2", "Llama 2")),
        ("AI: Llama 2024", ("Llama", "Llama")),
        ("एआई लामा 3", ("लामा 3", "Llama 3")),
    ],
)
def test_the_version_behind_a_model_belongs_to_its_name(text: str, name: tuple[str, str]) -> None:
    assert found(text) == [name]


@pytest.mark.parametrize(
    ("text", "surface"), [("bajo licencia MIT", "MIT"), ("تحت رخصة إم آي تي", "إم آي تي"), ("BAJO LICENCIA MIT", "LICENCIA MIT")]
)
def test_the_word_licence_before_the_name_does_not_belong_to_it(text: str, surface: str) -> None:
    assert found(text) == [(surface, "MIT License")]


@pytest.mark.parametrize("line", ["Meta\tORG", "Meta\tCOMPANY\tMeta", "\tORG\tMeta"])
def test_a_wrong_line_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(ValueError, match=r"names\.tsv:2"):
        parse_names("names.tsv", HEADER + line + "\n")


def test_a_wrong_header_is_refused() -> None:
    with pytest.raises(ValueError, match="header"):
        parse_names("names.tsv", "name\ttype\taliases\n")


def test_the_canonical_name_is_a_spelling_unless_an_alias_says_that_it_is_ambiguous() -> None:
    names = parse_names("names.tsv", HEADER + NAMES)
    assert [n.is_ambiguous for n in names if n.spelling == "Meta"] == [True]
    assert [n.is_ambiguous for n in names if n.spelling == "OpenAI"] == [False]


def test_the_files_hold_names_of_every_type() -> None:
    assert {name.type for name in read_names()} == set(EntityType)

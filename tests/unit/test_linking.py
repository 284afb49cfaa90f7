"""From surfaces to canonical names, across scripts and case endings; and the pairs that must stay apart."""

from collections.abc import Iterator

import pytest

from transforms.model.entities.linking import Known, Named, is_name, known_names, link
from transforms.records import EntityType
from transforms.text.skeleton import skeleton

PERSON, ORG, GPE, MODEL = EntityType.PERSON, EntityType.ORG, EntityType.GPE, EntityType.MODEL
KNOWN = Known([Named("Nathan Lambert", PERSON, "Nathan Lambert"), Named("एनटीआईए", ORG, "NTIA"), Named("Anthropic", ORG, "Anthropic")])

SAME = [
    ("Nathan Lambert", "नाथन लैम्बर्ट"), ("Nathan Lambert", "Натан Ламберт"), ("Nathan Lambert", "ناثان لامبرت"),
    ("Nathan Lambert", "நாதன் லாம்பெர்ட்"), ("Nathan Lambert", "נתן למברט"), ("Nathan Lambert", "ნათან ლამბერტი"),
    ("Nathan Lambert", "Νέιθαν Λάμπερτ"), ("Nathan Lambert", "นาธาน แลมเบิร์ต"), ("Anthropic", "엔스로픽".replace("스", "트")),
    ("Anthropic", "एंथ्रोपिक"), ("Anthropic", "Антропик"),
]  # fmt: skip
# Names that are alike and are not one.
APART = [
    ("Anthropic", "Антроповка"), ("Nathan Lambert", "Натан Лемберг"), ("Mistral AI", "Министерство"), ("Stability AI", "стабильность"),
    ("Moonshot AI", "मानसून"), ("Databricks", "ডাটাবেস"), ("Perplexity", "প্রপেলার"), ("DeepSeek", "딥러닝"), ("Demis Hassabis", "डेमोक्रेसी"),
    ("Dario Amodei", "Дарья Мадей"), ("Sam Altman", "Сам Олдермен"), ("Yann LeCun", "Henna Virkkunen"), ("Sakana AI", "サカナクション"),
    ("Hugging Face", "हांगकांग"), ("Liz Kendall", "رشا قنديل"), ("Sam Altman", "שמחה רוטמן"), ("Midjourney", "媒体"), ("Cohere", "Коран"), ("Alibaba", "علي بابا حسن"), ("Rakuten", "LightOn"),
]  # fmt: skip


@pytest.mark.parametrize(("latin", "other"), SAME)
def test_one_name_in_two_scripts_has_one_skeleton(latin: str, other: str) -> None:
    assert skeleton(latin) == skeleton(other) != ""


@pytest.mark.parametrize(("canonical", "other"), APART)
def test_names_that_are_only_alike_are_not_joined(canonical: str, other: str) -> None:
    assert all(known_names().canonical(other, entity_type) != canonical for entity_type in EntityType)


def test_a_name_in_another_script_gets_the_known_canonical_name() -> None:
    assert link([Named("Натан Ламберт", PERSON)], KNOWN) == ["Nathan Lambert"]
    assert link([Named("एनटीआईए", ORG)], KNOWN) == ["NTIA"]


def test_a_name_of_another_type_is_not_joined() -> None:
    assert link([Named("Натан Ламберт", ORG)], KNOWN) == ["Natan Lambert"]


def test_a_surname_stands_for_the_full_name_of_the_article() -> None:
    assert link([Named("Marie Dupont", PERSON), Named("Dupont", PERSON)], KNOWN) == ["Marie Dupont", "Marie Dupont"]


def test_a_case_ending_is_off_when_the_article_has_the_name_without_it() -> None:
    assert link([Named("Вихрь", ORG), Named("Вихрьом", ORG)], KNOWN) == ["Vikhr", "Vikhr"]
    assert link([Named("Вихрьом", ORG)], KNOWN) == ["Vikhrom"]


def test_a_dateline_in_capitals_is_written_small_and_an_abbreviation_is_not() -> None:
    assert link([Named("HEIDELBERG", EntityType.GPE), Named("UNESCO", ORG)], KNOWN) == ["Heidelberg", "UNESCO"]


def test_what_the_gazetteer_found_keeps_its_name() -> None:
    assert link([Named("मेटा", ORG, "Meta")], KNOWN) == ["Meta"]


def test_ideographs_have_no_skeleton() -> None:
    assert skeleton("阿里巴巴集团控股") == ""


@pytest.mark.parametrize(
    ("surface", "is_one"), [("AI", False), ("एआई", False), ("KI", False), ("«»", False), ("ChatGPT", True), ("Acme", True)]
)
def test_a_common_word_of_the_field_is_no_name(surface: str, is_one: bool) -> None:
    assert is_name(surface) == is_one


@pytest.mark.parametrize(
    ("surface", "language", "canonical"),
    [
        ("Orbán Viktor", "hu", "Viktor Orbán"),
        ("Viktor Orbán", "hu", "Viktor Orbán"),
        ("Sam Altman", "hu", "Sam Altman"),
        ("Orbán Viktor", "de", "Orbán Viktor"),
        ("डॉ. माधुरी काळे", "mr", "Madhuri Kale"),
        ("Dr. Marie Dupont", "fr", "Marie Dupont"),
    ],
)
def test_names_of_people_stand_without_title_and_given_name_first(surface: str, language: str, canonical: str) -> None:
    assert link([Named(surface, PERSON)], KNOWN, language) == [canonical]


def test_digits_of_other_scripts_become_ours() -> None:
    assert link([Named("জিপিটি-২", EntityType.MODEL, "GPT-২")], KNOWN) == ["GPT-2"]


def test_a_dateline_is_its_place_and_a_genitive_its_name() -> None:
    assert link([Named("AUSTIN, Texas", EntityType.GPE)], known_names()) == ["Austin"]
    assert link([Named("প্যারিসের", EntityType.GPE)], known_names(), "bn") == ["Paris"]
    assert link([Named("বিটিআরসির", ORG)], KNOWN, "bn") == ["BTRC"]


@pytest.mark.parametrize(
    ("surfaces", "language", "canonical"),
    [
        ([("México", "Mexico", GPE), ("Senado", "", ORG)], "es", "Senate of Mexico"),
        ([("España", "Spain", GPE), ("Ministerio de Sanidad", "", ORG)], "es", "Ministry of Health of Spain"),
        ([("Senatu", "", ORG)], "pl", "Senate of Poland"),
        ([("Parlament", "", ORG), ("EU", "European Union", GPE), ("EU", "European Union", GPE)], "de", "European Parliament"),
        ([("Jakarta", "Jakarta", GPE), ("Pemerintah", "", ORG)], "id", "Government of Indonesia"),
        ([("Senado", "", ORG)], "es", "Senate"),
        ([("Sacramento", "Sacramento", GPE), ("Legislature", "", ORG)], "en", "California State Legislature"),
        ([("Washington", "Washington", GPE)] * 4 + [("Câmara", "", ORG)], "pt", "US House of Representatives"),
        (
            [("Ministry of Science and Technology", "Ministry of Science and Technology of Vietnam", ORG), ("Quốc hội", "", ORG)],
            "vi",
            "National Assembly of Vietnam",
        ),
    ],
)
def test_an_institution_is_that_of_the_state_that_the_article_means(
    surfaces: list[tuple[str, str, EntityType]], language: str, canonical: str
) -> None:
    names = [Named(surface, kind, known) for surface, known, kind in surfaces]
    assert canonical in link(names, known_names(), language)


@pytest.mark.parametrize(
    ("short", "others", "full"),
    [
        ("V3", ["DeepSeek"], "DeepSeek-V3"),
        ("Medium 3.5", ["Mistral AI"], "Mistral Medium 3.5"),
        ("K2-0905", ["Moonshot AI"], "Kimi K2-0905"),
        ("M2", ["Baichuan-M2", "MiniMax"], "Baichuan-M2"),
        ("V3", ["Anthropic"], "V3"),
        ("Large", [], "Large"),
    ],
)
def test_a_model_called_by_the_end_of_its_name_gets_the_whole(short: str, others: list[str], full: str) -> None:
    names = [Named(short, MODEL), *(Named(one, MODEL if "-" in one else ORG, one) for one in others)]
    assert link(names, known_names())[0] == full


@pytest.mark.parametrize(
    ("surface", "kind", "language", "canonical"),
    [
        ("Mistralu", ORG, "cs", "Mistral AI"),
        ("Bielika", MODEL, "pl", "Bielik"),
        ("கூகுளின்", ORG, "ta", "Google"),
        ("Mistralovo", ORG, "cs", "Mistralovo"),
    ],
)
def test_a_known_name_is_found_before_a_case_ending(surface: str, kind: EntityType, language: str, canonical: str) -> None:
    assert link([Named(surface, kind)], known_names(), language) == [canonical]


@pytest.mark.parametrize(
    ("surface", "language", "canonical"),
    [
        ("Universidad de Talca", "es", "University of Talca"),
        ("Selçuk Üniversitesi", "tr", "Selçuk University"),
        ("Plataforma Estante", "pt", "Estante"),
        ("Fundacja Lipa", "pl", "Lipa Foundation"),
        ("Ege Bilim Vakfı", "tr", "Ege Bilim Vakfı"),
        ("Fundação para a Ciência", "pt", "Fundação para a Ciência"),
        ("Institut für Sozialforschung", "de", "Institut für Sozialforschung"),
        ("白鷺言語研究所", "ja", "白鷺言語研究所"),
    ],
)
def test_a_word_beside_a_name_is_put_into_english(surface: str, language: str, canonical: str) -> None:
    assert link([Named(surface, ORG)], known_names(), language) == [canonical]


def test_a_name_is_not_compared_with_all_others() -> None:
    class Counted(list[Named]):
        times = 0

        def __iter__(self) -> Iterator[Named]:
            self.times += 1
            return super().__iter__()

    few, many = (Counted(Named(f"Xyz{number}", ORG) for number in range(count)) for count in (5, 50))
    link(few, KNOWN)
    link(many, KNOWN)
    assert few.times == many.times


def test_spaces_and_line_breaks_within_a_name_are_one_space() -> None:
    assert link([Named("Tisza \r\n Lab", ORG)], KNOWN) == ["Tisza Lab"]

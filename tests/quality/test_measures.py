"""The scorecard's arithmetic, against figures known from elsewhere, and the texts that it makes."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "seeds")]

import limits  # noqa: E402 - the programs beside it are no package
import measures  # noqa: E402
from invented_names import invent, is_unknown, replace_names, with_invented_names  # noqa: E402
from judged import Result, first_language_figures, is_language, news_figures  # noqa: E402
from named import SET_TYPES, NamedSentence, compare_spans, join_tokens, name_figures  # noqa: E402
from training.data import LabelledArticle  # noqa: E402
from trials import HOSTILE, MINIMAL_PAIRS, hostile_figures, minimal_pair_figures, read_trials  # noqa: E402

from transforms.records import Entity, EntityType  # noqa: E402


@dataclass
class Found:
    """What a judgement of an article is compared by."""

    flag: bool = False
    direction: str = "none"
    status: str = "none"
    is_candidate: bool = True
    entities: tuple[Entity, ...] = ()


def result(labels: dict[str, Any], found: Found, *, identity: str = "1", group: str = "1", language: str = "en") -> Result:
    return Result(LabelledArticle(identity, language, "", "", group, labels), found, {})  # type: ignore[arg-type]


def labelled(content: str, entities: list[list[str]], language: str = "en", title: str = "") -> LabelledArticle:
    return LabelledArticle("1", language, title, content, "1", {"entities": entities, "flag": True})


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 10, 0.0, 0.3085), (8, 10, 0.4439, 0.9748), (10, 10, 0.6915, 1.0), (95, 100, 0.8872, 0.9836)],
)
def test_intervals_are_those_of_clopper_and_pearson(hits: int, total: int, low: float, high: float) -> None:
    assert measures.Share(hits, total).interval == pytest.approx((low, high), abs=1e-4)


def test_precision_recall_and_f1_count_hits() -> None:
    found = measures.flags([True, True, False, False], [True, False, True, True])
    assert (found.precision.hits, found.precision.total, found.recall.total) == (1, 3, 2)
    assert found.f1 == pytest.approx(0.4)


def test_interval_of_f1_is_that_of_the_share_of_right_ones_among_labelled_or_found() -> None:
    # 8 right, 1 too many, 1 missed: 8 of 10, whose interval is 0.4439 to 0.9748.
    found = measures.Flags(measures.Share(8, 9), measures.Share(8, 9))
    low, high = found.f1_interval
    assert low < found.f1 < high
    assert (low, high) == pytest.approx((2 * 0.4439 / 1.4439, 2 * 0.9748 / 1.9748), abs=1e-4)


def test_f1_without_cases_has_no_value_and_every_f1_is_possible() -> None:
    found = measures.flags([False], [False])
    assert str(found) == "-"
    assert found.json() == {"value": -1.0, "interval": [0.0, 1.0]}


def test_total_adds_counts_and_does_not_average() -> None:
    both = measures.total([measures.matches({1}, {1}), measures.matches({1, 2, 3}, {4})])
    assert (both.precision, both.recall) == (measures.Share(1, 2), measures.Share(1, 4))


def test_calibration_error_is_the_mean_gap_between_score_and_rate() -> None:
    error, curve = measures.calibration_error([True, False, True, True], [0.95, 0.95, 0.05, 0.95])
    assert error == pytest.approx(0.75 * (0.95 - 2 / 3) + 0.25 * 0.95)
    assert [number for _, _, number in curve] == [1, 3]


def test_names_of_one_body_are_the_same_and_others_are_not() -> None:
    assert measures.same_name("Mistral", "Mistral AI")
    assert measures.same_name("the EU", "European Union")
    assert not measures.same_name("Meta", "Microsoft")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Senate of France", "French Senate"),
        ("Ministry of Health (Chile)", "Ministry of Health of Chile"),
        ("House of Representatives of the Netherlands", "Dutch House of Representatives"),
        ("Government of Italy", "Italy"),
        ("Falcon 40B", "Falcon-40B"),
        ("Anka Zekâ", "Anka Zeka"),
        ("Żubr 8B", "Zubr 8B"),
    ],
)
def test_names_are_the_same_however_they_put_state_hyphen_and_accent(first: str, second: str) -> None:
    assert measures.same_name(first, second)


@pytest.mark.parametrize(
    ("first", "second"), [("Senate of France", "Senate of Italy"), ("Swedish Academy", "Academy of Sweden"), ("Falcon 40B", "Falcon 180B")]
)
def test_names_that_differ_in_state_or_size_are_not_the_same(first: str, second: str) -> None:
    assert not measures.same_name(first, second)


def test_touching_spans_do_not_overlap() -> None:
    assert measures.overlaps((0, 5), (4, 9))
    assert not measures.overlaps((0, 5), (5, 9))


def test_recall_counts_labelled_names_and_precision_found_ones_of_the_kind() -> None:
    entities = [["Meta", "Meta", "ORG"], ["Paris", "Paris", "GPE"], ["Llama", "Llama", "MODEL"]]
    found = Found(
        entities=(
            Entity(0, 4, "Meta", "Meta AI", EntityType.ORG),
            Entity(5, 9, "Rome", "Rome", EntityType.GPE),
            Entity(9, 14, "Llama", "Lama", EntityType.MODEL),
        )
    )
    card = name_figures([(labelled("", entities), found)])  # type: ignore[list-item]
    assert (card["names_exact"], card["names_exact_precision"]) == (measures.Share(1, 2), measures.Share(1, 2))
    assert (card["rare_names_exact"], card["rare_names_exact_precision"]) == (measures.Share(1, 1), measures.Share(1, 1))
    assert (card["names_canonical"], card["names_canonical_precision"]) == (measures.Share(1, 3), measures.Share(1, 3))


def test_tokens_become_running_text_with_offsets() -> None:
    sentence = join_tokens("en", ["Ada", "Lovelace", "left", "Rome", "."], ["B-PER", "I-PER", "O", "B-LOC", "O"])
    assert sentence.text == "Ada Lovelace left Rome."
    assert [(sentence.text[start:end], kind) for start, end, kind in sentence.names] == [
        ("Ada Lovelace", SET_TYPES["PER"]),
        ("Rome", SET_TYPES["LOC"]),
    ]
    assert join_tokens("zh", ["北", "京"], ["B-LOC", "I-LOC"]).text == "北京"


def test_what_touches_a_name_of_another_type_is_neither_right_nor_wrong() -> None:
    sentence = NamedSentence("en", "", ((0, 4, EntityType.ORG), (5, 9, None)))
    found = compare_spans(sentence, {(0, 4, EntityType.ORG), (6, 9, EntityType.ORG), (10, 12, EntityType.ORG)})
    assert (found.precision, found.recall) == (measures.Share(1, 2), measures.Share(1, 1))
    wrong_type = compare_spans(sentence, {(0, 4, EntityType.GPE)})
    assert (wrong_type.precision.hits, wrong_type.recall.hits) == (0, 0)


def pair_of(differs_in: str, second: Found) -> dict[str, Any]:
    labels = {"flag": True, "direction": "closing", "status": "announced", "differs_in": differs_in}
    other = labels | ({"status": "denied"} if differs_in == "status" else {"direction": "opening"})
    first = Found(flag=True, direction="closing", status="announced")
    return minimal_pair_figures([result(labels, first, identity="a"), result(other, second, identity="b")])


@pytest.mark.parametrize(
    ("differs_in", "second", "is_right"),
    [
        ("direction", Found(flag=True, direction="opening", status="in_force"), True),
        ("direction", Found(flag=True, direction="closing", status="announced"), False),
        ("direction", Found(flag=False), False),
        ("status", Found(flag=True, direction="closing", status="denied"), True),
        ("status", Found(flag=True, direction="closing", status="announced"), False),
    ],
)
def test_pair_is_right_when_both_articles_are_in_what_they_differ_in(differs_in: str, second: Found, *, is_right: bool) -> None:
    card = pair_of(differs_in, second)
    assert card["minimal_pairs"] == measures.Share(int(is_right), 1)
    assert card["minimal_pair_articles"] == measures.Share(1 + is_right, 2)
    assert card["minimal_pairs_by_language"] == {"en": measures.Share(int(is_right), 1)}


def test_pair_of_three_is_refused() -> None:
    labels = {"flag": False, "direction": "none", "status": "none", "differs_in": "object"}
    with pytest.raises(ValueError, match="has 3 articles"):
        minimal_pair_figures([result(labels, Found(), identity=str(number)) for number in range(3)])


def test_hostile_decision_is_changed_by_flag_or_by_direction() -> None:
    yes = {"flag": True, "direction": "closing", "kind": "orders"}
    no = {"flag": False, "direction": "none", "kind": "sport"}
    card = hostile_figures(
        [
            result(yes, Found(flag=True, direction="closing"), identity="right"),
            result(yes, Found(flag=True, direction="opening"), identity="turned"),
            result(yes, Found(), identity="silent"),
            result(no, Found(flag=True, direction="closing"), identity="alarm", language="hi"),
        ]
    )
    assert card["hostile_changed_ids"] == ["turned", "silent", "alarm"]
    assert (card["hostile_changed"], card["hostile_wrongly_flagged"], card["hostile_wrongly_silent"]) == (3, 1, 1)
    assert card["hostile_by_language"] == {"en": measures.Share(1, 3), "hi": measures.Share(0, 1)}


def test_trial_files_are_whole() -> None:
    pairs, hostile = read_trials(MINIMAL_PAIRS), read_trials(HOSTILE)
    assert len({article.group for article in pairs}) >= 200
    assert len({article.language for article in pairs}) >= 12
    assert len({article.id for article in pairs}) == len(pairs)
    assert len({article.id for article in hostile}) == len(hostile) >= 100


def test_gap_is_from_english_to_the_worst_language_with_cases() -> None:
    yes, hit, miss = {"flag": True}, Found(flag=True), Found()
    card = first_language_figures(
        [result(yes, hit), result(yes, hit, language="hi"), result(yes, miss, language="hi"), result({"flag": False}, miss, language="zh")]
    )
    assert (card["f1_lowest_language"], card["f1_lowest"]) == ("hi", 0.6667)
    assert card["f1_gap_to_english"] == pytest.approx(1 / 3, abs=1e-3)
    assert "zh" in card["f1_languages_without_cases"]


def test_false_alarms_are_counted_by_language() -> None:
    no = {"flag": False}
    card = news_figures([result(no, Found(flag=True), identity="x"), result(no, Found(is_candidate=False), language="hi")])
    assert (card["false_alarms_per_thousand"], card["false_alarm_ids"]) == (500.0, ["x"])
    assert card["false_alarms_by_language"] == {"en": measures.Share(1, 1), "hi": measures.Share(0, 1)}
    assert card["gated_share_by_language"]["hi"] == measures.Share(0, 1)


def test_language_may_name_the_script_as_well() -> None:
    assert is_language("zh-Hant", "zh")
    assert is_language("zh-Hant", "zh-Hant")
    assert not is_language("zh", "zh-Hant")


def test_each_bearer_gets_one_invented_name_in_all_its_spellings() -> None:
    content = "Mark Zuckerberg of Meta showed Llama 4. Zuckerberg said Meta AI likes Llama."
    entities = [
        ["Mark Zuckerberg", "Mark Zuckerberg", "PERSON"], ["Zuckerberg", "Mark Zuckerberg", "PERSON"], ["Meta", "Meta", "ORG"],
        ["Meta AI", "Meta AI", "ORG"], ["Llama 4", "Llama 4", "MODEL"], ["Llama", "Llama", "MODEL"],
    ]  # fmt: skip
    names = invent(labelled(content, entities))
    assert names["Mark Zuckerberg"].split()[1] == names["Zuckerberg"]
    assert names["Meta"] == names["Meta AI"]
    assert names["Llama 4"] == f"{names['Llama']} 4"
    text = with_invented_names(labelled(content, entities)).content
    assert text == (
        f"{names['Mark Zuckerberg']} of {names['Meta']} showed {names['Llama 4']}. "
        f"{names['Zuckerberg']} said {names['Meta']} likes {names['Llama']}."
    )
    assert with_invented_names(labelled(content, entities)).content == text


@pytest.mark.parametrize(
    ("language", "content", "surface", "first", "last"),
    [
        ("hi", "मेटा ने अपने मॉडल बंद किए", "मेटा", "\u0900", "\u097f"),
        ("ru", "Компания Мета закрыла модель", "Мета", "\u0400", "\u052f"),
        ("zh", "百度宣布开放模型权重", "百度", "\u4e00", "\u9fff"),
        ("ja", "メタはモデルを公開しない", "メタ", "\u30a0", "\u30ff"),
        ("ko", "네이버가 모델을 공개했다", "네이버", "\uac00", "\ud7af"),
        ("ar", "أغلقت ميتا نموذجها", "ميتا", "\u0600", "\u06ff"),
    ],
)
def test_invented_name_is_in_the_script_of_the_article_and_unknown(
    language: str, content: str, surface: str, first: str, last: str
) -> None:
    article = labelled(content, [[surface, "Meta", "ORG"]], language)
    name = invent(article)[surface]
    assert all(first <= character <= last for character in name)
    assert is_unknown(name)
    assert with_invented_names(article).content == content.replace(surface, name)


def test_places_and_other_words_with_the_letters_of_a_name_stay() -> None:
    assert not is_unknown("Mistral")
    article = labelled("Rome\nMeta left the Metaverse in Rome", [["Meta", "Meta", "ORG"], ["Rome", "Rome", "GPE"]], title="Rome")
    changed = with_invented_names(article)
    assert changed.title == "Rome"
    assert changed.content.endswith(" left the Metaverse in Rome")
    assert "Meta left" not in changed.content
    assert replace_names("as it was", {}) == "as it was"


def test_fall_below_a_floor_is_told_and_the_same_figure_is_not() -> None:
    card: dict[str, Any] = dict.fromkeys((*limits.PINNED_LEAST, *limits.PINNED_MOST), 0.5) | {"data_sha256": "a"}
    card["kind"] = measures.Share(34, 45)
    floors = limits.pinned(card)
    assert limits.missed_floors(card, floors) == []
    problems = limits.missed_floors(card | {"kind": measures.Share(33, 45), "hostile_changed": 1, "data_sha256": "b"}, floors)
    assert [problem.split()[0] for problem in problems] == ["kind", "hostile_changed", "the"]


def test_figure_without_floor_or_without_cases_is_told() -> None:
    card: dict[str, Any] = dict.fromkeys((*limits.PINNED_LEAST, *limits.PINNED_MOST), 0.5) | {"data_sha256": "a"}
    floors = limits.pinned(card)
    assert "precision is nan" in limits.missed_floors(card | {"precision": measures.Share(0, 0)}, floors)[0]
    del floors["least"]["span_f1"]
    assert "no floor for span_f1" in limits.missed_floors(card, floors)[0]


@pytest.mark.parametrize(("value", "verdict"), [(0.9, "reached"), (0.899, "missed"), (float("nan"), "missed")])
def test_need_is_reached_from_its_least_on(value: float, verdict: str) -> None:
    assert limits.Need("precision", "precision", 0.90, 0.95).verdict({"precision": value}) == verdict


def test_need_of_at_most_is_missed_above_and_takes_the_aim_where_nothing_is_needed() -> None:
    most = limits.Need("hostile_changed", "", 0, is_most=True)
    assert [most.verdict({"hostile_changed": value}) for value in (0, 1)] == ["reached", "missed"]
    aim = limits.Need("ms", "", None, 150, is_most=True)
    assert [aim.verdict({"ms": value}) for value in (150, 151)] == ["reached", "missed"]


def test_committed_floors_cover_every_pinned_figure() -> None:
    floors = limits.read_floors()
    assert set(floors["least"]) == set(limits.PINNED_LEAST)
    assert set(floors["most"]) == set(limits.PINNED_MOST)

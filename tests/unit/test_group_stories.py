"""What is one change and what is another; who reports on his own."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from transforms.group_stories import StoryLimits, group_into_stories, independent, publisher_count, story_direction
from transforms.records import ChangeType, Direction, Evidence, Member, Position, Status
from transforms.text.sketch import sketch_text

START = datetime(2026, 3, 1, tzinfo=UTC)
AGENCY = "The company said on Tuesday that its next model will be offered through its own service only, and that weights stay inside."


def member(article: str, day: float = 0, **changes: Any) -> Member:
    at = START + timedelta(days=day)
    values = {
        "article": article, "position": Position("news", 0, 0), "sha256": article, "url": "", "title": article, "publisher": article,
        "language": "en", "at": at, "received_at": at, "direction": Direction.CLOSING, "change_type": ChangeType.LICENCE,
        "status": Status.ANNOUNCED, "contested": False, "score": 0.9, "actors": ("Meta",), "evidence": (Evidence(0, 1, "a"),), "model": "m",
    }  # fmt: skip
    return Member(**(values | changes))


def grouped(*members: Member, agreement: float = 1.0) -> list[set[str]]:
    stories = group_into_stories("Meta", members, StoryLimits(agreement=agreement))
    return sorted(({one.article for one in story} for story in stories.values()), key=sorted)


def test_same_model_joins_over_days_and_another_model_on_the_same_day_does_not() -> None:
    a, b = member("a", objects=("Llama",)), member("b", 5, objects=("Llama",))
    other = member("c", 0.1, objects=("Segment Anything",))
    assert grouped(a, b, other) == [{"a", "b"}, {"c"}]


def test_numbers_join_articles_that_name_no_model() -> None:
    assert grouped(member("a", marks=("#64",)), member("b", 5, marks=("#64",))) == [{"a", "b"}]
    assert grouped(member("a", marks=("#64",)), member("b", 5, marks=("#35",))) == [{"a"}, {"b"}]


def test_other_kind_of_change_needs_more_in_common() -> None:
    kind = ChangeType.RELEASE_STRATEGY
    assert grouped(member("a"), member("b", 1, change_type=kind)) == [{"a"}, {"b"}]
    assert grouped(member("a", objects=("Llama",)), member("b", 1, change_type=kind, objects=("Llama",))) == [{"a", "b"}]


def test_law_and_licence_of_one_day_stay_apart() -> None:
    shared = ("#64", "tokyo")
    assert grouped(member("a", marks=shared), member("b", change_type=ChangeType.REGULATION, marks=shared)) == [{"a"}, {"b"}]


@pytest.mark.parametrize("between", [Direction.UNCLEAR, Direction.MIXED])
def test_unclear_article_joins_one_side_and_never_both(between: Direction) -> None:
    articles = [
        member("a", objects=("Llama",)), member("b", 0.1, direction=between, objects=("Llama",)),
        member("c", 0.2, direction=Direction.OPENING, objects=("Llama",)),
    ]  # fmt: skip
    for order in itertools.permutations(articles):
        assert grouped(*order) == [{"a", "b"}, {"c"}]


def test_story_goes_where_most_of_its_articles_go() -> None:
    unclear = [member(str(number), direction=Direction.UNCLEAR) for number in range(2)]
    assert story_direction([*unclear, member("c")]) is Direction.UNCLEAR
    assert story_direction([unclear[0], member("c")]) is Direction.CLOSING


def test_old_text_dated_anew_joins_its_story_and_does_not_prolong_it() -> None:
    first = member("a", sketch=sketch_text(AGENCY), objects=("Llama",))
    again = member("b", 40, sketch=sketch_text(f"{AGENCY} (archive)"), objects=("Llama",))
    new = member("c", 41, objects=("Llama",))
    assert grouped(first, again, new) == [{"a", "b"}, {"c"}]


def test_reprint_is_no_second_publisher() -> None:
    first, reprint = member("a", sketch=sketch_text(AGENCY)), member("b", 0.1, sketch=sketch_text(f"{AGENCY} (wire)"))
    own = member("c", 0.2, sketch=sketch_text(AGENCY[::-1]))
    assert publisher_count([first, reprint]) == 1
    assert publisher_count([first, reprint, own]) == 2
    assert [one.article for one in independent([first, reprint, own])] == ["a", "c"]


def test_translation_that_keeps_all_numbers_and_names_is_no_second_publisher() -> None:
    outline = tuple(f"name {number}" for number in range(10))
    first, translated = member("a", outline=outline), member("b", 0.1, outline=outline[1:], language="de")
    assert publisher_count([first, translated]) == 1
    # Short reports of one announcement have the same few marks without being copies.
    assert publisher_count([member("a", outline=outline[:5]), member("b", outline=outline[:5], language="de")]) == 2
    assert publisher_count([first, member("b", 0.1, outline=outline)]) == 2  # one language: the sketch decides


def test_more_agreement_makes_smaller_stories() -> None:
    articles = [member("a"), member("b", 0.1)]
    assert grouped(*articles, agreement=1.0) == [{"a", "b"}]
    assert grouped(*articles, agreement=3.0) == [{"a"}, {"b"}]


def test_any_order_gives_the_same_stories() -> None:
    articles = [
        member(str(number), number * 0.9, objects=("Llama",) if number % 2 else ("Wan",), marks=(f"#{number % 3}1",)) for number in range(6)
    ]
    expected = group_into_stories("Meta", articles, StoryLimits())
    for order in itertools.permutations(articles):
        assert group_into_stories("Meta", order, StoryLimits()) == expected

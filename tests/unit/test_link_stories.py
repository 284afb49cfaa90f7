"""Stories follow from the set of articles, whatever their order."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import apache_beam as beam
import msgspec
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from prometheus_client import REGISTRY

from transforms.coding import RecordCoder
from transforms.group_stories import StoryLimits, group_into_stories
from transforms.key_articles import key_by_actor
from transforms.link_stories import LinkStories, _LinkEach, link
from transforms.records import (
    Assessment,
    ChangeType,
    Direction,
    Entity,
    EntityType,
    Evidence,
    Member,
    Members,
    Novelty,
    Position,
    Status,
    StoryUpdate,
)  # fmt: skip

START = datetime(2026, 3, 1, tzinfo=UTC)
LIMITS = StoryLimits(open_days=7, members_per_actor=100)


def member(article: str, day: float = 0, direction: Direction = Direction.CLOSING, sha256: str = "", content_sha256: str = "") -> Member:
    at = START + timedelta(days=day)
    return Member(
        article=article, position=Position("news", 0, 0), sha256=sha256 or article, url="", title=article, publisher=article, language="en",
        at=at, received_at=at, direction=direction, change_type=ChangeType.LICENCE, status=Status.ANNOUNCED, contested=False, score=0.9,
        actors=("Meta",), evidence=(Evidence(0, 1, "a"),), model="m", content_sha256=content_sha256, objects=("Llama",),
    )  # fmt: skip


def assessment(article: str, offset: int, *, flag: bool = True, actors: tuple[str, ...] = ("Meta",)) -> Assessment:
    return Assessment(
        id=article, language="en", flag=flag, direction=Direction.CLOSING, change_type=ChangeType.LICENCE, status=Status.ANNOUNCED,
        contested=False, novelty=Novelty.NEW, score=0.9, actors=actors, evidence=(Evidence(0, 1, "a"),), entities=(),
        position=Position("news", 0, offset), received_at=START, sha256=article, url="", title=article, publisher=article,
        published_at=START + timedelta(hours=offset), language_spans=(), is_candidate=True, warnings=(), model="m",
    )  # fmt: skip


def link_all(members: list[Member], limits: StoryLimits = LIMITS) -> tuple[tuple[Member, ...], list[StoryUpdate]]:
    known: tuple[Member, ...] = ()
    updates: list[StoryUpdate] = []
    for new in members:
        known, news = link("Meta", known, new, limits)
        updates += news
    return known, updates


def test_second_article_about_the_same_change_updates_the_story() -> None:
    _, updates = link_all([member("a", 0), member("b", 1)])
    assert [len(update.members) for update in updates] == [1, 2]
    assert updates[0].story_id == updates[1].story_id
    assert updates[1].before == updates[0].members


def test_opposite_directions_never_share_a_story() -> None:
    _, updates = link_all([member("a", 0), member("b", 0, Direction.OPENING)])
    assert len({update.story_id for update in updates}) == 2


def test_change_long_after_the_last_report_is_a_new_story() -> None:
    _, updates = link_all([member("a", 0), member("b", 7), member("c", 14.1)])
    assert [len(update.members) for update in updates] == [1, 2, 1]


def test_same_article_again_changes_nothing() -> None:
    known, _ = link_all([member("a"), member("b", 1)])
    assert link("Meta", known, member("a"), LIMITS) == (known, [])


def test_edited_article_takes_the_place_of_the_old_one() -> None:
    known, updates = link_all([member("a", sha256="first"), member("a", sha256="second")])
    assert [one.sha256 for one in known] == ["second"]
    assert len(updates[-1].members) == 1


def test_same_content_in_other_bytes_changes_nothing() -> None:
    known, _ = link_all([member("a", sha256="crawled first", content_sha256="c"), member("b", 1)])
    assert link("Meta", known, member("a", 2, sha256="crawled again", content_sha256="c"), LIMITS) == (known, [])
    _, updates = link("Meta", known, member("a", sha256="edited", content_sha256="d"), LIMITS)
    assert [[one.sha256 for one in update.members] for update in updates] == [["edited", "b"]]


def test_member_carries_the_hash_of_the_content() -> None:
    (_, one), *_ = key_by_actor(msgspec.structs.replace(assessment("a", 0), content_sha256="c"))
    assert (one.sha256, one.content_sha256) == ("a", "c")


def test_order_of_arrival_does_not_change_the_stories() -> None:
    articles = [member("a", 0), member("b", 5), member("c", 11), member("d", 2, Direction.OPENING), member("e", 30)]
    expected = group_into_stories("Meta", articles, LIMITS)
    for shuffled in itertools.permutations(articles):
        _, updates = link_all(list(shuffled), StoryLimits(open_days=7, members_per_actor=1000))
        final: dict[str, tuple[Member, ...]] = {update.story_id: update.members for update in updates}
        alive = {story_id: members for story_id, members in final.items() if members}
        assert alive == expected


def test_earlier_report_that_arrives_late_takes_the_story_over() -> None:
    _, updates = link_all([member("late", 3), member("early", 0)])
    merged = [update for update in updates if update.merged_into]
    assert len(merged) == 1
    assert merged[0].members == ()
    assert merged[0].merged_into == next(update.story_id for update in updates if len(update.members) == 2)


@pytest.mark.parametrize("count", [10, 40])
def test_state_of_an_actor_is_bounded(count: int) -> None:
    known, _ = link_all([member(f"a{number}", number * 8) for number in range(count)], StoryLimits(open_days=7, members_per_actor=5))
    assert len(known) <= 5


def test_story_that_outgrows_the_limit_stays_one_story_and_goes_on_counting() -> None:
    limits = StoryLimits(open_days=7, members_per_actor=10)
    known, updates = link_all([member(f"a{number:03}", number / 4) for number in range(100)], limits)
    assert len({update.story_id for update in updates}) == 1
    assert [sum(one.stands_for for one in update.members) for update in updates] == list(range(1, 101))
    names = [one.article for one in known]
    assert (names[0], names[-1], len(names)) == ("a000", "a099", 10)


def test_loud_story_does_not_split_another_running_one() -> None:
    quiet = [member(f"q{number}", number * 5, Direction.OPENING) for number in range(4)]
    loud = [member(f"l{number:02}", number / 2) for number in range(40)]
    articles = sorted([*quiet, *loud], key=lambda one: one.at)
    _, updates = link_all(articles, StoryLimits(open_days=7, members_per_actor=12))
    assert len({update.story_id for update in updates}) == 2
    assert not [update for update in updates if not update.members]


def test_only_flagged_articles_are_linked_and_the_first_actor_is_the_key() -> None:
    assert key_by_actor(msgspec.structs.replace(assessment("a", 0, flag=False), score=0.0)) == []
    assert key_by_actor(assessment("a", 0, actors=("OpenAI", "Meta")))[0][0] == "OpenAI"
    assert [actor for actor, _ in key_by_actor(assessment("a", 0, actors=()))] == ["unknown"]
    assert key_by_actor(assessment("a", 0, actors=("White House",)))[0][0] == "United States"


def gone(article: str, because: str = "corrected", offset: int = 9) -> Member:
    return msgspec.structs.replace(member(article, 2, sha256="edited"), gone_because=because, position=Position("news", 0, offset))


def test_article_that_is_gone_leaves_its_story_and_the_last_one_ends_it() -> None:
    known, [first, grown] = link_all([member("a"), member("b", 1)])
    known, [smaller] = link("Meta", known, gone("b"), LIMITS)
    assert [one.article for one in smaller.members] == ["a"]
    assert sum(one.stands_for + one.edits for one in smaller.members) > sum(one.stands_for + one.edits for one in grown.members)
    known, [over] = link("Meta", known, gone("a", "withdrawn"), LIMITS)
    assert (known, over.story_id, over.members, over.reason, over.merged_into) == ((), first.story_id, (), "withdrawn", "")


def test_first_article_that_is_gone_hands_the_story_on() -> None:
    known, [_, grown] = link_all([member("a"), member("b", 1)])
    _, updates = link("Meta", known, gone("a"), LIMITS)
    old, new = sorted(updates, key=lambda update: len(update.members))
    assert (old.story_id, old.merged_into, old.reason) == (grown.story_id, new.story_id, "merged")


def test_word_of_an_article_that_is_not_known_or_newer_changes_nothing() -> None:
    known, _ = link_all([msgspec.structs.replace(member("a"), position=Position("news", 0, 5))])
    assert link("Meta", known, gone("b"), LIMITS) == (known, [])
    older = msgspec.structs.replace(gone("a", offset=4), received_at=START)
    assert link("Meta", known, older, LIMITS) == (known, [])


def test_feed_that_dates_an_article_anew_or_goes_back_and_forth_raises_nothing() -> None:
    known, _ = link_all([member("a", 1, content_sha256="c")])
    assert link("Meta", known, member("a", 40, sha256="again", content_sha256="c"), LIMITS) == (known, [])
    versions = [member("a", sha256=name, content_sha256=name) for name in ("one", "two", "one", "two")]
    known, updates = link_all(versions)
    assert [one.edits for one in known] == [1]
    assert max(one.edits for update in updates for one in update.members) == 1


def test_older_version_that_comes_late_does_not_replace_a_newer_one() -> None:
    old, new = (
        msgspec.structs.replace(member("a", sha256=name, content_sha256=name), position=Position("news", 0, offset))
        for offset, name in enumerate(("old", "new"))
    )
    in_order, _ = link_all([old, new])
    assert link_all([new, old])[0] == in_order
    assert [one.sha256 for one in in_order] == ["new"]


def test_article_that_came_twice_is_pointed_to_where_it_came_first() -> None:
    first, second = (
        msgspec.structs.replace(member("a", sha256=name, content_sha256="c"), position=Position("news", 0, offset))
        for offset, name in enumerate(("first", "second"))
    )
    in_order, _ = link_all([first, second])
    assert link_all([second, first])[0] == in_order
    assert in_order[0].position.offset == 0


def named(*names: str) -> tuple[Entity, ...]:
    return tuple(Entity(number, number + 1, "x", name, EntityType.ORG) for number, name in enumerate(names))


def test_article_tells_those_that_it_may_have_been_about_that_it_is_not_theirs() -> None:
    names = named("Meta", "White House", "US Congress", "OpenAI", "xAI")
    flagged = msgspec.structs.replace(assessment("a", 0), entities=names, evidence=(Evidence(0, 4, "text"),))
    assert [(actor, one.gone_because) for actor, one in key_by_actor(flagged)] == [
        ("Meta", ""), ("United States", "corrected"), ("OpenAI", "corrected"), ("unknown", "corrected"),
    ]  # fmt: skip
    unflagged = msgspec.structs.replace(flagged, flag=False, score=0.3, evidence=())
    assert [(actor, one.gone_because) for actor, one in key_by_actor(unflagged)] == [("Meta", "corrected"), ("United States", "corrected")]
    assert [actor for actor, _ in key_by_actor(msgspec.structs.replace(unflagged, entities=()))] == ["unknown"]
    assert key_by_actor(msgspec.structs.replace(unflagged, score=0.001)) == []
    withdrawn = msgspec.structs.replace(unflagged, score=0.0, is_withdrawn=True)
    assert [(actor, one.gone_because) for actor, one in key_by_actor(withdrawn)] == [
        ("Meta", "withdrawn"), ("United States", "withdrawn"), ("OpenAI", "withdrawn"), ("xAI", "withdrawn"),
    ]  # fmt: skip


def test_edit_that_changes_the_actor_moves_the_article() -> None:
    before = msgspec.structs.replace(assessment("a", 0), entities=named("Meta", "OpenAI"), evidence=(Evidence(0, 2, "ab"),))
    after = msgspec.structs.replace(before, actors=("OpenAI",), sha256="edited", position=Position("news", 0, 1))
    known: dict[str, tuple[Member, ...]] = {}
    for one in (before, after):
        for actor, article in key_by_actor(one):
            known[actor], _ = link(actor, known.get(actor, ()), article, LIMITS)
    assert {actor: len(members) for actor, members in known.items() if members} == {"OpenAI": 1}


def test_keyed_state_carries_the_story_from_article_to_article() -> None:
    with TestPipeline("DirectRunner") as pipeline:
        assessments = pipeline | beam.Create(
            [assessment("a", 0), assessment("b", 1), assessment("c", 2, actors=("OpenAI",)), assessment("d", 3, flag=False)]
        ).with_output_types(Assessment)
        sizes = assessments | LinkStories(LIMITS) | beam.Map(lambda update: (update.actor, len(update.members)))
        largest = sizes | beam.CombinePerKey(max)
        assert_that(largest, equal_to([("Meta", 2), ("OpenAI", 1)]))


class Unreadable:
    """State that another version wrote; nothing may be written over it."""

    def read(self) -> Members:
        return RecordCoder(Members).decode(msgspec.msgpack.encode({"members": [{"article": 1}]}))


class Unreachable:
    """State that the engine does not hand over just now."""

    def read(self) -> Members:
        raise RuntimeError("the state channel is gone")


def test_stories_that_cannot_be_read_stay_as_they_are_and_do_not_stop_the_others() -> None:
    def failures() -> float:
        return REGISTRY.get_sample_value("openweight_rejected_total", {"stage": "link_stories", "reason": "failed"}) or 0

    before = failures()
    assert list(_LinkEach(LIMITS).process(("Meta", member("a")), Unreadable(), object())) == []
    assert failures() == before + 1


def test_state_that_the_engine_does_not_hand_over_fails_the_bundle_which_is_tried_again() -> None:
    with pytest.raises(RuntimeError):
        list(_LinkEach(LIMITS).process(("Meta", member("a")), Unreachable(), object()))

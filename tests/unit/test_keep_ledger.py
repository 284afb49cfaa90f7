"""The ledger: two years of twelve actors, read on ten dates; late, denied and withdrawn reports."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import apache_beam as beam
import msgspec
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that

from pipeline.commands.policy import as_it_stood, read_ledger
from transforms.coding import RecordCoder
from transforms.encode import encode_policy
from transforms.group_stories import StoryLimits
from transforms.keep_ledger import KeepLedger, _KeepEach
from transforms.link_stories import link
from transforms.policy_book import LedgerLimits, keep, policy_change
from transforms.records import (
    ChangeType,
    Direction,
    Evidence,
    Member,
    PolicyBook,
    PolicyState,
    PolicyUpdate,
    Position,
    RawMessage,
    Status,
    StoryUpdate,
)  # fmt: skip

START = datetime(2024, 1, 1, tzinfo=UTC)
LIMITS = LedgerLimits()

# Day of the change, actor, object, direction, kind, status. Every change has two reports, the second a day later.
HISTORY = """
   3 Meta      Llama     opening  licence          announced
  40 Meta      Llama     closing  licence          in_force
 120 Meta      SAM       opening  weights_access   in_force
 300 Meta      Llama     closing  weights_access   announced
 308 Meta      Llama     opening  weights_access   announced
 500 Meta      Llama     closing  release_strategy rumoured
  10 OpenAI    gpt-oss   opening  weights_access   announced
  11 OpenAI    Whisper   opening  weights_access   in_force
 410 OpenAI    gpt-oss   closing  release_strategy announced
  20 Google    Gemma     closing  licence          in_force
 210 Google    Gemma     opening  licence          in_force
 630 Google    Gemma     closing  weights_access   in_force
  33 Mistral   Mixtral   opening  weights_access   in_force
 333 Mistral   Mixtral   closing  licence          announced
  55 DeepSeek  V3        opening  licence          in_force
  62 DeepSeek  V3        closing  weights_access   in_force
  90 DeepSeek  V3        opening  weights_access   in_force
  77 Alibaba   Qwen      opening  licence          in_force
 444 Alibaba   Qwen      closing  release_strategy announced
  88 xAI       Grok      opening  weights_access   in_force
 600 xAI       Grok      closing  licence          in_force
 150 Cohere    Command   closing  licence          announced
 160 Stability Diffusion closing  licence          in_force
 480 Stability Diffusion opening  licence          announced
 200 EU        AIAct     opening  regulation       proposed
 260 EU        AIAct     closing  regulation       in_force
 700 EU        AIAct     opening  regulation       proposed
 100 US        all       closing  regulation       proposed
 180 US        all       closing  regulation       in_force
 365 US        all       opening  regulation       in_force
 720 China     all       closing  regulation       announced
"""

# What must be read on each date: actor/object and direction, with the status where it is not in force or announced.
EXPECTED = {
    5: "Meta/Llama opening",
    60: "DeepSeek/V3 opening, Google/Gemma closing, Meta/Llama closing, Mistral/Mixtral opening, OpenAI/Whisper opening, "
    "OpenAI/gpt-oss opening",
    64: "DeepSeek/V3 closing, Google/Gemma closing, Meta/Llama closing, Mistral/Mixtral opening, OpenAI/Whisper opening, "
    "OpenAI/gpt-oss opening",
    110: "Alibaba/Qwen opening, DeepSeek/V3 opening, Google/Gemma closing, Meta/Llama closing, Mistral/Mixtral opening, "
    "OpenAI/Whisper opening, OpenAI/gpt-oss opening, US/all closing proposed, xAI/Grok opening",
    190: "Alibaba/Qwen opening, Cohere/Command closing, DeepSeek/V3 opening, Google/Gemma closing, Meta/Llama closing, "
    "Meta/SAM opening, Mistral/Mixtral opening, OpenAI/Whisper opening, OpenAI/gpt-oss opening, Stability/Diffusion closing, "
    "US/all closing, xAI/Grok opening",
    230: "Alibaba/Qwen opening, Cohere/Command closing, DeepSeek/V3 opening, EU/AIAct opening proposed, Google/Gemma opening, "
    "Meta/Llama closing, Meta/SAM opening, Mistral/Mixtral opening, OpenAI/Whisper opening, OpenAI/gpt-oss opening, "
    "Stability/Diffusion closing, US/all closing, xAI/Grok opening",
    305: "Alibaba/Qwen opening, Cohere/Command closing, DeepSeek/V3 opening, EU/AIAct closing, Google/Gemma opening, "
    "Meta/Llama closing, Meta/SAM opening, Mistral/Mixtral opening, OpenAI/Whisper opening, OpenAI/gpt-oss opening, "
    "Stability/Diffusion closing, US/all closing, xAI/Grok opening",
    400: "Alibaba/Qwen opening, Cohere/Command closing, DeepSeek/V3 opening, EU/AIAct closing, Google/Gemma opening, "
    "Meta/Llama opening, Meta/SAM opening, Mistral/Mixtral closing, OpenAI/Whisper opening, OpenAI/gpt-oss opening, "
    "Stability/Diffusion closing, US/all opening, xAI/Grok opening",
    550: "Alibaba/Qwen closing, Cohere/Command closing, DeepSeek/V3 opening, EU/AIAct closing, Google/Gemma opening, "
    "Meta/Llama opening, Meta/SAM opening, Mistral/Mixtral closing, OpenAI/Whisper opening, OpenAI/gpt-oss closing, "
    "Stability/Diffusion opening, US/all opening, xAI/Grok opening",
    730: "Alibaba/Qwen closing, China/all closing, Cohere/Command closing, DeepSeek/V3 opening, EU/AIAct closing, "
    "Google/Gemma closing, Meta/Llama opening, Meta/SAM opening, Mistral/Mixtral closing, OpenAI/Whisper opening, "
    "OpenAI/gpt-oss closing, Stability/Diffusion opening, US/all opening, xAI/Grok closing",
}


def member(article: str, day: float, **changes: Any) -> Member:
    at = START + timedelta(days=day)
    values = {
        "article": article, "position": Position("news", 0, 0), "sha256": article, "url": "", "title": article, "publisher": article,
        "language": "en", "at": at, "received_at": at, "direction": Direction.CLOSING, "change_type": ChangeType.LICENCE,
        "status": Status.IN_FORCE, "contested": False, "score": 0.9, "actors": (), "evidence": (Evidence(0, 1, "a"),), "model": "m",
    }  # fmt: skip
    return Member(**(values | changes))


def reports() -> list[tuple[str, Member]]:
    found = []
    for line in HISTORY.strip().splitlines():
        day, actor, name, direction, kind, status = line.split()
        facts = {
            "direction": Direction(direction), "change_type": ChangeType(kind), "status": Status(status),
            "objects": () if name == "all" else (name,),
        }  # fmt: skip
        found += [(actor, member(f"{actor} {day} {number}", int(day) + number, **facts)) for number in (0, 1)]
    return found


def ledger_of(articles: list[tuple[str, Member]]) -> list[PolicyState]:
    """The ledger's topic after compaction, all articles having come in this order."""
    members: dict[str, tuple[Member, ...]] = {}
    books: dict[str, PolicyBook] = {}
    messages: list[RawMessage] = []
    for actor, article in articles:
        members[actor], stories = link(actor, members.get(actor, ()), article, StoryLimits())
        for story in stories:
            books[actor], updates = keep(actor, books.get(actor, PolicyBook()), policy_change(story), LIMITS)
            messages += [as_message(update) for update in updates]
    return read_ledger(messages)


def as_message(update: PolicyUpdate) -> RawMessage:
    encoded = encode_policy(update, "openweight")
    return RawMessage(position=Position(encoded.topic, 0, 0), timestamp_milliseconds=0, key=encoded.key, value=encoded.value)


def shown(states: list[PolicyState]) -> str:
    settled = {Status.IN_FORCE, Status.ANNOUNCED}
    return ", ".join(f"{one.actor}/{one.object} {one.stance}{'' if one.status in settled else f' {one.status}'}" for one in states)


@pytest.mark.parametrize("day", EXPECTED)
def test_two_years_of_twelve_actors_are_read_on_ten_dates(day: int) -> None:
    assert len({actor for actor, _ in reports()}) == 12
    at = START + timedelta(days=day)
    assert shown(as_it_stood(ledger_of(reports()), at)) == EXPECTED[day]
    # Whoever reads the topic on that day sees the same as who looks back at it.
    assert shown(ledger_of([one for one in reports() if one[1].at <= at])) == EXPECTED[day]


@pytest.mark.parametrize("seed", range(10))
def test_any_order_and_every_article_twice_give_the_same_bytes(seed: int) -> None:
    expected = [msgspec.json.encode(state) for state in ledger_of(reports())]
    articles = reports() * 2
    random.Random(seed).shuffle(articles)  # noqa: S311 - any order will do
    assert [msgspec.json.encode(state) for state in ledger_of(articles)] == expected


def test_late_article_about_an_older_change_does_not_overwrite_a_newer_stance() -> None:
    new = ("Meta", member("new", 100, objects=("Llama",)))
    late = ("Meta", member("late", 10, objects=("Llama",), direction=Direction.OPENING))
    [state] = ledger_of([new, late])
    assert (state.stance, state.since) == (Direction.CLOSING, START + timedelta(days=100))
    assert [stance.direction for stance in state.history] == [Direction.CLOSING, Direction.OPENING]


def test_rumour_and_denial_do_not_replace_what_is_in_force() -> None:
    opened = ("Meta", member("a", 1, objects=("Llama",), direction=Direction.OPENING))
    rumour = ("Meta", member("b", 50, objects=("Llama",), status=Status.RUMOURED))
    denial = ("Meta", member("c", 51, objects=("Llama",), status=Status.DENIED, contested=True))
    for articles in ([opened, rumour], [opened, rumour, denial]):
        [state] = ledger_of(articles)
        assert (state.stance, len(state.history)) == (Direction.OPENING, 2)


def test_change_that_grows_from_a_proposal_stands_as_it_stood_then() -> None:
    law = {"change_type": ChangeType.REGULATION, "objects": ("EU AI Act",)}
    [state] = ledger_of([("EU", member("a", 1, status=Status.PROPOSED, **law)), ("EU", member("b", 5, **law))])
    assert [(step.status, (step.at - START).days) for step in state.history[0].steps] == [(Status.PROPOSED, 1), (Status.IN_FORCE, 5)]
    assert shown(as_it_stood([state], START + timedelta(days=2))) == "EU/EU AI Act closing proposed"
    assert as_it_stood([state], START) == []


def test_story_that_is_over_leaves_the_ledger_with_a_tombstone() -> None:
    [story] = link("Meta", (), member("a", 1, objects=("Llama",)), StoryLimits())[1]
    book, _ = keep("Meta", PolicyBook(), policy_change(story), LIMITS)
    over = StoryUpdate(story_id=story.story_id, actor="Meta", before=story.members, members=(), received_at=START)
    book, [update] = keep("Meta", book, policy_change(over), LIMITS)
    assert (book.stances, update.state) == ((), None)
    assert as_message(update).value is None
    assert keep("Meta", book, policy_change(over), LIMITS)[1] == []


def test_book_is_bounded_and_keeps_what_holds_now() -> None:
    book, updates = PolicyBook(), []
    for day in range(60):
        status = Status.IN_FORCE if day == 1 else Status.RUMOURED
        # A fifth object comes once, late, and pushes out the one that nobody has spoken of for longest.
        name = "model 5" if day == 59 else f"model {day % 4}"
        [story] = link("Meta", (), member(str(day), day, objects=(name,), status=status), StoryLimits())[1]
        book, news = keep("Meta", book, policy_change(story), LedgerLimits(history=3, objects_per_actor=4))
        updates += news
    sizes = Counter(one.object for one in book.stances)
    assert len(sizes) == 4
    assert max(sizes.values()) == 3
    assert not [update for update in updates if update.state is None]
    last = [update.state for update in updates if update.state and update.object == "model 1"][-1]
    assert (last.status, last.since) == (Status.IN_FORCE, START + timedelta(days=1))


def test_keyed_state_carries_the_book_from_story_to_story() -> None:
    stories = [
        link("Meta", (), member(name, day, objects=("Llama",), direction=direction), StoryLimits())[1][0]
        for name, day, direction in (("a", 1, Direction.OPENING), ("b", 100, Direction.CLOSING))
    ]
    with TestPipeline("DirectRunner") as pipeline:
        updates = pipeline | beam.Create(stories).with_output_types(StoryUpdate) | KeepLedger(LIMITS)

        def check(found: list[PolicyUpdate]) -> None:
            assert max(len(update.state.history) for update in found if update.state) == 2

        assert_that(updates, check)


class Unreadable:
    """A book that another version wrote; nothing may be written over it."""

    def read(self) -> PolicyBook:
        return RecordCoder(PolicyBook).decode(b"\xc1")


def test_book_that_cannot_be_read_stays_as_it_is_and_does_not_stop_the_others() -> None:
    [story] = link("Meta", (), member("a", 1), StoryLimits())[1]
    assert list(_KeepEach(LIMITS).process(("Meta", policy_change(story)), Unreadable(), object())) == []

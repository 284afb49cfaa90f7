"""Which articles of one actor tell of the same change: a function of the set of articles, whatever the order they came in.

Two articles are about one change when their directions are not opposite, little time lies between them, and they agree: in the kind of
change, in the models and laws they name, in numbers and names that are the same in every language. No single one of these decides.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from transforms.records import ChangeType, Direction, Member
from transforms.text.marks import mark_weight, strong_numbers
from transforms.text.sketch import SIZE

# Texts that have so much in common are copies: papers that print an agency's text, a feed that dates old articles anew.
COPY_RESEMBLANCE = 0.5
# A translation keeps nearly all numbers and names; short texts on one announcement do so by chance, so they are never taken for one.
TRANSLATION_LEAST_MARKS, TRANSLATION_SHARE = 8, 0.8
# Of a story's articles so many name a model or law for it to be what the story is about.
OBJECT_SHARE = 0.25
SECONDS_PER_DAY = 86_400
EARLIEST = datetime.min.replace(tzinfo=UTC)
OPPOSITE = {Direction.OPENING: Direction.CLOSING, Direction.CLOSING: Direction.OPENING}
# When a story's articles are evenly divided, the first of these is its direction.
DIRECTION_ORDER = (Direction.CLOSING, Direction.OPENING, Direction.MIXED, Direction.UNCLEAR, Direction.NONE)


@dataclass(frozen=True)
class Weights:
    """What speaks for one change and what against it; the sum is compared with `StoryLimits.agreement`."""

    same_object: float = 2.0
    other_object: float = -2.5
    same_kind: float = 0.6
    other_kind: float = -0.6
    # A law and a company's licence are different things even when they come on one day.
    rule_and_no_rule: float = -2.0
    same_direction: float = 0.3
    same_day: float = 0.6
    last_open_day: float = -0.4
    most_of_marks: float = 2.0
    other_numbers: float = -0.7


WEIGHTS = Weights()


@dataclass(frozen=True)
class StoryLimits:
    """How long a story takes articles (days without a new report), how many articles of one actor are kept, how much must agree.

    What was published long ago is not dropped for its age: news arrives late and out of order, and a story must not depend on that.
    """

    open_days: int = 7
    members_per_actor: int = 500
    agreement: float = 1.0


def group_into_stories(actor: str, members: Sequence[Member], limits: StoryLimits) -> dict[str, tuple[Member, ...]]:
    """Story id -> its articles, earliest first."""
    ordered = sorted(members, key=lambda member: (member.at, member.article))
    copied_from = find_copies(ordered)
    stories: list[_Story] = []
    joined: list[_Story] = []
    for number, member in enumerate(ordered):
        original = copied_from[number]
        story = joined[original] if original is not None and joined[original].may_take(member) else None
        if story is None:
            story = _best(stories, member, limits)
        if story is None:
            story = _Story()
            stories.append(story)
        story.add(member, is_copy=original is not None)
        joined.append(story)
    return {story_id_of(actor, story.members): tuple(story.members) for story in stories}


def story_id_of(actor: str, members: Sequence[Member]) -> str:
    """16 hexadecimal digits that follow from the actor, the story's direction and its earliest article alone."""
    text = f"{actor}\n{story_direction(members)}\n{members[0].article}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def story_direction(members: Sequence[Member]) -> Direction:
    """What most articles say."""
    counts = Counter(member.direction for member in members)
    return min(counts, key=lambda direction: (-counts[direction], DIRECTION_ORDER.index(direction)))


def find_copies(ordered: Sequence[Member]) -> list[int | None]:
    """For each article the place of the earliest one whose text it repeats; None when it is the first of its text."""
    sketches = np.zeros((len(ordered), SIZE), "<u2")
    has_sketch = np.zeros(len(ordered), bool)
    found: list[int | None] = []
    for number, member in enumerate(ordered):
        original = None
        if len(member.sketch) == sketches[number].nbytes:
            sketches[number] = np.frombuffer(member.sketch, "<u2")
            alike = (sketches[:number] == sketches[number]).mean(axis=1) >= COPY_RESEMBLANCE if number else np.zeros(0, bool)
            places = np.flatnonzero(alike & has_sketch[:number])
            original = int(places[0]) if places.size else None
            has_sketch[number] = True
        found.append(original)
    return found


def independent(members: Sequence[Member]) -> list[Member]:
    """The articles of a story that are not copies or translations of an earlier one, earliest first."""
    firsts: list[Member] = []
    for member, original in zip(members, find_copies(members), strict=True):
        if original is None and not any(_is_translation(member, first) for first in firsts):
            firsts.append(member)
    return firsts


def publisher_count(members: Sequence[Member]) -> int:
    """How many publishers report on their own: a reprint or a translation is no second source."""
    return len({member.publisher or member.article for member in independent(members)})


def _is_translation(one: Member, other: Member) -> bool:
    if one.language == other.language or min(len(one.outline), len(other.outline)) < TRANSLATION_LEAST_MARKS:
        return False
    first, second = set(one.outline), set(other.outline)
    return len(first & second) >= TRANSLATION_SHARE * len(first | second)


@dataclass
class _Story:
    """The articles of a story so far, and what they have in common; kept ready, since every later article is compared with it."""

    members: list[Member] = field(default_factory=list)
    last_at: datetime = EARLIEST
    directions: set[Direction] = field(default_factory=set)
    kinds: Counter[ChangeType] = field(default_factory=Counter)
    usual_kind: ChangeType = ChangeType.NONE
    object_counts: Counter[str] = field(default_factory=Counter)
    objects: frozenset[str] = frozenset()
    marks: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)

    def add(self, member: Member, *, is_copy: bool) -> None:
        self.members.append(member)
        self.directions.add(member.direction)
        if is_copy and len(self.members) > 1:
            return
        self.last_at = member.at
        self.kinds[member.change_type] += 1
        self.usual_kind = min(self.kinds, key=lambda one: (-self.kinds[one], one))
        self.object_counts.update(member.objects)
        least = max(1.0, OBJECT_SHARE * len(self.members))
        self.objects = frozenset(name for name, count in self.object_counts.items() if count >= least)
        self.marks.update(member.marks)
        self.numbers.update(strong_numbers(member.marks))

    def may_take(self, member: Member) -> bool:
        """Never across opposite directions."""
        return OPPOSITE.get(member.direction) not in self.directions

    def agreement(self, member: Member, numbers: frozenset[str], open_days: int) -> float:
        """How much speaks for one change, after WEIGHTS; `numbers` are the strong ones of the article."""
        days = (member.at - self.last_at).total_seconds() / SECONDS_PER_DAY
        total = WEIGHTS.same_day + (WEIGHTS.last_open_day - WEIGHTS.same_day) * days / open_days
        total += self._agreement_in_kind(member.change_type)
        total += WEIGHTS.same_direction * (member.direction in self.directions)
        if self.objects and member.objects:
            total += WEIGHTS.other_object if self.objects.isdisjoint(member.objects) else WEIGHTS.same_object
        total += min(WEIGHTS.most_of_marks, sum(mark_weight(mark) for mark in member.marks if mark in self.marks))
        if numbers and self.numbers and self.numbers.isdisjoint(numbers):
            total += WEIGHTS.other_numbers
        return total

    def _agreement_in_kind(self, kind: ChangeType) -> float:
        if kind is self.usual_kind:
            return WEIGHTS.same_kind
        return WEIGHTS.rule_and_no_rule if ChangeType.REGULATION in (kind, self.usual_kind) else WEIGHTS.other_kind


def _best(stories: list[_Story], member: Member, limits: StoryLimits) -> _Story | None:
    """The story that agrees most, the later one when two do equally; None when none agrees enough."""
    best, most = None, limits.agreement
    numbers, opened_at = strong_numbers(member.marks), member.at - timedelta(days=limits.open_days)
    for story in stories:
        if story.last_at < opened_at or not story.may_take(member):
            continue
        agreement = story.agreement(member, numbers, limits.open_days)
        if agreement >= most:
            best, most = story, agreement
    return best

"""LinkStories: flagged articles about one change become one story.

Stories are recomputed from the set of an actor's recent articles. Once all have arrived, the stories are the same whatever the order;
on the way there it is not: an earlier report that arrives late takes a story over under another id, and the old one is retracted.
Beyond `members_per_actor` articles are left out, and which depends on the order again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import apache_beam as beam
import msgspec
import structlog
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Duration, Timestamp

from transforms import metrics
from transforms.attempt import FAILED
from transforms.coding import RecordCoder
from transforms.records import Assessment, Direction, Member, Members, StoryUpdate

log = structlog.get_logger()
STAGE = "link_stories"
UNKNOWN_ACTOR = "unknown"
SECONDS_PER_DAY = 86_400
# An actor without a flagged article for so many times `open_days` is forgotten.
EXPIRY_FACTOR = 4


@dataclass(frozen=True)
class StoryLimits:
    """How long a story takes articles (days without a new report), and how many articles of one actor are kept.

    What was published long ago is not dropped for its age: news arrives late and out of order, and a story must not depend on that.
    """

    open_days: int = 7
    members_per_actor: int = 500


class LinkStories(beam.PTransform):
    """Assessment -> StoryUpdate; only flagged assessments leave the light path."""

    def __init__(self, limits: StoryLimits) -> None:
        super().__init__()
        self._limits = limits

    def expand(self, assessments: beam.PCollection) -> beam.PCollection:
        return (
            assessments
            | "KeyByActor" >> beam.FlatMap(key_by_actor).with_output_types(tuple[str, Member])
            | "Link" >> beam.ParDo(_LinkEach(self._limits)).with_output_types(StoryUpdate)
        )


def key_by_actor(assessment: Assessment) -> list[tuple[str, Member]]:
    """The flagged article under its first actor; nothing for an article that is not flagged."""
    if not assessment.flag:
        return []
    member = Member(
        article=assessment.url or assessment.id,
        position=assessment.position,
        sha256=assessment.sha256,
        url=assessment.url,
        title=assessment.title,
        publisher=assessment.publisher,
        language=assessment.language,
        at=assessment.published_at or assessment.received_at,
        received_at=assessment.received_at,
        direction=assessment.direction,
        change_type=assessment.change_type,
        status=assessment.status,
        contested=assessment.contested,
        score=assessment.score,
        actors=assessment.actors,
        evidence=assessment.evidence,
        model=assessment.model,
        content_sha256=assessment.content_sha256,
    )
    return [(assessment.actors[0] if assessment.actors else UNKNOWN_ACTOR, member)]


def link(actor: str, known: tuple[Member, ...], new: Member, limits: StoryLimits) -> tuple[tuple[Member, ...], list[StoryUpdate]]:
    """The actor's articles with the new one, and the stories that changed by it.

    The same article again changes nothing, nor does one with other bytes around the same content, such as another time of crawling; one
    with other content takes the place of the old one.
    """
    old = next((member for member in known if member.article == new.article), None)
    if old is not None:
        if _is_same_content(old, new):
            return known, []
        new = msgspec.structs.replace(new, stands_for=old.stands_for, edits=old.edits + 1)
    before = group_into_stories(actor, known, limits.open_days)
    others = tuple(member for member in known if member.article != new.article)
    after = group_into_stories(actor, (*others, new), limits.open_days)
    updates = [
        StoryUpdate(story_id=story_id, actor=actor, before=before.get(story_id, ()), members=members, received_at=new.received_at)
        for story_id, members in after.items()
        if members != before.get(story_id)
    ]
    for story_id in before.keys() - after.keys():
        heir = next((other for other, members in after.items() if before[story_id][0] in members), "")
        updates.append(
            StoryUpdate(story_id=story_id, actor=actor, before=before[story_id], members=(), received_at=new.received_at, merged_into=heir)
        )
    return _keep_recent(after, limits), sorted(updates, key=lambda update: update.story_id)


def _is_same_content(old: Member, new: Member) -> bool:
    # State of an earlier version has no hash of the content.
    return old.sha256 == new.sha256 or (old.content_sha256 != "" and old.content_sha256 == new.content_sha256)


def group_into_stories(actor: str, members: tuple[Member, ...], open_days: int) -> dict[str, tuple[Member, ...]]:
    """Story id -> its articles, earliest first.

    Articles of one actor and one direction belong together while no gap between them is longer than `open_days`.
    """
    stories: dict[str, tuple[Member, ...]] = {}
    for direction in Direction:
        ordered = sorted((member for member in members if member.direction is direction), key=lambda member: (member.at, member.article))
        chain: list[Member] = ordered[:1]
        for earlier, later in pairwise(ordered):
            if later.at - earlier.at > timedelta(days=open_days):
                stories[story_id_of(actor, chain[0])] = tuple(chain)
                chain = []
            chain.append(later)
        if chain:
            stories[story_id_of(actor, chain[0])] = tuple(chain)
    return stories


def story_id_of(actor: str, earliest: Member) -> str:
    """16 hexadecimal digits that follow from the actor, the direction and the earliest article alone."""
    text = f"{actor}\n{earliest.direction}\n{earliest.article}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _keep_recent(stories: dict[str, tuple[Member, ...]], limits: StoryLimits) -> tuple[Member, ...]:
    """What fits of the stories, those last reported on first.

    Of each kept story its first article stays, since its id hangs on it, and as many as hold it together: were the others alone kept, a
    running story would fall apart and be raised a second time. For these alone the limit may be passed, by some two articles in
    `open_days` of one running story. The room that is left goes to the newest articles; what is left out is counted on its story's first.
    """
    if sum(len(members) for members in stories.values()) <= limits.members_per_actor:
        return tuple(member for members in stories.values() for member in members)
    kept_stories: list[tuple[Member, ...]] = []
    needed: set[str] = set()
    for members in sorted(stories.values(), key=lambda members: (members[-1].at, members[0].article), reverse=True):
        chain = _chain(members, limits.open_days)
        if kept_stories and len(needed) + len(chain) > limits.members_per_actor:
            break
        needed |= {member.article for member in chain}
        kept_stories.append(members)
    others = [member for members in kept_stories for member in members if member.article not in needed]
    others.sort(key=lambda member: (member.at, member.article), reverse=True)
    kept = needed | {member.article for member in others[: max(0, limits.members_per_actor - len(needed))]}
    return tuple(member for members in kept_stories for member in _leave_out(members, kept))


def _chain(members: tuple[Member, ...], open_days: int) -> list[Member]:
    """The first and the last article and the fewest between them that leave no gap longer than `open_days`."""
    chain = [members[0]]
    for earlier, later in pairwise(members):
        if later.at - chain[-1].at > timedelta(days=open_days):
            chain.append(earlier)
    return chain if chain[-1] is members[-1] else [*chain, members[-1]]


def _leave_out(members: tuple[Member, ...], kept: set[str]) -> list[Member]:
    gone = [member for member in members if member.article not in kept]
    left_out, edits = sum(member.stands_for for member in gone), sum(member.edits for member in gone)
    first, *others = (member for member in members if member.article in kept)
    return [msgspec.structs.replace(first, stands_for=first.stands_for + left_out, edits=first.edits + edits), *others]


class _LinkEach(beam.DoFn):
    MEMBERS = ReadModifyWriteStateSpec("members", RecordCoder(Members))
    EXPIRY = TimerSpec("expiry", TimeDomain.REAL_TIME)

    def __init__(self, limits: StoryLimits) -> None:
        self._limits = limits

    def process(
        self,
        keyed: tuple[str, Member],
        members_state: object = beam.DoFn.StateParam(MEMBERS),
        expiry: object = beam.DoFn.TimerParam(EXPIRY),
    ) -> Iterator[StoryUpdate]:
        actor, new = keyed
        known = (members_state.read() or Members()).members  # type: ignore[attr-defined]
        try:
            members, updates = link(actor, known, new, self._limits)
        except Exception:
            # State stays as it was, and the stories of all other articles go on.
            metrics.REJECTED.labels(STAGE, FAILED).inc()
            log.exception("a flagged article joins no story", article=new.article, position=str(new.position))
            return
        if updates:
            members_state.write(Members(members=members))  # type: ignore[attr-defined]
        expiry.set(Timestamp.now() + Duration(EXPIRY_FACTOR * self._limits.open_days * SECONDS_PER_DAY))  # type: ignore[attr-defined]
        yield from updates

    @on_timer(EXPIRY)
    def expire(self, members_state: object = beam.DoFn.StateParam(MEMBERS)) -> None:
        members_state.clear()  # type: ignore[attr-defined]

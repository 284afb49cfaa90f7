"""LinkStories: flagged articles about one change become one story.

Stories are recomputed from the set of an actor's recent articles. Once all have arrived, the stories are the same whatever the order;
on the way there it is not: an earlier report that arrives late takes a story over under another id, and the old one is retracted.
Beyond `members_per_actor` articles are left out, and which depends on the order again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import apache_beam as beam
import msgspec
import structlog
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Duration, Timestamp

from transforms import metrics
from transforms.attempt import FAILED, GuardEach
from transforms.coding import READABLE, UNREADABLE, RecordCoder
from transforms.group_stories import StoryLimits, group_into_stories
from transforms.key_articles import CORRECTED, LIMIT_OBJECTS, key_by_actor
from transforms.records import Member, Members, StoryUpdate
from transforms.text.marks import LIMIT_MARKS

log = structlog.get_logger()
STAGE = "link_stories"
# Why a story is over.
MERGED = "merged"
SECONDS_PER_DAY = 86_400
# An actor without a flagged article for so many times `open_days` is forgotten.
EXPIRY_FACTOR = 4
# Of the contents that one article had so many are known, so that a feed which goes back and forth counts no edit twice.
LIMIT_VERSIONS = 16
VERSION_CHARACTERS = 16


class LinkStories(beam.PTransform):
    """Assessment -> StoryUpdate; of assessments only the flagged and those that may once have been leave the light path."""

    def __init__(self, limits: StoryLimits) -> None:
        super().__init__()
        self._limits = limits

    def expand(self, assessments: beam.PCollection) -> beam.PCollection:
        return (
            assessments
            | "KeyByActor" >> GuardEach(STAGE, key_by_actor).with_output_types(tuple[str, Member])
            | "Link" >> beam.ParDo(_LinkEach(self._limits)).with_output_types(StoryUpdate)
        )


def link(actor: str, known: tuple[Member, ...], new: Member, limits: StoryLimits) -> tuple[tuple[Member, ...], list[StoryUpdate]]:
    """The actor's articles with the new one, and the stories that changed by it.

    The same article again changes nothing, nor does one with other bytes around the same content, such as another time of crawling or a
    later date; one with other content takes the place of the old one, and one that is gone leaves its story, which is over with its last.
    """
    old = next((member for member in known if member.article == new.article), None)
    if new.gone_because:
        others = _without(known, old, new)
    elif old is not None:
        new = _join_versions(old, new)
        others = known if new == old else (*(member for member in known if member is not old), new)
    else:
        others = (*known, new)
    if others is known:
        return known, []
    before, after = (group_into_stories(actor, members, limits) for members in (known, others))
    if new.gone_because:
        after = {story_id: _count_losses(before.get(story_id, ()), members) for story_id, members in after.items()}
    updates = [
        StoryUpdate(story_id=story_id, actor=actor, before=before.get(story_id, ()), members=members, received_at=new.received_at)
        for story_id, members in after.items()
        if members != before.get(story_id)
    ]
    for story_id in before.keys() - after.keys():
        heir = next((other for other, members in after.items() if _shares_an_article(before[story_id], members)), "")
        updates.append(
            StoryUpdate(
                story_id=story_id, actor=actor, before=before[story_id], members=(), received_at=new.received_at, merged_into=heir,
                reason=MERGED if heir else new.gone_because or CORRECTED,
            )
        )  # fmt: skip
    return _keep_recent(after, limits), sorted(updates, key=lambda update: update.story_id)


def _without(known: tuple[Member, ...], old: Member | None, gone: Member) -> tuple[Member, ...]:
    """The articles without the one that is gone; the same ones when it was not among them, or what came in between is newer."""
    if old is None or (gone.received_at, gone.position) < (old.received_at, old.position):
        return known
    return tuple(member for member in known if member is not old)


def _count_losses(before: tuple[Member, ...], after: tuple[Member, ...]) -> tuple[Member, ...]:
    """The story with what it lost counted as edits of its first article, so that its alert's revision never falls."""
    kept = {member.article for member in after}
    lost = [member for member in before if member.article not in kept]
    if not lost:
        return after
    edits = after[0].edits + 1 + sum(member.stands_for + member.edits for member in lost)
    return (msgspec.structs.replace(after[0], edits=edits), *after[1:])


def _shares_an_article(before: tuple[Member, ...], after: tuple[Member, ...]) -> bool:
    return not {member.article for member in before}.isdisjoint(member.article for member in after)


def _join_versions(old: Member, new: Member) -> Member:
    """The article as it stands: what was received last, dated as early as any version was, whichever of the two came first."""
    earliest = min(old.at, new.at)
    first, latest = sorted((old, new), key=lambda member: (member.received_at, member.position))
    if _version(old) == _version(new) or old.sha256 == new.sha256:
        # Where the content came first, so that an alert points to the same message whichever of them is read first.
        return msgspec.structs.replace(
            first, at=earliest, stands_for=old.stands_for, edits=old.edits, versions=old.versions, objects=old.objects, marks=old.marks
        )  # fmt: skip
    versions = {*old.versions, _version(old)}
    is_unseen = _version(new) not in versions
    return msgspec.structs.replace(
        latest,
        at=earliest,
        stands_for=old.stands_for,
        edits=old.edits + is_unseen,
        versions=tuple(sorted({*versions, _version(new)})[:LIMIT_VERSIONS]),
    )


def _version(member: Member) -> str:
    # State of an earlier version has no hash of the content.
    return (member.content_sha256 or member.sha256)[:VERSION_CHARACTERS]


def _keep_recent(stories: dict[str, tuple[Member, ...]], limits: StoryLimits) -> tuple[Member, ...]:
    """What fits of the stories, those last reported on first.

    Of each kept story its first article stays, since its id hangs on it, and as many as hold it together: were the others alone kept, a
    running story would fall apart and be raised a second time. For these alone the limit may be passed, by some four articles in
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
    """The first and the last article and the fewest between them that leave no gap of more than half of `open_days`.

    Over so much time articles that name nothing still belong together by their kind and direction.
    """
    chain = [members[0]]
    for earlier, later in pairwise(members):
        if later.at - chain[-1].at > timedelta(days=open_days / 2):
            chain.append(earlier)
    return chain if chain[-1] is members[-1] else [*chain, members[-1]]


def _leave_out(members: tuple[Member, ...], kept: set[str]) -> list[Member]:
    gone = [member for member in members if member.article not in kept]
    left_out, edits = sum(member.stands_for for member in gone), sum(member.edits for member in gone)
    first, *others = (member for member in members if member.article in kept)
    if gone:
        # What the others had in common with articles to come is not forgotten with them.
        marks = sorted({*first.marks, *(mark for member in gone for mark in member.marks)})
        objects = sorted({*first.objects, *(name for member in gone for name in member.objects)})
        first = msgspec.structs.replace(
            first,
            stands_for=first.stands_for + left_out,
            edits=first.edits + edits,
            marks=tuple(marks[:LIMIT_MARKS]),
            objects=tuple(objects[:LIMIT_OBJECTS]),
        )
    return [first, *others]


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
        # Whatever fails here: state stays as it was, and the stories of all other actors go on.
        try:
            known = (members_state.read() or Members()).members  # type: ignore[attr-defined]
        except UNREADABLE:
            metrics.REJECTED.labels(STAGE, FAILED).inc()
            log.exception("the stories of an actor cannot be read, nothing joins them", actor=actor, article=new.article, fix=READABLE)
            return
        try:
            members, updates = link(actor, known, new, self._limits)
        except Exception:
            metrics.REJECTED.labels(STAGE, FAILED).inc()
            log.exception("a flagged article joins no story", article=new.article, position=str(new.position))
            return
        if updates:
            members_state.write(Members(members=members))  # type: ignore[attr-defined]
        elif new.gone_because:
            # Word of what was never here keeps nothing alive, and of most actors nothing is here.
            return
        expiry.set(Timestamp.now() + Duration(EXPIRY_FACTOR * self._limits.open_days * SECONDS_PER_DAY))  # type: ignore[attr-defined]
        yield from updates

    @on_timer(EXPIRY)
    def expire(self, members_state: object = beam.DoFn.StateParam(MEMBERS)) -> None:
        members_state.clear()  # type: ignore[attr-defined]

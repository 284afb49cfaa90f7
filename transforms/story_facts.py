"""What a story says as a whole: plain functions of its articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from transforms.group_stories import OBJECT_SHARE, publisher_count
from transforms.records import ChangeType, Member, Severity, Status
from transforms.text.marks import strong_numbers

# From the weakest to the strongest word on a change: the strongest that any article has is the story's.
STATUS_ORDER = (Status.NONE, Status.DENIED, Status.RUMOURED, Status.PROPOSED, Status.ANNOUNCED, Status.IN_FORCE)
SEVERITY_ORDER = (Severity.LOW, Severity.MEDIUM, Severity.HIGH)
# So many independent publishers make a story worth another notice.
NOTABLE_PUBLISHERS = (2, 5, 10)
USUAL_SEVERITY = {
    Status.IN_FORCE: (Severity.MEDIUM, Severity.HIGH),
    Status.ANNOUNCED: (Severity.MEDIUM, Severity.HIGH),
    Status.PROPOSED: (Severity.MEDIUM, Severity.MEDIUM),
    Status.RUMOURED: (Severity.LOW, Severity.LOW),
    Status.DENIED: (Severity.LOW, Severity.LOW),
    Status.NONE: (Severity.LOW, Severity.LOW),
}


@dataclass(frozen=True)
class SeverityRules:
    """Severity by status: (told by one publisher alone, by `corroborated_by` or more); one step more for `weighty_actors`."""

    by_status: tuple[tuple[Status, tuple[Severity, Severity]], ...] = tuple(USUAL_SEVERITY.items())
    corroborated_by: int = 2
    weighty_actors: frozenset[str] = frozenset()

    def severity(self, status: Status, actor: str, publishers: int) -> Severity:
        alone, corroborated = dict(self.by_status)[status]
        severity = corroborated if publishers >= self.corroborated_by else alone
        step = SEVERITY_ORDER.index(severity) + (actor in self.weighty_actors)
        return SEVERITY_ORDER[min(step, len(SEVERITY_ORDER) - 1)]


def story_status(members: Sequence[Member]) -> Status:
    """How far the change has come; a rumour that is denied after it came up is a denial."""
    strongest = max((member.status for member in members), key=STATUS_ORDER.index)
    if strongest is not Status.RUMOURED:
        return strongest
    rumoured_at = min(member.at for member in members if member.status is Status.RUMOURED)
    is_denied = any(member.status is Status.DENIED and member.at >= rumoured_at for member in members)
    return Status.DENIED if is_denied else strongest


def story_kind(members: Sequence[Member]) -> ChangeType:
    """What most articles call it."""
    counts = Counter(member.change_type for member in members)
    return min(counts, key=lambda change_type: (-counts[change_type], change_type))


def story_objects(members: Sequence[Member]) -> tuple[str, ...]:
    """The models and laws that enough of the articles name, those named most often first."""
    counts = Counter(name for member in members for name in member.objects)
    named = [name for name, count in counts.items() if count >= OBJECT_SHARE * len(members)]
    return tuple(sorted(named, key=lambda name: (-counts[name], name)))


def is_contested(members: Sequence[Member]) -> bool:
    return any(member.contested for member in members)


def what_changed(before: Sequence[Member], now: Sequence[Member]) -> tuple[str, ...]:
    """What a person should be told of, from the story's articles before and now.

    `raised`, `retracted`; `status`, `contested`, `kind`; `publishers` when as many as 2, 5 or 10 independent ones report; `corrected` when
    an article was edited in what it says of the change. Nothing for another report of what is known, or an edit of wording.
    """
    if not before or not now:
        return ("retracted",) if before else ("raised",)
    told = {
        "status": story_status(before) is not story_status(now),
        "contested": is_contested(before) is not is_contested(now),
        "kind": story_kind(before) is not story_kind(now),
        "publishers": any(publisher_count(before) < least <= publisher_count(now) for least in NOTABLE_PUBLISHERS),
        "corrected": _is_corrected(before, now),
    }
    return tuple(name for name, is_so in told.items() if is_so)


def _is_corrected(before: Sequence[Member], now: Sequence[Member]) -> bool:
    """Whether an article says another thing than before; its wording alone does not count."""
    old_of = {member.article: member for member in before}
    return any(
        member.edits > old.edits and _said(member) != _said(old) for member in now if (old := old_of.get(member.article)) is not None
    )


def _said(member: Member) -> tuple[object, ...]:
    return member.status, member.change_type, member.contested, member.objects, strong_numbers(member.marks)

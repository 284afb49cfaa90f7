"""Which partitions are read, and from where: what the broker lists against what was announced before."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
import re2
import stamina
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

from connectors.kafka.spread import spread_key

if TYPE_CHECKING:
    from kafka import KafkaAdminClient


COORDINATOR_ON_ITS_WAY = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
COORDINATOR_SECONDS = 15
WAKE = -1


class Start(StrEnum):
    """Where a job without state begins."""

    EARLIEST = "earliest"
    LATEST = "latest"
    TIMESTAMP = "timestamp"
    GROUP = "group"


class LostPosition(StrEnum):
    """What happens when the broker does not have the next offset."""

    STOP = "stop"
    EARLIEST = "earliest"


class ReadingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to read and how. `topics` by name, or every topic whose whole name matches `pattern` (RE2).

    Topics that begin with `own_prefix` never match a pattern: the job would read what it writes. `own_topics` are read besides, and are no
    news: nothing is shown of them, and what they have lost is not waited for. `run_id` names the run from its start to its stop: a pause
    ends with it.
    """

    topics: tuple[str, ...] = ()
    pattern: str = ""
    own_prefix: str = "openweight."
    own_topics: tuple[str, ...] = ()
    start: Start = Start.EARLIEST
    start_at: datetime | None = None
    group: str = ""
    lost_position: LostPosition = LostPosition.STOP
    pause_above_rejected_share: float = 1
    run_id: str = ""
    list_seconds: float = 10
    records_per_poll: int = 100
    poll_seconds: float = 0.1
    idle_seconds: float = 0.05
    idle_limit_seconds: float = 0.5


class Listing(msgspec.Struct, frozen=True):
    """The partitions that match, `topic/partition` to the topic's identity, and the cluster that has them."""

    cluster: str
    partitions: dict[str, str]
    missing: tuple[str, ...] = ()


class Announcement(msgspec.Struct, frozen=True):
    """Sent once to the reader of a partition. Its own offset wins as long as the topic's identity is the same.

    WAKE in place of the offset is sent again and again, and only has a reader poll that is there already.
    """

    identity: str
    start_offset: int
    is_read: bool
    paused_in_run: str = ""


class Announced(msgspec.Struct, frozen=True):
    """State of the listing: the cluster, and the partitions that are being read."""

    cluster: str = ""
    partitions: dict[str, str] = {}


class Changes(msgspec.Struct, frozen=True):
    """What a listing changes: partitions to begin with, and those to leave."""

    begin: dict[str, str]
    leave: tuple[str, ...]
    is_cold: bool
    is_other_cluster: bool


def compare_listing(announced: Announced, listing: Listing, lost_position: LostPosition) -> Changes:
    """Compares a listing with what was announced before.

    A broker with another cluster id has lost everything that was read: nothing of it is read unless the policy says so.
    """
    is_other = announced.cluster not in ("", listing.cluster)
    if is_other and lost_position is LostPosition.STOP:
        return Changes({}, tuple(announced.partitions), is_cold=False, is_other_cluster=True)
    return Changes(
        {key: identity for key, identity in listing.partitions.items() if announced.partitions.get(key) != identity},
        tuple(key for key in announced.partitions if key not in listing.partitions),
        is_cold=not announced.cluster,
        is_other_cluster=is_other,
    )


def announce(announced: Announced, after: Announced, changes: Changes, offsets: dict[str, int]) -> dict[str, Announcement]:
    """What the readers are sent, by spread key: `offsets` are those at which the partitions begin that are to be begun with."""
    # Under its plain name a partition is read by state from before keys were spread: it is left there before it is begun anew.
    left = [*changes.leave, *map(spread_key, changes.leave), *(key for key in changes.begin if key in announced.partitions)]
    going_on = [key for key in after.partitions if key not in changes.begin]
    return (
        # After the clock was set back, the timer of a poll may lie in the future by as much.
        dict.fromkeys([*going_on, *map(spread_key, going_on)], Announcement("", WAKE, is_read=True))
        | dict.fromkeys(left, Announcement("", 0, is_read=False))
        | {spread_key(key): Announcement(identity, offsets[key], is_read=True) for key, identity in changes.begin.items()}
    )


def is_wanted(topic: str, plan: ReadingPlan) -> bool:
    if topic in plan.own_topics or not plan.pattern:
        return topic in (*plan.topics, *plan.own_topics)
    return not topic.startswith((plan.own_prefix, "__")) and re2.fullmatch(plan.pattern, topic) is not None


def list_partitions(admin: KafkaAdminClient, plan: ReadingPlan) -> Listing:
    """Asks the broker for the partitions of the plan's topics.

    Raises:
        KafkaError: when the broker does not answer.
    """
    cluster = str(admin.describe_cluster()["cluster_id"])
    described = admin.describe_topics(None if plan.pattern else [*plan.topics, *plan.own_topics])
    found = [topic for topic in described if topic["error_code"] == 0 and is_wanted(topic["name"], plan)]
    return Listing(
        cluster,
        {
            f"{topic['name']}/{partition['partition_index']}": f"{cluster}/{topic['topic_id']}"
            for topic in found
            for partition in topic["partitions"]
        },
        tuple(sorted({*plan.own_topics, *(() if plan.pattern else plan.topics)} - {topic["name"] for topic in found})),
    )


def find_start_offsets(admin: KafkaAdminClient, keys: list[str], plan: ReadingPlan, *, is_cold: bool) -> dict[str, int]:
    """Returns where reading of each `topic/partition` begins: as the plan says on a cold start, else at the earliest.

    Raises:
        KafkaError: when the broker does not answer.
    """
    if not keys:
        return {}
    partitions = {key: split_key(key) for key in keys}
    start = plan.start if is_cold else Start.EARLIEST
    earliest = _ask_offsets(admin, partitions, OffsetSpec.EARLIEST)
    if start is Start.EARLIEST:
        return earliest
    if start is Start.GROUP:
        committed = _ask_group(admin, plan.group, list(partitions.values()))
        offsets = {key: committed[partition].offset if partition in committed else -1 for key, partition in partitions.items()}
        return {key: max(offsets[key], earliest[key]) for key in keys}
    latest = _ask_offsets(admin, partitions, OffsetSpec.LATEST)
    if start is Start.LATEST or plan.start_at is None:
        return latest
    since = _ask_offsets(admin, partitions, int(plan.start_at.timestamp() * 1000))
    # -1: no record is as young as that.
    return {key: since[key] if since[key] >= 0 else latest[key] for key in keys}


def _ask_group(admin: KafkaAdminClient, group: str, partitions: list[TopicPartition]) -> dict[Any, Any]:
    """What the group has committed. A broker that was just started makes its topic for that at the first question, for a second or two."""
    for attempt in stamina.retry_context(
        on=COORDINATOR_ON_ITS_WAY, timeout=COORDINATOR_SECONDS, wait_initial=0.2, wait_max=1.0, attempts=None
    ):
        with attempt:
            return dict(admin.list_group_offsets({group: partitions})[group])
    raise AssertionError("stamina raises the last error itself")


def _ask_offsets(admin: KafkaAdminClient, partitions: dict[str, TopicPartition], spec: object) -> dict[str, int]:
    answers = admin.list_partition_offsets(dict.fromkeys(partitions.values(), spec))
    return {key: int(answers[partition].offset) for key, partition in partitions.items()}


def split_key(key: str) -> TopicPartition:
    """Splits `topic/partition`; a topic's name holds no slash."""
    topic, _, partition = key.rpartition("/")
    return TopicPartition(topic, int(partition))

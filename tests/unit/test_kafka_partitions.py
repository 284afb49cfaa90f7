"""Which partitions are read after a listing, and from where."""

from __future__ import annotations

import pytest

from connectors.kafka.partitions import (
    WAKE,
    Announced,
    Announcement,
    Listing,
    LostPosition,
    ReadingPlan,
    announce,
    compare_listing,
    is_wanted,
    split_key,
)  # fmt: skip
from connectors.kafka.spread import plain_key, spread_key

OLD = Announced("cluster", {"news/0": "id 1", "news/1": "id 1"})


def listing(partitions: dict[str, str], cluster: str = "cluster") -> Listing:
    return Listing(cluster, partitions)


def test_first_listing_is_a_cold_start_of_all() -> None:
    changes = compare_listing(Announced(), listing({"news/0": "id 1"}), LostPosition.STOP)
    assert changes.is_cold
    assert changes.begin == {"news/0": "id 1"}


def test_partition_found_later_begins_and_is_not_cold() -> None:
    changes = compare_listing(OLD, listing(OLD.partitions | {"news/2": "id 1"}), LostPosition.STOP)
    assert (changes.begin, changes.leave, changes.is_cold) == ({"news/2": "id 1"}, (), False)


def test_same_listing_changes_nothing() -> None:
    changes = compare_listing(OLD, listing(OLD.partitions), LostPosition.STOP)
    assert not changes.begin
    assert not changes.leave


def test_topic_made_anew_begins_again() -> None:
    assert compare_listing(OLD, listing({"news/0": "id 2"}), LostPosition.STOP).begin == {"news/0": "id 2"}


def test_partition_that_is_gone_is_left() -> None:
    assert compare_listing(OLD, listing({"news/1": "id 1"}), LostPosition.STOP).leave == ("news/0",)


def test_other_cluster_stops_all_reading() -> None:
    changes = compare_listing(OLD, listing({"news/0": "id 9"}, "other"), LostPosition.STOP)
    assert changes.is_other_cluster
    assert not changes.begin
    assert changes.leave == ("news/0", "news/1")


def test_other_cluster_is_read_from_its_beginning_when_the_policy_says_so() -> None:
    changes = compare_listing(OLD, listing({"news/0": "id 9"}, "other"), LostPosition.EARLIEST)
    assert changes.begin == {"news/0": "id 9"}
    assert not changes.is_cold


@pytest.mark.parametrize(
    ("topic", "is_read"),
    [("news.hi", True), ("old.news.hi", False), ("news", False), ("openweight.news.x", False), ("__news.x", False)],
)
def test_pattern_matches_whole_names_and_never_our_own_topics(topic: str, is_read: bool) -> None:
    assert is_wanted(topic, ReadingPlan(pattern=r"(.*\.)?news\..*" if topic.startswith(("openweight", "__")) else r"news\..+")) is is_read


def test_own_topic_is_read_when_it_is_named() -> None:
    assert is_wanted("openweight.rejected", ReadingPlan(topics=("openweight.rejected",)))


def test_key_is_split_at_its_last_slash() -> None:
    assert split_key("news.hi/12") == ("news.hi", 12)


def test_every_listing_wakes_those_that_are_read_under_either_name_and_begins_with_the_new() -> None:
    found = listing(OLD.partitions | {"news/2": "id 1"})
    changes = compare_listing(OLD, found, LostPosition.STOP)
    sent = announce(OLD, Announced("cluster", found.partitions), changes, {"news/2": 40})
    assert sent.pop(spread_key("news/2")) == Announcement("id 1", 40, is_read=True)
    assert sorted(sent) == sorted(["news/0", "news/1", spread_key("news/0"), spread_key("news/1")])
    assert set(sent.values()) == {Announcement("", WAKE, is_read=True)}


def test_topic_that_was_made_anew_is_left_under_its_plain_name_and_begun_with() -> None:
    found = listing({"news/0": "id 2"})
    sent = announce(OLD, Announced("cluster", found.partitions), compare_listing(OLD, found, LostPosition.STOP), {"news/0": 0})
    assert sent[spread_key("news/0")] == Announcement("id 2", 0, is_read=True)
    assert {plain_key(key) for key, one in sent.items() if not one.is_read} == {"news/0", "news/1"}

"""Partitions fall evenly on subtasks, by the engine's own hash."""

from __future__ import annotations

from collections import Counter

import pytest

from connectors.kafka.spread import KEY_GROUPS, find_group, plain_key, spread_key


def count_by_subtask(keys: list[str], parallelism: int) -> Counter[int]:
    # KeyGroupRangeAssignment.computeOperatorIndexForKeyGroup
    return Counter(find_group(key) * parallelism // KEY_GROUPS for key in keys)


def test_hash_is_that_of_the_engine() -> None:
    # What a Flink 1.19 cluster with two TaskManagers did with these keys.
    keys = [f"news.articles/{number}" for number in range(8)]
    assert [key[-1] for key in keys if find_group(key) >= KEY_GROUPS // 2] == ["1", "3", "6"]


@pytest.mark.parametrize("topic", ["news.articles", "other", "wire.de.politics", "x" * 200])
@pytest.mark.parametrize(("partitions", "parallelism"), [(8, 1), (8, 2), (8, 4), (8, 8), (12, 4), (64, 16), (3, 2)])
def test_every_subtask_gets_as_many_partitions_as_any_other(topic: str, partitions: int, parallelism: int) -> None:
    counts = count_by_subtask([spread_key(f"{topic}/{number}") for number in range(partitions)], parallelism)
    assert sum(counts.values()) == partitions
    assert len(counts) == min(partitions, parallelism)
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("parallelism", [3, 5, 6, 7])
def test_no_subtask_gets_twice_its_share_of_many_partitions(parallelism: int) -> None:
    counts = count_by_subtask([spread_key(f"news.articles/{number}") for number in range(64)], parallelism)
    assert max(counts.values()) < 1.5 * 64 / parallelism


def test_key_tells_its_partition() -> None:
    assert plain_key(spread_key("news.articles/17")) == "news.articles/17"
    assert plain_key("news.articles/17") == "news.articles/17"

"""The arithmetic of the proof: every offset has one outcome, or is named."""

from __future__ import annotations

import json

import pytest

from pipeline.commands.verify import AlertCopies, OldestKept, PartitionOutcomes, note_outcomes, report
from pipeline.exit_codes import ExitCode
from transforms.records import Position, RawMessage


def assessment(offset: int, flag: str = "no", topic: str = "news", written: int = 0, partition: int = 0) -> RawMessage:
    value = json.dumps({"flag": flag, "position": {"topic": topic, "partition": 0, "offset": offset}}).encode()
    return RawMessage(position=Position("openweight.assessments", partition, 0), timestamp_milliseconds=written, key=None, value=value)


def rejected(offset: int, reason: bytes = b"not_json") -> RawMessage:
    headers = (("topic", b"news"), ("partition", b"0"), ("offset", str(offset).encode()), ("reason", reason))
    return RawMessage(position=Position("openweight.rejected", 0, 0), timestamp_milliseconds=0, key=None, value=b"x", headers=headers)


def outcomes(assessed: list[RawMessage], set_aside: list[RawMessage], end: int = 5, committed: int = 5) -> PartitionOutcomes:
    partition = PartitionOutcomes(start=0, end=end, committed=committed)
    note_outcomes({"news/0": partition}, assessed, is_rejected=False)
    note_outcomes({"news/0": partition}, set_aside, is_rejected=True)
    return partition


def test_all_offsets_with_one_outcome_each_are_proven(capsys: pytest.CaptureFixture[str]) -> None:
    one = outcomes([assessment(offset) for offset in (0, 1, 3)], [rejected(2), rejected(4)])
    assert (one.assessed, one.rejected, one.open_offsets()) == (3, 2, [])
    assert report({"news/0": one}, {"news/0": []}, AlertCopies(), is_json=False) is ExitCode.DONE
    assert "LOST 0" in capsys.readouterr().out


def test_offset_without_outcome_is_lost_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    one = outcomes([assessment(0), assessment(1)], [rejected(4)])
    assert one.open_offsets() == [2, 3]
    assert report({"news/0": one}, {"news/0": one.open_offsets()}, AlertCopies(), is_json=False) is ExitCode.FOUND
    assert "LOST in news/0: 2, 3" in capsys.readouterr().out


def test_offsets_beyond_what_the_job_committed_are_not_yet_read_and_not_lost() -> None:
    one = outcomes([assessment(0), assessment(1)], [], committed=2)
    assert (one.open_offsets(), one.not_yet_read) == ([], 3)


def test_same_outcome_again_is_a_repetition_and_another_one_a_conflict() -> None:
    one = outcomes([assessment(0), assessment(0), assessment(1), assessment(1, flag="yes")], [rejected(2), rejected(2, b"too_large")])
    assert (one.repeated, one.different) == (1, 2)
    assert report({"news/0": one}, {"news/0": []}, AlertCopies(), is_json=True) is ExitCode.FOUND


def test_assessed_and_rejected_at_once_is_a_conflict() -> None:
    assert outcomes([assessment(0)], [rejected(0)]).different == 1


def test_outcome_without_input_is_found_and_those_of_other_topics_are_passed_over() -> None:
    one = outcomes([assessment(7), assessment(0, topic="elsewhere")], [])
    assert (one.without_input, one.assessed) == (1, 0)


def test_offset_before_an_outcome_is_lost_although_nothing_was_ever_committed(capsys: pytest.CaptureFixture[str]) -> None:
    one = outcomes([assessment(0), assessment(2)], [], committed=0)
    assert (one.open_offsets(), one.not_yet_read) == ([1], 2)
    assert report({"news/0": one}, {"news/0": one.open_offsets()}, AlertCopies(), is_json=False) is ExitCode.FOUND
    assert "NOTHING COMMITTED for news/0" in capsys.readouterr().out


def test_outcome_of_the_last_minute_says_nothing_of_its_neighbours_yet() -> None:
    one = PartitionOutcomes(start=0, end=5, committed=1, settled_milliseconds=1000)
    note_outcomes({"news/0": one}, [assessment(0), assessment(4, written=1001)], is_rejected=False)
    assert (one.open_offsets(), one.not_yet_read) == ([], 3)


def test_offsets_whose_outcomes_are_not_kept_any_more_are_not_lost() -> None:
    one = outcomes([assessment(1, written=10), assessment(3, written=30)], [])
    one.forget_before(10)
    assert (one.expired, one.open_offsets()) == (3, [4])


def test_partition_without_any_kept_outcome_has_nothing_lost() -> None:
    one = outcomes([], [], committed=4)
    one.forget_before(10)
    assert (one.open_offsets(), one.not_yet_read) == ([], 1)


def test_outcomes_may_be_gone_up_to_the_oldest_record_of_a_partition_that_lost_some() -> None:
    oldest = OldestKept()
    messages = [assessment(0, written=50, partition=0), assessment(1, written=70, partition=1), assessment(2, written=90, partition=1)]
    assert list(oldest.watch(messages)) == messages
    begins = {"openweight.assessments/0": 0, "openweight.assessments/1": 8}
    assert oldest.expired_milliseconds(begins, 0) == 70
    assert oldest.expired_milliseconds(dict.fromkeys(begins, 0), 0) == 0


def test_record_that_cannot_be_read_is_a_finding_and_the_rest_is_counted() -> None:
    cut = RawMessage(position=Position("openweight.assessments", 0, 0), timestamp_milliseconds=0, key=None, value=b'{"entities": [{"na')
    partition = PartitionOutcomes(start=0, end=1, committed=1)
    unreadable = note_outcomes({"news/0": partition}, [cut, assessment(0)], is_rejected=False)
    unreadable += note_outcomes({"news/0": partition}, [cut], is_rejected=True)
    assert (unreadable, partition.assessed) == (2, 1)
    copies = AlertCopies()
    assert report({"news/0": partition}, {"news/0": []}, copies, is_json=True) is ExitCode.DONE
    assert report({"news/0": partition}, {"news/0": []}, copies, unreadable, is_json=True) is ExitCode.FOUND
    copies.note(b'{"alert_id": "a')
    assert report({"news/0": partition}, {"news/0": []}, copies, is_json=True) is ExitCode.FOUND


def test_tombstone_among_the_alerts_is_no_finding() -> None:
    copies = AlertCopies()
    copies.note(None)
    assert (copies.unreadable, copies.alerts) == (0, set())

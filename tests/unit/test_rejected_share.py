"""Reading pauses when too much of what was read last was rejected, and goes on with the next run."""

from __future__ import annotations

import msgspec

from connectors.kafka.partitions import Announcement
from transforms.rejected_share import WINDOW_RECORDS, RejectedShare


def read(share: RejectedShare, count: int, *, is_rejected: bool) -> None:
    for _ in range(count):
        share.note_read()
        if is_rejected:
            share.note_rejected()


def test_two_hundred_of_a_thousand_are_allowed_and_one_more_is_not() -> None:
    share = RejectedShare()
    read(share, 800, is_rejected=False)
    read(share, 200, is_rejected=True)
    assert not share.is_above(0.2)
    read(share, 1, is_rejected=True)
    assert share.is_above(0.2)


def test_all_bad_is_noticed_before_a_thousand_are_read() -> None:
    share = RejectedShare()
    read(share, 201, is_rejected=True)
    assert share.is_above(0.2)


def test_what_was_rejected_long_ago_does_not_count() -> None:
    share = RejectedShare()
    read(share, 150, is_rejected=True)
    read(share, WINDOW_RECORDS, is_rejected=False)
    read(share, 100, is_rejected=True)
    assert share.rejected == 100


def test_share_of_one_never_pauses() -> None:
    share = RejectedShare()
    read(share, 5 * WINDOW_RECORDS, is_rejected=True)
    assert not share.is_above(1)


def test_state_of_a_release_without_the_pause_is_read() -> None:
    old = b'{"identity":"cluster/topic","start_offset":7,"is_read":true}'
    assert msgspec.json.decode(old, type=Announcement) == Announcement("cluster/topic", 7, is_read=True)

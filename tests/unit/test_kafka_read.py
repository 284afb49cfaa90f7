"""Polls of idle partitions fall together."""

from __future__ import annotations

import pytest

from connectors.kafka.read import align_timer


@pytest.mark.parametrize(("now", "pause", "at"), [(100.01, 0.5, 100.5), (100.49, 0.5, 100.5), (100.5, 0.5, 101.0), (100.2, 0.0, 100.2)])
def test_next_poll_is_the_next_multiple_of_the_pause(now: float, pause: float, at: float) -> None:
    assert align_timer(now, pause) == pytest.approx(at)

"""What a signal does while a run starts, and while it is watched."""

import signal

import pytest

from pipeline.stop_signal import StopSignal


def test_signal_during_the_start_interrupts_it() -> None:
    stop = StopSignal()
    with pytest.raises(KeyboardInterrupt):
        stop.receive(signal.SIGTERM, None)
    assert stop.event.is_set()
    assert stop.number == signal.SIGTERM
    stop.receive(signal.SIGTERM, None)  # while it clears away: no second interruption


def test_watched_run_is_stopped_in_order_and_at_once_when_asked_twice() -> None:
    stop = StopSignal()
    stop.begin_watching()
    stop.interrupt_if_asked()
    stop.receive(signal.SIGINT, None)
    assert stop.event.is_set()
    with pytest.raises(KeyboardInterrupt):
        stop.interrupt_if_asked()
    with pytest.raises(KeyboardInterrupt):
        stop.receive(signal.SIGINT, None)

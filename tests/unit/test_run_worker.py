"""The worker's changes to Beam still take hold of the Beam that is installed."""

import pytest
from apache_beam.runners.worker.statesampler import StateSampler
from apache_beam.utils.counters import CounterFactory

from pipeline import run_worker


def test_bundles_are_sampled_with_the_short_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StateSampler.__init__, "__defaults__", StateSampler.__init__.__defaults__)

    run_worker.shorten_sampling()

    assert StateSampler("stage", CounterFactory()).sampling_period_ms == run_worker.SAMPLING_MILLISECONDS

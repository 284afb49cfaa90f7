"""The worker's changes to Beam still take hold of the Beam that is installed."""

import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.runners.worker.statesampler import StateSampler
from apache_beam.utils.counters import CounterFactory

from pipeline import run_worker


def test_bundles_are_sampled_with_the_short_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StateSampler.__init__, "__defaults__", StateSampler.__init__.__defaults__)

    run_worker.shorten_sampling()

    assert StateSampler("stage", CounterFactory()).sampling_period_ms == run_worker.SAMPLING_MILLISECONDS


def test_worker_knows_the_records_coder_before_it_is_handed_a_stage() -> None:
    code = "import pipeline.run_worker; from apache_beam.coders.coders import Coder; print(*Coder._known_urns)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[2]
    )
    assert "openweight:coder:record:v1" in answer.stdout.split()

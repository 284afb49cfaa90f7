"""The scorecard's arithmetic, against figures known from elsewhere."""

import importlib.util
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("measures", Path(__file__).parent / "measures.py")
assert spec is not None
assert spec.loader is not None
measures = importlib.util.module_from_spec(spec)
sys.modules["measures"] = measures
spec.loader.exec_module(measures)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 10, 0.0, 0.3085), (8, 10, 0.4439, 0.9748), (10, 10, 0.6915, 1.0), (95, 100, 0.8872, 0.9836)],
)
def test_intervals_are_those_of_clopper_and_pearson(hits: int, total: int, low: float, high: float) -> None:
    assert measures.Share(hits, total).interval == pytest.approx((low, high), abs=1e-4)


def test_precision_recall_and_f1_count_hits() -> None:
    found = measures.flags([True, True, False, False], [True, False, True, True])
    assert (found.precision.hits, found.precision.total, found.recall.total) == (1, 3, 2)
    assert found.f1 == pytest.approx(0.4)


def test_calibration_error_is_the_mean_gap_between_score_and_rate() -> None:
    error, curve = measures.calibration_error([True, False, True, True], [0.95, 0.95, 0.05, 0.95])
    assert error == pytest.approx(0.75 * (0.95 - 2 / 3) + 0.25 * 0.95)
    assert [number for _, _, number in curve] == [1, 3]


def test_names_of_one_body_are_the_same_and_others_are_not() -> None:
    assert measures.same_name("Mistral", "Mistral AI")
    assert measures.same_name("the EU", "European Union")
    assert not measures.same_name("Meta", "Microsoft")


def test_touching_spans_do_not_overlap() -> None:
    assert measures.overlaps((0, 5), (4, 9))
    assert not measures.overlaps((0, 5), (5, 9))

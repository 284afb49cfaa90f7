"""Which checkpoint or savepoint a job is resumed from."""

import os
from pathlib import Path

from pipeline.restore_points import METADATA, METADATA_MAGIC, find_restore_points, holds_state, remove_earlier, set_aside


def make_point(folder: Path, completed_seconds: int, metadata: bytes | None = METADATA_MAGIC + b"rest") -> Path:
    folder.mkdir(parents=True)
    if metadata is not None:
        (folder / METADATA).write_bytes(metadata)
        os.utime(folder / METADATA, (completed_seconds, completed_seconds))
    return folder


def paths(root: Path) -> list[Path]:
    return [point.path for point in find_restore_points(root / "checkpoints", root / "savepoints")]


def test_newest_complete_one_comes_first_over_checkpoints_and_savepoints(tmp_path: Path) -> None:
    older = make_point(tmp_path / "checkpoints" / "job1" / "chk-9", 100)
    newest = make_point(tmp_path / "savepoints" / "savepoint-1", 300)
    middle = make_point(tmp_path / "checkpoints" / "job2" / "chk-3", 200)
    assert paths(tmp_path) == [newest, middle, older]


def test_order_is_that_of_completion_and_not_of_numbers(tmp_path: Path) -> None:
    high_number = make_point(tmp_path / "checkpoints" / "job1" / "chk-900", 100)
    low_number = make_point(tmp_path / "checkpoints" / "job2" / "chk-10", 200)
    assert paths(tmp_path) == [low_number, high_number]


def test_checkpoint_without_metadata_or_with_foreign_bytes_is_passed_over(tmp_path: Path) -> None:
    complete = make_point(tmp_path / "checkpoints" / "job1" / "chk-3", 100)
    make_point(tmp_path / "checkpoints" / "job1" / "chk-4", 200, None)
    make_point(tmp_path / "checkpoints" / "job1" / "chk-5", 300, b"")
    make_point(tmp_path / "checkpoints" / "job1" / "chk-6", 400, b"torn")
    assert paths(tmp_path) == [complete]


def test_first_checkpoint_cut_short_is_no_state(tmp_path: Path) -> None:
    make_point(tmp_path / "checkpoints" / "job1" / "chk-1", 0, None)
    assert not holds_state(tmp_path / "checkpoints", tmp_path / "savepoints")


def test_later_checkpoint_cut_short_is_state_that_cannot_be_restored(tmp_path: Path) -> None:
    make_point(tmp_path / "checkpoints" / "job1" / "chk-7", 0, None)
    assert holds_state(tmp_path / "checkpoints", tmp_path / "savepoints")
    assert paths(tmp_path) == []


def test_state_set_aside_leaves_empty_folders_and_keeps_what_was_set_aside_before(tmp_path: Path) -> None:
    checkpoints, savepoints, aside = tmp_path / "checkpoints", tmp_path / "savepoints", tmp_path / "aside"
    for job in ("job1", "job2"):
        make_point(checkpoints / job / "chk-1", 100)
        set_aside(checkpoints, savepoints, aside)
    set_aside(checkpoints, savepoints, aside)
    assert [folder.name for folder in sorted(aside.glob("*/checkpoints/*"))] == ["job1", "job2"]
    assert len(list(aside.iterdir())) == 2
    assert not holds_state(checkpoints, savepoints)
    assert checkpoints.is_dir()


def test_checkpoints_kept_elsewhere_are_no_error_when_earlier_ones_are_removed(tmp_path: Path) -> None:
    assert remove_earlier(tmp_path / "checkpoints", tmp_path / "savepoints", "job") == []


def test_earlier_runs_are_removed_and_the_newest_savepoint_is_kept(tmp_path: Path) -> None:
    checkpoints, savepoints = tmp_path / "checkpoints", tmp_path / "savepoints"
    own = make_point(checkpoints / "job2" / "chk-5", 300)
    make_point(checkpoints / "job1" / "chk-9", 100)
    for number, name in enumerate(("savepoint-old", "savepoint-new")):
        os.utime(make_point(savepoints / name, 200 + number), (200 + number, 200 + number))
    removed = remove_earlier(checkpoints, savepoints, "job2")
    assert {folder.name for folder in removed} == {"job1", "savepoint-old"}
    assert paths(tmp_path) == [own, savepoints / "savepoint-new"]

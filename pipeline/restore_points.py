"""Where a job can be resumed from: complete checkpoints and savepoints on disk, newest first; what is kept of old ones."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger()

# Raised when code from before cannot read what code from now on writes; a field that is added with a default is no reason.
STATE_FORMAT = 1
FORMAT_FILE = "state-format"
METADATA = "_metadata"
# The first four bytes of what Flink writes last into a checkpoint (org.apache.flink.runtime.checkpoint.Checkpoints).
METADATA_MAGIC = bytes.fromhex("4960672d")


@dataclass(frozen=True, order=True)
class RestorePoint:
    """A complete checkpoint or savepoint; they sort by the time at which they were completed."""

    completed_nanoseconds: int
    path: Path


def list_candidates(checkpoints_folder: Path, savepoints_folder: Path) -> list[Path]:
    """Return every checkpoint (`JOB/chk-N`) and savepoint folder, complete or not."""
    return [*checkpoints_folder.glob("*/chk-*"), *savepoints_folder.glob("savepoint-*")]


def find_restore_points(checkpoints_folder: Path, savepoints_folder: Path) -> list[RestorePoint]:
    """Return the complete ones, newest first, and log each one that is torn and newer than the first of them.

    A `chk-N` is complete when Flink has written its metadata, which it does last.
    """
    points: list[RestorePoint] = []
    torn: list[Path] = []
    for folder in list_candidates(checkpoints_folder, savepoints_folder):
        try:
            with (folder / METADATA).open("rb") as file:
                is_complete = file.read(len(METADATA_MAGIC)) == METADATA_MAGIC
            completed = (folder / METADATA).stat().st_mtime_ns
        except OSError:
            is_complete, completed = False, 0
        if is_complete:
            points.append(RestorePoint(completed, folder))
        else:
            torn.append(folder)
    points.sort(reverse=True)
    for folder in torn:
        log.warning("checkpoint is incomplete and passed over", path=str(folder))
    return points


def holds_state(checkpoints_folder: Path, savepoints_folder: Path) -> bool:
    """Whether anything was ever completed here, readable or not.

    The very first checkpoint, `chk-1`, without its metadata is no state: a first run was killed before it had any.
    """
    candidates = list_candidates(checkpoints_folder, savepoints_folder)
    return any(folder.name != "chk-1" or (folder / METADATA).exists() for folder in candidates)


def read_format(checkpoints_folder: Path) -> str:
    """Return the number of the format that the state was written in, as it stands in the file; version 0.1.0 wrote 1 and no file."""
    try:
        return (checkpoints_folder / FORMAT_FILE).read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return "1"


def note_format(checkpoints_folder: Path) -> None:
    """Write beside the checkpoints in which format they are, for the versions to come."""
    file = checkpoints_folder / FORMAT_FILE
    if not file.exists():
        checkpoints_folder.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(f"{STATE_FORMAT}\n")
        new.replace(file)


def set_aside(checkpoints_folder: Path, savepoints_folder: Path, target: Path) -> None:
    """Move all state into a new folder in `target`, named by the time; what was set aside before stays."""
    dated = target / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    for folder in (checkpoints_folder, savepoints_folder):
        if folder.exists() and any(folder.iterdir()):
            dated.mkdir(parents=True, exist_ok=True)
            folder.rename(dated / folder.name)
            log.info("state is set aside; delete it when you are sure", path=str(dated / folder.name))
        folder.mkdir(parents=True, exist_ok=True)


def remove_earlier(checkpoints_folder: Path, savepoints_folder: Path, job_id: str) -> list[Path]:
    """Delete the checkpoints of other runs than `job_id` and all savepoints but the newest; returns what was deleted.

    Flink never deletes those of an earlier run. Call it only when the run has completed checkpoints of its own.
    """
    doomed = [folder for folder in checkpoints_folder.glob("*/") if folder.name != job_id]
    savepoints = sorted(savepoints_folder.glob("savepoint-*"), key=lambda folder: folder.stat().st_mtime_ns)
    doomed += savepoints[:-1]
    for folder in doomed:
        shutil.rmtree(folder, ignore_errors=True)
    return doomed

"""A run whose Python workers can be given faults while they run; see tests/faults/in_worker/sitecustomize.py for which."""

from __future__ import annotations

import os
from pathlib import Path

from run_openweight import OpenweightRun

IN_WORKER = Path(__file__).resolve().parent / "faults" / "in_worker"


class FaultyRun(OpenweightRun):
    """`arm` kills the worker at a named point, `give_bug` puts a bug into it."""

    def __init__(self, state_folder: Path, variables: dict[str, str] | None = None) -> None:
        super().__init__(state_folder, variables)
        self.faults_folder = self.state_folder / "faults"
        self.faults_folder.mkdir(exist_ok=True)
        self.environment["PYTHONPATH"] = os.pathsep.join([str(IN_WORKER), self.environment["PYTHONPATH"]])
        self.environment["FAULTS_FOLDER"] = str(self.faults_folder)

    def arm(self, point: str, count: int) -> None:
        (self.faults_folder / "fired").unlink(missing_ok=True)
        new = self.faults_folder / "new"
        new.write_text(f"{point} {count}")
        new.rename(self.faults_folder / "armed")

    def disarm(self) -> None:
        (self.faults_folder / "armed").unlink(missing_ok=True)

    @property
    def has_fired(self) -> bool:
        return (self.faults_folder / "fired").exists()

    def give_bug(self, name: str) -> None:
        (self.faults_folder / "bug").write_text(name)

    def take_bug(self) -> None:
        (self.faults_folder / "bug").unlink(missing_ok=True)

    def judge_by(self, labels: Path) -> None:
        """From its next start on, articles of this file are judged by their labels."""
        (self.faults_folder / "labels").write_text(str(labels))

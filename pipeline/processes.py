"""Child processes of one machine: started with a pid file, found again after a kill, ended in order, their last words read."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from pipeline.start_failure import StartFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = structlog.get_logger()

POLL_SECONDS = 0.05


class ProcessIdentity(msgspec.Struct, frozen=True):
    """A process that no later process can be taken for: a pid is given out again, pid and start time within a boot are not."""

    pid: int
    started_ticks: int
    boot_id: str


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of a live process; None when there is none or it is a zombie."""
    try:
        # The name in brackets may hold spaces and brackets itself: split behind the last one.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError):
        return None
    return None if fields[0] in "ZX" else ProcessIdentity(pid, int(fields[19]), boot_id)


def is_alive(identity: ProcessIdentity) -> bool:
    return identify(identity.pid) == identity


def read_identity(pid_file: Path) -> ProcessIdentity | None:
    try:
        return msgspec.json.decode(pid_file.read_bytes(), type=ProcessIdentity)
    except (OSError, msgspec.MsgspecError):
        return None


def end_process(identity: ProcessIdentity, grace_seconds: float) -> bool:
    """Ask a process to end, kill it after `grace_seconds`; returns whether it ended by itself."""
    if not signal_process(identity, signal.SIGTERM):
        return True
    if wait_until(lambda: not is_alive(identity), grace_seconds):
        return True
    signal_process(identity, signal.SIGKILL)
    wait_until(lambda: not is_alive(identity), 10)
    return False


def signal_process(identity: ProcessIdentity, number: signal.Signals) -> bool:
    """Send a signal to exactly this process; returns False when it is gone.

    A pidfd stays with the process it was opened for, so that a pid given out again in between is never hit.
    """
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def wait_until(condition: Callable[[], bool], limit_seconds: float) -> bool:
    deadline = time.monotonic() + limit_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


@dataclass
class ChildProcess:
    """One process of the run; `name` names its pid file and its logs in the state folder."""

    name: str
    command: list[str]
    state_folder: Path
    is_ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    grace_seconds: float = 3
    scratch_folder: Path | None = None
    """Where its temporary files go; emptied at each start: a killed Java process leaves 100 MB of copies."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid_file(self) -> Path:
        return self.state_folder / "run" / f"{self.name}.pid"

    @property
    def output_file(self) -> Path:
        """What the process prints besides its log: begun anew at each start, so that it stays small."""
        return self.state_folder / "logs" / f"{self.name}.out"

    @property
    def log_file(self) -> Path:
        return self.state_folder / "logs" / f"{self.name}.log"

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self.process.poll() if self.process else None

    @property
    def pid(self) -> int:
        """0 before the first start."""
        return self.process.pid if self.process else 0

    def start(self) -> None:
        for file in (self.pid_file, self.output_file):
            file.parent.mkdir(parents=True, exist_ok=True)
        if self.scratch_folder is not None:
            shutil.rmtree(self.scratch_folder, ignore_errors=True)
            self.scratch_folder.mkdir(parents=True)
        own = {} if self.scratch_folder is None else {"TMPDIR": str(self.scratch_folder)}
        with self.output_file.open("wb") as output:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which ends the others in order.
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **own, **self.environment},
                cwd=self.state_folder,
                start_new_session=True,
            )
        if identity := identify(self.process.pid):
            try:
                self.pid_file.write_bytes(msgspec.json.encode(identity))
            except OSError:
                # Without a pid file nobody would find it again.
                self.process.kill()
                self.process.wait()
                raise

    def wait_ready(self, limit_seconds: float = 120) -> None:
        """Return when the service answers.

        Raises:
            StartFailure: it ended or did not answer in time; the text holds its last lines.
        """
        answered = wait_until(lambda: self.exit_code is not None or self.is_ready(), limit_seconds)
        if not answered or self.exit_code is not None:
            reason = f"did not answer within {limit_seconds} s" if self.exit_code is None else f"ended with {self.exit_code}"
            raise StartFailure(f"{self.name} {reason}; the end of {self.log_file}:\n{self.last_lines()}")

    def ask_to_end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, grace_seconds: float | None = None) -> None:
        """End the process and forget its pid file; a process that is not running is no error."""
        grace_seconds = self.grace_seconds if grace_seconds is None else grace_seconds
        if self.process is None:
            return
        if self.process.poll() is None:
            self.ask_to_end()
            try:
                self.process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                log.warning("process did not end in time and is killed", name=self.name, grace_seconds=round(grace_seconds, 1))
                self.process.kill()
                self.process.wait()
        self.pid_file.unlink(missing_ok=True)

    def last_lines(self, count: int = 5) -> str:
        """The end of what it printed and logged, for the reason of a failure."""
        lines = [*read_tail(self.log_file), *read_tail(self.output_file)]
        return "\n".join(lines[-count:])


def scratch_folder(state_folder: Path, name: str) -> Path:
    return state_folder / "tmp" / name


def read_tail(file: Path, limit_bytes: int = 4096) -> list[str]:
    with contextlib.suppress(OSError), file.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - limit_bytes))
        return [line for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    return []


def end_leftovers(state_folder: Path, names_in_order: list[str], grace_seconds: float = 10) -> list[str]:
    """End what a killed run left behind, in this order; returns the names of those found alive."""
    ended = []
    for name in names_in_order:
        pid_file = state_folder / "run" / f"{name}.pid"
        identity = read_identity(pid_file)
        if identity is not None and is_alive(identity):
            log.info("ending a process that a killed run left behind", name=name, pid=identity.pid)
            end_process(identity, grace_seconds)
            ended.append(name)
        pid_file.unlink(missing_ok=True)
    return ended

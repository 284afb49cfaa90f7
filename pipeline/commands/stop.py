"""`openweight stop`: ends the run of a state folder, or what is left of it."""

from __future__ import annotations

import os
import signal

import structlog

from pipeline.exit_codes import ExitCode
from pipeline.local import ENDING_ORDER, take_lock
from pipeline.processes import end_leftovers, wait_until
from pipeline.settings import Settings
from pipeline.start_failure import StartFailure

log = structlog.get_logger()
# A savepoint, then every service in order.
STOP_SECONDS = 60


def stop_run(settings: Settings) -> ExitCode:
    """Asks a live run to stop and waits for it; then ends processes that nobody supervises any more."""
    folder = settings.state.folder.absolute()
    if not folder.exists():
        log.info("nothing runs", state_folder=str(folder))
        return ExitCode.DONE

    def is_ours() -> bool:
        try:
            take_lock(folder).close()
        except StartFailure:
            return False
        return True

    was_running = not is_ours()
    if was_running:
        pid = int((folder / "lock").read_text().strip())
        log.info("asking the run to stop", pid=pid)
        os.kill(pid, signal.SIGTERM)
        if not wait_until(is_ours, STOP_SECONDS):
            log.error("the run does not stop", pid=pid, seconds=STOP_SECONDS)
            return ExitCode.ENGINE_FAILED
        log.info("the run has stopped", pid=pid)
    left_behind = end_leftovers(folder, ENDING_ORDER)
    if not (was_running or left_behind):
        log.info("nothing runs", state_folder=str(folder))
    return ExitCode.DONE

"""The loop of a run: processes that died are started again, and a job that Flink lost is submitted again from its newest state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from pipeline.flink_rest import FlinkAway
from pipeline.start_failure import StartFailure

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from pipeline.job import Job
    from pipeline.restarts import Restarts

log = structlog.get_logger()

LOOP_SECONDS = 1


def watch_run(job: Job, restarts: Restarts, keep_services: Callable[[], object], should_stop: Event) -> None:
    """Return when `should_stop` is set; `keep_services` restarts the processes of this machine, if there are any.

    Raises:
        CrashLoop: a process or the job died more often than allowed; the text says how it ended.
    """
    trouble = ""
    while not should_stop.wait(LOOP_SECONDS):
        try:
            keep_services()
            keep_job(job, restarts)
            trouble = ""
        except OSError as error:
            # Said once for as long as it lasts: a full disk is full every second.
            if str(error) != trouble:
                log.warning("this machine fails the run, which goes on and tries again", reason=str(error))
            trouble = str(error)


def keep_job(job: Job, restarts: Restarts) -> None:
    if job.is_lost():
        if not restarts.is_planned("job"):
            restarts.note_death("job", job.read_failure() or "Flink does not know it any more")
        if restarts.take_if_due("job"):
            bring_back(job, restarts)
    else:
        job.remove_earlier_state()


def bring_back(job: Job, restarts: Restarts) -> None:
    try:
        point = job.start()
    except (StartFailure, FlinkAway, OSError) as failure:
        restarts.note_death("job", str(failure))
        return
    log.info("job is back", restored_from=str(point.path) if point else None)

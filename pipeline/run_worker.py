"""One Python worker of the job, started by the pool: runs the stages that Flink hands it, until Flink or the pool ends it."""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal

from apache_beam.runners.worker.sdk_worker import SdkHarness
from apache_beam.runners.worker.statesampler import StateSampler

# Before the first stage is built: Beam asks for a collection's coder before it loads the stage that would have registered it.
from transforms import coding  # noqa: F401 - registers the records' coder

# prctl(2): the signal that this process gets when the one that started it dies.
PR_SET_PDEATHSIG = 1
SAMPLING_MILLISECONDS = 2


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when the pool dies, also by SIGKILL: an orphan would go on with half of a job."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        # It died before the line above.
        os.kill(os.getpid(), signal.SIGKILL)


def shorten_sampling() -> None:
    """Have the thread that samples a bundle for Beam's metrics look up often.

    Each bundle ends by waiting for that thread's present sleep, which grows towards the period: with Beam's 200 ms, 14 % of the time under
    load went there. There is no option for it.
    """
    StateSampler.__init__.__defaults__ = (SAMPLING_MILLISECONDS,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--id", required=True)
    parser.add_argument("--control", required=True, help="address of Flink's control service")
    parser.add_argument("--parent", type=int, required=True, help="pid of the pool")
    parser.add_argument("--state-cache-bytes", type=int, required=True)
    given = parser.parse_args()
    die_with(given.parent)
    shorten_sampling()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    SdkHarness(
        given.control,
        worker_id=given.id,
        state_cache_size=given.state_cache_bytes,
        # Negative: output is sent at the end of a bundle or when the buffer is full, never by a thread of its own.
        data_buffer_time_limit_ms=-1,
    ).run()


if __name__ == "__main__":
    main()

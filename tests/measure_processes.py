"""What the processes of a run cost: CPU, memory, open files, threads, read from /proc.

Memory is PSS, the proportional set size: pages that processes share are counted once over all of them, so that it can be added up.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """One look at a process; `seconds` is the monotonic clock's."""

    seconds: float
    cpu_seconds: float
    pss_megabytes: float
    rss_megabytes: float
    open_files: int
    threads: int


def read_sample(pid: int) -> Sample | None:
    """Returns None when the process has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        open_files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return None
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines()[1:] if line.endswith("kB")}
    return Sample(
        seconds=time.monotonic(),
        cpu_seconds=(int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND,
        pss_megabytes=kilobytes.get("Pss", 0) / 1024,
        rss_megabytes=kilobytes.get("Rss", 0) / 1024,
        open_files=open_files,
        threads=int(fields[17]),
    )


def read_cpu_seconds(pids: list[int]) -> float:
    """CPU seconds of these processes together; those that have ended count 0."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return total


class Sampler:
    """Looks at processes every few seconds in a thread; `find` gives them by name each time, since they are started anew."""

    def __init__(self, find: Callable[[], dict[str, int]], every_seconds: float) -> None:
        self.find = find
        self.every_seconds = every_seconds
        self.samples: dict[str, list[Sample]] = defaultdict(list)
        self.together_megabytes: list[float] = []
        self.should_stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.should_stop.wait(self.every_seconds):
            looked = {name: read_sample(pid) for name, pid in self.find().items() if pid}
            for name, sample in looked.items():
                if sample is not None:
                    self.samples[name].append(sample)
            self.together_megabytes.append(sum(sample.pss_megabytes for sample in looked.values() if sample))

    def stop(self) -> None:
        self.should_stop.set()
        self.thread.join(30)

    def peaks(self) -> dict[str, float]:
        """The most megabytes (PSS) that each process had."""
        return {name: max(sample.pss_megabytes for sample in samples) for name, samples in self.samples.items()}

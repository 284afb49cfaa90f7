"""How many of the records that this process read last were rejected: when most are bad, the fault is not theirs."""

from __future__ import annotations

from collections import deque

WINDOW_RECORDS = 1_000


class RejectedShare:
    """Counts over the last WINDOW_RECORDS records; whoever reads notes each, whoever rejects one says so."""

    def __init__(self) -> None:
        self._read = 0
        self._rejected: deque[int] = deque(maxlen=WINDOW_RECORDS)

    def note_read(self) -> None:
        self._read += 1
        while self._rejected and self._rejected[0] <= self._read - WINDOW_RECORDS:
            self._rejected.popleft()

    def note_rejected(self) -> None:
        self._rejected.append(self._read)

    @property
    def rejected(self) -> int:
        return len(self._rejected)

    def is_above(self, share: float) -> bool:
        """Whether more than this share of a full window is rejected; true as soon as that is certain, full or not."""
        return len(self._rejected) > share * WINDOW_RECORDS


rejections = RejectedShare()

"""Offsets for the consumer group: a thread commits them, so that nobody waits for the broker."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

import structlog
from kafka.errors import NoError
from kafka.structs import OffsetAndMetadata

from connectors.kafka.connection import KafkaConnection, Repeated, share_admin
from connectors.kafka.partitions import split_key

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

log = structlog.get_logger()
GATHER_SECONDS = 0.5
RETRY_SECONDS = 3.0


class OffsetCommitter:
    """Commits the newest offset of each partition; what comes within half a second goes in one request."""

    def __init__(self, connection: KafkaConnection, group: str) -> None:
        self._connection = connection
        self._group = group
        self._lock = threading.Lock()
        self._offsets: dict[str, int] = {}
        self._newest: dict[str, tuple[str, int]] = {}
        self._has_offsets = threading.Event()
        self._repeated = Repeated(30)
        threading.Thread(target=self._run, name="commit-offsets", daemon=True).start()

    def commit(self, key: str, offset: int, identity: str) -> None:
        """Takes note of the next offset of `topic/partition`; returns at once.

        The bundles of one checkpoint are finalised in any order: an older offset never takes the place of a newer one of the same topic
        (`identity`; a topic that was made anew begins at 0 again).
        """
        with self._lock:
            known = self._newest.get(key)
            if known is not None and known[0] == identity and offset <= known[1]:
                return
            self._newest[key] = (identity, offset)
            self._offsets[key] = offset
        self._has_offsets.set()

    def _run(self) -> None:
        while True:
            self._has_offsets.wait()
            # The offsets of all bundles of a checkpoint arrive together.
            threading.Event().wait(GATHER_SECONDS)
            self._has_offsets.clear()
            with self._lock:
                offsets, self._offsets = self._offsets, {}
            try:
                share_admin(self._connection).ask(functools.partial(self._send, offsets))
            except Exception as error:  # noqa: BLE001 - without this thread nothing would be committed any more, in silence
                if self._repeated.is_due("away"):
                    log.warning("offsets are committed to the group later", group=self._group, reason=str(error) or repr(error))
                threading.Event().wait(RETRY_SECONDS)
                with self._lock:
                    self._offsets = offsets | self._offsets
                self._has_offsets.set()

    def _send(self, offsets: dict[str, int], client: KafkaAdminClient) -> None:
        answers = client.alter_group_offsets(
            self._group, {split_key(key): OffsetAndMetadata(offset, "", -1) for key, offset in offsets.items()}
        )
        refused = {str(partition): error.__name__ for partition, error in answers.items() if error is not NoError}
        if refused and self._repeated.is_due("refused"):
            log.warning("the broker refused offsets of the group", group=self._group, refused=refused)


@functools.cache
def share_committer(connection: KafkaConnection, group: str) -> OffsetCommitter:
    """Returns the process's committer for a group."""
    return OffsetCommitter(connection, group)

"""Whether a run does its work: what /readyz answers. /healthz asks nothing of the broker, which no restart of the run would mend."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.heartbeat import Heartbeat

CONNECT_SECONDS = 1.0
SERVERS_ASKED = 3
# Five heartbeats of 15 s, as in the rule OpenweightHeartbeatStale.
HEARTBEAT_SECONDS = 75.0


class Readiness:
    """`engine` and `model` say what is wrong, and are empty when nothing is; whoever looks after them sets them."""

    def __init__(self) -> None:
        self.bootstrap_servers = ""
        self.engine = "the job has not been submitted yet"
        self.model = "the weights have not been looked at yet"
        self.heartbeat: Heartbeat | None = None

    def find_troubles(self) -> dict[str, str]:
        """Return what is wrong, by part; empty when the run is ready. Answers within 4 s, also while the broker is away."""
        stale_seconds = time.time() - self.heartbeat.newest_seconds if self.heartbeat and self.heartbeat.newest_seconds else 0.0
        found = {
            "broker": "" if is_any_reachable(self.bootstrap_servers) else f"no answer from {self.bootstrap_servers}",
            "engine": self.engine,
            "model": self.model,
            "heartbeat": f"none came through for {stale_seconds:.0f} s" if stale_seconds > HEARTBEAT_SECONDS else "",
        }
        return {part: trouble for part, trouble in found.items() if trouble}


def is_any_reachable(bootstrap_servers: str) -> bool:
    """Whether one of the first few servers takes a connection."""
    for server in bootstrap_servers.split(",")[:SERVERS_ASKED]:
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS):
                return True
        except (OSError, ValueError):
            continue
    return False

"""Which ports the services of one machine listen on: those of the last run, else the usual ones, else free ones."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOST = "127.0.0.1"


def choose_ports(usual: Mapping[str, int], record: Path) -> dict[str, int]:
    """Return a free port for each name of `usual`, and remember the choice in `record`.

    A usual port of 0 means any free one. Subscribers keep the broker's address, so a port chosen once is kept while it is free.
    """
    remembered = read_record(record)
    chosen: dict[str, int] = {}
    for name, port in usual.items():
        wanted = [remembered.get(name, 0), port]
        chosen[name] = next((p for p in wanted if p and p not in chosen.values() and is_free(p)), 0) or find_free_port()
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_bytes(msgspec.json.encode(chosen))
    return chosen


def read_record(record: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(record.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port whose old connections linger is free all the same.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_listening(port: int, host: str = HOST) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False

"""Which sockets a process listens on, read from /proc."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

LISTEN = "0A"


def addresses_by_inode() -> dict[str, tuple[str, int]]:
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN:
                address, port = fields[1].split(":")
                found[fields[9]] = read_address(address), int(port, 16)
    return found


def read_address(text: str) -> str:
    """The kernel writes each four bytes of an address as a number of this machine, which is little-endian."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def listening_sockets(pid: int) -> set[tuple[str, int]]:
    """Address and port of each socket that a process listens on; empty when it has ended."""
    known = addresses_by_inode()
    sockets = set()
    try:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            inode = re.fullmatch(r"socket:\[(\d+)\]", str(file.readlink()))
            if inode and inode[1] in known:
                sockets.add(known[inode[1]])
    except OSError:
        pass
    return sockets

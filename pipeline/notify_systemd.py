"""Tells systemd how the run stands, by the datagram protocol of sd_notify(3); without systemd nothing is said."""

from __future__ import annotations

import contextlib
import os
import socket


def notify_systemd(*states: str) -> None:
    """Send states such as READY=1, STOPPING=1, WATCHDOG=1 or STATUS=text; a service manager that is away is no error."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # @ stands for the zero byte of Linux's abstract names.
    place = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(1)
        channel.sendto("\n".join(states).encode(), place)

"""What systemd is told arrives on a real datagram socket, by a path or an abstract name."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

import pytest

from pipeline.notify_systemd import notify_systemd


@pytest.mark.parametrize("is_abstract", [False, True])
def test_states_arrive_in_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_abstract: bool) -> None:
    name = f"openweight-{secrets.token_hex(8)}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(10)
        systemd.bind(f"\0{name}" if is_abstract else name)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}" if is_abstract else name)
        notify_systemd("READY=1", "STATUS=the job runs")
        notify_systemd("WATCHDOG=1")
        assert [systemd.recv(1024), systemd.recv(1024)] == [b"READY=1\nSTATUS=the job runs", b"WATCHDOG=1"]


def test_without_systemd_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify_systemd("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody-listens"))
    notify_systemd("READY=1")

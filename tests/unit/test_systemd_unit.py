"""The unit of one machine: systemd accepts it, finds it closed, and it starts what `make setup` installs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.flink_rest import REQUEST_LIMIT_SECONDS
from pipeline.settings import load_settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
UNIT = FOLDER / "openweight.service"
SAVEPOINT_AND_PROCESSES_SECONDS = 60


def analyse(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def installed_unit(folder: Path) -> Path:
    """The unit with a program that is on this machine, as its own is where it is installed."""
    unit = folder / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/openweight/.venv/bin/openweight", sys.executable))
    return unit


def test_systemd_accepts_the_unit(tmp_path: Path, tool: Callable[[str, str], str]) -> None:
    answer = analyse(tool("systemd-analyze", "systemd"), "verify", "--man=no", installed_unit(tmp_path))
    assert (answer.returncode, answer.stderr) == (0, "")


def test_systemd_finds_the_unit_closed(tmp_path: Path, tool: Callable[[str, str], str]) -> None:
    # In tenths: an exposure of at most 2.0 of 10.
    answer = analyse(
        tool("systemd-analyze", "systemd"), "security", "--offline=true", "--threshold=20", "--no-pager", installed_unit(tmp_path)
    )
    assert answer.returncode == 0, answer.stdout[-200:]


def test_unit_closes_the_ports_that_cannot_be_bound_to_this_machine() -> None:
    text = UNIT.read_text("utf-8")
    assert re.findall(r"(?m)^(IPAddress\w+=.*)$", text) == ["IPAddressDeny=any", "IPAddressAllow=localhost"]


def test_unit_starts_what_setup_installs_and_waits_for_the_savepoint() -> None:
    unit = dict(re.findall(r"(?m)^(\w+)=(.*)$", UNIT.read_text("utf-8")))
    program, *words = unit["ExecStart"].split()
    assert program == "/opt/openweight/.venv/bin/openweight"
    assert words == ["run", "--settings", "/etc/openweight/openweight.toml"]
    assert int(unit["TimeoutStopSec"]) > SAVEPOINT_AND_PROCESSES_SECONDS
    assert unit["Restart"] == "on-failure"
    assert (unit["Type"], unit["NotifyAccess"]) == ("notify", "main")
    # Eight questions to a Flink that answers none, each for ten seconds.
    assert int(unit["WatchdogSec"]) > 8 * REQUEST_LIMIT_SECONDS


def test_settings_beside_the_unit_are_settings() -> None:
    settings = load_settings(FOLDER / "openweight.toml", {"OPENWEIGHT_STATE__FOLDER": "/var/lib/openweight"})
    assert settings.state.folder == Path("/var/lib/openweight")
    assert not settings.engine.address

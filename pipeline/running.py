"""Where the services of a running job are: what `openweight run` found or started, for the other commands on this machine."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pipeline.settings import Settings


class Addresses(msgspec.Struct, frozen=True):
    """host:port of each; empty when there is none."""

    bootstrap_servers: str
    flink: str
    metrics: str


class NothingRunsError(Exception):
    """No broker is configured and none of our own is known; the text says what to do."""


def addresses_file(settings: Settings) -> Path:
    return settings.state.folder / "run" / "addresses.json"


def write_addresses(settings: Settings, addresses: Addresses) -> None:
    file = addresses_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.encode(addresses))


def read_addresses(settings: Settings) -> Addresses | None:
    """The addresses of the last run with this state folder; None when there was none."""
    try:
        return msgspec.json.decode(addresses_file(settings).read_bytes(), type=Addresses)
    except (OSError, msgspec.MsgspecError):
        return None


def with_broker(settings: Settings) -> Settings:
    """The settings with the broker's address in them, our own broker's when none is configured.

    Raises:
        NothingRunsError: none is configured and none of ours was started with this state folder.
    """
    if settings.broker.bootstrap_servers:
        return settings
    addresses = read_addresses(settings)
    if addresses is None:
        raise NothingRunsError(
            f"no broker: broker.bootstrap_servers is empty and nothing was started in {settings.state.folder}; "
            "start one with `openweight run`, or set broker.bootstrap_servers"
        )
    broker = settings.broker.model_copy(update={"bootstrap_servers": addresses.bootstrap_servers})
    return settings.model_copy(update={"broker": broker})

"""A run is ready when broker, engine and model are at work; nothing is asked of the broker to find it alive."""

from __future__ import annotations

import socket
import time

from pipeline.choose_ports import find_free_port
from pipeline.heartbeat import Heartbeat
from pipeline.readiness import Readiness
from pipeline.settings import Settings


def ready() -> Readiness:
    readiness = Readiness()
    readiness.engine = readiness.model = ""
    return readiness


def test_run_that_has_just_begun_is_not_ready() -> None:
    assert Readiness().find_troubles().keys() == {"broker", "engine", "model"}


def test_one_broker_that_takes_connections_is_enough() -> None:
    readiness = ready()
    with socket.create_server(("127.0.0.1", 0)) as server:
        readiness.bootstrap_servers = f"127.0.0.1:{find_free_port()}, 127.0.0.1:{server.getsockname()[1]}"
        assert readiness.find_troubles() == {}
    assert readiness.find_troubles().keys() == {"broker"}


def test_heartbeat_that_no_longer_comes_through_is_named_with_its_age() -> None:
    readiness = ready()
    readiness.heartbeat = Heartbeat(Settings.model_validate({"broker": {"bootstrap_servers": "127.0.0.1:9"}}))
    with socket.create_server(("127.0.0.1", 0)) as server:
        readiness.bootstrap_servers = f"127.0.0.1:{server.getsockname()[1]}"
        assert readiness.find_troubles() == {}, "none is sent"
        readiness.heartbeat.newest_seconds = time.time() - 10
        assert readiness.find_troubles() == {}
        readiness.heartbeat.newest_seconds = time.time() - 100.4
        assert readiness.find_troubles() == {"heartbeat": "none came through for 100 s"}

"""The broker of the test session: the product's own local one, started when the first test asks for it."""

from __future__ import annotations

import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest

from pipeline.broker import BrokerPlan, prepare_broker
from pipeline.choose_ports import is_listening
from pipeline.find_java import find_java

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Below the ports that the kernel hands to clients, so that a broker that comes back finds its port free; a hundred pairs for each worker of xdist.
FIRST_PORT = 22300 + 200 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def pytest_configure() -> None:
    """Has SIGTERM, as `timeout` and CI send it, end the tests as Ctrl-C does: fixtures stop the brokers and runs that they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real broker without any topic."""
    port = next(port for port in range(FIRST_PORT, FIRST_PORT + 200, 2) if not is_listening(port) and not is_listening(port + 1))
    plan = BrokerPlan(state_folder=tmp_path_factory.mktemp("broker"), port=port, controller_port=port + 1)
    process = prepare_broker(plan, find_java())
    process.start()
    try:
        process.wait_ready()
        yield plan.bootstrap_servers
    finally:
        process.end()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A name for a topic that no other test uses."""
    return f"{request.node.originalname.replace('_', '.')[:80]}.{time.time_ns()}"


@pytest.fixture
def tool() -> Callable[[str, str], str]:
    """A program's path by its name and Debian package; in CI its absence is a failure, elsewhere the test says that it was left out."""

    def find(name: str, package: str) -> str:
        path = shutil.which(name)
        if path is None:
            end = pytest.fail if os.environ.get("CI") else pytest.skip
            end(f"{name} is not installed: apt-get install {package}")
        return path

    return find

"""Settings become the client's options; secrets are read late and never travel."""

from __future__ import annotations

import gc
import pickle
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from connectors.kafka import connection as connection_module
from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection, Outage, SharedAdmin, describe_client, open_admin
from connectors.kafka.fetch import open_consumer
from connectors.kafka.fit_message import WritingPlan
from connectors.kafka.produce import open_producer

if TYPE_CHECKING:
    from collections.abc import Callable


def test_plaintext_names_servers_only() -> None:
    options = describe_client(KafkaConnection(bootstrap_servers="a:1, b:2,"))
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert not [name for name in options if name.startswith(("ssl", "sasl"))]


def test_ssl_takes_the_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key secret\n")
    options = describe_client(
        KafkaConnection(
            bootstrap_servers="a:1", security_protocol="SSL", ca_file="ca.pem", certificate_file="me.pem", key_file="me.key",
            key_password_file=str(tmp_path / "secret"),
        )
    )  # fmt: skip
    names = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password")
    assert [options[name] for name in names] == ["ca.pem", "me.pem", "me.key", "key secret"]


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_login_takes_the_password_from_its_file_at_the_last_moment(tmp_path: Path, protocol: str, mechanism: str) -> None:
    file = tmp_path / "password"
    connection = KafkaConnection(
        bootstrap_servers="a:1", security_protocol=protocol, sasl_mechanism=mechanism, username="me", password_file=str(file)
    )
    file.write_text("geheim\n")
    options = describe_client(connection)
    assert [options[f"sasl_{name}"] for name in ("mechanism", "plain_username", "plain_password")] == [mechanism, "me", "geheim"]
    assert ("ssl_cafile" in options) is (protocol == "SASL_SSL")
    assert b"geheim" not in pickle.dumps(connection)


def test_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    connection = KafkaConnection(bootstrap_servers="a:1", security_protocol="SASL_SSL", password_file=str(tmp_path / "gone"))
    with pytest.raises(BrokerUnreachableError, match="gone holds the secret"):
        describe_client(connection)


def test_broker_that_is_away_is_told_of_every_few_seconds_with_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(connection_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    outage = Outage(every_seconds=5)
    with capture_logs() as lines:
        outage.end()
        for _ in range(12):
            outage.warn("the broker is away", BrokerUnreachableError("no answer"))
            now[0] += 1
        outage.end()
        outage.warn("the broker is away", BrokerUnreachableError("no answer"))
    told = [(line["event"], line["seconds"]) for line in lines]
    assert told == [("the broker is away", 0), ("the broker is away", 5), ("the broker is away", 10),
                    ("the broker is back", 12), ("the broker is away", 0)]  # fmt: skip


@pytest.mark.parametrize("attempt", [open_admin, open_consumer, lambda connection: open_producer(connection, WritingPlan())])
def test_attempts_at_a_broker_that_is_away_leave_no_thread_and_no_descriptor(
    attempt: Callable[[KafkaConnection], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "BOOTSTRAP_MILLISECONDS", 100)

    def held() -> tuple[set[str], int]:
        gc.collect()
        return {one.name for one in threading.enumerate()}, len(list(Path("/proc/self/fd").iterdir()))

    before = held()
    for _ in range(3):
        with pytest.raises(BrokerUnreachableError):
            attempt(KafkaConnection(bootstrap_servers="127.0.0.1:9"))
    assert held() == before


def test_client_whose_thread_has_died_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "RECONNECT_MILLISECONDS", 0)
    opened = iter("ab")
    monkeypatch.setattr(connection_module, "open_admin", lambda _connection: next(opened))
    admin = SharedAdmin(KafkaConnection(bootstrap_servers="a:1"))

    def fail(_client: object) -> None:
        raise AssertionError("the loop crashed")

    with pytest.raises(AssertionError):
        admin.ask(fail)
    assert admin.ask(lambda client: client) == "b"

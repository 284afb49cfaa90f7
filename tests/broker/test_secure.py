"""TLS and SASL against a real broker: whom it lets in, whom it does not, and what a person is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))
from secure_broker import PASSWORD, SecureBroker

from connectors.kafka.connection import BrokerUnreachableError, KafkaConnection, open_admin, wait_for_broker
from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.subscribe import read_to_end
from connectors.kafka.write import send_all
from transforms.records import OutgoingMessage


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    broker = SecureBroker(tmp_path_factory.mktemp("secure"))
    try:
        broker.start()
        yield broker
    finally:
        broker.process.end()


@pytest.mark.parametrize("way", ["ssl", "sasl"])
def test_whoever_is_known_reads_what_was_written(secure: SecureBroker, way: str, topic: str) -> None:
    connection: KafkaConnection = getattr(secure, way)
    admin = open_admin(connection)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    assert send_all(connection, [OutgoingMessage(topic=topic, key=b"k", value=b"v")]) == {topic: 1}
    assert [one.value for one in read_to_end(connection, ReadingPlan(topics=(topic,)))] == [b"v"]


def refused_line(connection: KafkaConnection) -> str:
    with pytest.raises(BrokerUnreachableError) as refused:
        wait_for_broker(connection, 0, lambda _line: None)
    return str(refused.value)


def test_wrong_password_is_refused_and_the_line_points_at_the_login(secure: SecureBroker) -> None:
    line = refused_line(msgspec.structs.replace(secure.sasl, password_file=str(secure.wrong_password_file)))
    assert "check login and certificates" in line
    assert PASSWORD not in line


def test_unknown_user_is_refused(secure: SecureBroker) -> None:
    assert "SASL_SSL: check login" in refused_line(msgspec.structs.replace(secure.sasl, username="stranger"))


@pytest.mark.parametrize("way", ["ssl", "sasl"])
def test_broker_of_another_authority_is_refused(secure: SecureBroker, way: str) -> None:
    line = refused_line(msgspec.structs.replace(getattr(secure, way), ca_file=str(secure.other_ca_file)))
    assert "check login and certificates" in line


def test_client_without_a_certificate_is_refused(secure: SecureBroker) -> None:
    assert "SSL: check login" in refused_line(msgspec.structs.replace(secure.ssl, certificate_file="", key_file=""))


def test_plaintext_to_a_tls_port_is_refused(secure: SecureBroker) -> None:
    plain = KafkaConnection(bootstrap_servers=secure.ssl.bootstrap_servers)
    assert secure.ssl.bootstrap_servers in refused_line(plain)


def test_missing_password_file_names_the_file(secure: SecureBroker, tmp_path: Path) -> None:
    assert f"{tmp_path}/gone holds the secret" in refused_line(msgspec.structs.replace(secure.sasl, password_file=str(tmp_path / "gone")))

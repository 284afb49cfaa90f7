"""A real broker that lets in only whom it knows: SSL with client certificates, SASL_SSL with SCRAM; all made anew for the test."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from connectors.kafka.connection import KafkaConnection
from pipeline.broker import BrokerPlan, describe_properties, prepare_broker
from pipeline.choose_ports import HOST, find_free_port
from pipeline.find_java import find_java

USER = "reader"
# Nothing else holds these words: what is found anywhere has leaked.
PASSWORD = "canary-7f3a91-password"


@dataclass(frozen=True)
class Certificate:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Writes NAME.pem and NAME.key; returns both."""
        files = folder / f"{name}.pem", folder / f"{name}.key"
        files[0].write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        files[1].touch(mode=0o600)
        files[1].write_bytes(self.key.private_bytes(*private))
        return files


def make_certificate(name: str, authority: Certificate | None = None) -> Certificate:
    """A certificate of `authority`, or of an authority of its own; for 127.0.0.1, a day long."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
    )
    if authority is None:
        usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
        usage |= {"digital_signature": True, "key_cert_sign": True, "crl_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**usage, encipher_only=False, decipher_only=False), critical=True)
    return Certificate(builder.sign(authority.key if authority else key, hashes.SHA256()), key)


class SecureBroker:
    """`ssl` and `sasl` are connections that it takes, `plain` the test's own one, open on this machine only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        authority = make_certificate("authority")
        self.ca_file = authority.write(folder, "authority")[0]
        make_certificate("stranger").write(folder, "stranger")
        self.other_ca_file = folder / "stranger.pem"
        self.certificate_file, self.key_file = make_certificate("client", authority).write(folder, "client")
        certificate, key = make_certificate("broker", authority).write(folder, "broker-certificate")
        store = folder / "broker-store.pem"
        store.write_bytes(key.read_bytes() + certificate.read_bytes())
        self.password_file, self.wrong_password_file = folder / "password", folder / "wrong-password"
        self.password_file.write_text(f"{PASSWORD}\n")
        self.wrong_password_file.write_text(f"not-{PASSWORD}\n")
        self.plan = BrokerPlan(folder, find_free_port(), find_free_port())
        ssl_port, sasl_port = find_free_port(), find_free_port()
        self.process = prepare_broker(self.plan, find_java())
        lines = dict(line.split("=", 1) for line in describe_properties(self.plan).splitlines())
        for name in ("listeners", "advertised.listeners"):
            lines[name] += f",SSL://{HOST}:{ssl_port},SASL_SSL://{HOST}:{sasl_port}"
        lines["listener.security.protocol.map"] += ",SSL:SSL,SASL_SSL:SASL_SSL"
        lines |= {
            "ssl.keystore.type": "PEM", "ssl.keystore.location": str(store), "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca_file), "listener.name.ssl.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512", "inter.broker.listener.name": "PLAINTEXT",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        }  # fmt: skip
        self.plan.properties_file.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        self.plain = KafkaConnection(bootstrap_servers=self.plan.bootstrap_servers)
        self.ssl = KafkaConnection(
            bootstrap_servers=f"{HOST}:{ssl_port}", security_protocol="SSL", ca_file=str(self.ca_file),
            certificate_file=str(self.certificate_file), key_file=str(self.key_file),
        )  # fmt: skip
        self.sasl = KafkaConnection(
            bootstrap_servers=f"{HOST}:{sasl_port}", security_protocol="SASL_SSL", ca_file=str(self.ca_file),
            username=USER, password_file=str(self.password_file),
        )  # fmt: skip

    def start(self) -> None:
        self.process.start()
        self.process.wait_ready()
        admin = KafkaAdminClient(bootstrap_servers=self.plan.bootstrap_servers)
        refused = admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, PASSWORD)])
        admin.close()
        assert not any(refused.values()), refused

    def sasl_variables(self) -> dict[str, str]:
        """The settings of a job that reads and writes by SASL_SSL."""
        return {
            "OPENWEIGHT_BROKER__BOOTSTRAP_SERVERS": self.sasl.bootstrap_servers,
            "OPENWEIGHT_BROKER__SECURITY_PROTOCOL": "SASL_SSL",
            "OPENWEIGHT_BROKER__CA_FILE": str(self.ca_file),
            "OPENWEIGHT_BROKER__USERNAME": USER,
            "OPENWEIGHT_BROKER__PASSWORD_FILE": str(self.password_file),
        }

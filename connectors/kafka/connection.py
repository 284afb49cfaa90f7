"""How a Kafka broker is reached: addresses, certificates, logins; and the clients of a process that talk to it."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog
from kafka import KafkaAdminClient, codec
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.record.util import crc32c_c

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()
# kafka-python warns of a blocked event loop whenever the worker is busy, and says three times each second that the broker is away. It
# raises what matters, and this package says it once every few seconds.
logging.getLogger("kafka").setLevel(logging.CRITICAL)

# The largest back-off: kafka-python's own 30 s would make a broker's restart cost 40 s.
RECONNECT_MILLISECONDS = 2000
BOOTSTRAP_MILLISECONDS = 2000
ADMIN_TIMEOUT_MILLISECONDS = 5000
Client = TypeVar("Client")


class BrokerUnreachableError(Exception):
    """The broker did not answer in time; the text says where it was looked for."""


class KafkaConnection(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is and how to log in. Holds paths of secrets, never secrets: it is pickled into the graph."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    key_password_file: str = ""
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password_file: str = ""


def describe_client(connection: KafkaConnection) -> dict[str, Any]:
    """Returns the options that every kafka-python client of this connection takes; reads the secrets now.

    Raises:
        BrokerUnreachableError: when a file with a secret cannot be read, as for a moment while it is replaced.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in connection.bootstrap_servers.split(",") if server.strip()],
        "client_id": "openweight-monitor",
        "security_protocol": connection.security_protocol,
        "reconnect_backoff_max_ms": RECONNECT_MILLISECONDS,
        "bootstrap_timeout_ms": BOOTSTRAP_MILLISECONDS,
    }
    if connection.security_protocol.endswith("SSL"):
        options |= {
            "ssl_cafile": connection.ca_file or None,
            "ssl_certfile": connection.certificate_file or None,
            "ssl_keyfile": connection.key_file or None,
            "ssl_password": _read_secret(connection.key_password_file),
        }
    if connection.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": connection.sasl_mechanism,
            "sasl_plain_username": connection.username,
            "sasl_plain_password": _read_secret(connection.password_file),
        }
    return options


def _read_secret(path: str) -> str | None:
    try:
        return Path(path).read_text("utf-8").strip() if path else None
    except (OSError, UnicodeDecodeError) as error:
        raise BrokerUnreachableError(f"{path} holds the secret for the broker and cannot be read: {error}; make it readable") from error


def open_client(kind: Callable[..., Client], connection: KafkaConnection, **options: Any) -> Client:
    """Opens a client of kafka-python.

    Its consumer and its admin client begin with a thread and four descriptors, and leave them behind when no broker answers: a broker that
    is away for half an hour would use up what a process may have, so that it could not be reached when it is back.

    Raises:
        BrokerUnreachableError: when no broker answers, or it refuses the login.
    """
    begun: list[KafkaNetClient] = []

    def begin(**configs: Any) -> KafkaNetClient:
        begun.append(KafkaNetClient(**configs))
        return begun[-1]

    try:
        return kind(kafka_client=begin, **options, **describe_client(connection))
    except BaseException as error:
        for client in begun:
            client.close()
        if isinstance(error, (KafkaError, OSError)):  # OSError: a certificate that cannot be read
            raise unreachable(connection, error) from error
        raise


def open_admin(connection: KafkaConnection, timeout_milliseconds: int = ADMIN_TIMEOUT_MILLISECONDS) -> KafkaAdminClient:
    """Opens a client that asks the broker about topics, offsets and groups.

    Raises:
        BrokerUnreachableError: when no broker answers, or it refuses the login.
    """
    return open_client(KafkaAdminClient, connection, request_timeout_ms=timeout_milliseconds)


def forbid_topic_creation(client: Any) -> None:
    """Keeps a consumer's or a producer's client from creating topics: asking for one that was deleted would make it anew.

    kafka-python 3.0.12 takes the option allow_auto_create_topics and does not hand it to the part that asks.
    """
    client.cluster.config["allow_auto_create_topics"] = False


def unreachable(connection: KafkaConnection, error: object) -> BrokerUnreachableError:
    # kafka-python does not tell a refused login from a broker that is away.
    hint = "" if connection.security_protocol == "PLAINTEXT" else f"; {connection.security_protocol}: check login and certificates too"
    return BrokerUnreachableError(f"no answer from the broker at {connection.bootstrap_servers}: {error!s}{hint}")


def has_fast_checksums() -> bool:
    """Whether kafka-python's extra crc32c is installed: without it reading costs a third more time."""
    return crc32c_c is not None


def list_missing_codecs() -> list[str]:
    """Returns the compressions whose libraries are missing: a partition with such a batch cannot be read."""
    has_codecs = {"gzip": codec.has_gzip, "snappy": codec.has_snappy, "lz4": codec.has_lz4, "zstd": codec.has_zstd}
    return [name for name, has_codec in has_codecs.items() if not has_codec()]


def wait_for_broker(
    connection: KafkaConnection, timeout_seconds: float, report: Callable[[str], None], report_every_seconds: float = 3
) -> None:
    """Returns when the broker answers; meanwhile hands one line to `report` every few seconds.

    Raises:
        BrokerUnreachableError: when it did not answer within `timeout_seconds`.
    """
    started = time.monotonic()
    reported = started
    while True:
        try:
            open_admin(connection).close()
        except BrokerUnreachableError as error:
            waited = time.monotonic() - started
            if waited >= timeout_seconds:
                raise BrokerUnreachableError(f"{error}; gave up after {waited:.0f} s (broker.wait_seconds)") from error
            if time.monotonic() - reported >= report_every_seconds:
                reported = time.monotonic()
                report(f"waiting for the broker at {connection.bootstrap_servers}, {waited:.0f} of {timeout_seconds:.0f} s")
            time.sleep(0.2)
        else:
            return


class SharedAdmin:
    """The one admin client of a process for a connection; opened again after a failure, at most every two seconds."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._client: KafkaAdminClient | None = None
        self._retry_at = 0.0

    def ask(self, question: Callable[[KafkaAdminClient], Any]) -> Any:
        """Returns `question(client)`.

        Raises:
            BrokerUnreachableError: when the broker is away or the question failed; the next call opens a new client.
        """
        with self._lock:
            if time.monotonic() < self._retry_at:
                raise unreachable(self._connection, "the last attempt failed a moment ago")
            try:
                self._client = self._client or open_admin(self._connection)
                return question(self._client)
            except Exception as error:
                # Of whatever kind: a client whose own thread has died answers each question with what that died of.
                self._retry_at = time.monotonic() + RECONNECT_MILLISECONDS / 1000
                client, self._client = self._client, None
                if client is not None:
                    with contextlib.suppress(Exception):
                        client.close()
                if isinstance(error, (KafkaError, OSError)):
                    raise unreachable(self._connection, error) from error
                raise


@functools.cache
def share_admin(connection: KafkaConnection) -> SharedAdmin:
    """Returns the process's admin client (two threads that race for the first call get one each: harmless)."""
    return SharedAdmin(connection)


class Repeated:
    """Says whether a line that would come over and over is due: the first time, then every few seconds."""

    def __init__(self, every_seconds: float = 5) -> None:
        self._every_seconds = every_seconds
        self._said_at: dict[str, float] = {}

    def is_due(self, subject: str) -> bool:
        now = time.monotonic()
        if now - self._said_at.get(subject, float("-inf")) < self._every_seconds:
            return False
        self._said_at[subject] = now
        return True

    def forget(self) -> None:
        """The next line of each subject is due at once."""
        self._said_at.clear()


class Outage:
    """Says that the broker is away, and how long already: at once, then every few seconds; and once that it is back."""

    def __init__(self, every_seconds: float = 5) -> None:
        self._repeated = Repeated(every_seconds)
        self._begun_at: float | None = None

    def warn(self, event: str, error: BrokerUnreachableError) -> None:
        now = time.monotonic()
        self._begun_at = now if self._begun_at is None else self._begun_at
        if self._repeated.is_due(event):
            log.warning(event, seconds=round(now - self._begun_at), reason=str(error))

    def end(self) -> None:
        """The broker answers: nothing is said when it did before, too."""
        if self._begun_at is not None:
            log.info("the broker is back", seconds=round(time.monotonic() - self._begun_at))
            self._begun_at = None
            self._repeated.forget()

"""Topics as deploy/topics.toml defines them: read, created, and compared with what the broker has."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import msgspec
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from connectors.kafka.connection import KafkaConnection, open_admin, unreachable

if TYPE_CHECKING:
    from pathlib import Path

    from kafka import KafkaAdminClient


class TopicDefinition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One topic. `replication_factor` -1 is the broker's default; `config` holds Kafka's own topic settings."""

    partitions: int
    replication_factor: int = -1
    key: str
    value: str
    written_by: str
    read_by: str
    config: dict[str, str | int] = {}


class TopicDifference(msgspec.Struct, frozen=True):
    """Where the broker differs: `what` is `missing`, `partitions` or the name of a topic setting."""

    topic: str
    what: str
    expected: str
    found: str


class TopicFileError(Exception):
    """deploy/topics.toml cannot be read; the text names the place."""


def read_topic_definitions(path: Path) -> dict[str, TopicDefinition]:
    """Returns the definitions by topic.

    Raises:
        TopicFileError: when the file is missing or a definition is wrong.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(content.get("topics", {}), type=dict[str, TopicDefinition])
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise TopicFileError(f"{path}: {error}") from error


def create_topics(connection: KafkaConnection, definitions: dict[str, TopicDefinition]) -> list[str]:
    """Creates the topics that are missing and returns their names; those that exist are left as they are.

    Raises:
        BrokerUnreachableError: when the broker does not answer or refuses.
    """
    admin = open_admin(connection, timeout_milliseconds=20_000)
    try:
        existing = set(admin.list_topics())
        missing = {name: definition for name, definition in definitions.items() if name not in existing}
        if missing:
            admin.create_topics(
                {
                    name: {
                        "num_partitions": definition.partitions, "replication_factor": definition.replication_factor,
                        "configs": {key: str(value) for key, value in definition.config.items()},
                    }
                    for name, definition in missing.items()
                },
                wait_for_metadata=True,
            )  # fmt: skip
    except KafkaError as error:
        raise unreachable(connection, error) from error
    finally:
        admin.close()
    return sorted(missing)


def compare_topics(connection: KafkaConnection, definitions: dict[str, TopicDefinition]) -> list[TopicDifference]:
    """Returns every difference between the definitions and the broker, in the order of the definitions.

    Raises:
        BrokerUnreachableError: when the broker does not answer.
    """
    admin = open_admin(connection, timeout_milliseconds=20_000)
    try:
        # Asked for all: the broker answers an unknown name with an error, and a topic that is missing is no error here.
        partitions = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        configs = _describe_configs(admin, [name for name in definitions if name in partitions])
    except KafkaError as error:
        raise unreachable(connection, error) from error
    finally:
        admin.close()
    differences = []
    for name, definition in definitions.items():
        if name not in partitions:
            differences.append(TopicDifference(name, "missing", f"{definition.partitions} partitions", "no such topic"))
            continue
        expected = {"partitions": str(definition.partitions)} | {key: str(value) for key, value in definition.config.items()}
        found = configs[name] | {"partitions": str(partitions[name])}
        differences += [
            TopicDifference(name, what, value, found.get(what, "unknown")) for what, value in expected.items() if found.get(what) != value
        ]
    return differences


def _describe_configs(admin: KafkaAdminClient, topics: list[str]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    answers: Any = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in topics], config_filter="all")
    return {name: {key: str(entry["value"]) for key, entry in entries.items()} for name, entries in answers["topic"].items()}

"""`openweight topics`: the broker's topics against deploy/topics.toml."""

from __future__ import annotations

from rich.table import Table

from connectors.kafka.topics import compare_topics, create_topics
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.running import with_broker
from pipeline.settings import Settings
from pipeline.terminal import console
from pipeline.topic_file import read_topics


def show_topics(settings: Settings, *, is_creating: bool) -> ExitCode:
    """Prints every topic and how it differs; FOUND when one does."""
    settings = with_broker(settings)
    connection, definitions = kafka_connection(settings), read_topics(settings)
    created = create_topics(connection, definitions) if is_creating else []
    differences = compare_topics(connection, definitions)
    table = Table("topic", "partitions", "cleanup", "written by", "on the broker", box=None)
    for name, definition in definitions.items():
        found = [f"{one.what}: {one.found}, should be {one.expected}" for one in differences if one.topic == name]
        state = "; ".join(found) or ("created" if name in created else "as defined")
        cleanup = str(definition.config.get("cleanup.policy", ""))
        table.add_row(name, str(definition.partitions), cleanup, definition.written_by, state, style="bold" if found else "")
    console().print(table)
    if any(one.what == "missing" for one in differences):
        console(to_error_output=True).print("create what is missing with: openweight topics --create")
    return ExitCode.FOUND if differences else ExitCode.DONE

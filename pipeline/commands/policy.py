"""`openweight policy`: where every actor stands, today or on a date."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import structlog
from rich.table import Table

from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.subscribe import read_to_end
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.running import with_broker
from pipeline.settings import Settings
from pipeline.terminal import console, harmless
from transforms.policy_book import policy_state
from transforms.records import PolicyState, RawMessage

log = structlog.get_logger()
HEADLINE_CHARACTERS = 80


def show_policy(settings: Settings, *, is_json: bool, at: datetime | None) -> ExitCode:
    """Prints the ledger as a table or as JSON lines, sorted by actor and object."""
    settings = with_broker(settings)
    topic = f"{settings.writing.topic_prefix}.policy"
    states = as_it_stood(read_ledger(read_to_end(kafka_connection(settings), ReadingPlan(topics=(topic,)))), at)
    if is_json:
        for state in states:
            sys.stdout.buffer.write(msgspec.json.encode(state) + b"\n")
        return ExitCode.DONE
    table = Table("actor", "object", "stands", "by", "status", "since", "changes", "last reported as", box=None)
    for state in states:
        kind, status = state.change_type.replace("_", " "), state.status.replace("_", " ")
        table.add_row(
            harmless(state.actor, 60), harmless(state.object, 60), state.stance, kind, f"{status}{', contested' * state.contested}",
            f"{state.since:%Y-%m-%d}", str(len(state.history)), harmless(state.headline, HEADLINE_CHARACTERS),
        )  # fmt: skip
    if not states:
        found = "nothing of that time" if at else "nothing yet"
        console(to_error_output=True).print(f"{topic} on {settings.broker.bootstrap_servers} holds {found}")
        return ExitCode.DONE
    console().print(table)
    return ExitCode.DONE


def read_ledger(messages: Iterable[RawMessage]) -> list[PolicyState]:
    """What the topic says after compaction; a record that cannot be read is passed over, with a line in the log."""
    newest: dict[bytes, bytes | None] = {}
    for message in messages:
        newest[message.key or b""] = message.value
    states = []
    for key, value in newest.items():
        if value is None:
            continue
        try:
            states.append(msgspec.json.decode(value, type=PolicyState))
        except msgspec.MsgspecError as error:
            log.warning("a policy state cannot be read", key=key.decode(errors="replace"), reason=str(error))
    return sorted(states, key=lambda state: (state.actor, state.object))


def as_it_stood(states: Iterable[PolicyState], at: datetime | None) -> list[PolicyState]:
    """The states on a date, as far as their history goes back; now when there is none."""
    if at is None:
        return list(states)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return [then for state in states if (then := policy_state(state.actor, state.history, at)) is not None]

"""`openweight replay`: the news topics once more through the present code and settings, into topics of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice

import re2
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from connectors.kafka.topics import create_topics
from connectors.kafka.write import send_all
from pipeline.alert_rules import alert_rules
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.rerun import Rerun, Window, load_state, read_window, save_state
from pipeline.running import with_broker
from pipeline.settings import Settings, Writing
from pipeline.terminal import console
from pipeline.topic_file import read_topics
from transforms.records import RawMessage

# So many messages are read, written and noted at a time: what is done again after a stop.
BATCH_MESSAGES = 200


def replay_topics(settings: Settings, prefix: str, window: Window, *, is_fresh: bool) -> ExitCode:
    """Writes to PREFIX.*; goes on with a replay to the same prefix that was stopped, unless settings or model are others now."""
    if reason := why_not_to(settings, prefix):
        print(f"openweight replay: --to {prefix}: {reason}", file=sys.stderr)
        return ExitCode.USAGE
    settings = with_broker(settings)
    settings = settings.model_copy(update={"writing": settings.writing.model_copy(update={"topic_prefix": prefix})})
    connection = kafka_connection(settings)
    create_topics(connection, {name: one for name, one in read_topics(settings).items() if name.startswith(f"{prefix}.")})
    file = settings.state.folder / "replay" / f"{prefix}.msgpack"
    state = None if is_fresh else load_state(file, alert_rules(settings).settings)
    rerun = Rerun(settings, state)
    screen = console(to_error_output=True)
    if state:
        screen.print(f"taken up where it was stopped; --fresh begins anew ({file})")
    count = 0
    with shown(screen) as progress:
        task = progress.add_task("replaying", total=None)
        for batch in in_batches(read_window(connection, settings, window, rerun.state.positions)):
            send_all(connection, [message for raw in batch for message in rerun.take(raw)])
            save_state(file, rerun.state)
            count += len(batch)
            progress.update(task, completed=count)
    screen.print(f"{count} messages into {prefix}.*, {len(rerun.state.alerts)} alerts")
    return ExitCode.DONE


def why_not_to(settings: Settings, prefix: str) -> str:
    """Why nothing may be replayed into topics of this prefix; empty when it may."""
    if f"{prefix}.".startswith(f"{settings.writing.topic_prefix}."):
        return "these are the topics of live subscribers; choose another prefix"
    try:
        writing = Writing(topic_prefix=prefix)
    except ValidationError:
        return "no prefix of topics; it has letters, digits, - and _, in parts with dots between them, such as backfill.2026"
    reading, topics = settings.reading, read_topics(settings.model_copy(update={"writing": writing}))
    key = "topic_pattern" if reading.topic_pattern else "topics"
    for name in topics:
        is_read = re2.fullmatch(reading.topic_pattern, name) if reading.topic_pattern else name in reading.topics
        if is_read and name.startswith(f"{prefix}."):
            return f"the job would read {name} as news (reading.{key}); choose another prefix"
    return ""


def shown(screen: Console) -> Progress:
    """Progress by count, on a terminal only."""
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:.0f} messages"), TimeElapsedColumn())
    return Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)


def in_batches(messages: Iterable[RawMessage]) -> Iterator[list[RawMessage]]:
    iterator = iter(messages)
    while batch := list(islice(iterator, BATCH_MESSAGES)):
        yield batch

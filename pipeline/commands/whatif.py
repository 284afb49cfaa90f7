"""`openweight whatif`: which alerts other settings would have given over the same articles."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.table import Table

from pipeline.alert_rules import alert_rules
from pipeline.commands.assess import read_messages
from pipeline.commands.replay import in_batches, shown
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.open_input import open_input
from pipeline.rerun import Rerun, RerunState, Window, load_state, read_window, save_state
from pipeline.running import with_broker
from pipeline.settings import Settings
from pipeline.terminal import console, harmless
from transforms.records import Alert, AlertState, RawMessage

Source = Callable[[dict[str, int]], Iterable[RawMessage]]
# How an alert was made is no difference in what it says.
NOT_COMPARED = {"settings", "revision", "inputs", "model", "score", "last_reported_at"}
LISTS = {"actors", "languages", "objects"}


@dataclass(frozen=True)
class Difference:
    """An alert that only one side has, or that says another thing on the other: `fields` with both values."""

    what: str
    alert: Alert
    fields: tuple[tuple[str, str, str], ...] = ()


def compare(settings: Settings, other: Settings, file: Path | None, window: Window, *, is_json: bool, is_fresh: bool) -> ExitCode:
    """Prints the alerts added, removed and changed; FOUND when there are any. Each side goes on where it was stopped."""
    # It is read twice, once for each side.
    if file and not (file.is_file() and os.access(file, os.R_OK)):
        print(f"openweight whatif: --file {file} is no file that can be read", file=sys.stderr)
        return ExitCode.USAGE
    settings = settings if file else with_broker(settings)
    other = other.model_copy(update={"broker": settings.broker})
    folder = settings.state.folder / "whatif"
    before, after = (
        _alerts(name, one, _source(one, file, window), folder / f"{alert_rules(one).settings}.msgpack", is_fresh=is_fresh)
        for name, one in (("these settings", settings), ("the others", other))
    )
    found = differences(before, after)
    if is_json:
        print(json.dumps([_as_json(one) for one in found], ensure_ascii=False))
    else:
        _print(found, len(before), len(after))
    return ExitCode.FOUND if found else ExitCode.DONE


def _source(settings: Settings, file: Path | None, window: Window) -> Source:
    if file is None:
        return lambda positions: read_window(kafka_connection(settings), settings, window, positions)

    def read_file(positions: dict[str, int]) -> Iterator[RawMessage]:
        with open_input(file) as stream:
            for raw in read_messages(stream, file):
                first = max(window.from_offset or 0, positions.get(f"{raw.position.topic}/{raw.position.partition}", 0))
                if raw.position.offset >= first and window.has(raw):
                    yield raw

    return read_file


def _alerts(name: str, settings: Settings, source: Source, file: Path, *, is_fresh: bool) -> dict[str, Alert]:
    """The alerts that stand at the end of the range."""
    rerun = Rerun(settings, None if is_fresh else load_state(file, alert_rules(settings).settings))
    with shown(console(to_error_output=True)) as progress:
        task = progress.add_task(name, total=None)
        for batch in in_batches(source(rerun.state.positions)):
            for raw in batch:
                rerun.take(raw)
            save_state(file, rerun.state)
            progress.advance(task, len(batch))
    # A finished comparison begins anew next time: only a stopped one is taken up.
    file.unlink(missing_ok=True)
    return standing(rerun.state)


def standing(state: RerunState) -> dict[str, Alert]:
    alerts = {name: msgspec.json.decode(value, type=Alert) for name, value in state.alerts.items()}
    return {name: alert for name, alert in alerts.items() if alert.state is not AlertState.RETRACTED}


def differences(before: dict[str, Alert], after: dict[str, Alert]) -> list[Difference]:
    """What the second side has more, less or otherwise; by actor."""
    found = [Difference("added", after[name]) for name in after.keys() - before.keys()]
    found += [Difference("removed", before[name]) for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        fields = tuple(
            (field, _value(before[name], field), _value(after[name], field))
            for field in before[name].__struct_fields__
            if field not in NOT_COMPARED and getattr(before[name], field) != getattr(after[name], field)
        )
        found += [Difference("changed", after[name], fields)] if fields else []
    return sorted(found, key=lambda one: (one.alert.actor, one.what, one.alert.alert_id))


def _value(alert: Alert, field: str) -> str:
    value = getattr(alert, field)
    return ", ".join(map(str, value)) if field in LISTS else f"{len(value)} of them" if field == "articles" else str(value)


def _as_json(one: Difference) -> dict[str, object]:
    fields = {field: {"before": before, "after": after} for field, before, after in one.fields}
    return {"what": one.what, "alert_id": one.alert.alert_id, "actor": one.alert.actor, "headline": one.alert.headline, "fields": fields}


def _print(found: list[Difference], before: int, after: int) -> None:
    table = Table("", "actor", "direction", "alert", "what is other", box=None)
    for one in found:
        fields = "; ".join(f"{field}: {harmless(old, 60)} -> {harmless(new, 60)}" for field, old, new in one.fields)
        table.add_row(one.what, harmless(one.alert.actor, 60), one.alert.direction, harmless(one.alert.headline, 80), fields)
    screen = console()
    if found:
        screen.print(table)
    counts = {what: sum(one.what == what for one in found) for what in ("added", "removed", "changed")}
    screen.print(f"{before} alerts before, {after} after: " + ", ".join(f"{count} {what}" for what, count in counts.items()))

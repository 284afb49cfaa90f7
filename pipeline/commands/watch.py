"""`openweight watch`: alerts as they come, for people or as JSON lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import datetime
from threading import Event

import msgspec
import structlog
from rich.text import Text

from connectors.kafka.partitions import ReadingPlan, Start
from connectors.kafka.subscribe import subscribe
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.running import with_broker
from pipeline.settings import Settings
from pipeline.terminal import console, harmless
from transforms.records import Alert, AlertState, Direction, RawMessage, Severity

log = structlog.get_logger()
DIRECTION_STYLE = {Direction.OPENING: "green", Direction.CLOSING: "red", Direction.MIXED: "yellow", Direction.UNCLEAR: "magenta"}
SEVERITY_STYLE = {Severity.HIGH: "bold", Severity.MEDIUM: "", Severity.LOW: "dim"}
QUOTE_CHARACTERS = 300
# In UTF-8; 0xc2 is never part of another character.
_CONTROLS = re.compile(rb"\x7f|\xc2[\x80-\x9f]")


def watch_alerts(settings: Settings, *, is_json: bool, is_from_start: bool, is_all: bool, limit: int) -> ExitCode:
    """Prints until `limit` alerts are out, or for ever."""
    settings = with_broker(settings)
    if not is_json:
        console(to_error_output=True).print(
            f"watching {settings.writing.topic_prefix}.alerts.* on {settings.broker.bootstrap_servers}; Ctrl-C ends"
        )
    for number, (message, alert) in enumerate(_alerts(settings, None, is_from_start=is_from_start, is_all=is_all), 1):
        if is_json:
            sys.stdout.buffer.write(escape_controls(message.value or b"") + b"\n")
            sys.stdout.buffer.flush()
        else:
            console().print(describe(alert))
        if number == limit:
            break
    return ExitCode.DONE


def print_alerts(settings: Settings, should_stop: Event) -> None:
    """What `openweight run --samples` shows beside the job: all notable alerts from the first one on."""
    for _, alert in _alerts(settings, should_stop, is_from_start=True, is_all=False):
        console().print(describe(alert))


def _alerts(settings: Settings, should_stop: Event | None, *, is_from_start: bool, is_all: bool) -> Iterator[tuple[RawMessage, Alert]]:
    topics = tuple(f"{settings.writing.topic_prefix}.alerts.{direction}" for direction in DIRECTION_STYLE)
    plan = ReadingPlan(topics=topics, start=Start.EARLIEST if is_from_start else Start.LATEST)
    for message in subscribe(kafka_connection(settings), plan):
        if should_stop is not None and should_stop.is_set():
            return
        if message is None or message.value is None:
            continue
        try:
            alert = msgspec.json.decode(message.value, type=Alert)
        except msgspec.DecodeError as error:
            position = message.position
            log.warning("an alert cannot be read", topic=position.topic, offset=position.offset, reason=str(error))
            continue
        if is_all or is_notable(message):
            yield message, alert


def is_notable(message: RawMessage) -> bool:
    """Whether a person should be told: the header says it, and without one nothing is kept back."""
    return dict(message.headers).get("notable") != b"false"


def escape_controls(value: bytes) -> bytes:
    """The same JSON with U+007F to U+009F, which a terminal takes for orders, as escapes; JSON encoders leave them as they are."""
    return _CONTROLS.sub(lambda found: b"\\u%04x" % found[0][-1], value)


def describe(alert: Alert) -> Text:
    """An alert in a few lines; all text from outside is made harmless."""
    text = Text()
    mark = {AlertState.RAISED: "NEW", AlertState.UPDATED: "UPDATE", AlertState.RETRACTED: "WITHDRAWN"}[alert.state]
    if alert.merged_into:
        # Nothing is taken back: a report of the same change has come that was published earlier, or two stories turned out to be one.
        mark = "MERGED"
    text.append(f"{_local(alert.last_reported_at)}  {mark:9} ", style="dim")
    text.append(f"{alert.direction.upper():8}", style=f"bold {DIRECTION_STYLE.get(alert.direction, '')}")
    text.append(f" {harmless(', '.join(alert.actors) or alert.actor, 200)}", style="bold")
    text.append(f"  {alert.change_type.replace('_', ' ')}, {alert.status.replace('_', ' ')}")
    text.append(", contested" if alert.contested else "", style="yellow")
    text.append(f"  [{alert.severity}, score {alert.score:.2f}]\n", style=SEVERITY_STYLE[alert.severity])
    # News in Hebrew or Arabic stands alone on its lines: mixed into ours it would turn them around.
    text.append(f"    {harmless(alert.headline)}\n")
    if alert.merged_into:
        return text.append(f"    the same change as alert {harmless(alert.merged_into, 40)}, which tells it from here on\n", style="dim")
    first = alert.articles[0] if alert.articles else None
    if first is not None and first.evidence:
        quote = harmless(first.evidence[0].text, QUOTE_CHARACTERS)
        if quote != harmless(alert.headline):
            text.append(f"    “{quote}”\n", style="italic")
    sources = f"{_count(alert.article_count, 'article')} from {_count(alert.publisher_count, 'publisher')}, {', '.join(alert.languages)}"
    text.append(f"    {sources}  {harmless(first.url if first else '', 300)}  alert {harmless(alert.alert_id, 40)}\n", style="dim")
    if alert.retracted_because:
        text.append(f"    withdrawn: the report was {harmless(alert.retracted_because, 100)}\n", style="dim")
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"

"""The whole way of an article in one process, without engine: for replays, comparisons and proofs.

The very functions of the job's stages, with the keyed state in dictionaries that can be saved and taken up again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from connectors.kafka.connection import KafkaConnection
from connectors.kafka.partitions import Start
from connectors.kafka.subscribe import partition_offsets, read_to_end
from pipeline.alert_rules import alert_rules
from pipeline.assess import LightPath
from pipeline.ends import reading_plan
from pipeline.settings import Settings, SettingsError
from transforms.attempt import FAILED, Refused, reject
from transforms.encode import encode_alert, encode_assessment, encode_policy, encode_rejected
from transforms.key_articles import key_by_actor
from transforms.link_stories import link
from transforms.model.judge import model_version
from transforms.policy_book import keep, policy_change
from transforms.raise_alerts import raise_alert
from transforms.records import Assessment, Member, OutgoingMessage, PolicyBook, RaisedAlert, RawMessage

STAGE = "replay"
Value = TypeVar("Value")


class RerunState(msgspec.Struct):
    """How far a rerun has come, `positions` being the next offsets by `topic/partition`, and what its stages know."""

    settings: str
    model: str
    positions: dict[str, int] = {}
    members: dict[str, tuple[Member, ...]] = {}
    books: dict[str, PolicyBook] = {}
    alerts: dict[str, bytes] = {}


class Window(msgspec.Struct, frozen=True):
    """Which messages: by the time of their arrival, or by offset in every partition; from the first, to before the second."""

    since: datetime | None = None
    until: datetime | None = None
    from_offset: int | None = None
    to_offset: int | None = None

    def has(self, message: RawMessage) -> bool:
        return (self.until is None or message.timestamp_milliseconds < self.until.timestamp() * 1000) and (
            self.to_offset is None or message.position.offset < self.to_offset
        )


def window_of(text: str) -> Window:
    """`FROM..TO`, two offsets or two times (UTC when they name no zone), of which either may be empty.

    Raises:
        SettingsError: when it is something else.
    """
    begin, dots, end = text.partition("..")
    if text and not dots:
        raise SettingsError([f"--range {text}: write FROM..TO, such as 2026-01-01..2026-02-01, 0..500 or 2026-01-01.."])
    if any(part.isdecimal() for part in (begin, end)):
        return Window(from_offset=_read(int, begin), to_offset=_read(int, end))
    return Window(since=_read(_utc, begin), until=_read(_utc, end))


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _read(kind: Callable[[str], Value], text: str) -> Value | None:
    try:
        return kind(text) if text else None
    except ValueError as error:
        raise SettingsError([f"--range: {text!r} is neither an offset nor a time such as 2026-01-01T12:00: {error}"]) from None


class Rerun:
    """All stages, one message after the other; loads the models when it is made."""

    def __init__(self, settings: Settings, state: RerunState | None = None) -> None:
        self._settings = settings
        self._light_path = LightPath(settings)
        self._rules = alert_rules(settings)
        self._prefix = settings.writing.topic_prefix
        self.state = state or RerunState(self._rules.settings, model_version())

    def assess(self, raw: RawMessage) -> Assessment:
        """What is concluded of one message, apart from all others.

        Raises:
            Refused: the message is no article.
        """
        return self._light_path.assess(raw)

    def take(self, raw: RawMessage) -> list[OutgoingMessage]:
        """What the job would write for this message, in order; its offset counts as read."""
        position = raw.position
        try:
            assessment = self.assess(raw)
        except Refused as refused:
            written = [encode_rejected(reject(raw, STAGE, refused.reason, refused.detail), self._prefix)]
        except Exception as error:  # noqa: BLE001 - one bad record never stops its neighbours
            written = [encode_rejected(reject(raw, STAGE, FAILED, f"{type(error).__name__}: {error}"), self._prefix)]
        else:
            written = [encode_assessment(assessment, self._prefix), *self._link(assessment)]
        self.state.positions[f"{position.topic}/{position.partition}"] = position.offset + 1
        return written

    def _link(self, assessment: Assessment) -> Iterator[OutgoingMessage]:
        members, books = self.state.members, self.state.books
        for actor, member in key_by_actor(assessment):
            members[actor], stories = link(actor, members.get(actor, ()), member, self._settings.stories.limits)
            if not members[actor]:
                del members[actor]
            for story in stories:
                yield self._note(raise_alert(story, self._rules))
                books[actor], updates = keep(actor, books.get(actor, PolicyBook()), policy_change(story), self._settings.ledger.limits)
                for update in updates:
                    yield encode_policy(update, self._prefix)

    def _note(self, raised: RaisedAlert) -> OutgoingMessage:
        message = encode_alert(raised, self._prefix)
        self.state.alerts[raised.alert.alert_id] = message.value or b""
        return message


def load_state(file: Path, rules_hash: str) -> RerunState | None:
    """What an earlier rerun left; None when there is none, or it was made with other settings or another model."""
    try:
        state = msgspec.msgpack.decode(file.read_bytes(), type=RerunState)
    except (OSError, msgspec.MsgspecError):
        return None
    return state if (state.settings, state.model) == (rules_hash, model_version()) else None


def save_state(file: Path, state: RerunState) -> None:
    """Writes whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_bytes(msgspec.msgpack.encode(state))
    new.replace(file)


def read_window(connection: KafkaConnection, settings: Settings, window: Window, positions: dict[str, int]) -> Iterable[RawMessage]:
    """The messages of the news topics in the window, from `positions` where these are further on.

    Raises:
        BrokerUnreachableError: when no broker answers.
    """
    start = Start.TIMESTAMP if window.since else Start.EARLIEST
    plan = msgspec.structs.replace(reading_plan(settings), start=start, start_at=window.since)
    starts, _ = partition_offsets(connection, plan)
    begin = {key: max(offset, window.from_offset or 0, positions.get(key, 0)) for key, offset in starts.items()}
    return (message for message in read_to_end(connection, plan, begin) if window.has(message))

"""Every noun of the system, in the order of the flow.

One definition of a record gives the validation of outside JSON, the JSON on topics, its JSON Schema and the MessagePack between
stages and in state. A field is added with a default, never re-used with another meaning. Times are timezone-aware. Offsets are
characters into `Article.content`; every quoted span equals the slice.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from transforms.closed_sets import AlertState, ChangeType, Direction, EntityType, Novelty, Outcome, Severity, Status
from transforms.policy_records import PolicyBook, PolicyChange, PolicyStance, PolicyState, PolicyUpdate, StatusStep

# Who reads the records needs these too.
__all__ = [
    "AlertState",
    "ChangeType",
    "Direction",
    "EntityType",
    "Novelty",
    "Outcome",
    "PolicyBook",
    "PolicyChange",
    "PolicyStance",
    "PolicyState",
    "PolicyUpdate",
    "Severity",
    "Status",
    "StatusStep",
]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The shape that all records share: immutable, fields given by name."""


class Position(msgspec.Struct, frozen=True, order=True):
    """Where a message was read: the identity of an input."""

    topic: str
    partition: int
    offset: int


class RawMessage(Record, frozen=True):
    """A message as the broker handed it over, nothing of it read yet."""

    position: Position
    timestamp_milliseconds: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Article(Record, frozen=True):
    r"""A message that was understood; `raw` is kept so that a later stage that fails loses nothing.

    `content` is `title + "\n" + text` as received, or the text alone when there is no title.
    """

    raw: RawMessage
    received_at: datetime
    sha256: str
    id: str
    url: str
    title: str
    content: str
    publisher: str = ""
    published_at: datetime | None = None
    declared_language: str = ""
    warnings: tuple[str, ...] = ()
    is_withdrawn: bool = False

    @property
    def position(self) -> Position:
        return self.raw.position


class LanguageSpan(msgspec.Struct, frozen=True):
    start: int
    end: int
    language: str


class Document(Record, frozen=True):
    """An article whose language is known; `language` is a BCP 47 tag, `und` when there is no telling."""

    article: Article
    language: str
    language_spans: tuple[LanguageSpan, ...]


class Entity(msgspec.Struct, frozen=True):
    start: int
    end: int
    surface: str
    canonical: str
    type: EntityType


class AnnotatedDocument(Record, frozen=True):
    """A document with its entities; `is_candidate`: it passed the gate; `gate_hits`: where the gate's terms begin, in order."""

    document: Document
    entities: tuple[Entity, ...]
    is_candidate: bool
    gate_hits: tuple[int, ...] = ()


class Evidence(msgspec.Struct, frozen=True):
    start: int
    end: int
    text: str


class Assessment(Record, frozen=True):
    """What was concluded of one article; on the assessments topic and in the lines of `openweight assess`.

    Of a flagged article also `sketch`, by which copies of its text are known, and `outline`: numbers and names that a translation keeps.
    """

    id: str
    language: str
    flag: bool
    direction: Direction
    change_type: ChangeType
    status: Status
    contested: bool
    novelty: Novelty
    score: float
    actors: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    entities: tuple[Entity, ...]
    position: Position
    received_at: datetime
    sha256: str
    url: str
    title: str
    publisher: str
    published_at: datetime | None
    language_spans: tuple[LanguageSpan, ...]
    is_candidate: bool
    warnings: tuple[str, ...]
    model: str
    outcome: Outcome = Outcome.ASSESSED
    content_sha256: str = ""
    sketch: bytes = b""
    outline: tuple[str, ...] = ()
    is_withdrawn: bool = False


class Member(Record, frozen=True):
    """An article inside a story; `stands_for` counts it and those left out in its favour, `edits` how often they came again changed.

    `objects` are the models and laws that its title and evidence name, `marks` what else they hold that is the same in every language;
    `sketch` and `outline` are those of the whole text (Assessment), by which copies and translations are known. With a `gone_because` it is
    no article but word that this one says nothing of the actor (any more).
    """

    article: str
    position: Position
    sha256: str
    url: str
    title: str
    publisher: str
    language: str
    at: datetime
    received_at: datetime
    direction: Direction
    change_type: ChangeType
    status: Status
    contested: bool
    score: float
    actors: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    model: str
    content_sha256: str = ""
    stands_for: int = 1
    edits: int = 0
    versions: tuple[str, ...] = ()
    gone_because: str = ""
    objects: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    sketch: bytes = b""
    outline: tuple[str, ...] = ()


class Members(Record, frozen=True):
    """The flagged articles of one actor that may still gain company: the keyed state of LinkStories."""

    members: tuple[Member, ...] = ()


class StoryUpdate(Record, frozen=True):
    """A changed story: its articles before and now (none: it is over, for `reason`), the Kafka timestamp of the article that caused it."""

    story_id: str
    actor: str
    before: tuple[Member, ...]
    members: tuple[Member, ...]
    received_at: datetime
    merged_into: str = ""
    reason: str = ""


class ArticleReference(Record, frozen=True):
    """Where a subscriber finds the article behind an alert."""

    position: Position
    sha256: str
    url: str
    title: str
    publisher: str
    language: str
    at: datetime
    evidence: tuple[Evidence, ...]


class InputReference(Record, frozen=True):
    """A message that an alert stands on: where it is, and the sha-256 of its bytes."""

    position: Position
    sha256: str


class Alert(Record, frozen=True):
    """What subscribers receive. The same articles give the same bytes, whatever was restarted meanwhile.

    `inputs` are all messages that it stands on (those of `articles` too), `settings` a hash of the settings that it depends on:
    `openweight verify --alert` makes it again from these.
    """

    alert_id: str
    story_id: str
    revision: int
    state: AlertState
    actor: str
    actors: tuple[str, ...]
    direction: Direction
    change_type: ChangeType
    status: Status
    contested: bool
    severity: Severity
    score: float
    headline: str
    language: str
    languages: tuple[str, ...]
    first_reported_at: datetime
    last_reported_at: datetime
    article_count: int
    publisher_count: int
    articles: tuple[ArticleReference, ...]
    model: str
    merged_into: str = ""
    schema_version: str = "1.0"
    objects: tuple[str, ...] = ()
    retracted_because: str = ""
    settings: str = ""
    inputs: tuple[InputReference, ...] = ()


class RaisedAlert(Record, frozen=True):
    """An alert, and what has changed that a person should be told: that depends on what was known before, so it is no part of the alert."""

    alert: Alert
    changes: tuple[str, ...] = ()

    @property
    def is_notable(self) -> bool:
        return bool(self.changes)


class Rejected(Record, frozen=True):
    """A message that could not be processed, with its bytes and the reason."""

    position: Position
    timestamp_milliseconds: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    stage: str
    reason: str
    detail: str


class OutgoingMessage(Record, frozen=True):
    """A message ready for a topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_milliseconds: int | None = None

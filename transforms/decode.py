"""Decode: what a producer sent becomes an Article, or is refused with the reason."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import apache_beam as beam
import msgspec
import trafilatura

from transforms.attempt import Attempt, Attempted, Refused
from transforms.records import Article, RawMessage

# Every article without a readable page would be a line of the log; the article's warning says it.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)

STAGE = "decode"
IS_PAGE = re.compile(r"<html\b", re.IGNORECASE)
FIELDS = ("id", "url", "title", "text", "html", "published_at", "publisher", "language", "withdrawn")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_PUBLICATION = datetime(1990, 1, 1, tzinfo=UTC)
LIMIT_TIME_CHARACTERS = 64
# Above this a number of seconds since 1970 would lie beyond the year 5000: it must be milliseconds.
LIMIT_SECONDS = 100_000_000_000


@dataclass(frozen=True)
class DecodeLimits:
    """Sizes from which a message is refused (bytes) or a field cut off with a warning (characters, tags)."""

    message_bytes: int = 1_000_000
    content_characters: int = 200_000
    title_characters: int = 1_000
    short_field_characters: int = 2_000
    html_tags: int = 20_000


class Decode(beam.PTransform):
    """RawMessage -> Article.

    Args:
        keys: for each of FIELDS the JSON key that holds it; dots lead into nested objects.
        limits: see DecodeLimits.
    """

    def __init__(self, keys: dict[str, str], limits: DecodeLimits) -> None:
        super().__init__()
        self._step = DecodeMessage(keys, limits)

    def expand(self, messages: beam.PCollection) -> Attempted:
        return messages | Attempt(STAGE, self._step)


@dataclass
class DecodeMessage:
    """The step of Decode.

    Raises:
        Refused: with one of the reasons no_value, too_large, not_utf8, not_json, not_an_object, wrong_type, no_text.
    """

    keys: dict[str, str] = field(default_factory=lambda: {name: name for name in FIELDS})
    limits: DecodeLimits = DecodeLimits()

    def setup(self) -> None:
        self._decoder = msgspec.json.Decoder(_message_type([self.keys[name] for name in FIELDS]))

    def __call__(self, raw: RawMessage) -> Article:
        values = self._read(raw)
        warnings: list[str] = []
        short = self.limits.short_field_characters
        if not isinstance(values["withdrawn"], bool | None):
            warnings.append("withdrawn_wrong_type")
        title = _text(values, "title", self.limits.title_characters, warnings)
        body, is_title_in_body = self._body(values, warnings)
        has_title = bool(title.strip()) and not is_title_in_body
        content = f"{title}\n{body}" if has_title and body else title if has_title else body
        if not any(character.isalnum() for character in content):
            raise Refused("no_text", f"neither {self.keys['text']}, {self.keys['html']} nor {self.keys['title']} holds a letter or digit")
        if len(content) > self.limits.content_characters:
            content = content[: self.limits.content_characters]
            warnings.append("content_cut")
        sha256 = hashlib.sha256(raw.value or b"").hexdigest()
        url = _safe_url(_text(values, "url", short, warnings), warnings)
        received_at = _received_at(raw.timestamp_milliseconds)
        return Article(
            raw=raw,
            received_at=received_at,
            sha256=sha256,
            id=_text(values, "id", short, warnings) or url or sha256,
            url=url,
            title=title,
            content=content,
            publisher=_text(values, "publisher", short, warnings),
            published_at=_published_at(values["published_at"], received_at, warnings),
            declared_language=_text(values, "language", short, warnings),
            warnings=tuple(warnings),
            is_withdrawn=values["withdrawn"] is True,
        )

    def _read(self, raw: RawMessage) -> dict[str, Any]:
        """The values of FIELDS; None where the message has none."""
        value = raw.value
        if value is None or not value.strip():
            raise Refused("no_value", "the message has no value" if value is None else "the value is empty")
        if len(value) > self.limits.message_bytes:
            raise Refused("too_large", f"{len(value)} bytes; limits.message_bytes is {self.limits.message_bytes}")
        value = value.removeprefix(BYTE_ORDER_MARK)
        try:
            message = self._decoder.decode(value)
        except msgspec.ValidationError as error:
            is_inside = "at `$" in str(error)
            raise Refused("wrong_type" if is_inside else "not_an_object", str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            is_text = _is_utf8(value)
            raise Refused("not_json" if is_text else "not_utf8", f"{error}; the value begins {bytes(value[:12])!r}") from None
        return {name: _follow(message, self.keys[name]) for name in FIELDS}

    def _body(self, values: dict[str, Any], warnings: list[str]) -> tuple[str, bool]:
        text = values["text"]
        if text is not None and not isinstance(text, str):
            raise Refused("wrong_type", f"{self.keys['text']} is {type(text).__name__}, not a string")
        if text and text.strip():
            return text, False
        html = values["html"]
        if html is None:
            warnings.append("no_body")
            return "", False
        if not isinstance(html, str):
            raise Refused("wrong_type", f"{self.keys['html']} is {type(html).__name__}, not a string")
        if html.count("<") > self.limits.html_tags:
            # Each costs the reader some 20 microseconds, whether it says anything or not.
            html = "<".join(html.split("<", self.limits.html_tags)[:-1])
            warnings.append("html_cut")
        if not IS_PAGE.search(html):
            # A fragment such as feeds have: trafilatura finds nothing in "<p>…</p>" alone.
            html = f"<html><body>{html}</body></html>"
        extracted = trafilatura.extract(html, fast=True, include_comments=False, include_tables=True) or ""
        # A numeric entity can name half of a surrogate pair, which no topic takes.
        extracted = extracted.encode("utf-8", "replace").decode()
        if not extracted:
            warnings.append("no_body")
        title = values["title"]
        return extracted, isinstance(title, str) and bool(title.strip()) and extracted.startswith(title.strip())


def _message_type(paths: list[str]) -> Any:
    """A struct that holds just these dotted paths, so that nothing else of a message is ever built."""
    children: dict[str, list[str]] = {}
    for path in paths:
        head, _, rest = path.partition(".")
        children.setdefault(head, []).extend([rest] if rest else [])
    fields = [(f"f{number}", _message_type(rest) | None if rest else Any, None) for number, rest in enumerate(children.values())]
    return msgspec.defstruct("Message", fields, rename={f"f{number}": head for number, head in enumerate(children)})


def _follow(message: Any, path: str) -> Any:
    for key in path.split("."):
        if message is None:
            return None
        fields = message.__struct_fields__
        message = getattr(message, fields[message.__struct_encode_fields__.index(key)])
    return message


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(values: dict[str, Any], name: str, limit_characters: int, warnings: list[str]) -> str:
    """A string field, or "" with a warning when it is something else; a number may stand for an id."""
    value = values[name]
    if value is None:
        return ""
    if name == "id" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        warnings.append(f"{name}_wrong_type")
        return ""
    if len(value) > limit_characters:
        warnings.append(f"{name}_cut")
        value = value[:limit_characters]
    return value


def _safe_url(url: str, warnings: list[str]) -> str:
    """The link when it is one that a person may be shown, else ""."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_safe = (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None and url.isprintable() and " " not in url
        )
    except ValueError:
        is_safe = False
    if not is_safe:
        warnings.append("url_refused")
    return url if is_safe else ""


def _received_at(timestamp_milliseconds: int) -> datetime:
    """The Kafka timestamp as a time; one that is plainly in seconds is read so, one that says nothing is the epoch."""
    if EARLIEST_PUBLICATION.timestamp() <= timestamp_milliseconds < LIMIT_SECONDS:
        timestamp_milliseconds *= 1000
    try:
        return EPOCH + timedelta(milliseconds=max(timestamp_milliseconds, 0))
    except OverflowError:
        return EPOCH


def _published_at(value: Any, received_at: datetime, warnings: list[str]) -> datetime | None:
    """The time of publication in UTC, never later than the message itself where that has a time; None when there is no telling."""
    if value is None or value == "":
        return None
    time = _parse_time(value)
    if time is None:
        warnings.append("published_at_unreadable")
        return None
    if time < EARLIEST_PUBLICATION:
        warnings.append("published_at_too_early")
        return None
    if time > received_at >= EARLIEST_PUBLICATION:
        warnings.append("published_at_in_future")
        return received_at
    return time


def _parse_time(value: Any) -> datetime | None:
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) > LIMIT_SECONDS else value
            return EPOCH + timedelta(seconds=seconds)
        if isinstance(value, str) and len(value) <= LIMIT_TIME_CHARACTERS:
            text = value.strip()
            time = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return None

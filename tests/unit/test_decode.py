"""Every bad message of the corpus ends refused with a reason or accepted with a warning."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest

from transforms.attempt import Refused
from transforms.decode import FIELDS, DecodeLimits, DecodeMessage
from transforms.records import Article, Position, RawMessage

RECEIVED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def message(value: bytes | None) -> RawMessage:
    return RawMessage(position=Position("news", 0, 7), timestamp_milliseconds=int(RECEIVED.timestamp() * 1000), key=None, value=value)


def decode(value: bytes | dict[str, object] | None, keys: dict[str, str] | None = None, limits: DecodeLimits | None = None) -> Article:
    step = DecodeMessage(keys or {name: name for name in FIELDS}, limits or DecodeLimits())
    step.setup()
    return step(message(json.dumps(value).encode() if isinstance(value, dict) else value))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no_value"),
        (b"", "no_value"),
        (b" \n", "no_value"),
        ('{"text":"x"}'.encode("utf-16"), "not_utf8"),
        (b'{"text":"\xff"}', "not_utf8"),
        (gzip.compress(b'{"text":"a"}', mtime=0), "not_utf8"),
        (b"[" * 100_000, "not_an_object"),
        (b'{"text":' * 100_000, "not_json"),
        (b'{"text":NaN}', "not_json"),
        (b'{"text":"a","id":1e999}', "wrong_type"),
        (b'{"text":"a","id":' + b"9" * 4301 + b"}", "wrong_type"),
        (rb'{"text":"a\ud800b"}', "not_json"),
        (rb'{"\ud800":1,"text":"ok"}', "not_json"),
        (b'{"text":"a\x01b"}', "not_json"),
        (b"[]", "not_an_object"),
        (b'"x"', "not_an_object"),
        (b"1", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"text":1}', "wrong_type"),
        (b'{"html":[]}', "wrong_type"),
        (b'{"text":"a",}', "not_json"),
        (b'{"text":"a"} garbage', "not_json"),
        (b'{"x":1}', "no_text"),
        (b'{"text":"..."}', "no_text"),
        (b"{" + b",".join(b'"%d":1' % number for number in range(90_000)) + b"}", "no_text"),
        (b'{"text":"' + b"a" * 1_000_001 + b'"}', "too_large"),
    ],
)
def test_bad_message_is_refused_with_its_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(value)
    assert refused.value.reason == reason
    assert refused.value.detail


def test_message_just_below_the_limit_is_read() -> None:
    article = decode(b'{"text":"' + b"a" * 999_980 + b'"}', limits=DecodeLimits(content_characters=10))
    assert article.content == "a" * 10
    assert article.warnings == ("content_cut",)


def test_title_and_text_are_joined_by_one_line_break_and_not_changed() -> None:
    article = decode({"title": " A title ", "text": " the text\n"})
    assert article.content == " A title \n the text\n"


def test_title_alone_is_an_article() -> None:
    article = decode({"title": "Only a headline"})
    assert (article.content, article.warnings) == ("Only a headline", ("no_body",))


def test_byte_order_mark_is_passed_over() -> None:
    assert decode(b'\xef\xbb\xbf{"text":"hi there"}').content == "hi there"


def test_html_becomes_text_without_its_menu() -> None:
    paragraph = "<p>The laboratory said on Monday that it will <b>no longer</b> publish the weights of its largest model.</p>"
    article = decode({"html": f"<html><body><nav><a href='/'>Menu</a></nav><article>{paragraph * 4}</article></body></html>"})
    assert "it will no longer publish" in article.content
    assert "Menu" not in article.content
    assert "<" not in article.content


@pytest.mark.parametrize("html", ["<p>{}</p>", "<div>{}</div>", "{}", "<div><p>{}</p></div>", "<BODY><p>{}</p></BODY>"])
def test_a_fragment_of_html_is_read_like_a_page(html: str) -> None:
    sentence = "The laboratory will no longer publish the weights of its largest model."
    assert decode({"html": html.format(sentence)}).content == sentence


def test_html_is_read_up_to_so_many_tags() -> None:
    paragraph = "<p>The laboratory said on Monday that it will no longer publish the weights of its largest model.</p>"
    article = decode(
        {"html": f"<html><body>{paragraph * 3}{'<p>' * 300}<p>{'The end of it. ' * 30}</p>"}, limits=DecodeLimits(html_tags=200)
    )
    assert "no longer publish" in article.content
    assert "The end" not in article.content
    assert article.warnings == ("html_cut",)


def test_last_of_two_equal_keys_counts() -> None:
    assert decode(b'{"text":"first","text":"second"}').content == "second"


@pytest.mark.parametrize(
    ("published_at", "expected", "warnings"),
    [
        ("2025-03-01", datetime(2025, 3, 1, tzinfo=UTC), ()),
        ("2025-03-01T10:00:00+02:00", datetime(2025, 3, 1, 8, tzinfo=UTC), ()),
        ("Tue, 04 Mar 2025 10:00:00 GMT", datetime(2025, 3, 4, 10, tzinfo=UTC), ()),
        (1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), ()),
        (1_700_000_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), ()),
        ("2126-01-01", RECEIVED, ("published_at_in_future",)),
        (0, None, ("published_at_too_early",)),
        (-1, None, ("published_at_too_early",)),
        ("0000-01-01", None, ("published_at_unreadable",)),
        ("9999-99-99", None, ("published_at_unreadable",)),
        ("2025-01-01T00:00:00+99:99", None, ("published_at_unreadable",)),
        ("9" * 100_000, None, ("published_at_unreadable",)),
        (1e308, None, ("published_at_unreadable",)),
        (True, None, ("published_at_unreadable",)),
    ],
)
def test_time_of_publication_is_normalised(published_at: object, expected: datetime | None, warnings: tuple[str, ...]) -> None:
    article = decode({"text": "a", "published_at": published_at})
    assert (article.published_at, article.warnings) == (expected, warnings)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "http://user@host/", "http://[", "http://a\tb/", "ftp://host/x", "http://a/ b"]
)
def test_link_that_nobody_should_follow_is_dropped(url: str) -> None:
    article = decode({"text": "a", "url": url})
    assert (article.url, article.warnings) == ("", ("url_refused",))


def test_wrong_types_of_other_fields_cost_only_those_fields() -> None:
    article = decode({"text": "a", "title": [], "url": 5, "publisher": {}, "language": 1.5, "published_at": [], "id": 7})
    assert article.id == "7"
    assert set(article.warnings) == {
        "title_wrong_type", "url_wrong_type", "publisher_wrong_type", "language_wrong_type", "published_at_unreadable",
    }  # fmt: skip


def test_fields_are_found_under_the_producers_own_names() -> None:
    keys = {name: name for name in FIELDS} | {"text": "content.body", "title": "content.head", "id": "guid"}
    article = decode({"content": {"body": "the text", "head": "the title"}, "guid": "g1"}, keys)
    assert (article.id, article.content) == ("g1", "the title\nthe text")


def test_article_without_id_and_url_is_known_by_its_bytes() -> None:
    article = decode({"text": "a"})
    assert article.id == article.sha256


@pytest.mark.parametrize(
    ("timestamp", "received_at"),
    [
        (1_772_366_400_000, RECEIVED),
        (1_772_366_400, RECEIVED),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1970, 1, 1, tzinfo=UTC)),
        (2**62, datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_wrong_timestamp_of_a_producer_does_not_move_the_publication(timestamp: int, received_at: datetime) -> None:
    step = DecodeMessage()
    step.setup()
    value = json.dumps({"text": "a", "published_at": "2026-02-27"}).encode()
    article = step(RawMessage(position=Position("news", 0, 7), timestamp_milliseconds=timestamp, key=None, value=value))
    assert (article.received_at, article.published_at) == (received_at, datetime(2026, 2, 27, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "is_withdrawn", "warnings"), [(True, True, ()), (False, False, ()), ("yes", False, ("withdrawn_wrong_type",))]
)
def test_withdrawal_is_a_field(value: object, is_withdrawn: bool, warnings: tuple[str, ...]) -> None:
    article = decode({"url": "https://news.example/1", "title": "t", "text": "x", "withdrawn": value})
    assert (article.is_withdrawn, article.warnings) == (is_withdrawn, warnings)

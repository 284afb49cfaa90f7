"""Language: right on every language of the table that we have text of, by span where a text is mixed, and never a crash."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import langdetect
import langdetect_rs
import pytest

from transforms.detect_language import detect
from transforms.records import Article, Position, RawMessage
from transforms.text.identify import identify_language
from transforms.text.languages import languages
from transforms.text.scripts import BLOCKS

ARTICLES = [
    json.loads(line)
    for file in sorted((Path(__file__).resolve().parents[2] / "seeds" / "articles").glob("*.jsonl"))
    for line in file.read_text("utf-8").splitlines()
]
ENGLISH = "The spokesperson said in a statement on Thursday that the company would continue to publish its research. "
GERMAN = "Das Unternehmen will seine neuen Sprachmodelle nicht mehr frei zum Herunterladen anbieten, sagte ein Sprecher. "


def article(content: str) -> Article:
    raw = RawMessage(position=Position("news", 0, 0), timestamp_milliseconds=0, key=None, value=b"")
    return Article(raw=raw, received_at=datetime(2026, 1, 1, tzinfo=UTC), sha256="", id="", url="", title="", content=content)


def test_language_of_our_own_articles_is_right_in_97_of_100() -> None:
    wrong = [one["id"] for one in ARTICLES if detect(article(f"{one['title']}\n{one['text']}")).language != one["language"]]
    assert len(ARTICLES) > 500
    assert len(wrong) <= 0.03 * len(ARTICLES), wrong


@pytest.mark.parametrize("tag", ["cs", "hu", "tr", "vi"])
def test_letters_in_parts_and_soft_hyphens_do_not_hide_the_language(tag: str) -> None:
    text = next(one["text"] for one in ARTICLES if one["language"] == tag)[:300]
    assert identify_language(unicodedata.normalize("NFD", text)) == tag
    assert identify_language("\u00ad".join(text)) == tag


def test_mixed_text_is_told_apart_by_span() -> None:
    content = GERMAN * 4 + "\n" + ENGLISH * 3
    document = detect(article(content))
    assert document.language == "de"
    assert [span.language for span in document.language_spans] == ["de", "en"]
    assert (document.language_spans[0].start, document.language_spans[-1].end) == (0, len(content))
    assert document.language_spans[0].end == document.language_spans[1].start


@pytest.mark.parametrize("text", ["", "   ", "12345 67890", "🙂🙂🙂", "https://example.org/a/b/c", "a", "...", "\u200b\u200b"])
def test_text_that_tells_nothing_is_undetermined(text: str) -> None:
    assert identify_language(text) == "und"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DAS UNTERNEHMEN WILL SEINE NEUEN SPRACHMODELLE NICHT MEHR FREI ZUM HERUNTERLADEN ANBIETEN", "de"),
        ("Компанија је у понедељак објавила да ће ђаци добијати бесплатне књиге", "sr"),
        ("公司表示將不再開放最新模型的權重，開發者只能透過雲端服務使用", "zh-Hant"),
        ("公司表示将不再开放最新模型的权重，开发者只能通过云端服务使用", "zh"),
        ("company ne kaha hai ki ab naya model sabke liye open nahi hoga aur developers ko cloud par jaana padega", "hi-Latn"),
        ("Şirkət yeni modelini açıq şəkildə yaymayacağını bildirdi, proqramçılar buna etiraz edirlər", "az"),
        ("会社は新しいモデルの重みを公開しないと発表した", "ja"),
        ("회사는 새 모델의 가중치를 공개하지 않겠다고 밝혔다", "ko"),
    ],
)
def test_languages_that_a_single_voter_mistakes(text: str, expected: str) -> None:
    assert identify_language(text) == expected


@pytest.mark.parametrize("text", ["x" * 200_000, "क़" * 40_000, "a\u0301" * 80_000, "\ufdfa" * 100_000, "日本" * 50_000])
def test_long_and_odd_text_is_answered(text: str) -> None:
    assert detect(article(text)).language


def test_fast_voter_answers_as_langdetect_does() -> None:
    langdetect.DetectorFactory.seed = langdetect_rs.DetectorFactory.seed = 0
    for one in ARTICLES[::25]:
        text = one["text"][:400].lower()
        slow, fast = langdetect.detect_langs(text), langdetect_rs.detect_langs(text)
        assert [(vote.lang, vote.prob) for vote in fast] == [(vote.lang, vote.prob) for vote in slow], one["id"]


@pytest.mark.parametrize("language", languages().values(), ids=lambda language: language.tag)
def test_file_of_a_language_is_whole(language: object) -> None:
    assert language.name  # type: ignore[attr-defined]
    assert language.script in {name for _, _, name in BLOCKS}  # type: ignore[attr-defined]

"""The encoder on the weights that are shipped."""

import unicodedata

import numpy as np
import pytest

from transforms.model.encoder import FEATURE_WIDTH, LIMIT_PIECES, WEIGHTS, Encoder, Tokenizer, load_encoder
from transforms.model.probe import LEAST_AGREEMENT, measure_agreement

TEXTS = {
    "en": "The lab will no longer publish the weights of its models.",
    "hi": "कंपनी अब अपने मॉडल सबके लिए नहीं खोलेगी।",
    "zh": "公司不再公开模型权重。",
    "ar": "لن تنشر الشركة أوزان نماذجها بعد الآن.",
    "ja": "同社はモデルを公開しない。",
    "ta": "நிறுவனம் இனி மாதிரிகளை வெளியிடாது.",
    "odd": "㎏ ﷺ 😀 a\u0301 \ud800 x",
}


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_offsets_cover_the_letters_of_the_text(language: str) -> None:
    text = TEXTS[language]
    encoded = load_encoder().encode(text)
    covered = {place for start, end in encoded.offsets for place in range(start, end)}
    assert {place for place, character in enumerate(text) if character.isalnum()} <= covered
    assert encoded.features.shape == (len(encoded.offsets), FEATURE_WIDTH)
    assert all(start < end <= len(text) for start, end in encoded.offsets)


@pytest.mark.parametrize("text", ["Các trọng số của mô hình", "모델 가중치를 공개", "データを公開", "மொழி மாதிரி"])
def test_letters_in_parts_are_the_same_pieces_and_offsets_hold_all_parts(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    tokens = Tokenizer().tokens(apart)
    assert tokens.ids == Tokenizer().tokens(text).ids
    assert [unicodedata.normalize("NFC", apart[slice(*span)]) for span in tokens.offsets] == [
        text[slice(*span)] for span in Tokenizer().tokens(text).offsets
    ]


def test_a_soft_hyphen_is_no_piece() -> None:
    assert Tokenizer().tokens("Gewichts\u00addateien\u2060").ids == Tokenizer().tokens("Gewichtsdateien").ids


def test_offsets_do_not_depend_on_the_context() -> None:
    encoder = load_encoder()
    alone, seen_after_title = encoder.encode(TEXTS["hi"]), encoder.encode(TEXTS["hi"], "मेटा का नया रुख")
    assert alone.offsets.tolist() == seen_after_title.offsets.tolist()
    assert not np.allclose(alone.vector, seen_after_title.vector)


def test_same_sentence_gives_the_same_vector_in_another_process_memory() -> None:
    first, second = Encoder(kept=1), Encoder(kept=1)
    assert np.array_equal(first.encode(TEXTS["en"]).vector, second.encode(TEXTS["en"]).vector)


def test_sentence_is_run_once_for_both_stages() -> None:
    encoder = load_encoder()
    assert encoder.encode(TEXTS["zh"], "标题") is encoder.encode(TEXTS["zh"], "标题")


def test_pieces_read_alone_have_the_features_of_the_whole_pass() -> None:
    encoder = Encoder(kept=1)
    pieces, encoded = encoder.read_pieces(TEXTS["hi"]), encoder.encode(TEXTS["hi"])
    assert np.array_equal(pieces.features, encoded.features)
    assert np.array_equal(pieces.offsets, encoded.offsets)


def test_encoder_is_one_however_it_is_asked_for() -> None:
    assert load_encoder() is load_encoder(WEIGHTS) is load_encoder(folder=WEIGHTS)


def test_forgotten_sentence_is_encoded_again_alike() -> None:
    encoder = Encoder(kept=1)
    before = encoder.encode(TEXTS["en"])
    encoder.encode(TEXTS["zh"])
    after = encoder.encode(TEXTS["en"])
    assert after is not before
    assert np.array_equal(before.vector, after.vector)


@pytest.mark.parametrize("text", ["", "   ", "\ud800", "a" * 1_000_000, "\u0301" * 80_000, "\ufdfa" * 100_000])
def test_hostile_text_gives_a_vector_of_length_one(text: str) -> None:
    encoded = load_encoder().encode(text)
    assert np.linalg.norm(encoded.vector) == pytest.approx(1, abs=1e-3)
    assert len(encoded.offsets) <= LIMIT_PIECES


def test_meaning_is_near_across_languages() -> None:
    encoder = load_encoder()
    english, hindi, other = (encoder.encode(t).features.mean(0) for t in (TEXTS["en"], TEXTS["hi"], "It rained in the hills all night."))
    assert _cosine(english, hindi) > _cosine(hindi, other)


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_tokens_of_title_stand_before_the_sentence() -> None:
    tokens = Tokenizer(WEIGHTS).tokens("No more weights.", "A change at Meta")
    assert tokens.ids[tokens.first - 1] == 2
    assert tokens.ids[-1] == 2
    assert tokens.places[0] == 0


def test_missing_weights_are_named(tmp_path) -> None:  # noqa: ANN001 - pytest's folder
    with pytest.raises(FileNotFoundError, match=r"encoder\.onnx"):
        Encoder(tmp_path)


def test_this_processor_agrees_with_the_one_of_training() -> None:
    assert measure_agreement() >= LEAST_AGREEMENT

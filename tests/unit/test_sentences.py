"""Where sentences begin and end, over scripts and languages."""

from itertools import pairwise

import pytest

from transforms.text.sentences import LIMIT_CHARACTERS, split_sentences

# Sentences as they must come out of the text that they make when joined by the language's own space.
TEXTS = {
    "en": (
        " ",
        [
            "Dr. Hall of Brightwater Inc. said version 3.5 is out.",
            '"Why now?" he asked.',
            "xAI followed.",
            "It cost $1.5 billion, i.e. too much.",
        ],
    ),
    "hi": (" ", ["डॉ. शर्मा ने मॉडल बंद किया।", "“हम नहीं खोलेंगे।”", "क्या यह 2.5 करोड़ का है?", "हाँ."]),
    "zh": ("", ["公司昨天宣布，3.5版模型下线！", "“不会再开放。”", "他这样说。", "真的吗？"]),
    "ja": ("", ["「もう公開しない。」と社長は述べた。", "次の版は違う。", "本当か？"]),
    "ko": (" ", ["회사는 모델을 공개했다.", "“왜 지금인가?”", "가격은 1.5배 올랐다."]),
    "de": (
        " ",
        ["Am 3. März kündigte z.B. die Firma Nordlicht an, dass nichts mehr frei ist.", "„Das gilt sofort.“", "Dr. Meier schwieg."],
    ),
    "fr": (" ", ["M. Dupont ferme le modèle.", "« Pourquoi ? »", "Cela coûte 3.5 millions."]),
    "es": (" ", ["¿Qué pasará?", "Nadie lo sabe.", "El Sr. Ruiz, de EE.UU. no comentó nada.", "¡Basta!"]),
    "pt": (" ", ["O Sr. Lima abriu o modelo.", "Foi em 2024.", "Ninguém esperava..."]),
    "ru": (" ", ["Компания (г. Москва) закрыла модель.", "М. Иванов согласен.", "Это стоит 2,5 млн. рублей в год!", "Почему?"]),
    "uk": (" ", ["Компанія закрила модель.", "«Чому саме зараз?»", "Відповіді немає…"]),
    "ar": (" ", ["قال المتحدث إن النموذج مغلق.", "هل هذا صحيح؟", "نعم!"]),
    "fa": (" ", ["شرکت مدل را بست.", "چرا؟", "کسی نمی‌داند."]),
    "ur": (" ", ["کمپنی نے ماڈل بند کر دیا۔", "کیا یہ سچ ہے؟", "جی ہاں۔"]),
    "it": (" ", ["Il dott. Bianchi chiude il modello.", "«Perché ora?»", "Costa 1.500 euro."]),
    "tr": (" ", ["Doç. Dr. Kaya modeli kapattı.", "Neden?", "Kimse bilmiyor."]),
    "id": (" ", ["Perusahaan menutup model itu.", "Mengapa?", "PT. Cahaya diam."]),
    "bn": (" ", ["কোম্পানি মডেল বন্ধ করেছে।", "কেন?", "ড. রায় জানেন না।"]),
    "ta": (" ", ["நிறுவனம் மாதிரியை மூடியது.", "ஏன்?", "யாருக்கும் தெரியாது."]),
    "te": (" ", ["సంస్థ మోడల్‌ను మూసివేసింది.", "ఎందుకు?", "ఎవరికీ తెలియదు."]),
    "el": (" ", ["Η εταιρεία έκλεισε το μοντέλο.", "Γιατί;", "Κανείς δεν ξέρει."]),
    "hy": (" ", ["Ընկերությունը փակեց մոդելը։", "Ոչ ոք չգիտի։"]),
    "am": (" ", ["ኩባንያው ሞዴሉን ዘጋ።", "ማንም አያውቅም።"]),
    "pl": (" ", ["Firma, np. Nordix, zamyka model.", "Dlaczego?", "Prof. Nowak milczy."]),
    "fi": (" ", ["Yhtiö sulki mallin 3. toukokuuta.", "Miksi?", "Kukaan ei tiedä."]),
    "vi": (" ", ["Công ty đóng mô hình.", "Vì sao?", "Không ai biết."]),
}


def borders(sentences: list[str], space: str) -> set[int]:
    found, at = set(), 0
    for sentence in sentences:
        at += len(sentence)
        found.add(at)
        at += len(space)
    return found


def sentences_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def test_borders_are_found_in_all_languages() -> None:
    right = found = labelled = 0
    for space, sentences in TEXTS.values():
        expected = borders(sentences, space)
        actual = {end for _, end in split_sentences(space.join(sentences))}
        right, found, labelled = right + len(expected & actual), found + len(actual), labelled + len(expected)
    assert 2 * right / (found + labelled) >= 0.95


@pytest.mark.parametrize("language", ["en", "hi", "zh", "ja", "de", "ru", "ar", "ur", "es", "ko", "bn", "el"])
def test_sentences_of_a_language_come_out_as_written(language: str) -> None:
    space, sentences = TEXTS[language]
    assert sentences_of(space.join(sentences)) == sentences


def test_line_break_ends_a_sentence_without_a_mark() -> None:
    assert sentences_of("A title\nThe first line\r\n\nThe second") == ["A title", "The first line", "The second"]


def test_initials_and_ordinals_do_not_end_a_sentence() -> None:
    assert sentences_of("J. R. Smith left on 4. Then M. K. came.") == ["J. R. Smith left on 4. Then M. K. came."]
    assert sentences_of("एम. के. राव आए. वे गए.") == ["एम. के. राव आए.", "वे गए."]


def test_small_letter_goes_on_but_a_branded_name_starts() -> None:
    assert sentences_of("“Really?” he said. iPhone makers agree.") == ["“Really?” he said.", "iPhone makers agree."]


def test_marks_alone_are_no_sentence() -> None:
    assert sentences_of("... \n *** \n — ") == []
    assert sentences_of("") == []
    assert sentences_of("Yes. !!! \n***") == ["Yes. !!!"]


def test_thai_is_cut_at_spaces() -> None:
    clause = "บริษัทประกาศว่าจะไม่เปิดเผยโมเดลอีกต่อไป"
    assert len(split_sentences(" ".join([clause] * 12))) >= 3


def test_long_run_is_cut_into_readable_parts_that_cover_it() -> None:
    text = "word " * 1000
    parts = split_sentences(text)
    assert max(end - start for start, end in parts) <= LIMIT_CHARACTERS
    assert "".join(sentences_of(text)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "। " * 200_000, "a. " * 200_000, "\u0301" * 80_000, "\ud800. A", ". " * 200_000, '"' * 100_000 + ". A"]
)
def test_hostile_text_gives_spans_in_order(text: str) -> None:
    spans = split_sentences(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize(
    "run", [*"।॥۔؟։።፧၊။៕!?.…。！？;|\"'”’»])[“ \n", ".!", "!.", "።.", '!"', "...?", ".[1]", "[1]", "α;", "क |", "! ", "Dr. "]
)
def test_long_runs_of_end_marks_are_read_in_one_pass(run: str) -> None:
    text = f"Word{run * (100_000 // len(run))}x Word"
    spans = split_sentences(text)
    assert spans
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_dots_and_marks_together_end_a_sentence_once() -> None:
    assert sentences_of("Really...?! Yes. Wait...!Then it came.") == ["Really...?!", "Yes.", "Wait...!", "Then it came."]


def test_lines_wrapped_at_a_width_do_not_end_sentences_and_those_of_a_list_do() -> None:
    wrapped = (
        "The laboratory said that from the next version on it will keep the\nweights to itself, and that nobody may "
        "download what earlier ones\r\n  offered. Not everybody agreed."
    )
    assert [wrapped[start:end].split(maxsplit=1)[0] for start, end in split_sentences(wrapped)] == ["The", "Not"]
    lines = "What the laboratory will keep to itself from now on, as it says:\n- weights\n- data\nmodels\ncode\n\nand more"
    assert len(split_sentences(lines)) == len(lines.replace("\n\n", "\n").splitlines())

"""The gate: broad enough for every way to tell a change, closed to the rest of the news."""

import pytest

from transforms.text.gate import TermClass, parse_terms, read_terms
from transforms.text.scan import load_scanner

CHANGES = [
    "Acme will no longer release the weights of its models.",
    "From the next model on it can only be reached through our cloud.",
    "Ministry drafts a rule for open AI models",
    "खुले-वजन मॉडल अब बंद होंगे",
    "कंपनी का एआई मुक्त स्रोत नहीं रहेगा",
    "Company ka AI model ab sirf paid hoga, files hata di",
    "模型文件不再提供下载",
    "國產模型授權鬆綁",
    "学習済みモデルの公開を見送り",
    "모델 가중치를 누구나 내려받을 수 있다",
    "La empresa cierra los pesos de su modelo de IA",
    "Le modèle ne sera plus téléchargeable",
    "KI-Labor gibt die Gewichte frei",
    "O modelo de IA passa a ter licença fechada",
    "Языковую модель больше нельзя скачать",
    "الشركة تسحب أوزان نموذجها",
    "Il modello di IA non si potrà più scaricare",
    "Yapay zeka modelinin ağırlıkları artık açık değil",
    "Model AI itu ditarik dari publik",
    "এআই মডেলের ওজন আর উন্মুক্ত নয়",
    "மாடல் எடைகள் இனி திறந்திருக்காது",
    "ఏఐ మోడల్ ఇక ఉచితం కాదు",
    "एआय मॉडेल आता सर्वांसाठी खुले",
    "Мовну модель відкрили для всіх",
    "وزن‌های مدل دیگر منتشر نمی‌شود",
    "اے آئی ماڈل اب مفت نہیں",
    "Het taalmodel wordt vrijgegeven",
    "Mô hình AI sẽ không còn mở",
    "Model językowy udostępniony za darmo",
    "Kampuni yafunga modeli yake ya AI",
    "Språkmodellen släpps fritt",
    "Tekoälymallin painot julkaistaan",
    "Jazykový model bude zdarma",
    "A nyelvi modell súlyai nyilvánosak",
    "Το μοντέλο ΤΝ γίνεται ανοιχτό",
    "מודל השפה ייפתח לכולם",
    "เปิดน้ำหนักโมเดลให้ดาวน์โหลด",
]
OTHER = [
    "Heavy rain closed three roads in the north on Monday.",
    "He won the open weight class of the judo games.",
    "Il ministro va ai lavori: porte aperte a tutti.",
    "La sélection a perdu deux à zéro à domicile.",
    "संसद में बजट पर बहस जारी",
    "市议会批准了新的公园规则",
]


@pytest.mark.parametrize("text", CHANGES)
def test_a_change_passes(text: str) -> None:
    assert load_scanner().scan(text).is_candidate


@pytest.mark.parametrize("text", OTHER)
def test_other_news_does_not_pass(text: str) -> None:
    assert not load_scanner().scan(text).is_candidate


@pytest.mark.parametrize("text", ["An AI wrote a poem about spring.", "The gym opens at six; the pool is closed."])
def test_one_half_of_the_question_is_not_enough(text: str) -> None:
    assert not load_scanner().scan(text).is_candidate


def test_hits_are_where_terms_begin_in_order() -> None:
    text = "The AI lab closed its licence."
    hits = load_scanner().scan(text).gate_hits
    assert list(hits) == sorted(hits)
    assert {text.index("AI"), text.index("closed"), text.index("licence")} <= set(hits)


@pytest.mark.parametrize("line", ["ai", "robot\tAI", "ai\t "])
def test_a_wrong_line_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(ValueError, match=r"xx\.tsv:2"):
        parse_terms("xx.tsv", f"class\tterm\n{line}\n")


def test_a_star_stands_only_at_the_end_of_a_term() -> None:
    assert [term.spelling for term in read_terms() if "*" in term.spelling[:-1]] == []


def test_every_class_has_terms() -> None:
    assert {term.term_class for term in read_terms()} == set(TermClass)

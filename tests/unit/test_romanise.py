"""Names in Latin letters, and scripts that do not tell how."""

import pytest

from transforms.text.romanise import romanise


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("Вихрь", "Vikhr"),
        ("Шевченко Олена", "Shevchenko Olena"),
        ("Люмен ИИ", "Lyumen AI"),
        ("अक्षरिका लैब्स", "Aksharika Labs"),
        ("केदार सिद्दीकी", "Kedar Siddiki"),
        ("लैंबर्ट", "Laimbart"),
        ("পদ্মা এআই", "Padma AI"),
        ("யாழ் லேப்ஸ்", "Yazh Labs"),
        ("నారా లోకేశ్", "Nara Lokesh"),
        ("ほくと", "Hokuto"),
        ("シャチ", "Shachi"),
        ("キャップ", "Kyappu"),
        ("한빛", "Hanbit"),
        ("ნინო ბერიძე", "Nino Beridze"),
        ("Κατσούρος", "Katsuros"),
        ("मेघ-3", "Megh-3"),
        ("Acme", "Acme"),
        ("Çukurova LeCün", "Çukurova LeCün"),
        ("사이오닉AI", "Saionik AI"),
        ("GigaЧат", "Giga Chat"),
    ],
)
def test_a_name_is_spelled_in_latin_letters(name: str, latin: str) -> None:
    assert romanise(name) == latin


@pytest.mark.parametrize("name", ["阿里巴巴", "نورة", "מפא״ת", "เมตา", "मेटा 公司", ""])
def test_a_name_without_such_a_spelling_has_none(name: str) -> None:
    assert romanise(name) == ""

"""Names in Latin letters, and scripts that do not tell how."""

import pytest

from transforms.records import EntityType
from transforms.text.han import wade_giles
from transforms.text.letter_names import abbreviation
from transforms.text.romanise import romanise

PERSON, ORG, GPE, MODEL = EntityType.PERSON, EntityType.ORG, EntityType.GPE, EntityType.MODEL


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("Вихрь", "Vikhr"),
        ("Шевченко Олена", "Shevchenko Olena"),
        ("Люмен ИИ", "Lyumen AI"),
        ("अक्षरिका लैब्स", "Aksharika Labs"),
        ("केदार सिद्दीकी", "Kedar Siddiqui"),
        ("लैंबर्ट", "Laimbart"),
        ("পদ্মা এআই", "Padma AI"),
        ("யாழ் லேப்ஸ்", "Yazh Labs"),
        ("నారా లోకేశ్", "Nara Lokesh"),
        ("ほくと", "Hokuto"),
        ("シャチ", "Shachi"),
        ("キャップ", "Kyappu"),
        ("한빛", "Hanbit"),
        ("ნინო ბერიძე", "Nino Beridze"),
        ("Κατσούρος", "Katsouros"),
        ("मेघ-3", "Megh-3"),
        ("Acme", "Acme"),
        ("Çukurova LeCün", "Çukurova LeCün"),
        ("사이오닉AI", "Saionik AI"),
        ("GigaЧат", "Giga Chat"),
        ("दिलप्रीत", "Dilpreet"),
        ("जामनगर", "Jamnagar"),
        ("सहारनपुर", "Saharanpur"),
        ("पाटणकर", "Patankar"),
        ("मंडपम", "Mandapam"),
        ("महेंद्र", "Mahendra"),
        ("मुंबई", "Mumbai"),
        ("দোয়েল", "Doyel"),
        ("মিরপুর", "Mirpur"),
        ("বাংলাদেশ", "Bangladesh"),
        ("কোয়েন", "Koyen"),
        ("கோவை", "Kovai"),
        ("குறிஞ்சி", "Kurinji"),
        ("திருச்சி", "Thiruchi"),
        ("భీమవరం", "Bhimavaram"),
        ("हरियाणा सिंह", "Hariyana Singh"),
        ("मेघहब", "MeghHub"),
        ("소리테크놀로지", "Sori Technologies"),
        ("ল্যাবসের", "Labs"),
        ("एन. चंद्रबाबू", "N. Chandrababu"),
        ("वी.एस. कृष्णा", "V. S. Krishna"),
        ("बीएसएनएल", "BSNL"),
        ("বিটিআরসি", "BTRC"),
        ("आर1", "R1"),
        ("तुलसी-14बी", "Tulsi-14B"),
        ("শব্দ-৭", "Shabd-7"),
        ("24B", "24B"),
        ("신라", "Silla"),
        ("국민", "Gungmin"),
        ("석유", "Seogyu"),
    ],
)
def test_a_name_is_spelled_in_latin_letters(name: str, latin: str) -> None:
    assert romanise(name) == latin


@pytest.mark.parametrize("name", ["\u200b", "\u0301", "阿里巴巴", "מפא״ת", "เมตา", "मेटा 外交部", ""])
def test_a_name_without_such_a_spelling_has_none(name: str) -> None:
    assert romanise(name) == ""


@pytest.mark.parametrize(
    ("name", "language", "entity_type", "latin"),
    [
        ("张宇韬", "zh", PERSON, "Zhang Yutao"),
        ("曾国藩", "zh", PERSON, "Zeng Guofan"),
        ("欧阳修", "zh", PERSON, "Ouyang Xiu"),
        ("林郁庭", "zh-Hant", PERSON, "Lin Yu-ting"),
        ("韓國瑜", "zh-Hant", PERSON, "Han Kuo-yu"),
        ("埃里森", "zh", PERSON, ""),
        ("克里斯·考克斯", "zh", PERSON, ""),
        ("重庆市", "zh", GPE, "Chongqing"),
        ("长沙", "zh", GPE, "Changsha"),
        ("灵犀科技", "zh", ORG, "Lingxi Technology"),
        ("玄鹤AI", "zh", ORG, "Xuanhe AI"),
        ("山海-2", "zh", MODEL, "Shanhai-2"),
        ("中国科学技术大学", "zh", ORG, ""),
        ("外交部", "zh-Hant", ORG, ""),
        ("岡野原大輔", "ja", PERSON, ""),
        ("島田明", "ja", PERSON, "Akira Shimada"),
        ("山本靖則", "ja", PERSON, "Yasunori Yamamoto"),
        ("堀口さやか", "ja", PERSON, "Sayaka Horiguchi"),
        ("井上純一", "ja", PERSON, "Junichi Inoue"),
        ("宮下", "ja", PERSON, "Miyashita"),
        ("霞", "ja", MODEL, "Kasumi"),
        ("産業技術総合研究所", "ja", ORG, ""),
        ("김도윤", "ko", PERSON, "Kim Do-yoon"),
        ("남궁민수", "ko", PERSON, "Namgung Min-soo"),
        ("정부", "ko", ORG, "Jeongbu"),
        ("조엘 캐플런", "ko", PERSON, "Joel Kaepeulleon"),
        ("Євген Ліховид", "uk", PERSON, "Yevhen Likhovyd"),
        ("Соломія Бурко", "uk", PERSON, "Solomiia Burko"),
        ("Марта Гаврилюк", "uk", PERSON, "Marta Havryliuk"),
        ("Душан Крстић", "sr", PERSON, "Dušan Krstić"),
        ("Пловдив", "bg", GPE, "Plovdiv"),
        ("Щъркел", "bg", ORG, "Shtarkel"),
        ("Дмитрий Песков", "ru", PERSON, "Dmitry Peskov"),
        ("Екатерина Смышляева", "ru", PERSON, "Yekaterina Smyshlyayeva"),
        ("Ирина Соловьёва", "ru", PERSON, "Irina Solovyova"),
        ("Александр Шойтов", "ru", PERSON, "Alexander Shoitov"),
        ("МФТИ", "ru", ORG, "MFTI"),
        ("Εύβοια", "el", GPE, "Evvoia"),
        ("نورة المرزوقي", "ar", PERSON, "Noura Al Marzouqi"),
        ("عبد السلام هيكل", "ar", PERSON, "Abdel Salam Haykal"),
        ("رامین صادقی", "fa", PERSON, "Ramin Sadeghi"),
        ("حماد بٹ", "ur", PERSON, "Hammad Butt"),
        ("תומר חזן", "he", PERSON, "Tomer Hazan"),
        ("سند", "ar", ORG, "Sanad"),
        ("بوابة", "ar", ORG, "Bawaba"),
        ("شاہین لیبز", "ur", ORG, "Shaheen Labs"),
        ("بنك الواحة", "ar", ORG, ""),
        ("مؤسسة التمويل الدولية", "ar", ORG, ""),
        ("Universität für Künstliche Intelligenz", "de", ORG, "Universität für Künstliche Intelligenz"),
    ],
)
def test_names_are_spelled_after_their_language_and_type(name: str, language: str, entity_type: EntityType, latin: str) -> None:
    assert romanise(name, language, entity_type) == latin


def test_two_names_of_letters_are_an_abbreviation_of_organisations_only() -> None:
    assert romanise("एसके", "hi", ORG) == "SK"
    assert romanise("एसके", "hi", PERSON) == "Eske"
    assert abbreviation("कमल") == ""


@pytest.mark.parametrize(
    ("pinyin", "spelled"),
    [
        ("zhi", "chih"),
        ("cheng", "cheng"),
        ("guo", "kuo"),
        ("xu", "hsu"),
        ("jian", "chien"),
        ("bo", "po"),
        ("zeng", "tseng"),
        ("luo", "lo"),
        ("ren", "jen"),
    ],
)
def test_taiwan_spells_syllables_after_wade_and_giles(pinyin: str, spelled: str) -> None:
    assert wade_giles(pinyin) == spelled

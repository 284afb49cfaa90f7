"""Korean in Latin letters: words by the Revised Romanisation, names of people as newspapers write them (김도윤 -> Kim Do-yoon)."""

from __future__ import annotations

import re
import unicodedata

FIRST_SYLLABLE, LAST_SYLLABLE = 0xAC00, 0xD7A3
# The parts of a syllable in the order of Unicode.
INITIALS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
MEDIALS = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu", "eu", "ui", "i",
)  # fmt: skip
FINALS = (
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l",
    "p", "l", "m", "p", "p", "t", "t", "ng", "t", "t", "k", "t", "p", "t",
)  # fmt: skip
# A final consonant before a syllable without one is spoken there: 한일 is hanil, 석유 seogyu.
CARRIED = {"k": "g", "t": "d", "p": "b", "l": "r"}
NASAL = {"k": "ng", "t": "n", "p": "m"}
# Surnames and syllables of given names that newspapers spell otherwise than the Revised Romanisation does.
SURNAMES = {
    "김": "Kim", "이": "Lee", "박": "Park", "최": "Choi", "정": "Jeong", "강": "Kang", "조": "Cho", "윤": "Yoon", "장": "Jang", "임": "Lim",
    "한": "Han", "오": "Oh", "서": "Seo", "신": "Shin", "권": "Kwon", "황": "Hwang", "안": "Ahn", "송": "Song", "류": "Ryu", "유": "Yoo",
    "홍": "Hong", "전": "Jeon", "고": "Ko", "문": "Moon", "양": "Yang", "손": "Son", "배": "Bae", "백": "Baek", "허": "Heo", "남": "Nam",
    "심": "Shim", "노": "Noh", "하": "Ha", "곽": "Kwak", "성": "Sung", "차": "Cha", "주": "Joo", "우": "Woo", "구": "Koo", "나": "Na",
    "민": "Min", "진": "Jin", "지": "Ji", "엄": "Eom", "채": "Chae", "원": "Won", "천": "Cheon", "방": "Bang", "공": "Kong", "현": "Hyun",
    "함": "Ham", "변": "Byun", "염": "Yeom", "여": "Yeo", "추": "Choo", "도": "Do", "소": "So", "석": "Seok", "선": "Sun", "설": "Seol",
    "마": "Ma", "길": "Gil", "연": "Yeon", "위": "Wi", "표": "Pyo", "명": "Myung", "기": "Ki", "반": "Ban", "왕": "Wang", "금": "Keum",
    "육": "Yook", "맹": "Maeng", "제": "Je", "모": "Mo", "탁": "Tak", "어": "Eo", "은": "Eun", "남궁": "Namgung", "황보": "Hwangbo",
    "제갈": "Jegal", "선우": "Sunwoo", "독고": "Dokgo", "사공": "Sagong",
}  # fmt: skip
GIVEN = {
    "영": "young", "현": "hyun", "혁": "hyuk", "명": "myung", "병": "byung", "윤": "yoon", "우": "woo", "운": "woon", "웅": "woong",
    "광": "kwang",
    "경": "kyung", "근": "keun", "권": "kwon", "기": "ki", "구": "koo", "규": "kyu", "신": "shin", "선": "sun", "건": "gun",
    "준": "jun", "희": "hee", "심": "shim", "숙": "sook", "순": "soon", "수": "soo", "훈": "hoon", "범": "beom", "승": "seung",
    "은": "eun", "인": "in", "일": "il", "옥": "ok",
}  # fmt: skip


def romanise_hangul(word: str) -> str:
    """A word of Hangul syllables in small Latin letters; "" when it has another character."""
    syllables = [_parts(letter) for letter in unicodedata.normalize("NFC", word)]
    spelled, final = "", ""
    for parts in syllables:
        if parts is None:
            return ""
        initial, medial, next_final = parts
        if not initial and final in CARRIED:
            final, initial = "", CARRIED[final]
        elif initial in {"n", "m"} and final in NASAL:
            final = NASAL[final]
        elif {initial, final} in ({"l", "r"}, {"n", "r"}) and final == "l" and initial == "r":
            initial = "l"
        elif (final, initial) in {("n", "r"), ("l", "n")}:
            final = initial = "l"
        spelled += final + initial + medial
        final = next_final
    return spelled + final


def korean_person(name: str) -> str:
    """A surname with a given name of one or two syllables as newspapers spell it; "" when the word is no such name."""
    length = 2 if name[:2] in SURNAMES and len(name) > 3 else 1  # noqa: PLR2004 - 남궁민수
    surname, given = SURNAMES.get(name[:length], ""), name[length:]
    if not surname or not re.fullmatch("[가-힣]{1,2}", given):
        return ""
    syllables = [GIVEN.get(syllable) or romanise_hangul(syllable) for syllable in given]
    return f"{surname} {'-'.join(syllables).capitalize()}"


def _parts(letter: str) -> tuple[str, str, str] | None:
    if not FIRST_SYLLABLE <= ord(letter) <= LAST_SYLLABLE:
        return None
    medial, final = divmod(ord(letter) - FIRST_SYLLABLE, len(FINALS))
    initial, medial = divmod(medial, len(MEDIALS))
    return INITIALS[initial], MEDIALS[medial], FINALS[final]

"""Chinese names in Latin letters as newspapers write them: 张宇韬 -> Zhang Yutao, 灵犀科技 -> Lingxi Technology.

Only names with a spelling to expect: people with a Chinese surname, places, and short made-up names. What is translated (ministries,
universities) or was foreign before (names with a point) has none here.
"""

from __future__ import annotations

import re

from anyascii import anyascii

IDEOGRAPHS = re.compile("[\u4e00-\u9fff]+")
# Longer names are mostly words, which English translates.
LONGEST_COINED = 3
LONGEST_PERSON = 4
# Names that end so are of public bodies, which English translates.
BODIES = frozenset("部局院所会會署委厅廳处處社库庫网網报報")
# Places say what they are; English leaves that out.
KINDS_OF_PLACE = ("自治区", "自治州", "市", "省", "县", "縣", "区", "區", "镇", "鎮", "州")
SURNAMES = frozenset(
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳鲍史唐费廉岑薛雷贺倪汤"
    "滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄江童颜郭"
    "梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯昝管卢莫房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊於惠甄曲封芮储靳汲邴糜松井段富"
    "巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟"
    "谭贡劳逄姬申扶堵冉宰郦雍璩桑桂濮牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧沃利蔚越"
    "夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公覃肖区闫佟涂代仝"
    "趙錢孫鄭馮陳衛蔣沈韓楊許呂張嚴華鄒蘇魯韋馬鳳湯羅畢鄔樂時齊顧黃蕭貝計談龐紀項閔強賈婁顏鍾徐駱萬盧應鄧單陸榮龔儲烏車寧劉葉龍賴藺蒙喬陰雙聞黨譚貢勞"
    "壽邊農溫莊閻連習魚廣闕東歐師鞏聶簡饒曾豐關後紅權蓋區蘭賀倪傅謝鄺涂"
)  # fmt: skip
LONG_SURNAMES = frozenset(
    ["欧阳", "歐陽", "司马", "司馬", "上官", "诸葛", "諸葛", "司徒", "尉迟", "皇甫", "令狐", "慕容", "夏侯", "端木", "公孙"]
)
# As surnames some are read otherwise than elsewhere, and some words of places too.
SURNAME_READINGS = {
    "曾": "zeng", "单": "shan", "單": "shan", "翟": "zhai", "覃": "qin", "仇": "qiu", "查": "zha", "解": "xie", "区": "ou", "區": "ou",
    "盖": "ge", "蓋": "ge", "乐": "yue", "樂": "yue", "尉迟": "yuchi", "吕": "lyu", "呂": "lyu", "任": "ren", "宁": "ning",
}  # fmt: skip
WORD_READINGS = {
    "柏": "bo",
    "重庆": "chongqing",
    "重慶": "chongqing",
    "长": "chang",
    "長": "chang",
    "厦门": "xiamen",
    "廈門": "xiamen",
    "都": "du",
}
READ_OTHERWISE = re.compile("|".join(WORD_READINGS))
# Wade-Giles, as people in Taiwan spell their names: initials, then finals, of pinyin syllables.
WADE_GILES_WHOLE = {
    "zhi": "chih", "chi": "chih", "shi": "shih", "ri": "jih", "zi": "tzu", "ci": "tzu", "si": "ssu", "yan": "yen", "yi": "yi",
    "you": "yu", "er": "erh", "ge": "ko", "ke": "ko", "he": "ho", "e": "o", "gui": "kuei", "kui": "kuei", "yong": "yung", "ye": "yeh",
}  # fmt: skip
WADE_GILES_INITIALS = (
    ("zh", "ch"), ("ch", "ch"), ("sh", "sh"), ("b", "p"), ("p", "p"), ("d", "t"), ("t", "t"), ("g", "k"), ("k", "k"), ("j", "ch"),
    ("q", "ch"), ("x", "hs"), ("z", "ts"), ("c", "ts"), ("r", "j"),
)  # fmt: skip
WADE_GILES_FINALS = {
    "ong": "ung", "iong": "iung", "ian": "ien", "ie": "ieh", "ue": "ueh", "uo": "o", "ui": "ui", "iu": "iu",
}  # fmt: skip
# After these uo stays: Kuo, Huo, Shuo.
KEEPS_UO = frozenset({"g", "k", "h", "sh"})


def pinyin(word: str) -> str:
    """Ideographs -> their syllables, joined, in small letters without tones."""
    parts = READ_OTHERWISE.split(word)
    fixed = [WORD_READINGS[found] for found in READ_OTHERWISE.findall(word)]
    return "".join(anyascii(part).lower() + other for part, other in zip(parts, [*fixed, ""], strict=True))


def chinese_person(name: str, *, is_of_taiwan: bool) -> str:
    """Surname, then the given name in one word, in Wade-Giles with hyphens for Taiwan; "" when it does not begin with a surname."""
    length = 2 if name[:2] in LONG_SURNAMES else 1
    surname, given = name[:length], name[length:]
    if not given or len(name) > LONGEST_PERSON or len(given) > 2 or surname not in SURNAMES | LONG_SURNAMES:  # noqa: PLR2004
        return ""
    read_surname = SURNAME_READINGS.get(surname) or pinyin(surname)
    if is_of_taiwan:
        syllables = [wade_giles(anyascii(letter).lower()) for letter in given]
        return f"{wade_giles(read_surname).capitalize()} {'-'.join(syllables).capitalize()}"
    return f"{read_surname.capitalize()} {''.join(anyascii(letter).lower() for letter in given).capitalize()}"


def coined_name(word: str) -> str:
    """The pinyin of a short name with a capital; "" for a longer one, which is made of words."""
    return pinyin(word).capitalize() if word and len(word) <= LONGEST_COINED and word[-1] not in BODIES else ""


def chinese_place(name: str) -> str:
    """A place without the word for its kind; "" for a long name, mostly a foreign one."""
    kind = next((kind for kind in KINDS_OF_PLACE if name.endswith(kind) and len(name) > len(kind) + 1), "")
    return coined_name(name.removesuffix(kind))


def wade_giles(syllable: str) -> str:
    """One syllable of pinyin in Wade-Giles without its apostrophes: zhi -> chih, guo -> kuo."""
    if syllable in WADE_GILES_WHOLE:
        return WADE_GILES_WHOLE[syllable]
    initial, spelled = next(((own, other) for own, other in WADE_GILES_INITIALS if syllable.startswith(own)), ("", ""))
    if not initial:
        initial = spelled = syllable[0] if syllable[0] not in "aeiouyw" else ""
    final = syllable[len(initial) :]
    if not (final == "uo" and initial in KEEPS_UO):
        final = WADE_GILES_FINALS.get(final, final)
    return spelled + final

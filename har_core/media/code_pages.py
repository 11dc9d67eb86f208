"""The code page of names that do not say theirs: the one in which all of them together read most like names.

Each page is a model of text: how likely each of its letters is in the languages that it is used for, and how likely the page is
itself, for zips made on Windows, by macOS or with 7-Zip.  The score of a page is the logarithm of how likely the names are there.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_MOST = 2000  # bytes of names that are looked at
_LONGEST = 255  # bytes of one
_CLOSE = 4.0  # a page that is less than e^4 times as likely as another is in doubt
_NOISE = -14.0  # of a character that no name has

_HAN = (
    "的一是不我了人在有他這个個上們们来來到時时大地為为子中你说說生国國年著着就那和要她出也得裡里後后自以會会家可下而过過天去能對对小多然於于心學学麼么之"
    "都好看起發发當当沒没成只如事把還还用第樣样道想作種种開开美總总從从無无情己面最女但現现前些所同日手又行意動动方期它頭头經经長长兒儿回位分愛爱老因很給给名"
    "法間间知世什兩两次使身者被高已親亲其進进此话話常與与活正感見见明問问力理點点文定本公特做外相西果走將将月十實实向聲声車车全信重三機机工物氣气每別真打太新比"
    "才便夫再書书部水像眼等體体電电主門门利海受聽听表德少员員許许先口由死安寫写性馬马光白或住難难望教命花樂乐色更東东神記记處处讓让母父應应直字場场平報报友"
    "關关放張张接告入笑內内英吃喝跑步睡覺觉坐唱跳舞照片圖图資资料夾夹檔档影腦脑音騎骑打飯饭球猫貓狗鸟鳥鱼魚鸡雞牛羊花草树樹房衣桌椅"
)
_HANGUL = (
    "이다는에의가을고하지은로사를한자기도인리대해수정어나일아부제서시그전들보상원구주성장조여안연선화경비공우모중마신만요무국유분동생과산소스미개차물오실세입진용"
    "발반문년방면양위영날새폴더크린샷톡카캡처앨범파식음악읽쓰걷뛰달앉웃먹자싸춤책복본호집학교친족행"
)
"""Letters that most texts in Chinese, traditional or simplified, and in Korean are made of."""


def _latin(common: str, usual: str, rare: str, rarest: str = "") -> dict[str, float]:
    """The logarithm of how often a letter that is not ASCII stands in a text."""
    groups = ((0.01, common), (0.004, usual), (0.001, rare), (0.0001, rarest))
    return {letter: math.log(share) for share, letters in groups for letter in letters}


def _alphabet(letters: str) -> dict[str, float]:
    """That of an alphabet, the most frequent letter first."""
    shares = [math.exp(-4 * place / len(letters)) for place in range(len(letters))]
    return {letter: math.log(share / sum(shares)) for letter, share in zip(letters, shares, strict=True)}


_WEST = _latin("éäöå", "üóøæãáíñçàßúêõ", "èâ", "îôûùëïœìòýðþÿ")
_CENTRAL = _latin("áéí", "łěšřčžýąęóżőöăüśůć", "úńâîşţľđ", "źďňťűôäß")
_TURKISH = _latin("ışüçğ", "öİ", "", "âîûé")
_CYRILLIC = _alphabet("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф") | _latin("і", "їєјъё", "ґўљњћ", "ђџѕѓќ")
_GREEK = _alphabet("αοιετσνηυρπκμλςωίόδγάέχθήύφώβξζψϊΐϋΰ")
_HEBREW = _alphabet("יוהלארתבשמנעדכקפחםצטגזסןךףץ")
_ARABIC = _alphabet("اليمونرتبةعدسفهكقأحجشطصىخإذزثغضءظئآؤ")
_THAI = _alphabet("านรอกเง่มยล้วดทสตะัิปบีค์หแุจพขใ็ชไึผื์โูำถซธศณฟษญฉภฐฮฝฎฬฤฆฏฑฌๆ")


def _only(letters: str, codec: str) -> str:
    return letters.encode(codec, "ignore").decode(codec)


@dataclass(frozen=True)
class _Asian:
    """Of a page of two bytes a letter: its frequent ones, and `first` and `end` of the lead bytes of its other common ones, in `codec`."""

    codec: str
    first: int
    end: int
    frequent: frozenset[str] = frozenset()
    kana: bool = False


_PAGES: dict[str, tuple[float, Mapping[str, float] | _Asian]] = {
    "cp850": (0, _WEST),
    "cp437": (-0.3, _WEST),
    "cp1252": (0, _WEST),
    "mac_roman": (-2, _WEST),
    "cp852": (-0.7, _CENTRAL),
    "cp1250": (-1, _CENTRAL),
    "mac_latin2": (-4, _CENTRAL),
    "cp857": (-1, _TURKISH),
    "cp1254": (-1.3, _TURKISH),
    "mac_turkish": (-3.5, _TURKISH),
    "cp866": (0, _CYRILLIC),
    "cp1251": (-0.3, _CYRILLIC),
    "koi8_r": (-2, _CYRILLIC),
    "mac_cyrillic": (-3, _CYRILLIC),
    "cp737": (-0.7, _GREEK),
    "cp1253": (-1, _GREEK),
    "mac_greek": (-3.5, _GREEK),
    "cp862": (-0.7, _HEBREW),
    "cp1255": (-1, _HEBREW),
    "cp720": (-1, _ARABIC),
    "cp1256": (-1, _ARABIC),
    "cp874": (-0.5, _THAI),
    "cp932": (0, _Asian("cp932", 0x88, 0x98, kana=True)),
    "gbk": (0, _Asian("gb2312", 0xB0, 0xD8, frozenset(_only(_HAN, "gb2312")))),
    "big5": (-0.3, _Asian("big5", 0xA4, 0xC7, frozenset(_only(_HAN, "big5")))),
    "cp949": (-0.5, _Asian("euc_kr", 0xB0, 0xC9, frozenset(_HANGUL))),
}
"""Of each page, the logarithm of how likely it is, and its letters: those of DOS, which zips are said to have, Windows, then Macs."""

_SIGNS = frozenset("’‘“”–—·°«»¡¿§²³ªº€£№…©®×\u00a0")
_WIDE_SIGNS = frozenset("○●◎△▲□■◇◆★☆♪→←↑↓①②③④⑤⑥⑦⑧⑨⑩")
_FINAL = frozenset("ךםןףץ")  # which end a word in Hebrew
_VOWELS = frozenset("aeiouyæøœıаеиоуыэюяєαεηιουω")


@dataclass(frozen=True)
class Page:
    """`name`: a codec.  `rival`: another page, in which names read otherwise and about as well; None if there is none.  `fits`:
    whether most names read like names."""

    name: str
    rival: str | None
    fits: bool


def code_page(names: Sequence[bytes]) -> Page:
    """What names that are not ASCII are written in, all of them together; code page 437 decodes any.

    Args:
        names: paths, with "/" between their parts.
    """
    parts = list(_evidence(names))
    found = []
    for page in _PAGES:
        if _decoded(names, page) is not None and (read := _decoded(parts, page)) is not None:
            likely = [
                [_letter(one, name[at - 1 : at], name[at + 1 : at + 2], page) for at, one in enumerate(name)]
                for name in read
            ]
            found.append((_PAGES[page][0] + sum(map(sum, likely)), page, read, likely))
    found.sort(key=lambda one: -one[0])
    best, page, read, likely = found[0]
    rival = next((other for score, other, otherwise, _ in found if otherwise != read and best - score < _CLOSE), None)
    noise = sum(min(letters) <= _NOISE for letters in likely)
    return Page(page, rival, fits=2 * noise < max(1, len(read)))


def _evidence(names: Sequence[bytes]) -> Iterator[bytes]:
    """The parts of the paths that are not ASCII, each once, as many as are needed."""
    size = 0
    for part in dict.fromkeys(part for name in names for part in name.split(b"/")):
        if not part.isascii() and len(part) <= _LONGEST and size <= _MOST:
            size += len(part)
            yield part


def _decoded(names: Sequence[bytes], page: str) -> list[str] | None:
    try:
        return [name.decode(page) for name in names]
    except UnicodeError:
        return None


@lru_cache(maxsize=1 << 16)
def _letter(one: str, before: str, after: str, page: str) -> float:
    """The logarithm of how likely a character is between its neighbors."""
    if one.isascii():
        return -7.0 if one == "\\" else -3.4  # one of about thirty; a backslash is the second byte of many a letter
    kind, table = unicodedata.category(one)[0], _PAGES[page][1]
    if kind == "C" or "\u2500" <= one <= "\u259f":  # control, private use, lines of boxes
        return -16.0
    beside = [each for each in (before, after) if each.isalpha()]
    if one in _SIGNS:
        return -7.0 - (0 if one in "’·" else 3.5 * len(beside))
    if isinstance(table, _Asian):
        return _asian(one, table) - 2.5 * sum(each.isascii() and each.islower() for each in beside)
    weight = table.get(one, table.get(one.lower(), -13.8)) - (kind not in "LM")
    script = _script(one)
    if any(_script(each) != script for each in beside):
        weight -= 8
    if one.isupper():
        weight -= 8 if before.islower() or (before.isupper() and after.islower()) else 0.3 if before.isupper() else 1
    if one in _FINAL and after.isalpha():
        weight -= 6
    # A vowel among vowels and a consonant among consonants are rare in all languages.
    if (
        script in ("LATIN", "CYRILLIC", "GREEK")
        and len(beside) == 2
        and len({_is_vowel(each) for each in (one, *beside)}) == 1
    ):
        weight -= 1.5
    return weight


def _asian(one: str, table: _Asian) -> float:
    if "\uff61" <= one <= "\uff9f":
        return -7.0  # narrow katakana, which all bytes from A1 to DF would be
    if "\u3040" <= one <= "\u30ff":
        return -5.0 if table.kana else -13.0
    if one in _WIDE_SIGNS or "\u3000" <= one <= "\u303f" or "\uff00" <= one <= "\uff60":
        return -8.0
    if one in table.frequent:
        return math.log(0.6 / len(table.frequent))
    try:
        lead, _ = one.encode(table.codec)
    except (UnicodeError, ValueError):
        return -10.5 if one in _HAN else -13.0  # a traditional one in a simplified text
    common = -8.5 if table.kana else -9.2  # one of some thousands
    return common if table.first <= lead < table.end else -13.0


def _script(one: str) -> str:
    return unicodedata.name(one, "").partition(" ")[0]


def _is_vowel(one: str) -> bool:
    return unicodedata.normalize("NFD", one)[0].lower() in _VOWELS

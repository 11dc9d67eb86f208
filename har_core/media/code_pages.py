"""The code page of names or of a text that do not say theirs: the one in which all words together read most like words.

Each page is a model of text: how likely each of its letters is in the languages that it is used for, and how likely the page is
itself, for zips or for texts.  The score of a page is the logarithm of how likely the words are there.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_MOST = 2000  # bytes of words that are looked at
_LONGEST = 255  # bytes of one
_BETWEEN = re.compile(rb"[\x00-/:;=?\[\]{}]+")  # words of a text; no byte of these is the second of a letter
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")
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


_WEST = _latin("éäöå", "üóøæãáíñçàßúêõè", "âùœîôûòì", "þðëïýÿ")
_CENTRAL = _latin("áéí", "łěšřčžýąęóżőöăüśůćń", "úâîşţľđ", "źďňťűôäß")
_TURKISH = _latin("ışüçğ", "öİ", "", "âîûé")
_BALTIC = _latin("āš", "īėēžųūčį", "ąęņļģķ", "õäöü")
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


_PAGES: dict[str, Mapping[str, float] | _Asian] = {
    **dict.fromkeys(("cp850", "cp437", "cp860", "cp861", "cp865", "cp1252", "mac_roman"), _WEST),
    **dict.fromkeys(("cp852", "cp1250", "iso8859_2", "mac_latin2"), _CENTRAL),
    **dict.fromkeys(("cp775", "cp1257"), _BALTIC),
    **dict.fromkeys(("cp857", "cp1254", "mac_turkish"), _TURKISH),
    **dict.fromkeys(("cp866", "cp1251", "koi8_r", "iso8859_5", "mac_cyrillic"), _CYRILLIC),
    **dict.fromkeys(("cp737", "cp1253", "mac_greek"), _GREEK),
    **dict.fromkeys(("cp862", "cp1255"), _HEBREW),
    **dict.fromkeys(("cp720", "cp1256"), _ARABIC),
    "cp874": _THAI,
    "cp932": _Asian("cp932", 0x88, 0x98, kana=True),
    "euc_jp": _Asian("euc_jp", 0xB0, 0xD0, kana=True),
    "gbk": _Asian("gb2312", 0xB0, 0xD8, frozenset(_only(_HAN, "gb2312"))),
    "big5": _Asian("big5", 0xA4, 0xC7, frozenset(_only(_HAN, "big5"))),
    "cp949": _Asian("euc_kr", 0xB0, 0xC9, frozenset(_HANGUL)),
}
"""The letters of each page."""

_ZIPS = {
    "cp850": 0, "cp437": -0.3, "cp860": -4, "cp861": -4, "cp865": -4, "cp1252": 0, "mac_roman": -2,
    "cp852": -0.7, "cp1250": -1, "mac_latin2": -4, "cp775": -4, "cp1257": -4,
    "cp857": -1, "cp1254": -1.3, "mac_turkish": -3.5,
    "cp866": 0, "cp1251": -0.3, "koi8_r": -2, "mac_cyrillic": -3,
    "cp737": -0.7, "cp1253": -1, "mac_greek": -3.5,
    "cp862": -0.7, "cp1255": -1, "cp720": -1, "cp1256": -1, "cp874": -0.5,
    "cp932": 0, "euc_jp": -5, "gbk": 0, "big5": -0.3, "cp949": -0.5,
}  # fmt: skip
"""The logarithm of how likely each page is in zips, made on Windows, by macOS or with 7-Zip: first those of DOS, as the format says."""

_TEXTS = {
    "cp1252": 0, "mac_roman": -3, "cp850": -4, "cp437": -4,
    "cp1250": -1.5, "iso8859_2": -3.5, "cp852": -5, "mac_latin2": -6, "cp1257": -3,
    "cp1254": -1.5, "cp857": -6,
    "cp1251": -1, "koi8_r": -3.5, "cp866": -4, "iso8859_5": -5, "mac_cyrillic": -4.5,
    "cp1253": -1.5, "cp737": -5, "mac_greek": -5.5,
    "cp1255": -1.5, "cp862": -5, "cp1256": -1.5, "cp720": -6, "cp874": -1.5,
    "cp932": -1, "euc_jp": -3, "gbk": -1, "big5": -1.5, "cp949": -1.5,
}  # fmt: skip
"""The same in tables and other texts: first those of Windows, in which spreadsheets save them."""

_CALLED = {
    "mac_roman": "Mac OS Roman", "mac_latin2": "Mac OS Central European", "mac_cyrillic": "Mac OS Cyrillic",
    "mac_greek": "Mac OS Greek", "mac_turkish": "Mac OS Turkish", "iso8859_2": "ISO 8859-2", "iso8859_5": "ISO 8859-5",
    "koi8_r": "KOI8-R", "euc_jp": "EUC-JP", "gbk": "GBK", "big5": "Big5", "cp932": "Shift-JIS", "cp949": "EUC-KR",
}  # fmt: skip

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

    @property
    def called(self) -> str:
        """What people call it."""
        return _CALLED.get(self.name) or f"code page {self.name.removeprefix('cp')}"


def page_of_names(names: Sequence[bytes]) -> Page:
    """What names that are not ASCII are written in, all of them together; code page 437 decodes any.

    Args:
        names: paths in a zip, with "/" between their parts.
    """
    return _most_likely(names, (part for name in names for part in name.split(b"/")), _ZIPS)


def page_of_text(text: bytes) -> Page | None:
    """What a text is written in that is not UTF-8; None if it reads like words in no page."""
    page = _most_likely([text], words_of(text), _TEXTS)
    return page if page.fits and not _NO_TEXT.search(text) else None


def words_of(text: bytes) -> list[bytes]:
    """Those that are not ASCII, as many as are needed to tell the page of a text."""
    return list(_evidence(_BETWEEN.split(text)))


def _most_likely(texts: Sequence[bytes], words: Iterable[bytes], pages: Mapping[str, float]) -> Page:
    parts = list(_evidence(words))
    found = []
    for page in pages:
        if _decoded(texts, page) is not None and (read := _decoded(parts, page)) is not None:
            likely = [
                [_letter(one, name[at - 1 : at], name[at + 1 : at + 2], page) for at, one in enumerate(name)]
                for name in read
            ]
            found.append((pages[page] + sum(map(sum, likely)), page, read, likely))
    found.sort(key=lambda one: -one[0])
    best, page, read, likely = found[0]
    rival = next((other for score, other, otherwise, _ in found if otherwise != read and best - score < _CLOSE), None)
    noise = sum(min(letters) <= _NOISE for letters in likely)
    return Page(page, rival, fits=2 * noise < max(1, len(read)))


def _evidence(words: Iterable[bytes]) -> Iterator[bytes]:
    """Those that are not ASCII, each once, as many as are needed."""
    size = 0
    for part in dict.fromkeys(words):
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
    kind, table = unicodedata.category(one)[0], _PAGES[page]
    if kind == "C" or "\u2500" <= one <= "\u259f":  # control, private use, lines of boxes
        return -16.0
    beside = [each for each in (before, after) if each.isalpha()]
    if one in _SIGNS:
        return -7.0 - (0 if one in "’·" else 3.5 * len(beside))
    if isinstance(table, _Asian):
        return _asian(one, table) - 5 * sum(each.isascii() and each.islower() for each in beside)
    weight = table.get(one, table.get(one.lower(), -13.8)) - (kind not in "LM")
    script = _script(one)
    if any(_script(each) != script for each in beside):
        weight -= 8
    if not beside and script != "LATIN":
        weight -= 3  # a word of one letter
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

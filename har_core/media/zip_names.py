"""The names of a zip's entries, whatever the system that packed them wrote them in."""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence

_UTF8 = 0x800  # flag of an entry
_UNICODE_PATH = 0x7075  # extra field of Info-ZIP: the name in UTF-8
_CODE_PAGES = ("cp932", "gbk", "cp866", "cp1251", "cp437", "cp850", "cp1252")
"""Of Windows in Japan, China, Russia (two) and the West (three).  The first counts of those that fit equally well; that of Korea and
that of Taiwan only by `_by_frequent`, since nearly all bytes of one Asian code page are letters of the others."""

_HAN = (
    "的一是不我了人在有他這个個上們们來来到時时大地為为子中你說说生國国年著着就那和要她出也得裡里後后自以會会家可下而過过天去能對对小多然於于心學学麼么之"
    "都好看起發发當当沒没成只如事把還还用第樣样道想作種种開开美總总從从無无情己面最女但現现前些所同日手又行意動动方期它頭头經经長长兒儿回位分愛爱老因很給给名"
    "法間间知世什兩两次使身者被高已親亲其進进此話话常與与活正感見见明問问力理點点文定本公特做外相西果走將将月十實实向聲声車车全信重三機机工物氣气每別真打太新比"
    "才便夫再書书部水像眼等體体電电主門门利海受聽听表德少員员許许先口由死安寫写性馬马光白或住難难望教命花樂乐色更東东神記记處处讓让母父應应直字場场平報报友"
    "關关放張张接告入笑內内英吃喝跑步睡覺觉坐唱跳舞照片圖图資资料夾夹檔档影腦脑音騎骑打飯饭球"
)
_HANGUL = (
    "이다는에의가을고하지은로사를한자기도인리대해수정어나일아부제서시그전들보상원구주성장조여안연선화경비공우모중마신만요무국유분동생과산소스미개차물오실세입진용"
    "발반문년방면양위영날새폴더크린샷톡카캡처앨범파식음악읽쓰걷뛰달앉웃먹자싸춤책복본호집학교친족행"
)
_FREQUENT = {"cp949": frozenset(_HANGUL), "big5": frozenset(_HAN), "gbk": frozenset(_HAN)}
"""Letters that most texts are made of, in Korea and in China (its traditional and its simplified ones)."""

_SURE, _PLAUSIBLE = 0.8, 0.5  # mean weight of the characters that are not ASCII
_COMMON_LATIN = frozenset("äöüßÄÖÜéèêëàâáåçñíìîïóòôúùûæøœãÉÈÀÁÇÅÑØÓÍÚ")
_VOWELS = frozenset("aeiouyäöü")  # before ß
_RUSSIAN = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ")
_SIGNS = frozenset("’‘“”–—·°«»¡¿§²³ªº€£№…©®×○●◎△▲□■◇◆★☆♪→←↑↓①②③④⑤⑥⑦⑧⑨⑩\u00a0")


def entry_names(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Each entry's name in NFC, with "/" between the parts of its path.

    A name that says that it is UTF-8, by its flag or in Info-ZIP's extra field, is that.  The others are decoded together: as
    UTF-8 if all of them are, which Macs write and do not say; else by the code page in which all of them read best.  If they
    read well in none, each is UTF-8 if it can be, or what the format of zips says: code page 437.
    """
    names = [_told(entry) for entry in entries]
    raw = {row: _raw(entry) for row, (entry, name) in enumerate(zip(entries, names, strict=True)) if name is None}
    encoding = _encoding([one for one in raw.values() if not one.isascii()])
    for row, name in raw.items():
        names[row] = name.decode(encoding) if encoding is not None else _alone(name)
    # A byte of many a Chinese or Japanese letter is that of a backslash: names are split after they are decoded.
    return [unicodedata.normalize("NFC", (name or "").replace("\\", "/")) for name in names]


def _told(entry: zipfile.ZipInfo) -> str | None:
    """The name, if the zip says what it is written in."""
    if entry.flag_bits & _UTF8:
        return entry.orig_filename.partition("\0")[0]
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        # The checksum tells whether a tool renamed the entry and left the field as it was.
        if kind == _UNICODE_PATH and field[:1] == b"\1" and field[1:5] == struct.pack("<I", zlib.crc32(_raw(entry))):
            try:
                return field[5:].decode().partition("\0")[0] or None
            except UnicodeError:
                return None
    return None


def _raw(entry: zipfile.ZipInfo) -> bytes:
    """The bytes of a name without the flag, which zipfile has decoded from code page 437."""
    return entry.orig_filename.encode("cp437").partition(b"\0")[0]


def _alone(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeError:
        return name.decode(_encoding([name]) or "cp437")


def _encoding(names: Sequence[bytes]) -> str | None:
    """What names that are not ASCII are written in; None if they read well in nothing, or there are none."""
    if not names:
        return None
    if _decoded(names, "utf-8") is not None:
        return "utf-8"
    weights = {page: _weight(decoded) for page in _CODE_PAGES if (decoded := _decoded(names, page)) is not None}
    best = max(weights, key=weights.__getitem__, default="")
    weight = weights.get(best, 0.0)
    if (best in ("cp932", "gbk") or weight < _SURE) and (asian := _by_frequent(names)) is not None:
        return asian
    return best if weight >= _PLAUSIBLE else None


def _by_frequent(names: Sequence[bytes]) -> str | None:
    """cp949 or big5, if at least two of the letters, and half of them, are frequent there, and fewer in mainland China."""
    found: dict[str, int] = {}
    for page, frequent in _FREQUENT.items():
        letters = {one for name in _decoded(names, page) or () for one in name if not one.isascii()}
        known = len(letters & frequent)
        of_one_script = len({unicodedata.name(one, "").partition(" ")[0] for one in letters}) == 1
        found[page] = known if page == "gbk" or (known > 1 and 2 * known >= len(letters) and of_one_script) else 0
    best = max(found, key=found.__getitem__)
    return best if found[best] > found["gbk"] else None


def _decoded(names: Sequence[bytes], encoding: str) -> list[str] | None:
    try:
        return [name.decode(encoding) for name in names]
    except UnicodeError:
        return None


def _weight(names: Sequence[str]) -> float:
    """How much names read like names: the mean over all characters that are not ASCII, 0 (one of the names is noise) to 1."""
    weights = [_of_name(name) for name in names]
    if any(sum(several) <= 0 for several in weights):
        return 0.0
    return sum(map(sum, weights)) / max(1, sum(map(len, weights)))


def _of_name(name: str) -> list[float]:
    words = re.split(r"[\x00-\x40\x5b-\x60\x7b-\x7f]+", name)  # between them, ASCII that is no letter
    return [_of_letter(one, word, at) for word in words for at, one in enumerate(word) if not one.isascii()]


def _of_letter(one: str, word: str, at: int) -> float:
    """The weight of one character in its word."""
    before, after = word[at - 1 : at], word[at + 1 : at + 2]
    if unicodedata.category(one)[0] == "C" or "\u2500" <= one <= "\u259f":  # control, private use; lines of boxes
        return -1.0
    if "\u2e80" <= one <= "\u9fff" or "\uf900" <= one <= "\ufaff" or "\uff00" <= one <= "\uffef":
        alone = not _is_asian(before) and not _is_asian(after)
        within = before.islower() or after.islower() or (before.isalpha() and after.isalpha())
        return 0.0 if alone and within else _of_asian(one)  # a byte of "Größe" and the letter after it
    if one in _SIGNS:
        return 0.5 if one in "’·-" or not (before.isalpha() and after.isalpha()) else 0.0
    script = unicodedata.name(one, "").partition(" ")[0]
    mixed = any(
        each.isalpha() and not unicodedata.name(each, "").startswith(script) for each in (before, after) if each
    )
    if script not in ("LATIN", "CYRILLIC") or not one.isalpha() or mixed or (one.isupper() and before.islower()):
        return 0.0
    if script == "CYRILLIC":
        return 1.0 if one in _RUSSIAN else 0.5
    many = all(not each.isascii() for each in word[max(0, at - 1) : at + 2]) and len(word) > 2
    if many or (one == "ß" and before.casefold() not in _VOWELS):
        return 0.2
    return 1.0 if one in _COMMON_LATIN else 0.5 if one in "õÕ" else 0.4


def _is_asian(one: str) -> bool:
    return "\u2e80" <= one <= "\u9fff" or "\uff00" <= one <= "\uffef"


def _of_asian(one: str) -> float:
    """By how common it is: kana 1, Chinese characters by the level at which a standard has them, in Japan or in China."""
    if "\uff61" <= one <= "\uff9f":
        return 0.3  # narrow katakana, which all bytes from A1 to DF would be
    if one < "\u3400" or one > "\u9fff":
        return 1.0
    levels = [_level(one, "cp932", 0x88, 0x98, 0x40), _level(one, "gbk", 0xB0, 0xD8, 0xA1)]
    return max(levels)


def _level(one: str, page: str, first: int, end: int, least: int) -> float:
    """1 for a character of the first level, 0.5 of the second, 0.2 beyond it."""
    try:
        lead, trail = one.encode(page)
    except (UnicodeError, ValueError):
        return 0.0
    if trail < least or (page == "gbk" and lead < first):
        return 0.2
    return 1.0 if first <= lead < end else 0.5

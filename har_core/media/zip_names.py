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
"""Of Windows in Japan, China, Russia (two) and the West (three).  The first counts of those that fit equally well."""

_PLAUSIBLE = 0.5  # mean weight of the characters that are not ASCII
_COMMON_LATIN = frozenset("äöüßÄÖÜéèêëàâáåçñíìîïóòôúùûæøœãÉÈÀÁÇÅÑØÓÍÚ")
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
    best = max(weights, key=weights.__getitem__, default=None)
    return best if best is not None and weights[best] >= _PLAUSIBLE else None


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
    return 0.2 if many else 1.0 if one in _COMMON_LATIN else 0.4


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

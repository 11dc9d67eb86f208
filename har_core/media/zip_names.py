"""The names of a zip's entries, whatever the system that packed them wrote them in."""

from __future__ import annotations

import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from har_core.media.code_pages import page_of_names

_UTF8 = 0x800  # flag of an entry
_UNICODE_PATH = 0x7075  # extra field of Info-ZIP: the name in UTF-8
_LONGEST = 1000  # bytes of a name that is not refused for its length
_FEW = 4000  # bytes of names that are looked at one by one


@dataclass(frozen=True)
class EntryNames:
    """`names`: of each entry, in NFC, with "/" between the parts of its path.  `doubt`: one of these and, if another code page is
    about as likely, what it is there; empty if it is clear what the names are written in."""

    names: list[str]
    doubt: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What to tell the zip's owner; empty if nothing is in doubt."""
        if not self.doubt:
            return ""
        read, *otherwise = [repr(name[:80]) for name in self.doubt]
        or_else = f" and not {otherwise[0]}" if otherwise else ""
        return (
            f"the zip does not say how its names are written: they may be spelled wrong, as {read}{or_else}; if they are, pack it anew "
            "with names in UTF-8"
        )


def entry_names(entries: Sequence[zipfile.ZipInfo]) -> EntryNames:
    """The names of entries.

    A name that says that it is UTF-8, by its flag or in Info-ZIP's extra field, is that.  The others are decoded together: as
    UTF-8 if all of them are, which Macs write and do not say; else by the code page in which all of them read best.  If most
    read well in none, each is UTF-8 if it can be, or, of few names, what it reads best in, or what the format of zips says: code
    page 437.
    """
    names = [_told(entry) for entry in entries]
    raw = {row: _raw(entry) for row, (entry, name) in enumerate(zip(entries, names, strict=True)) if name is None}
    read, doubt = _read(list(dict.fromkeys(one for one in raw.values() if not one.isascii() and len(one) <= _LONGEST)))
    for row, name in raw.items():
        names[row] = read[name] if name in read else name.decode("cp437")
    return EntryNames([_normal(name or "") for name in names], tuple(map(_normal, doubt)))


def _normal(name: str) -> str:
    # A byte of many a Chinese or Japanese letter is that of a backslash: names are split after they are decoded.
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


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


def _read(names: Sequence[bytes]) -> tuple[dict[bytes, str], tuple[str, ...]]:
    """Different names that are not ASCII, decoded; and the doubt of `EntryNames`."""
    if all(map(_is_utf8, names)):
        return {name: name.decode() for name in names}, ()
    page = page_of_names(names)
    if page.fits:
        read = {name: name.decode(page.name) for name in names}
        readings = ((read[name], name.decode(page.rival or page.name)) for name in names)
        return read, next((both for both in readings if both[0] != both[1]), ())
    few = sum(map(len, names)) <= _FEW
    read = {
        name: name.decode() if _is_utf8(name) else name.decode(_alone(name) if few else page.name) for name in names
    }
    return read, (next(read[name] for name in names if not _is_utf8(name)),)


def _alone(name: bytes) -> str:
    page = page_of_names([name])
    return page.name if page.fits else "cp437"


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeError:
        return False
    return True

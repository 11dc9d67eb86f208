"""Texts as people's programs write them: in UTF-8, UTF-16, UTF-32, or a code page that only their words tell."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from har_core.media.code_pages import Page, page_of_text, words_of

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = {
    "1000": "utf-32-le",
    "0001": "utf-32-be",
    "1010": "utf-16-le",
    "0101": "utf-16-be",
}
"""By which of the first four bytes are not zero, if the first characters are ASCII (RFC 4627)."""


@dataclass(frozen=True)
class Text:
    """`encoding`: a codec of Python.  `mark`: bytes of the byte order mark, which `text` leaves out.  `note`: what to say of a code page
    that was told by the words; empty of the others.  `is_certain`: whether no other page is about as likely.
    """

    text: str
    encoding: str
    mark: int
    note: str
    is_certain: bool


def decode(data: bytes, *, more: bool = False) -> Text:
    """A text from its bytes.

    Args:
        more: whether they are the begin of a longer text, cut anywhere.

    Raises:
        UnicodeError: with a reason in plain words, if it is none.
    """
    mark, encoding = next((one for one in _MARKS if data.startswith(one[0])), (b"", ""))
    encoding, note = encoding or _UNMARKED.get("".join("1" if byte else "0" for byte in data[:4]), "utf-8"), ""
    is_certain = True
    try:
        text = _decoded(data[len(mark) :], encoding, more=more)
    except UnicodeDecodeError as error:
        page = None if mark else page_of_text(data[: data.rfind(b"\n") + 1] if more else data)
        if page is None:
            raise UnicodeError(str(error.reason)) from error
        try:
            text, encoding, note = _decoded(data, page.name, more=more), page.name, _note(page, data)
            is_certain = page.rival is None
        except UnicodeDecodeError:
            raise UnicodeError(str(error.reason)) from error
    if "\0" in text:
        raise UnicodeError("it has NUL characters")
    return Text(text, encoding, len(mark), note, is_certain)


def decode_certain(data: bytes, *, more: bool = False) -> Text:
    """As `decode`, of a text whose reader tells no notes.

    Raises:
        UnicodeError: also if the code page is in doubt.
    """
    found = decode(data, more=more)
    if not found.is_certain:
        raise UnicodeError("it is not in UTF-8, and what it is in is not certain")
    return found


def _decoded(data: bytes, encoding: str, *, more: bool) -> str:
    return codecs.getincrementaldecoder(encoding)().decode(data, final=not more)


def _note(page: Page, data: bytes) -> str:
    readings = [(word.decode(page.name), word.decode(page.rival or page.name)) for word in words_of(data)]
    read, otherwise = next((both for both in readings if both[0] != both[1]), readings[0])
    instead = f" and not {otherwise[:40]!r}" if otherwise != read else ""
    return (
        f"the text is not UTF-8 and was read as {page.called}, as in {read[:40]!r}{instead}; if that is spelled wrong, save it as "
        "CSV UTF-8"
    )

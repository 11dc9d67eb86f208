"""Text that is not UTF-8: what spreadsheets write on Windows in Western Europe and America can be told from other code pages."""

from __future__ import annotations

import re
from typing import Final

WESTERN: Final = "cp1252"

_LETTERS = "".join(letter for letter in map(chr, range(0xC0, 0x100)) if letter not in "×÷ÐÝÞðýþ") + "Œœ"
_ELSEWHERE = re.compile(
    rf"[^\x00-\x7f{_LETTERS}’–—°€\xa0]"  # hardly ever written in names; what DOS and Macs have for letters
    rf"|(?<![A-Za-z{_LETTERS}])[{_LETTERS}]{{2,}}(?![A-Za-z{_LETTERS}])"  # a word of them alone, as all are in Cyrillic or Greek
    rf"|(?<=[A-Za-z])[–—°€\xa0](?=[A-Za-z])"
)


def western_text(data: bytes) -> str | None:
    """The text of bytes in code page 1252; None if they are more likely in another, which the words themselves tell."""
    try:
        text = data.decode(WESTERN)
    except UnicodeDecodeError:
        return None
    return None if _ELSEWHERE.search(text) else text

"""What one cell of text says that holds several values, as Python, NumPy, PyTorch and people write them."""

from __future__ import annotations

import re
from collections.abc import Callable

from har_core.imports.text_numbers import NULLS

Split = Callable[[str], list[str] | None]
"""A cell → its values as text, None where it holds none."""

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf)"
_TEXT = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_TYPE = r"(?:[A-Za-z_]\w*\.)*(?:float[0-9]*|bfloat16|u?int[0-9]*|str_?|bytes_|bool_?|array|Array|[Tt]ensor|EagerTensor|Decimal)"
_WORD = re.compile(
    rf"{_TYPE}\(\s*(?P<inside>{_TEXT}|{_NUMBER})\s*(?:,[^()\[\]]*)?\)|(?P<text>{_TEXT})|(?P<bare>[^\s,\[\]()]+)"
)
_WRAPPED = re.compile(rf"(?s)<?{_TYPE}(?::[^\[\]]*?)?\(\s*(\[.*\])[^\[\]]*\)>?")
"""'tensor([0.9, 0.1], device='cuda:0')', and '<tf.Tensor: shape=(2,), numpy=array([0.9, 0.1])>'."""

_SEPARATORS = {";": r"\s*;\s*", "|": r"\s*\|\s*", " ": r"\s+", ",": r"\s*,\s*"}
_PLAIN = re.compile(_NUMBER)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?")


def split_of(cells: list[str]) -> Split | None:
    """How the cells of a column are taken apart; None if most are no lists of numbers, and not all are lists of one length.

    Without brackets only numbers are lists, and some of them must be fractions: '3;5' may be anything.
    """
    some = [cell.strip() for cell in cells if cell.strip() not in NULLS]
    if not some:
        return None
    found = [words(cell) for cell in some if _in_brackets(cell)]
    if 2 * len(found) > len(some):
        lengths = {len(values) for values in found}
        numbers = 2 * sum(bool(values) and _PLAIN.fullmatch(values[0]) is not None for values in found) > len(some)
        return (
            _of_brackets if numbers or (len(found) == len(some) and len(lengths - {0}) == len(lengths) == 1) else None
        )
    for separator in _SEPARATORS:
        bare = [cell for cell in some if _is_bare(cell, separator)]
        if 2 * len(bare) > len(some):
            parts = [part for cell in bare for part in _parts(cell, separator)]
            if any(re.search("[.,eE]", part) for part in parts):
                return lambda cell: _of_numbers(cell, separator)
    return None


def words(cell: str) -> list[str]:
    """'[0.9 0.1]', "['a', 'b']", '[np.float64(0.9), np.float64(0.1)]' → the values, as text."""
    found = []
    for one in _WORD.finditer(_unwrapped(cell.strip())):
        text = one["inside"] or one["text"] or one["bare"]
        found.append(text[1:-1] if text[0] in "'\"" and text[-1:] == text[0] and len(text) > 1 else text)
    return found


def _unwrapped(cell: str) -> str:
    found = _WRAPPED.fullmatch(cell) if cell[-1:] in (")", ">") and cell[:1] not in ("(", "[") else None
    return found[1] if found else cell


def _in_brackets(cell: str) -> bool:
    inner = _unwrapped(cell)
    return inner[:1] + inner[-1:] in ("[]", "()")


def _of_brackets(cell: str) -> list[str] | None:
    return None if cell.strip() in NULLS else words(cell) or None


def _of_numbers(cell: str, separator: str) -> list[str] | None:
    if cell.strip() in NULLS:
        return None
    parts = _parts(cell.strip(), separator)
    return parts if separator == "," else [part.replace(",", ".") for part in parts]


def _parts(cell: str, separator: str) -> list[str]:
    return re.split(_SEPARATORS[separator], cell)


def _is_bare(cell: str, separator: str) -> bool:
    """Whether a cell holds two numbers or more.  Behind a comma each needs its point: '1,5' is a number."""
    parts = _parts(cell, separator)
    if len(parts) < 2:
        return False
    if separator == ",":
        return all(_PLAIN.fullmatch(part) and re.search("[.eE]", part) for part in parts)
    return all(_PLAIN.fullmatch(part) or _DECIMAL_COMMA.fullmatch(part) for part in parts)

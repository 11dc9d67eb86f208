"""What one cell of text says that holds several values, as Python, NumPy, PyTorch and people write them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from har_core.imports.literals import NUMBER, TEXT, TYPE, literal, unwrapped
from har_core.imports.text_numbers import NULLS

Split = Callable[[str], list[str] | None]
"""A cell → its values as text, None where it holds none."""

_WORD = re.compile(
    rf"{TYPE}\(\s*(?P<inside>{TEXT}|{NUMBER})\s*(?:,[^()\[\]]*)?\)|(?P<text>{TEXT})|(?P<bare>[^\s,\[\]()]+)"
)
_SCALAR = re.compile(
    rf"(?:{TYPE}|(?:\w+\.)*(?:Pure)?(?:Posix|Windows)?(?:UP|P)ath)\(\s*(?P<inside>{TEXT}|{NUMBER}|True|False)\s*(?:,[^()]*(?:\(\))?)?\)"
    rf"|<tf\.Tensor: shape=\(\)[^()]*numpy=(?P<tensor>{TEXT}|{NUMBER}|b{TEXT})>|b(?P<bytes>{TEXT})"
)
"""'tensor(3)', 'tensor(0.82, device='cuda:0')', "PosixPath('a.jpg')", "b'cat'"."""

_MAX_SCALAR = 5000
_SHORTENED = re.compile(r"[0-9.\])][\s,]+\.\.\.[\s,]+[+\-0-9.\[(]")
_OUTER = re.compile(r"(?s)[\[(]\s*([\[(][^\[\]()]*[\])])\s*,?\s*[\])]")
_LISTS = re.compile(rf"[\[(]\s*(?:{TYPE}\(\s*)?[\[({{]")
"""The start of a list of lists, or of mappings."""

_SEPARATORS = {";": r"\s*;\s*", "|": r"\s*\|\s*", " ": r"\s+", ",": r"\s*,\s*"}
_PLAIN = re.compile(NUMBER)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?(?:\s*%)?|[+-]?[0-9]+(?:\.[0-9]+)?\s*%")


def split_of(cells: list[str]) -> Split | None:
    """How the cells of a column are taken apart; None if most are no lists of numbers, and not all are lists of one length.

    Without brackets only numbers are lists, and some of them must be fractions: '3;5' may be anything.  A list of several lists is
    none, and one from which NumPy left values out is none.
    """
    some = [cell.strip() for cell in cells if cell.strip() not in NULLS]
    if not some or 2 * sum(_is_nested(cell) or is_shortened(cell) for cell in some) > len(some):
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
    for one in _WORD.finditer(unwrapped(cell.strip())):
        text = one["inside"] or one["text"] or one["bare"]
        found.append(text[1:-1] if text[0] in "'\"" and text[-1:] == text[0] and len(text) > 1 else text)
    return found


def scalars_of(cells: list[str]) -> Callable[[str], str] | None:
    """How the cells of a column are read that each hold one value in the words of a program; None if most are something else.

    'tensor(3)' is '3', "PosixPath('a.jpg')" is 'a.jpg', and a record of a photo, as W&B and data sets write it, is its path.
    """
    some = [cell.strip() for cell in cells if cell.strip() not in NULLS]
    if not some or some[0][-1:] not in (")", ">", "}", "'", '"'):
        return None
    return _scalar if 2 * sum(_inside(cell) is not None for cell in some) > len(some) else None


def _scalar(cell: str) -> str:
    found = _inside(cell.strip())
    return cell if found is None else found


def _inside(cell: str) -> str | None:
    """The one value that a cell says in the words of a program; None if it is written otherwise."""
    if cell[-1:] == "}":
        return photo_path(literal(cell)) if cell[0] == "{" and "path" in cell else None
    found = _SCALAR.fullmatch(cell) if cell[-1:] in (")", ">", "'", '"') and len(cell) < _MAX_SCALAR else None
    if found is None:
        return None
    text = found["inside"] or found["tensor"] or f"b{found['bytes']}"
    if text[-1] not in "'\"":
        return text
    try:
        value = ast.literal_eval(text)
        return value.decode() if isinstance(value, bytes) else str(value)
    except (ValueError, SyntaxError):
        return text.removeprefix("b")[1:-1]


def photo_path(value: object) -> str | None:
    """The file that a record names as a photo, as {"_type": "image-file", "path": …} and {"bytes": null, "path": …}; None of another."""
    if not isinstance(value, dict) or not isinstance(path := value.get("path"), str):
        return None
    return path if value.keys() & {"_type", "bytes"} else None


def is_shortened(cell: str) -> bool:
    """Whether NumPy or PyTorch left values out, as in '[0.1 0.2 ... 0.3]'."""
    return "..." in cell and _SHORTENED.search(unwrapped(cell)) is not None


def _is_nested(cell: str) -> bool:
    """Whether a cell is a list of several lists."""
    inner = unwrapped(cell)
    while (found := _OUTER.fullmatch(inner)) is not None:
        inner = found[1].strip()
    return _LISTS.match(inner) is not None


def _in_brackets(cell: str) -> bool:
    inner = unwrapped(cell)
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

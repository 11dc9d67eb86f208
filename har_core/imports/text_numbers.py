"""Numbers as texts write them: with a decimal comma, with a percent sign, or with a word for nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

NULLS = [
    "", "NA", "N/A", "NaN", "nan", "null", "None", "-nan", "NULL", "<NA>", "n/a", "(null)", "NaT", "-NaN", "\\N", "#N/A", "#N/A N/A",
    "#NA", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!",
]  # fmt: skip
"""What stands for no value, as pandas, databases and spreadsheets write it."""

SIGNED_NOTE = "numbers with percent signs were divided by 100"
"""Of a run."""

_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+(,[0-9]+)?(\s*%|[eE][+-]?[0-9]+)?")
_WRITTEN = re.compile(
    r"(?i)(?P<before>%\s*)?(?P<number>[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:e[+-]?[0-9]+)?|nan(?=\s*%))(?P<after>\s*%)?"
)
_SURE_COMMA = re.compile(r"[+-]?0*,[0-9]+|[+-]?[0-9]+,(?![0-9]{3}$)[0-9]+")
"""A decimal comma, which no comma between thousands can be."""

_ODD = re.compile(r"[%,]|[^\x00-\x7f]")
_MARKS = str.maketrans("％﹪٪．٫，−－＋", "%%%..,--+")

Writing = Literal["percents", "commas", "digits"]
"""How the numbers of a column are written: with percent signs, with decimal commas, or in digits or signs of another script."""


def writing_of(cells: Iterable[str]) -> Writing | None:
    """How most cells of a column write numbers; None if as programs do, or if they are none."""
    some = _some(cells)
    if not _ODD.search("".join(some)):
        return None
    numbers = [one for one in map(_number, some) if one is not None]
    if 2 * len(numbers) <= len(some):
        return None
    if any(signed for _, signed in numbers):
        return "percents"
    if any("," in cell for cell in some):
        return "commas" if any(map(_SURE_COMMA.fullmatch, some)) else None
    return "digits"


def number_in(cell: str, writing: Writing) -> float | None:
    """The number that a cell of such a column says, as a share of 1 if it has a percent sign; None if it says nothing.

    Raises:
        ValueError: if it is none, is written otherwise, or is no 0 without the sign of the others.
    """
    bare = cell.strip()
    if bare in NULLS:
        return None
    found = _number(bare)
    if found is None or (writing == "commas" and "." in bare):
        raise ValueError("numbers of another form")
    value, signed = found
    if signed != (writing == "percents") and value != 0:
        raise ValueError("numbers of another form")
    return None if math.isnan(value) else value / 100 if signed else value


def _number(cell: str) -> tuple[float, bool] | None:
    """(the number that a cell says in any writing, whether it has a percent sign)."""
    plain = cell if cell.isascii() else re.sub(r"\d", lambda one: str(int(one[0])), cell.translate(_MARKS))
    found = _WRITTEN.fullmatch(plain)
    if found is None or (found["before"] and found["after"]):
        return None
    return float(found["number"].replace(",", ".")), bool(found["before"] or found["after"])


def has_decimal_commas(cells: list[str]) -> bool:
    """Whether a column holds numbers as 0,25, or as 45,9 %."""
    some = _some(cells)
    return any("," in cell for cell in some) and all(map(_DECIMAL_COMMA.fullmatch, some))


def _some(cells: Iterable[str]) -> list[str]:
    return [bare for cell in cells if (bare := cell.strip()) not in NULLS]


def share_of(text: str) -> float | None:
    """'45.9 %' → 0.459; None of a text without a percent sign."""
    found = _number(text.strip())
    return found[0] / 100 if found is not None and found[1] else None


def as_numbers(texts: pa.Array, *, decimal: str) -> pa.Array:
    """Cells of a column → float64; empty ones and words for nothing → null.

    Args:
        decimal: the decimal point of the table, . or ,

    Raises:
        pa.ArrowInvalid: if one is no number, or is written otherwise.
    """
    texts = _without_nulls(texts)
    if decimal == "," and pc.any(pc.match_substring(texts, ".")).as_py():
        raise pa.ArrowInvalid("numbers of another form")
    return pc.cast(pc.replace_substring(texts, ",", ".") if decimal == "," else texts, pa.float64())


def as_shares(texts: pa.Array) -> pa.Array:
    """Cells of a column with percent signs → float64 shares of 1: 0.5% → 0.005; empty ones and words for nothing → null.

    Raises:
        pa.ArrowInvalid: if one is no number, or has no such sign.
    """
    texts = _without_nulls(texts)
    if not pc.all(pc.ends_with(texts, "%")).as_py():
        raise pa.ArrowInvalid("numbers of another form")
    bare = pc.utf8_ltrim(pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(texts, 0, -1)), "+")
    return pc.divide(pc.cast(pc.replace_substring(bare, ",", "."), pa.float64()), 100.0)


def _without_nulls(texts: pa.Array) -> pa.Array:
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(texts, value_set=pa.array(NULLS)), pa.scalar(None, pa.string()), texts)


def first_fault(texts: pa.Array, convert: Callable[[pa.Array], pa.Array]) -> int:
    """The place, from 0, of the first cell over which `convert` stops; there is one."""
    start, count = 0, len(texts)
    while count > 1:
        half = count // 2
        try:
            convert(texts.slice(start, half))
            start, count = start + half, count - half
        except pa.ArrowInvalid:
            count = half
    return start

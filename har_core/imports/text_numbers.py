"""Numbers as text tables write them: with a decimal comma, with a percent sign, or with a word for nothing."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "None", "-nan", "NULL", "<NA>"]
"""What stands for no value."""

SIGNED_NOTE = "numbers with percent signs were divided by 100"
"""Of a run."""

_PERCENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?\s*%")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")


def has_decimal_commas(cells: list[str]) -> bool:
    """Whether a column holds numbers as 0,25."""
    some = _some(cells)
    return any("," in cell for cell in some) and all(
        _DECIMAL_COMMA.fullmatch(cell) or re.fullmatch(r"[+-]?[0-9]+([eE][+-]?[0-9]+)?", cell) for cell in some
    )


def has_percents(cells: list[str]) -> bool:
    """Whether a column holds numbers as 45.9 % or 45,9%."""
    some = _some(cells)
    return bool(some) and all(map(_PERCENT.fullmatch, some))


def _some(cells: list[str]) -> list[str]:
    return [bare for cell in cells if (bare := cell.strip()) not in NULLS]


def as_numbers(texts: pa.Array, *, decimal: str, percent: bool) -> pa.Array:
    """Cells of a column → float64; empty ones and words for nothing → null.

    Args:
        decimal: the decimal point of the table, . or ,
        percent: whether a percent sign stands behind each: 0.5% → 0.005.

    Raises:
        pa.ArrowInvalid: if one is no number, or is written otherwise.
    """
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.if_else(pc.is_in(texts, value_set=pa.array(NULLS)), pa.scalar(None, pa.string()), texts)
    if percent:
        foreign = pc.match_substring_regex(texts, "^[^%]*$")
        texts = pc.utf8_trim_whitespace(pc.replace_substring(texts, "%", "", max_replacements=1))
    else:
        foreign = pc.and_(pc.match_substring(texts, "."), decimal == ",")
    if pc.any(foreign).as_py():
        raise pa.ArrowInvalid("numbers of another form")
    numbers = pc.cast(pc.replace_substring(texts, ",", ".") if decimal == "," else texts, pa.float64())
    return pc.divide(numbers, 100.0) if percent else numbers


def first_fault(texts: pa.Array, *, decimal: str, percent: bool) -> int:
    """The place, from 0, of the first cell over which `as_numbers` stops; there is one."""
    start, count = 0, len(texts)
    while count > 1:
        half = count // 2
        try:
            as_numbers(texts.slice(start, half), decimal=decimal, percent=percent)
            start, count = start + half, count - half
        except pa.ArrowInvalid:
            count = half
    return start

"""Numbers as texts write them: with a decimal comma, with a percent sign, or with a word for nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "None", "-nan", "NULL", "<NA>"]
"""What stands for no value."""

SIGNED_NOTE = "numbers with percent signs were divided by 100"
"""Of a run."""

_PERCENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?\s*%")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+(,[0-9]+)?(\s*%|[eE][+-]?[0-9]+)?")


def has_decimal_commas(cells: list[str]) -> bool:
    """Whether a column holds numbers as 0,25, or as 45,9 %."""
    some = _some(cells)
    return any("," in cell for cell in some) and all(map(_DECIMAL_COMMA.fullmatch, some))


def has_percents(cells: list[str]) -> bool:
    """Whether a column holds numbers as 45.9 % or 45,9%."""
    some = _some(cells)
    return bool(some) and all(map(_PERCENT.fullmatch, some))


def _some(cells: list[str]) -> list[str]:
    return [bare for cell in cells if (bare := cell.strip()) not in NULLS]


def share_of(text: str) -> float | None:
    """'45.9 %' → 0.459; None of a text without a percent sign."""
    bare = text.strip()
    return float(bare[:-1].replace(",", ".")) / 100 if _PERCENT.fullmatch(bare) else None


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

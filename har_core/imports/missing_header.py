"""A text table that begins with its first photo, where the names of its columns should be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from har_core.errors import DataError
from har_core.imports.headers import CONFIDENCE, FILE, PHOTO, PREDICTED, TRUE, plain, prefixed
from har_core.imports.tables import shown

_NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?\s*%?")
_ID = re.compile(r"(?=[^\W\d]*\d)[\w-]{6,}")
"""As 3fa9c1 and those of UUIDs."""

_KNOWN = frozenset((*FILE, *TRUE, *PREDICTED, *CONFIDENCE))
_LOOKED_AT = 50  # rows
_MOST = 6  # columns that are shown


def require_header(first: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str, place: str) -> None:
    """Stop if the first line of a table is a row as those below, and say what to write above it.

    It is, if it names a photo where the others do, or if each of its cells is a number above numbers, a word that occurs below, or
    a name that differs from the next in digits alone, or has digits and is as long as most; and if none is a known name of a column that does not occur below.

    Raises:
        DataError: then.
    """
    cells = [cell.strip() for cell in first]
    below = [[row[place].strip() for row in rows[:_LOOKED_AT] if len(row) == len(cells)] for place in range(len(cells))]
    photos = [bool(PHOTO.fullmatch(cell)) and _most(PHOTO, column) for cell, column in zip(cells, below, strict=True)]
    alike = [not cell or _is_alike(cell, column) for cell, column in zip(cells, below, strict=True)]
    named = any(
        (plain(cell) in _KNOWN or prefixed(cell)) and cell not in column
        for cell, column in zip(cells, below, strict=True)
    )
    words = [not _NUMBER.fullmatch(cell) and bool(cell) for cell in cells]
    if len(cells) < 2 or named or not (any(photos) or (any(words) and any(below) and all(alike))):
        return
    raise DataError(
        f"expected a first line with the names of the columns in {place}, found the row of a photo ({shown(delimiter.join(cells))}); write "
        f"such a line above it, such as {_example(cells, photos, words, below, delimiter)}"
    )


def _most(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether most of the cells that are not empty, or none at all, are such."""
    some = [cell for cell in cells if cell]
    return 2 * sum(map(bool, map(pattern.fullmatch, some))) > len(some) or not some


def _is_alike(cell: str, below: Sequence[str]) -> bool:
    if _ID.fullmatch(cell) and not cell.isdecimal() and _most(_ID, [one for one in below if len(one) == len(cell)]):
        return 2 * sum(len(one) == len(cell) for one in below) > len(below)
    if _NUMBER.fullmatch(cell):
        return _most(_NUMBER, below)
    shape = re.sub(r"\d+", "#", cell)
    return cell in below or (shape != cell and re.sub(r"\d+", "#", below[0] if below else "") == shape)


def _example(
    cells: Sequence[str], photos: Sequence[bool], words: Sequence[bool], below: Sequence[Sequence[str]], delimiter: str
) -> str:
    """The names of the columns as they may be: filename,true,predicted,confidence."""
    different = [len({cell, *column}) > len(column) for cell, column in zip(cells, below, strict=True)]
    file = photos.index(True) if any(photos) else different.index(True) if any(different) else 0
    labels = [place for place, word in enumerate(words) if word and place != file]
    numbers = [place for place, cell in enumerate(cells) if not words[place] and cell and place > file]
    if not labels:  # numbers stand for classes where they are whole
        whole = [place for place in numbers if all(one.isdecimal() for one in (cells[place], *below[place]))]
        labels = [place for place in whole if place != file]
        numbers = [place for place in numbers if place not in labels]
    roles = ["predicted"] if len(labels) == 1 and "/" in cells[file] else ["true", "predicted"]
    names = {file: "filename"} | dict(zip(labels, roles, strict=False))
    names |= {numbers[0]: "confidence"} if len(numbers) == 1 else {}
    names |= {number: f"prob_CLASS{order}" for order, number in enumerate(numbers, start=1) if len(numbers) > 1}
    listed = [names.get(number, f"column{number + 1}") for number in range(len(cells))]
    return delimiter.join(listed if len(listed) <= _MOST else [*listed[:_MOST], "…"])

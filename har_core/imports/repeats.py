"""Rows of a text table that repeat its header, as where tables were put together: they are no photos, and are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_BLOCK, _MAX_LINE = 8 * 2**20, 2**20


def named(cells: Sequence[str]) -> list[str]:
    """The names of columns that a header's cells say."""
    return [cell.lstrip("\ufeff").strip() or f"column {number}" for number, cell in enumerate(cells, start=1)]


def count_repeats(path: Path, encoding: str, header: str, start: int) -> int:
    """How many lines are the header's again, as in tables that were put together.

    Args:
        header: as it is written.
        start: the byte after it.
    """
    end, mark = "\n".encode(encoding), "\ufeff".encode(encoding, "ignore")
    line = header.strip("\r\n").encode(encoding)
    ends = b"|".join(re.escape(one.encode(encoding)) for one in "\r\n")
    pattern = re.compile(b"(?:%b)(?:%b)?%b(?=%b|$)" % (ends, re.escape(mark), re.escape(line), ends))
    found = 0
    with path.open("rb") as file:
        file.seek(start)
        while block := file.read(_BLOCK):
            block += file.readline(_MAX_LINE) + file.read(len(end) - 1)
            found += len(pattern.findall(end + block)) if line in block else 0
    return found

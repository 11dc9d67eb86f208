"""Writing files so that a killed process leaves either the old one or the new one, never half of one."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path

from har_core.errors import ConfigError

_JOINERS = "\u200c\u200d" + "".join(map(chr, range(0xFE00, 0xFE10)))
_MARKS = "\u200e\u200f\u061c"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?"


def home_folder() -> Path:
    """Where the user's own things are kept, verdicts and exported models: HAR_LENS_HOME, or what the system has for it."""
    return Path(os.environ.get("HAR_LENS_HOME") or user_data_path("har-lens", appauthor=False))


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; when the block ends well, what was written there is flushed and renamed.

    When the block raises, the temporary file is removed and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        descriptor = os.open(partial, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def and_more(count: int) -> str:
    """Of faults of which the first was named: " and 3 more"; empty for none."""
    return f" and {count:,} more" if count > 0 else ""


def printable(text: str) -> str:
    """A name as it can be shown anywhere: what cannot be printed, or is not UTF-8, is escaped (`\\u202f`)."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def as_written(text: str, *, marks: bool = True) -> str:
    """A name as people write it, for pages: also with the spaces of macOS (U+202F) and the joiners of Persian, Hindi and emoji.

    Control characters, what changes the order of other characters, and what is not UTF-8 are escaped as in `printable`.

    Args:
        marks: whether the marks that stand beside Hebrew and Arabic are kept; no class may have them.
    """
    kept = _JOINERS + _MARKS if marks else _JOINERS
    return "".join(
        one if one in kept or one.isprintable() or unicodedata.category(one) == "Zs" else printable(one) for one in text
    )


def csv_bytes(rows: Iterable[Iterable[object]]) -> bytes:
    """A CSV (UTF-8) for spreadsheets: text that one of them would take for a formula gets an apostrophe before it."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue().encode()


def _cell(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(_FORMULA) or re.fullmatch(_NUMBER, value):
        return "" if value != value else value  # NaN is an empty cell
    return "'" + value


def write_text(path: Path, text: str) -> None:
    """Replace a text file (UTF-8) in one step."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


_ROW = b'{"file": "'


class JsonLines:
    """A file of JSON objects, one per line, to which rows can be added: what a killed process left of a line is cut off.

    `rows` maps the value of "file" to its last complete line, without the tables in it.

    Raises:
        ConfigError: if the file holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, object]] = {}
        if path.is_dir():
            raise ConfigError(f"expected a file for the predictions, found a folder at {path}; name a file in it")
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        if path.exists():
            with path.open("rb") as existing:
                for line in existing:
                    if not line.endswith(b"\n") and (line.startswith(_ROW) or _ROW.startswith(line)):
                        break  # cut short by a killed process
                    try:
                        self._keep(json.loads(line))
                    except (ValueError, KeyError, TypeError, AttributeError) as error:
                        raise ConfigError(
                            f"expected earlier predictions (a line of JSON per photo) in {path}, found something else; choose another file"
                        ) from error
                    whole += len(line)
            os.truncate(path, whole)

    def write(self, row: dict[str, object]) -> None:
        """Add a row; it is in the file, whole, when this returns."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self._keep(row)

    def _keep(self, row: dict[str, object]) -> None:
        if row.keys().isdisjoint(("predicted", "error")):
            raise KeyError("predicted")
        self.rows[str(row["file"])] = {name: value for name, value in row.items() if not isinstance(value, dict)}


def reason_of(error: Exception) -> str:
    """What went wrong, without the path that the operating system adds: a visitor must not learn the server's folders."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__

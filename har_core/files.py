"""Writing files so that a killed process leaves either the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from har_core.errors import ConfigError


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


def write_text(path: Path, text: str) -> None:
    """Replace a text file (UTF-8) in one step."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


_ROW = b'{"file": "'


class JsonLines:
    """A file of JSON objects, one per line, to which rows can be added: what a killed process left of a line is cut off.

    `files` maps the value of "file" to the names of the object's other entries, for each complete line.

    Raises:
        ConfigError: if the file holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, tuple[str, ...]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        if path.exists():
            with path.open("rb") as existing:
                for line in existing:
                    if not line.endswith(b"\n") and (line.startswith(_ROW) or _ROW.startswith(line)):
                        break  # cut short by a killed process
                    try:
                        row = json.loads(line)
                        self.files[row["file"]] = tuple(row.keys() - {"file"})
                    except (ValueError, KeyError, TypeError) as error:
                        raise ConfigError(
                            f"expected lines of JSON with a file each in {path}, found {line[:60]!r}; choose another file"
                        ) from error
                    whole += len(line)
            os.truncate(path, whole)

    def write(self, row: dict[str, object]) -> None:
        """Add a row; it is in the file, whole, when this returns."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.files[str(row["file"])] = tuple(row.keys() - {"file"})

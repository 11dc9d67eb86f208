"""A person's judgments of photos ↔ a file that sessions and processes may write at the same time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from har_core.errors import RunError

Kind = Literal["model is wrong", "label is right", "label is wrong", "both fit", "unclear"]
VERDICTS: tuple[Kind, ...] = get_args(Kind)


def kinds(*, correct: bool) -> tuple[Kind, ...]:
    """The verdicts that there can be on a correct, or on another, prediction."""
    return tuple(kind for kind in VERDICTS if kind != ("model is wrong" if correct else "label is right"))


MAX_NOTE, MAX_TAG = 1000, 50
"""Characters."""

NO_CLASS = "none of these"
"""In place of the right label: the photo shows none of the classes."""


class Verdict(NamedTuple):
    """What somebody thinks of a photo's label and prediction, and why.

    `label`: of "label is wrong", the right one or `NO_CLASS`; empty if it was not told.
    """

    verdict: Kind
    note: str
    label: str = ""


class Verdicts:
    """The verdicts on one run's photos, in a SQLite file.

    Every change is a transaction of its own: it is on disk when `set` returns, a killed process leaves the last
    complete state, and two sessions that judge different photos at once lose nothing.  The later of two verdicts on
    the same photo stands.

    Args:
        path: created with its folder at the first verdict.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[str, Verdict]:
        """Sample → verdict, of all judged photos.

        Raises:
            RunError: if the file is damaged.
        """
        if not self.path.is_file():
            return {}
        with self._open() as connection:
            return {sample: Verdict(*judged) for sample, *judged in connection.execute(_READ)}

    def set(self, sample: str, verdict: Kind, note: str = "", label: str = "") -> None:
        """Judge a photo; an earlier verdict on it is replaced.

        Raises:
            ValueError: if the verdict is none of `VERDICTS`.
            RunError: if the file is damaged or cannot be written.
        """
        if verdict not in VERDICTS:
            raise ValueError(f"expected one of {', '.join(VERDICTS)}; found {verdict!r}")
        self._make_folder()
        with self._open() as connection:
            connection.execute(_WRITE, (sample, verdict, note[:MAX_NOTE], _now(), label))

    def remove(self, sample: str) -> None:
        """Take a verdict back; nothing happens if there is none."""
        if self.path.is_file():
            with self._open() as connection:
                connection.execute(_REMOVE, (sample,))

    def set_all(self, verdicts: Mapping[str, Verdict | None]) -> None:
        """Judge many photos, or take verdicts back (None), all or none of them.

        Raises:
            RunError: if the file is damaged or cannot be written.
        """
        self._make_folder()
        with self._open() as connection:
            for sample, given in verdicts.items():
                if given is None:
                    connection.execute(_REMOVE, (sample,))
                else:
                    connection.execute(_WRITE, (sample, given.verdict, given.note[:MAX_NOTE], _now(), given.label))

    def tags(self) -> dict[str, tuple[str, ...]]:
        """Sample → its tags in alphabetical order, of all tagged photos.

        Raises:
            RunError: if the file is damaged.
        """
        if not self.path.is_file():
            return {}
        found: dict[str, tuple[str, ...]] = {}
        with self._open() as connection:
            for sample, tag in connection.execute("SELECT sample, tag FROM tags ORDER BY sample, tag"):
                found[sample] = (*found.get(sample, ()), tag)
        return found

    def set_tags(self, tags: Mapping[str, Iterable[str]]) -> None:
        """Replace the tags of photos: each a text of up to `MAX_TAG` characters, spaces around it left out.

        Raises:
            RunError: if the file is damaged or cannot be written.
        """
        self._make_folder()
        with self._open() as connection:
            for sample, given in tags.items():
                connection.execute("DELETE FROM tags WHERE sample = ?", (sample,))
                kept = {tag.strip()[:MAX_TAG] for tag in given} - {""}
                connection.executemany("INSERT INTO tags VALUES (?, ?)", [(sample, tag) for tag in sorted(kept)])

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"verdicts cannot be kept in {self.path.parent} ({error}); set HAR_LENS_HOME") from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each call: threads share nothing.  Commits unless the block raises."""
        try:
            with closing(sqlite3.connect(self.path, timeout=20)) as connection, connection:
                connection.execute(_CREATE)
                connection.execute(_CREATE_TAGS)
                if "label" not in {column for _, column, *_ in connection.execute("PRAGMA table_info(verdicts)")}:
                    with suppress(sqlite3.OperationalError):  # another process may have added it meanwhile
                        connection.execute(_ADD_LABEL)
                yield connection
        except sqlite3.Error as error:
            raise RunError(
                f"{self.path}: expected a file of verdicts that can be read and written, found: {error}; "
                "move it away to start anew"
            ) from error


_CREATE = (
    "CREATE TABLE IF NOT EXISTS verdicts "
    "(sample TEXT PRIMARY KEY, verdict TEXT NOT NULL, note TEXT NOT NULL, at TEXT NOT NULL, label TEXT NOT NULL DEFAULT '')"
)
_CREATE_TAGS = "CREATE TABLE IF NOT EXISTS tags (sample TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (sample, tag))"
_ADD_LABEL = "ALTER TABLE verdicts ADD COLUMN label TEXT NOT NULL DEFAULT ''"  # to a file of an earlier version
_READ = "SELECT sample, verdict, note, label FROM verdicts ORDER BY sample"
_REMOVE = "DELETE FROM verdicts WHERE sample = ?"
_WRITE = "INSERT OR REPLACE INTO verdicts (sample, verdict, note, at, label) VALUES (?, ?, ?, ?, ?)"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

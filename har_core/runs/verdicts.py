"""A person's judgments of photos ↔ a file that sessions and processes may write at the same time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from har_core.errors import RunError
from har_core.files import reason_of

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


Execute = Callable[[str, Sequence[str]], Iterable[tuple[str, ...]]]
"""Runs a statement with ? for its parameters; gives the rows that it selects."""


class Verdicts:
    """The verdicts on one run's photos, in a SQLite file.

    Every change is a transaction of its own: it is on disk when `set` returns, a killed process leaves the last
    complete state, and two sessions that judge different photos at once lose nothing.  The later of two verdicts on
    the same photo stands.

    All methods but `set`, which says more, raise a RunError if what is kept is damaged, or cannot be read or written.

    Args:
        path: created with its folder at the first verdict.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[str, Verdict]:
        """Sample → verdict, of all judged photos."""
        if not self._is_there():
            return {}
        with self._transaction() as execute:
            return {sample: Verdict(*judged) for sample, *judged in execute(_READ, ())}  # type: ignore[arg-type]

    def set(self, sample: str, verdict: Kind, note: str = "", label: str = "") -> None:
        """Judge a photo; an earlier verdict on it is replaced.

        Raises:
            ValueError: if the verdict is none of `VERDICTS`.
            RunError: if the file is damaged or cannot be written.
        """
        if verdict not in VERDICTS:
            raise ValueError(f"expected one of {', '.join(VERDICTS)}; found {verdict!r}")
        self.set_all({sample: Verdict(verdict, note, label)})

    def remove(self, sample: str) -> None:
        """Take a verdict back; nothing happens if there is none."""
        if self._is_there():
            self.set_all({sample: None})

    def set_all(self, verdicts: Mapping[str, Verdict | None]) -> None:
        """Judge many photos, or take verdicts back (None), all or none of them."""
        self._make_place()
        with self._transaction() as execute:
            for sample, given in sorted(
                verdicts.items()
            ):  # in one order: two that judge the same photos never wait for each other
                if given is None:
                    execute(_REMOVE, (sample,))
                else:
                    execute(_WRITE, (sample, given.verdict, given.note[:MAX_NOTE], _now(), given.label))

    def tags(self) -> dict[str, tuple[str, ...]]:
        """Sample → its tags in alphabetical order, of all tagged photos."""
        if not self._is_there():
            return {}
        found: dict[str, tuple[str, ...]] = {}
        with self._transaction() as execute:
            for sample, tag in sorted(execute("SELECT sample, tag FROM tags", ())):
                found[sample] = (*found.get(sample, ()), tag)
        return found

    def set_tags(self, tags: Mapping[str, Iterable[str]]) -> None:
        """Replace the tags of photos: each a text of up to `MAX_TAG` characters, spaces around it left out."""
        self._make_place()
        with self._transaction() as execute:
            for sample, given in sorted(tags.items()):
                execute("DELETE FROM tags WHERE sample = ?", (sample,))
                for tag in sorted({tag.strip()[:MAX_TAG] for tag in given} - {""}):
                    execute("INSERT INTO tags VALUES (?, ?) ON CONFLICT DO NOTHING", (sample, tag))

    def _is_there(self) -> bool:
        return self.path.is_file()

    def _make_place(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"verdicts cannot be kept in {self.path.parent} ({reason_of(error)}); set HAR_LENS_HOME"
            ) from error

    def _transaction(self) -> AbstractContextManager[Execute]:
        """A connection of its own for each call: threads share nothing.  Commits unless the block raises."""
        return self._sqlite()

    @contextmanager
    def _sqlite(self) -> Iterator[Execute]:
        try:
            with closing(sqlite3.connect(self.path, timeout=20)) as connection, connection:
                for statement in CREATE:
                    connection.execute(statement)
                if "label" not in {column for _, column, *_ in connection.execute("PRAGMA table_info(verdicts)")}:
                    with suppress(sqlite3.OperationalError):  # another process may have added it meanwhile
                        connection.execute(_ADD_LABEL)
                yield connection.execute
        except sqlite3.Error as error:
            raise RunError(
                f"{self.path}: expected a file of verdicts that can be read and written, found: {error}; "
                "move it away to start anew"
            ) from error


CREATE = (
    "CREATE TABLE IF NOT EXISTS verdicts "
    "(sample TEXT PRIMARY KEY, verdict TEXT NOT NULL, note TEXT NOT NULL, at TEXT NOT NULL, label TEXT NOT NULL DEFAULT '')",
    "CREATE TABLE IF NOT EXISTS tags (sample TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (sample, tag))",
)
_ADD_LABEL = "ALTER TABLE verdicts ADD COLUMN label TEXT NOT NULL DEFAULT ''"  # to a file of an earlier version
_READ = "SELECT sample, verdict, note, label FROM verdicts ORDER BY sample"
_REMOVE = "DELETE FROM verdicts WHERE sample = ?"
_WRITE = (
    "INSERT INTO verdicts (sample, verdict, note, at, label) VALUES (?, ?, ?, ?, ?) ON CONFLICT (sample) DO UPDATE SET "
    "verdict = excluded.verdict, note = excluded.note, at = excluded.at, label = excluded.label"
)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""An index → what a page shows of millions of photos: counts, and fifty photos at a time.  Never the whole table.

DuckDB answers from the two files of the index.  What asks for no photo in particular is answered from the counts; the rest reads the
columns that it needs, of the row groups that can hold such photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from har_core.errors import ConfigError, RunError
from har_core.files import printable, reason_of
from har_core.runs.predictions import PREDICTED, SAMPLE
from har_core.runs.run import Run
from har_core.scoring.index import (
    CONFIDENCE,
    COUNTS,
    DRAWN,
    INDEX,
    LABEL,
    PHOTOS,
    PROBABILITIES,
    TRUE_PROBABILITY,
    connect,
    read_index,
)
from har_core.scoring.output import ERROR, NONE, SHARD, Scored, open_manifest
from har_core.scoring.photos import ARROW_ERRORS
from har_core.scoring.sampling import write_sample_run

Show = Literal["errors", "correct", "all", "unreadable"]
Sort = Literal["surest", "least sure", "loss", "name"]

PER_PAGE = 50
"""Photos."""
MOST = 10_000
"""Photos of one list that can be turned over: beyond it, a list wants a filter."""

Group = tuple[str | None, str | None, int]
"""Label, prediction, and how many photos have both."""
Condition = tuple[str, list[Any]]
"""A part of a query, with its values."""

_KEPT = 200  # counts of filters
_ORDERS: dict[Sort, str] = {
    "surest": f"{CONFIDENCE} DESC, {SAMPLE}",
    "least sure": f"{CONFIDENCE}, {SAMPLE}",
    "loss": f"{TRUE_PROBABILITY}, {SAMPLE}",
    "name": SAMPLE,
}


@dataclass(frozen=True)
class Only:
    """Which photos.  `show`: errors are those of the matrix, of photos whose label is one of the model's classes.  `true`,
    `predicted`: classes by name, None any.  `both`: also those of the mirror image.  `low`, `high`: of the confidence.  `none`:
    whether the model told "none of the classes"; None either.  `name`: a part of the name, in any case.  `labeled`: only those
    that a matrix counts, with a label of the model's classes.
    """

    show: Show = "all"
    true: str | None = None
    predicted: str | None = None
    both: bool = False
    low: float = 0.0
    high: float = 1.0
    none: bool | None = None
    name: str = ""
    labeled: bool = False

    @property
    def needs_class(self) -> bool:
        """Whether only labels of the model's classes pass."""
        return self.show == "errors" or (self.labeled and self.show != "unreadable")

    @property
    def is_counted(self) -> bool:
        """Whether the counts know it, without a look at the photos."""
        return (self.low, self.high) == (0.0, 1.0) and not self.name


@dataclass(frozen=True)
class Found:
    """A photo of a list.  `true`: None without a label.  `confidence`, `predicted`: None where `error` says why it was not read."""

    sample: str
    shard: int
    true: str | None
    predicted: str | None
    confidence: float | None
    none: bool | None
    error: str | None


class ScoredPhotos:
    """The photos of a folder that was scored.  It can be asked by several threads at a time.

    Raises:
        RunError: if the folder holds no complete index.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.scored: Scored = open_manifest(str(folder))
            index = read_index(str(folder))
        except ConfigError as error:
            raise RunError(f"{folder.name}: {error}") from error
        except OSError as error:
            raise RunError(
                f"{folder.name}: expected results that can be read, found that they cannot be ({reason_of(error)}); check the folder"
            ) from error
        if index is None or index.plan != self.scored.plan:
            raise RunError(
                f"{folder.name}: expected {INDEX} and what it lists, found none that is complete; start har-lens score again with the same --out, which makes the index alone"
            )
        self.classes = self.scored.classes
        self._places = {name: number for number, name in enumerate(self.classes)}
        self._counted = lru_cache(maxsize=_KEPT)(self._count)
        self._database = connect()
        paths = {
            name: "'" + str((folder / file).absolute()).replace("'", "''") + "'"
            for name, file in (("photos", PHOTOS), ("counts", COUNTS))
        }
        try:
            for name, path in paths.items():
                self._database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({path})")
        except duckdb.Error as error:
            raise self._damaged(error) from error
        self._database.execute(f"SET allowed_paths=[{', '.join(paths.values())}]")
        self._database.execute("SET enable_external_access=false")
        self._database.execute("SET lock_configuration=true")

    def matrix(self, only: Only = Only()) -> np.ndarray:
        """(K, K) int64 counts of the photos with a label of the model's classes, rows true."""
        found = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        for true, predicted, count in self._groups(only):
            if true in self._places and predicted is not None:
                found[self._places[true], self._places[predicted]] += count
        return found

    def predicted(self, only: Only = Only()) -> np.ndarray:
        """(K,) int64: how many photos were predicted as each class, with or without a label."""
        found = np.zeros(len(self.classes), dtype=np.int64)
        for _, predicted, count in self._groups(only):
            if predicted is not None:
                found[self._places[predicted]] += count
        return found

    def count(self, only: Only) -> int:
        """How many photos there are."""
        return sum(count for _, _, count in self._groups(only))

    def unknown_labels(self) -> int:
        """How many photos have an answer, and a label that is none of the model's classes: no matrix counts them."""
        groups = self._groups(Only())
        return sum(count for true, _, count in groups if true is not None and true not in self._places)

    def shards_of_sample(self) -> dict[str, int]:
        """Of the photos that were drawn at random, name → shard; empty if the index does not tell."""
        try:
            table = pq.read_table(self.folder / DRAWN, columns=[SAMPLE, SHARD])
        except ARROW_ERRORS:
            return {}
        return dict(zip(table[SAMPLE].to_pylist(), table[SHARD].to_pylist(), strict=True))

    def confidences(self) -> pd.DataFrame:
        """Of the photos with a label of the model's classes, a row for each bin of `index.BINS`, from the least sure: `bin`, `photos`,
        `correct`, and over its photos the sums of `confidence` c and of `variance` c (1 - c).
        """
        query = f"""
            SELECT bin, sum(photos)::BIGINT AS photos,
                coalesce(sum(photos) FILTER ({LABEL} = {PREDICTED}), 0)::BIGINT AS correct,
                sum(confidence) AS confidence, sum(variance) AS variance
            FROM counts WHERE list_contains(?, {LABEL}) AND {PREDICTED} IS NOT NULL GROUP BY bin ORDER BY bin"""
        return self._ask(query, [list(self.classes)]).df()

    def page(self, only: Only, *, sort: Sort = "surest", number: int = 1) -> list[Found]:
        """`PER_PAGE` photos of a list, fewer on its last page.

        Args:
            number: of the page, from 1.
        """
        where, values = _where(_of_list(only) + _conditions(only))
        columns = ", ".join((SAMPLE, SHARD, LABEL, PREDICTED, CONFIDENCE, NONE, ERROR))
        query = f"SELECT {columns} FROM photos {where} ORDER BY {_ORDERS[sort]} LIMIT {PER_PAGE} OFFSET ?"
        rows = self._ask(query, [*values, (number - 1) * PER_PAGE]).fetchall()
        return [Found(*row) for row in rows]

    def probabilities(self, photo: Found) -> np.ndarray | None:
        """(K,) float32, of a photo that was found; None if it could not be read."""
        same = f"{LABEL} IS NOT DISTINCT FROM ? AND {PREDICTED} IS NOT DISTINCT FROM ? AND {SAMPLE} = ?"
        row = self._ask(
            f"SELECT {PROBABILITIES} FROM photos WHERE {same} LIMIT 1", [photo.true, photo.predicted, photo.sample]
        ).fetchone()
        return None if row is None or row[0] is None else np.array(row[0], dtype=np.float32)

    def write_sample(self, folder: Path) -> Run:
        """The photos that were drawn at random, as a run (`sampling.write_sample_run`)."""
        try:
            data = (self.folder / DRAWN).read_bytes()
        except OSError as error:
            raise self._damaged(error) from error
        return write_sample_run(folder, data, self.scored)

    def _groups(self, only: Only) -> list[Group]:
        """Those that `only` lets pass.  However the list is chosen, the photos are counted once for the filters that it shares with others."""
        filters = Only(low=only.low, high=only.high, none=only.none, name=only.name)
        return [group for group in self._counted(filters) if self._passes(only, group)]

    def _count(self, filters: Only) -> list[Group]:
        table, amount = ("counts", "sum(photos)::BIGINT") if filters.is_counted else ("photos", "count(*)")
        where, values = _where(_conditions(filters))
        query = f"SELECT {LABEL}, {PREDICTED}, {amount} FROM {table} {where} GROUP BY {LABEL}, {PREDICTED}"
        return self._ask(query, values).fetchall()

    def _passes(self, only: Only, group: Group) -> bool:
        """The same as `_of_list` says in SQL."""
        true, predicted, _ = group
        if (predicted is None) != (only.show == "unreadable"):
            return False
        if only.show in ("errors", "correct") and (true is None or (true == predicted) != (only.show == "correct")):
            return False
        if only.needs_class and true not in self._places:
            return False
        ends = only.true, only.predicted
        pairs = [ends, ends[::-1]] if only.both and None not in ends else [ends]
        return any(wanted[0] in (None, true) and wanted[1] in (None, predicted) for wanted in pairs)

    def _ask(self, query: str, values: list[Any]) -> duckdb.DuckDBPyConnection:
        """Each question has a cursor of its own, so that threads do not disturb each other.

        Raises:
            RunError: if the index is not what it was.
        """
        try:
            return self._database.cursor().execute(query, values)
        except duckdb.Error as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> RunError:
        reason = reason_of(error).splitlines()[0].replace(str(self.folder.absolute()), self.folder.name)
        return RunError(
            f"{self.folder.name}: expected an index that can be read, found it damaged ({printable(reason)[:200]}); remove {INDEX} and "
            "score again"
        )


def _conditions(only: Only) -> list[Condition]:
    """What does not depend on label and prediction."""
    found: list[Condition] = []
    if only.low > 0:
        found.append((f"{CONFIDENCE} >= ?::FLOAT", [only.low]))
    if only.high < 1:
        found.append((f"{CONFIDENCE} <= ?::FLOAT", [only.high]))
    if only.none is not None:
        found.append((f"{NONE} IS {'TRUE' if only.none else 'NOT TRUE'}", []))
    if only.name:
        found.append((f"contains(lower({SAMPLE}), lower(?))", [only.name]))
    return found


def _of_list(only: Only) -> list[Condition]:
    found: list[Condition] = [(f"{PREDICTED} IS {'NULL' if only.show == 'unreadable' else 'NOT NULL'}", [])]
    if only.show in ("errors", "correct"):
        found.append((f"{LABEL} {'<>' if only.show == 'errors' else '='} {PREDICTED}", []))
    if only.needs_class:
        found.append((f"{TRUE_PROBABILITY} IS NOT NULL", []))
    ends = [(name, value) for name, value in ((LABEL, only.true), (PREDICTED, only.predicted)) if value is not None]
    if only.both and len(ends) == 2:
        pair = [only.true, only.predicted]
        text = f"({LABEL} = ? AND {PREDICTED} = ? OR {LABEL} = ? AND {PREDICTED} = ?)"
        return [*found, (text, [*pair, *pair[::-1]])]
    return found + [(f"{name} = ?", [value]) for name, value in ends]


def _where(conditions: list[Condition]) -> tuple[str, list[Any]]:
    if not conditions:
        return "", []
    return "WHERE " + " AND ".join(text for text, _ in conditions), [one for _, values in conditions for one in values]

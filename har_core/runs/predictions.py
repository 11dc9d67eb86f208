"""One validated table of predictions: sample, true class, predicted class, probability of every class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from har_core.errors import RunError
from har_core.files import and_more, atomic_path, printable, reason_of

SAMPLE, TRUE, PREDICTED, PROBABILITY = "sample", "true", "predicted", "p:"
"""Column names; the probability of class c is in column 'p:c'."""

_MAX_ROWS = 10**7


@dataclass(frozen=True)
class Predictions:
    """N photos, K classes.

    `samples`: (N,) names, unique: any text that UTF-8 can encode, without NUL.  `true`: (N,) int64 class indices.  `probabilities`: (N, K) float32, rows sum to 1,
    columns in the order of `classes`.
    """

    classes: tuple[str, ...]
    samples: np.ndarray
    true: np.ndarray
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        count, columns = len(self.samples), len(self.classes)
        if odd := [name for name in self.samples if not is_name(name)]:
            raise RunError(
                f"expected file names in UTF-8, found {printable(str(odd[0]))[:80]!r}{and_more(len(odd) - 1)}; rename it"
            )
        if self.true.shape != (count,) or self.probabilities.shape != (count, columns):
            raise RunError(
                f"expected true ({count},) and probabilities ({count}, {columns}), "
                f"found {self.true.shape} and {self.probabilities.shape}; evaluate the model again"
            )
        if count and (self.true.min() < 0 or self.true.max() >= columns):
            raise RunError(
                f"expected class indices from 0 to {columns - 1}, found {self.true.min()} to {self.true.max()}"
            )
        sums = self.probabilities.sum(axis=1, dtype=np.float64)
        negative = self.probabilities.min(axis=1, initial=0) < 0
        wrong = np.flatnonzero(~(np.abs(sums - 1) < 1e-3) | negative)
        if len(wrong):
            first = wrong[0]
            raise RunError(
                f"expected probabilities of 0 or more that sum to 1, found {sums[first]:.4f} for "
                f"{printable(self.samples[first])}{and_more(len(wrong) - 1)}; evaluate the model again"
            )
        if repeated := count - pd.Series(self.samples, dtype=object).nunique():
            raise RunError(f"expected every sample once, found {repeated} repeated; evaluate the model again")

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def predicted(self) -> np.ndarray:
        """(N,) int64: the class of highest probability, the first of equals."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def confidence(self) -> np.ndarray:
        """(N,) float32 in [1/K, 1]: the probability of the predicted class."""
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def correct(self) -> np.ndarray:
        """(N,) bool: whether the predicted class is the true one."""
        return np.asarray(self.predicted == self.true)

    def confusion_matrix(self) -> np.ndarray:
        """(K, K) int64 counts; rows are true classes, columns predicted ones."""
        size = len(self.classes)
        cells = np.bincount(self.true * size + self.predicted, minlength=size * size)
        return np.asarray(cells.reshape(size, size), dtype=np.int64)

    def frame(self) -> pd.DataFrame:
        """The table as it is stored: sample, true, predicted (class names) and 'p:<class>' for each class."""
        names = np.array(self.classes, dtype=object)
        columns: dict[str, object] = {SAMPLE: self.samples, TRUE: names[self.true], PREDICTED: names[self.predicted]}
        columns |= {PROBABILITY + name: self.probabilities[:, index] for index, name in enumerate(self.classes)}
        return pd.DataFrame(columns)

    def write(self, path: Path) -> None:
        """Replace a stored table in one step."""
        with atomic_path(path) as partial:
            self.frame().to_parquet(partial, index=False)

    @classmethod
    def read(cls, path: Path, classes: tuple[str, ...]) -> Predictions:
        """Read and check a stored table.

        Raises:
            RunError: if the file is damaged, or its columns or values do not fit `classes`.
        """
        place = f"{path.parent.name}/{path.name}"
        expected = [SAMPLE, TRUE, PREDICTED, *(PROBABILITY + name for name in classes)]
        try:
            file = pq.ParquetFile(path)
            if file.schema_arrow.names != expected:
                raise RunError(
                    f"{place}: expected columns {', '.join(expected)}; found {', '.join(file.schema_arrow.names)}"
                )
            if file.metadata.num_rows > _MAX_ROWS:
                raise RunError(
                    f"{place}: expected at most {_MAX_ROWS:,} rows, found {file.metadata.num_rows:,}; copy it again"
                )
            samples = np.array(_column(file, SAMPLE), dtype=object)
            # Column by column: a million photos of 100 classes need the memory of the result, not three times as much,
            # however the file is divided into row groups.
            probabilities = np.empty((len(samples), len(classes)), dtype=np.float32)
            for number, name in enumerate(classes):
                probabilities[:, number] = _column(file, PROBABILITY + name)
            names = pd.Index(classes)
            true, predicted = (
                names.get_indexer(pd.Index(_column(file, name))).astype(np.int64) for name in (TRUE, PREDICTED)
            )
        except (OSError, ValueError, TypeError, MemoryError, pa.ArrowException) as error:
            raise RunError(
                f"{place} is missing or damaged ({reason_of(error)}); copy it again or evaluate again"
            ) from error
        if (true < 0).any() or (predicted < 0).any():
            raise RunError(f"{place}: expected classes {', '.join(classes)}; found others; evaluate again")
        try:
            table = cls(classes, samples, true, probabilities)
        except RunError as error:
            raise RunError(f"{place}: {error}") from error
        if (table.predicted != predicted).any():
            raise RunError(
                f"{place}: expected the predicted class to be the one of highest probability; evaluate again"
            )
        return table


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """(min(count, most),) int64 different rows of `count`, rising: the first, the last, and between them as evenly as can be."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def _column(file: pq.ParquetFile, name: str) -> np.ndarray:
    values = np.asarray(file.read(columns=[name], use_threads=False).column(0).to_numpy())
    if len(values) != file.metadata.num_rows:
        raise ValueError(f"{len(values):,} values of {name} for {file.metadata.num_rows:,} rows")
    return values


def is_name(value: object) -> bool:
    """Whether a value can be a photo's name: text that UTF-8 can encode, without NUL."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    return value.isascii() or not any("\ud800" <= one <= "\udfff" for one in value)

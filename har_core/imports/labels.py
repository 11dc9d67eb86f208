"""Texts in columns of labels → class indices, and a file of class names → these."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from har_core.errors import DataError, RunError
from har_core.imports.tables import shown
from har_core.runs.class_names import check_class_names, class_key

_MAX_DIFFERENT, _MAX_CLASSES = 10_000, 1000
_MAX_BYTES = 2**20


class Labels:
    """A column of labels: its different texts, in the order of their first rows, and which of them each row has."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.names: dict[str, int] = {}
        self._parts: list[np.ndarray] = []

    def add(self, texts: pa.Array) -> None:
        """Add rows.

        Raises:
            DataError: if so many texts are different that they cannot be labels.
        """
        encoded = texts.dictionary_encode()
        places = np.array(
            [self.names.setdefault(name, len(self.names)) for name in encoded.dictionary.to_pylist()], dtype=np.int32
        )
        if len(self.names) > _MAX_DIFFERENT:
            raise DataError(
                f"expected at most 1,000 classes, found more than {_MAX_DIFFERENT:,} different labels in the column "
                f"{shown(self.column)}; name another column"
            )
        self._parts.append(places[encoded.indices.to_numpy(zero_copy_only=False)])

    @property
    def codes(self) -> np.ndarray:
        """(N,) int32: places in `names`."""
        if len(self._parts) != 1:
            self._parts = [np.concatenate([np.empty(0, np.int32), *self._parts])]
        return self._parts[0]

    def indices(self, classes: Sequence[str], *, given: bool) -> np.ndarray:
        """(number of names,) int64: the class of each text, -1 where it is none.

        A text is a class's name, or its name in another spelling (`class_key`).  Where none is, and the order of the
        classes was `given`, whole numbers are places in it, from 0.
        """
        exact = {name: number for number, name in enumerate(classes)}
        by_key = {class_key(name): number for number, name in enumerate(classes)}
        found = np.array(
            [exact.get(name, by_key.get(class_key(name), -1) if name else -1) for name in self.names], dtype=np.int64
        )
        texts = [name for name in self.names if name]
        if (found < 0).all() and texts and all(map(is_whole, texts)):
            whole = [str(int(float(name))) if name else "" for name in self.names]
            if given:
                places = [int(text) if text and 0 <= int(text) < len(classes) else -1 for text in whole]
            else:
                places = [exact.get(text, -1) for text in whole]
            found = np.array(places, dtype=np.int64)
        return found


def is_whole(text: str) -> bool:
    """Whether a text is a whole number that can be a class's place, perhaps written as 3.0."""
    return 0 < len(text) <= 12 and text.removesuffix(".0").isascii() and text.removesuffix(".0").isdecimal()


def union(columns: Iterable[Labels]) -> tuple[str, ...]:
    """The different labels of some columns, sorted; of two spellings of one, that of the earlier column.

    Raises:
        DataError, RunError: if they cannot be the classes of a run.
    """
    found: dict[str, str] = {}
    for column in columns:
        for name in column.names:
            if name:
                found.setdefault(class_key(name), name)
    names = list(found.values())
    if len(names) > _MAX_CLASSES:
        raise DataError(
            f"expected at most {_MAX_CLASSES:,} classes, found {len(names):,} different labels; name other columns with --true and "
            "--predicted"
        )
    if names and all(map(is_whole, names)):
        return tuple(sorted(names, key=float))
    check_class_names(names)
    return tuple(sorted(names))


def read_classes(path: Path) -> tuple[str, ...]:
    """Names of classes from a text file, one a line, in their order.

    Raises:
        DataError: if it is no such file, or the names could not be those of a run.
    """
    place = shown(path.name)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError("it has more than 1 MB")
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        names = tuple(
            name for line in data.decode("utf-16" if utf16 else "utf-8-sig").splitlines() if (name := line.strip())
        )
        check_class_names(names)
    except RunError as error:
        raise DataError(f"{place}: {error}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"expected a text file with one class name a line in {place}, found none that can be read ({shown(str(reason), 100)}); "
            "check --classes"
        ) from error
    return names

"""Texts in columns of labels → class indices."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from har_core.errors import DataError
from har_core.imports.tables import shown, visible
from har_core.runs.class_names import check_class_names, class_key

_MAX_DIFFERENT, _MAX_CLASSES = 10_000, 1000
_NUMBER = re.compile(r"-?[0-9]+(\.0+)?")

Reading = Literal["names", "places"]
"""What whole numbers are, where the order of the classes is told: names of classes, or places in that order, from 0."""


class Labels:
    """A column of labels: its different texts, in the order of their first rows, and which of them each row has.

    `by_type`: what its numbers are, where the type of its values says it; None: nothing does, as in a CSV.
    """

    def __init__(self, column: str, by_type: Reading | None = None) -> None:
        self.column = column
        self.by_type = by_type
        self.reading: Reading | None = None
        self.names: dict[str, int] = {}
        self._parts: list[np.ndarray] = []

    def add(self, texts: pa.Array) -> None:
        """Add rows.

        Raises:
            DataError: if so many texts are different that they cannot be labels.
        """
        encoded = texts.dictionary_encode()
        names = [
            unicodedata.normalize("NFC", name) for name in encoded.dictionary.to_pylist()
        ]  # a Mac's ä is two characters
        places = np.array([self.names.setdefault(name, len(self.names)) for name in names], dtype=np.int32)
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

    def is_blank(self) -> np.ndarray:
        """(N,) bool: rows without a label."""
        return np.asarray(self.codes == self.names.get("", -1))

    def blank(self, words: Collection[str]) -> None:
        """Take some of the texts for no label."""
        if words:
            texts = ["" if name in words else name for name in self.names]
            self.names = {name: place for place, name in enumerate(dict.fromkeys(texts))}
            self._parts = [np.array([self.names[name] for name in texts], dtype=np.int32)[self.codes]]

    def only(self, kept: np.ndarray) -> Labels:
        """The same for some of the rows, and their texts."""
        found = Labels(self.column, self.by_type)
        used, codes = np.unique(self.codes[kept], return_inverse=True)
        texts = list(self.names)
        found.names = {texts[place]: number for number, place in enumerate(used.tolist())}
        found._parts = [codes.astype(np.int32)]
        return found

    def numbers(self) -> dict[str, int]:
        """Text → the whole number that it is, perhaps written as 3.0; none at all if the column has fractions, or tells 1 from 01."""
        found = {name: int(float(name)) for name in self.names if is_number(name)}
        if len({_bare(name) for name in found}) > len(set(found.values())) or any(map(_is_fraction, self.names)):
            return {}
        return found

    def indices(self, classes: Sequence[str], *, given: bool) -> np.ndarray:
        """(number of names,) int64: the class of each text, -1 where it is none.

        A text is a class's name, or its name in another spelling (`class_key`; 1, 01 and 1.0 of a number; R's points).  Where the order of
        the classes was `given`, whole numbers may be places in it (see `settle`).

        Raises:
            DataError: if numbers may be both.
        """
        if given and self.reading is None:
            settle([self], classes)
        if given and self.reading == "places" and (numbers := self.all_numbers()):
            places = {name: number if 0 <= number < len(classes) else -1 for name, number in numbers.items()}
        else:
            places = self.named(classes)
        return np.array([places.get(name, -1) for name in self.names], dtype=np.int64)

    def named(self, classes: Sequence[str]) -> dict[str, int]:
        """Text → the class of that name."""
        exact = {name: number for number, name in enumerate(classes)}
        by_key = {class_key(name): number for number, name in enumerate(classes)}
        of_classes = [int(float(name)) for name in classes if is_number(name)]
        by_number = (
            {int(float(name)): place for name, place in exact.items() if is_number(name)}
            if len(set(of_classes)) == len(of_classes)
            else {}
        )
        found = {name: exact.get(name, by_key.get(class_key(name), -1)) for name in self.names if name}
        numbers = self.numbers()
        if any(map(_is_fraction, classes)):  # 1 of classes 0.5, 1.0 and 1.5
            numbers = {name: int(float(name)) for name in self.names if is_number(name)}
        for name, number in numbers.items():
            if found[name] < 0:
                found[name] = by_number.get(number, -1)
        if -1 in found.values():
            by_dots = {_undotted(name): number for number, name in enumerate(classes)}
            if len(by_dots) == len(classes):
                found = {
                    name: by_dots.get(_undotted(name), -1) if place < 0 else place for name, place in found.items()
                }
        return found

    def all_numbers(self) -> dict[str, int]:
        """As `numbers`; none at all if there are other labels."""
        numbers = self.numbers()
        return numbers if numbers.keys() == {name for name in self.names if name} else {}


def _undotted(name: str) -> str:
    """What a name is compared by where R wrote one of two tables: in a data frame, using-laptop is called using.laptop."""
    return class_key(name if is_number(name) else name.replace(".", " "))


def settle(columns: Sequence[Labels], classes: Sequence[str]) -> None:
    """Decide what the whole numbers of a table's columns are, where the order of the classes was told: all are read alike.

    Numbers by type, as in arrays, are places if they can be.  Others are places if none of them is a class's name, and names if one
    is.  If all can be both, and the names do not rise, as those of sorted folders, that is not certain.

    Raises:
        DataError: then.
    """
    for places in (True, False):
        alike = [one for one in columns if (one.by_type == "places") is places]
        reading = _reading(alike, classes)
        for one in alike:
            one.reading = reading


def _reading(columns: Sequence[Labels], classes: Sequence[str]) -> Reading:
    whole = [(one, numbers) for one in columns if (numbers := one.all_numbers())]
    named = [(number, one.named(classes)[name]) for one, numbers in whole for name, number in numbers.items()]
    if all(place < 0 for _, place in named):
        return "places"
    named = [(number, place) for number, place in named if number >= 0 or place >= 0]  # -1 is often no label
    fit_names = all(place >= 0 for _, place in named)
    fit_places = all(0 <= number < len(classes) for number, _ in named)
    types = {one.by_type for one, _ in whole}
    if types == {"places"}:
        return "places" if fit_places or not fit_names else "names"
    odd = next(((number, place) for number, place in named if number != place), None)
    if odd is None or not fit_places or "names" in types or rising(classes):
        return "names"
    number, place = odd
    raise DataError(
        f"expected names of classes, or their places, in the column {shown(whole[0][0].column)}, found {number}, which is "
        f"{'a class' if place >= 0 else 'no class'} and the place of {shown(classes[number])!r}; sort --classes by number if they are names, or "
        "write 'class 1' instead of 1 in it if they are places"
    )


def rising(classes: Sequence[str]) -> bool:
    """Whether the names of classes are whole numbers, each larger than the one before."""
    numbers = [int(float(name)) if is_number(name) else None for name in classes]
    return None not in numbers and all(one < other for one, other in itertools.pairwise(numbers))  # type: ignore[operator]


def is_number(text: str) -> bool:
    """Whether a text is a whole number that can be a class's place or name, perhaps written as 3.0."""
    return 0 < len(text) <= 12 and _NUMBER.fullmatch(text) is not None


def _is_fraction(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]*\.[0-9]*[1-9][0-9]*", text) is not None


def _bare(text: str) -> str:
    """'1.0' → '1', as tables with a gap write whole numbers."""
    return re.sub(r"\.0+$", "", text) if is_number(text) else text


def label_text(value: Any) -> str:
    """What a value of Python says as a label or as a class's name: bytes are UTF-8, whole numbers have no point, and None, NaN and
    pandas.NA are no label, as an empty cell is.

    Raises:
        UnicodeDecodeError: if bytes are something else.
    """
    if isinstance(value, str):
        return visible(value).strip()
    if getattr(value, "ndim", None) == 0:  # of NumPy and PyTorch
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode()
    elif pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    elif isinstance(value, float) and value.is_integer():
        value = f"{value:.0f}"
    return str(value).strip()


def union(columns: Iterable[Labels]) -> tuple[str, ...]:
    """The different labels of some columns, sorted; of two spellings of one, that of the earlier column.

    Whole numbers lose a '.0'.  A true label of -1 beside other numbers that is never predicted is none, as tools write it.

    Args:
        columns: the first holds the true labels.

    Raises:
        DataError, RunError: if they cannot be the classes of a run, or true and predicted labels have nothing in common.
    """
    true, *others = columns = list(columns)
    for column in columns:
        _require_one_spelling(column)
    ours, theirs = _spellings([true]), _spellings(others)
    if "-1" in ours and "-1" not in theirs and len(ours | theirs) > 2:
        rest = [name for name in (*ours.values(), *theirs.values()) if name != "-1"]
        if all(is_number(name) and not name.startswith("-") for name in rest):
            del ours["-1"]
    if ours and theirs and not ours.keys() & theirs.keys():
        _require_one_language(true.column, list(ours.values()), others[0].column, list(theirs.values()))
    names = list((theirs | ours).values())
    if len(names) > _MAX_CLASSES:
        raise DataError(
            f"expected at most {_MAX_CLASSES:,} classes, found {len(names):,} different labels; name other columns with --true and "
            "--predicted"
        )
    if names and all(map(is_number, names)):
        return tuple(sorted(names, key=float))
    check_class_names(names)
    return tuple(sorted(names))


def _spellings(columns: Iterable[Labels]) -> dict[str, str]:
    """What labels are compared by → the first spelling."""
    found: dict[str, str] = {}
    for column in columns:
        numbers = column.numbers()
        for name in filter(None, column.names):
            key = str(numbers[name]) if name in numbers else class_key(name)
            found.setdefault(key, _bare(name) if name in numbers else name)
    return found


def _require_one_spelling(column: Labels) -> None:
    """Stop if two labels of one column are told apart by what no two classes may be: letters a and A are two classes to some.

    Raises:
        RunError: naming both.
    """
    numbers = column.numbers()
    seen: dict[str, str] = {}
    for name in column.names:
        if name and name not in numbers and (other := seen.setdefault(class_key(name), name)) != name:
            check_class_names((other, name))


def _require_one_language(true: str, ours: list[str], predicted: str, theirs: list[str]) -> None:
    """Stop if labels without anything in common are two or more of each, or numbers and names."""
    numbers = [list(map(is_number, names)) for names in (ours, theirs)]
    if (len(ours) > 1 and len(theirs) > 1) or any(
        all(one) and not any(other) for one, other in (numbers, numbers[::-1])
    ):
        raise DataError(
            f"expected true and predicted labels of the same classes, found {_first(ours)} in the column {shown(true)}, {_first(theirs)} in "
            f"{shown(predicted)}, and none in both; write both alike, or pass --classes FILE if numbers are places in it"
        )


def _first(names: list[str]) -> str:
    some = ", ".join(repr(shown(name, 24)) for name in names[:3])
    return f"{some}, …" if len(names) > 3 else some

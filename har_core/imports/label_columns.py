"""Which columns hold the true and the predicted label: told by their names, or by what is in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NoReturn

from har_core.errors import DataError
from har_core.imports import headers
from har_core.imports.contents import values_of
from har_core.imports.tables import Table, shown, texts_of
from har_core.imports.text_numbers import NULLS
from har_core.runs.class_names import class_key

_TRUE_WORDS = ("true", "truth", "gt", "groundtruth", "actual", "gold", "orig")
_PREDICTED_WORDS = ("pred", "predicted", "prediction", "hat")


def true_named(table: Table, used: Collection[str], among: Sequence[str], predicted: str | None = None) -> str | None:
    """The column that is called like true labels; None if there is none.

    Args:
        predicted: the column of predicted labels, if it is known.

    Raises:
        DataError: if there are several.
    """
    free = {name: headers.plain(name) for name in among if name not in used}
    strong = [name for name, plain in free.items() if plain in headers.TRUE_STRONG]
    further = [name for name, plain in free.items() if plain in headers.TRUE_FURTHER[0]]
    strong = strong or [name for name in further if free[name] not in headers.TRUE_UNSURE] or further
    tiers = (headers.TRUE, headers.TRUE_FURTHER[0])
    found = strong[0] if len(strong) == 1 else named(table, tiers, used, "true label", "--true", among=among)
    may_be = {*headers.TRUE, *headers.EITHER, *headers.TRUE_UNSURE} - {*headers.TRUE_STRONG, "name"}
    if found is None or free[found] not in may_be:
        return found
    return _only_opinion(table, [found, *(name for name, plain in free.items() if plain in may_be)], predicted)


def _only_opinion(table: Table, names: Sequence[str], predicted: str | None) -> str:
    """The first of some columns that holds classes, those of the predicted labels or of the first column.

    Raises:
        DataError: if another holds them and says something else.
    """
    texts = {name: _keys(table, name) for name in names}
    classes = {*(_keys(table, predicted) if predicted is not None else texts[names[0]])} - {""}
    first, *others = [name for name in texts if not classes.isdisjoint(texts[name])] or names[:1]
    differing = [
        name for name in others if any(a != b for a, b in zip(texts[first], texts[name], strict=True) if a and b)
    ]
    if differing:
        _several(table, [first, *differing], "true label", "--true")
    return first


def _keys(table: Table, column: str) -> list[str]:
    texts = texts_of(table.head[column], guarded=table.guarded).to_pylist()
    return ["" if text in NULLS else class_key(text) for text in texts]


def true_further(table: Table, used: Collection[str], among: Sequence[str]) -> str | None:
    """The column that may be one of true labels where no other is."""
    pair = paired(among)
    if pair is not None and pair[0] not in used:
        return pair[0]
    return named(table, headers.TRUE_FURTHER[1:], used, "true label", "--true", among=among)


def predicted_further(
    table: Table, used: Collection[str], among: Sequence[str], true: str | None, *, folders: bool
) -> str | None:
    """The column that may be one of predicted labels where no other is, and the table has no scores.

    Args:
        true: the column of true labels, if it is known.
        folders: whether the folders of the files are the true labels, so that a column `label` is not.
    """
    pair = paired(among)
    if pair is not None and pair[1] not in used and true in (None, pair[0]):
        return pair[1]
    tiers = (*headers.PREDICTED_FURTHER, *((headers.EITHER,) if folders else ()))
    return named(table, tiers, used, "predicted label", "--predicted", among=among)


def named(
    table: Table,
    tiers: Sequence[Sequence[str]],
    used: Collection[str],
    what: str,
    flag: str,
    among: Collection[str] | None = None,
) -> str | None:
    """The column with one of the known names; None if there is none.

    Args:
        tiers: the names, the surest first; the later ones count where none of the earlier is there.

    Raises:
        DataError: if several columns may be it.
    """
    free = [name for name in table.columns if name not in used and (among is None or name in among)]
    for known in tiers:
        found = [name for name in free if headers.plain(name) in known]
        first = [name for name in found if headers.plain(name) == known[0]]
        if len(first) == 1:
            return first[0]
        if len(found) > 1:
            _several(table, found, what, flag)
        if found:
            return found[0]
    return None


def _several(table: Table, found: Sequence[str], what: str, flag: str) -> NoReturn:
    raise DataError(
        f"expected one column with the {what} in {table.place}, found {len(found)} that may be it ({some(found)}); name it "
        f"with {flag}"
    )


def paired(among: Collection[str]) -> tuple[str, str] | None:
    """(true, predicted) of the only two columns of one name but for that, as species_true and species_pred; None if there are none."""
    found = [
        (one, other)
        for one in among
        for other in among
        if (stem := _without(one, _TRUE_WORDS)) and stem == _without(other, _PREDICTED_WORDS)
    ]
    return found[0] if len(found) == 1 else None


def _without(name: str, words: Collection[str]) -> str:
    """What is left of a name without one of these words at one of its ends; empty if there is none."""
    parts = [part for part in re.split(r"[\s_.-]+", name.casefold()) if part]
    if len(parts) > 1 and parts[-1] in words:
        return "".join(parts[:-1])
    return "".join(parts[1:]) if len(parts) > 1 and parts[0] in words else ""


def name_beside(table: Table, used: Collection[str], label: str) -> str | None:
    """The column `name` beside numbers of classes, as Ultralytics writes them, if each number has one name; None if there is none."""
    found = [name for name in table.columns if name not in used and headers.plain(name) == "name"]
    if len(found) != 1 or headers.plain(label) not in headers.EITHER:
        return None
    numbers, names = (texts_of(table.head[one], guarded=table.guarded).to_pylist() for one in (label, found[0]))
    pairs = set(zip(numbers, names, strict=True))
    is_class = len(pairs) == len(set(numbers)) == len(set(names)) < len(numbers)
    return found[0] if is_class and all(one.isdecimal() for one in numbers if one) else None


def true_by_content(table: Table, used: Collection[str], numeric: set[str], classes: Collection[str]) -> str | None:
    """The only other column of text, if what is in it are the classes."""
    free = [name for name in table.columns if name not in used and name not in numeric]
    keys = {class_key(name) for name in classes}
    fitting = [
        name
        for name in free
        if (values := values_of(table, [name])) and {class_key(one) for one in values if one not in NULLS} <= keys
    ]
    return fitting[0] if len(fitting) == 1 else None


def some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    first = ", ".join(shown(name, 24) for name in names[:6])
    return f"{first} and {len(names) - 6:,} more" if len(names) > 6 else first

"""Which columns hold a value a class, and which the k most probable classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from har_core.errors import DataError
from har_core.files import and_more
from har_core.imports import headers
from har_core.imports.contents import is_numeric
from har_core.imports.labels import is_number, rising
from har_core.imports.other_numbers import classes_of_family, others_among
from har_core.imports.pairs import pair_of
from har_core.imports.ranks import ranked_pairs, require_classes
from har_core.imports.score_block import block
from har_core.imports.tables import Table, numbers_of, shown
from har_core.imports.text_numbers import NULLS
from har_core.runs.class_names import check_class_names, class_key

Found = tuple[tuple[str, ...], tuple[str, ...]]
"""(names of the classes, their columns), in one order."""

_ARRAYS = ("NPZ", "FiftyOne's samples.json")  # forms whose scores are arrays, in the order of the classes


def find_top(table: Table, used: Collection[str]) -> tuple[tuple[str, str], ...]:
    """(column of a class, column of its probability), the most probable first; empty if the table has no such pairs.

    Raises:
        DataError: if a rank lacks one of its two columns.
    """
    labels: dict[str, dict[int, str]] = defaultdict(dict)
    values: dict[str, dict[int, str]] = defaultdict(dict)
    for name in table.columns:
        if name in used or (found := headers.ranked(name)) is None:
            continue
        family, rank, is_label = found
        (labels if is_label else values)[family][rank] = name
    pairs = [
        (one, other)
        for one, ranks in labels.items()
        for other, more in values.items()
        if set(ranks) == set(more) or len(set(ranks) & set(more)) > 1
    ]
    pairs = [
        (one, other) for one, other in pairs if not (headers.plain(one) == "#" or headers.plain(other) == "#")
    ] or pairs
    if not pairs:
        return ranked_pairs(table, used) or _bare_pair(table, used)
    # an index beside a label says the same
    pairs.sort(key=lambda pair: ("index" in pair[0] or "idx" in pair[0], -len(labels[pair[0]])))
    of_label, of_value = labels[pairs[0][0]], values[pairs[0][1]]
    if odd := sorted(set(of_label) ^ set(of_value)):
        alone = (of_label | of_value)[odd[0]]
        raise DataError(
            f"expected a class and a probability of each rank in {table.place}, found {shown(alone)} alone; add the other column"
        )
    return tuple((of_label[rank], of_value[rank]) for rank in sorted(of_label))


def _bare_pair(table: Table, used: Collection[str]) -> tuple[tuple[str, str], ...]:
    """See `pair_of`; none if the table has scores of all classes besides."""
    free = [name for name in table.columns if name not in used and is_numeric(table.head[name])]
    found = list(families(free).values())
    if len(found) != 1 or [_name(name) for name in found[0]] != ["0", "1"]:
        return ()
    others = [name for name in free if name not in found[0]]
    return () if len(others) > 1 and _share_of_sums(table, others) > 0.5 else pair_of(table, found[0])


def find_scores(table: Table, numeric: Collection[str], labels: Sequence[str], order: Sequence[str] | None) -> Found:
    """The columns of the classes' scores; none if the table has none.

    Args:
        numeric: the columns of numbers that are still free.
        labels: what the columns of labels hold.
        order: the classes in their order, if that was told.

    Raises:
        DataError: if there are such columns, but not which class each is of.
    """
    free = [name for name in table.columns if name in numeric]
    prefixed = families(free)
    keys = {class_key(name) for name in (*labels, *(order or ()))}
    bare = [name for name in free if class_key(name) in keys]
    says = {name: _name(name) for name in free}
    if len(bare) < 2 and (behind := _with_suffixes(free, keys)):
        own = {column: name for columns in behind.values() for column, name in columns.items()}
        says |= own
        prefixed = {prefix: names for prefix, names in prefixed.items() if own.keys().isdisjoint(names)}
        prefixed |= {suffix: list(columns) for suffix, columns in behind.items()}
    if len(bare) < 2 and prefixed:
        prefixed = {prefix: _of_classes(table, names, says, keys) for prefix, names in prefixed.items()}
        best = sorted(prefixed.values(), key=len, reverse=True)
        if len(best) > 1 and len(best[0]) == len(best[1]):
            best = [names for names in best if len(names) == len(best[0])]
            sure = [names for names in best if not headers.says_logits(names[0])]
            if len(sure) != 1:
                raise DataError(
                    f"expected one column a class in {table.place}, found several ({shown(best[0][0])}, {shown(best[1][0])}); keep "
                    "one form of the scores"
                )
            best = sure
        return _ordered(table, best[0], [says[column] for column in best[0]], labels, order)
    if len(bare) >= 2:
        chosen = bare if order is not None else block(table, free, bare)
        return _ordered(table, chosen, chosen, labels, order)
    numbered = [name for name in free if name.isdecimal()]
    if len(numbered) > 1:
        return _ordered(table, numbered, numbered, labels, order)
    if set(free) - others_among(free, keys) and len(free) > 1 and _share_of_sums(table, free) > 0.5:
        chosen = free if order is not None else block(table, free, bare)
        return _ordered(table, chosen, chosen, labels, order)
    return (), ()


def _of_classes(table: Table, columns: list[str], says: Mapping[str, str], keys: Collection[str]) -> list[str]:
    """Columns of one prefix or suffix without those of other numbers, as prob_max; a class that is called so is needed for the sums."""
    kept = classes_of_family(columns, [says[column] for column in columns], keys)
    if len(kept) < len(columns) and _share_of_sums(table, kept) <= 0.5 < _share_of_sums(table, columns):
        return columns
    return kept


def families(columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns that share one of the usual prefixes, by it; no column is alone."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in columns:
        if (parts := headers.prefixed(name)) is not None:
            found[parts.prefix.casefold()].append(name)
    return {prefix: names for prefix, names in found.items() if len(names) > 1}


def _with_suffixes(columns: Sequence[str], keys: Collection[str]) -> dict[str, dict[str, str]]:
    """Columns that share what stands behind the class in their names, and that class, if two or more of these are known."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for column in columns:
        if (parts := headers.suffixed(column)) is not None:
            found[parts.prefix.casefold()][column] = parts.name
    return {
        suffix: names for suffix, names in found.items() if sum(class_key(one) in keys for one in names.values()) > 1
    }


def _name(column: str) -> str:
    found = headers.prefixed(column)
    return found.name if found else column


def _share_of_sums(table: Table, columns: Sequence[str]) -> float:
    """The share of the first rows, as far as they have values, whose values add up to 1 or 100."""
    try:
        sums = np.sum([numbers_of(table.head[name], table, name, 1) for name in columns], axis=0)
    except DataError:
        return 0.0
    sums = sums[~np.isnan(sums)]  # of a row without a prediction
    return float(np.mean((np.abs(sums - 1) < 0.02) | (np.abs(sums - 100) < 1))) if len(sums) else 0.0


def _ordered(
    table: Table, columns: Sequence[str], names: Sequence[str], labels: Sequence[str], order: Sequence[str] | None
) -> Found:
    """The columns in the order of the classes; those that are numbered need to be told it."""
    require_classes(table, columns)
    numbered = all(name.isdecimal() for name in names)
    if order is None:
        if numbered and not (labels and all(_whole(label) in set(names) for label in labels if label not in NULLS)):
            raise DataError(
                f"expected the names of the classes in {table.place}, found columns with numbers ({shown(columns[0], 24)} to "
                f"{shown(columns[-1], 24)}); pass --classes FILE with one name a line, in their order"
            )
        if len(set(names)) < len(names):
            twice = next(name for name in names if list(names).count(name) > 1)
            raise DataError(f"expected one column a class in {table.place}, found two of {shown(twice)}; remove one")
        check_class_names(names)
        return tuple(names), tuple(columns)
    check_class_names(order)
    if numbered and _are_places(table, names, order):
        if len(columns) != len(order):
            raise DataError(
                f"expected as many columns of scores in {table.place} as classes ({len(order)}), found {len(columns)} "
                f"({shown(columns[0], 24)} to {shown(columns[-1], 24)}); check --classes"
            )
        by_number = sorted(zip(map(int, names), columns, strict=True))
        if [number for number, _ in by_number] not in (list(range(len(order))), list(range(1, len(order) + 1))):
            raise DataError(
                f"expected columns numbered from 0 or 1 without a gap in {table.place}, found {shown(by_number[0][1], 24)} to "
                f"{shown(by_number[-1][1], 24)}; rename them"
            )
        return tuple(order), tuple(column for _, column in by_number)
    by_key = {class_key(name): column for name, column in zip(names, columns, strict=True)}
    if missing := [name for name in order if class_key(name) not in by_key]:
        raise DataError(
            f"expected a column for each of the {len(order)} classes in {table.place}, found none for {shown(missing[0])}"
            f"{and_more(len(missing) - 1)}; check --classes"
        )
    keys = {class_key(name) for name in order}
    if more := [name for name in names if class_key(name) not in keys]:
        raise DataError(
            f"expected columns of the {len(order)} classes alone in {table.place}, found one of {shown(more[0])}"
            f"{and_more(len(more) - 1)}; add them to --classes, or rename their columns"
        )
    return tuple(order), tuple(by_key[class_key(name)] for name in order)


def _are_places(table: Table, names: Sequence[str], order: Sequence[str]) -> bool:
    """Whether the numbers of columns are places in the order of the classes, not names of classes.

    Raises:
        DataError: if they can be both.
    """
    count = len(order)
    if table.form in _ARRAYS and list(names) == [str(number) for number in range(count)]:
        return True
    ours, theirs = {class_key(name) for name in names}, {class_key(name) for name in order}
    if not ours & theirs:
        return True
    in_order = list(map(int, names)) in (list(range(count)), list(range(1, count + 1)))
    if in_order and ours == theirs and not rising(order):
        odd = next(
            place
            for place, (one, other) in enumerate(zip(names, order, strict=True))
            if class_key(one) != class_key(other)
        )
        raise DataError(
            f"expected columns with the names of classes, or their places, in {table.place}, found {names[odd]}, which is a class and the place "
            f"of {shown(order[odd])!r}; sort --classes by number if they are names, or write 'class 1' instead of 1 in it if they are places"
        )
    return False


def named_by_number(columns: Sequence[str], classes: Sequence[str]) -> bool:
    """Whether classes are called by numbers, and each column by that of its class: then numbers are names elsewhere, too."""
    return bool(columns) and all(
        is_number(name) and class_key(name) in map(class_key, headers.classes_in(column))
        for column, name in zip(columns, classes, strict=True)
    )


def _whole(text: str) -> str:
    """'1.0' → '1', as tables with a gap write whole numbers."""
    return text.removesuffix(".0") if text.removesuffix(".0").isdecimal() else text

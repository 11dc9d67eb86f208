"""Records of JSON → flat records: nested values become keys `outer.inner` and `list_0`, answers `top1_label`, `top1_score`, …"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from har_core.imports.answers import Form, form_of, normalized, number_of
from har_core.imports.cells import photo_path
from har_core.imports.headers import prefixed
from har_core.imports.named_scores import have_own_classes, ranked
from har_core.imports.tables import MAX_COLUMNS
from har_core.imports.values import TOLERANCE

_DEPTH = 5


@dataclass(frozen=True)
class Shapes:
    """What the nested values of some records are, by the places where they stand.

    `ranks`: where each record has its most probable classes; `form`: how, None for a mapping.  `scores`: where a mapping has the
    scores of all classes without being called so.  `single`: where lists have one value at most.
    """

    ranks: str | None = None
    form: Form | None = None
    scores: str | None = None
    single: frozenset[str] = frozenset()


def shapes_of(records: Iterable[Mapping[str, Any]]) -> Shapes:
    """Tell the nested values of records."""
    mappings: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    lists: dict[str, list[list[Any]]] = defaultdict(list)
    own: set[str] = set()

    def walk(value: Any, name: str, depth: int) -> None:
        if isinstance(value, dict):
            mappings[name].append(value)
            for key, inner in value.items():
                if isinstance(inner, dict | list) and depth < _DEPTH:
                    walk(normalized(inner), f"{name}.{key}", depth + 1)
        elif isinstance(value, list):
            lists[name].append(value)
            if len(value) == 1 and isinstance(value[0], dict | list) and depth < _DEPTH:
                walk(normalized(value[0]), name, depth + 1)

    for record in records:
        own.update(map(str, record))
        for key, inner in record.items():
            if isinstance(inner, dict | list):
                walk(normalized(inner), str(key), 1)
    ranks, form = next(
        (
            (name, found)
            for name, values in lists.items()
            if (found := form_of([one for one in values if one], name)) is not None
        ),
        (None, None),
    )
    if ranks is None:
        ranks = next((name for name, rows in mappings.items() if have_own_classes(rows)), None)
    scores = [name for name, rows in mappings.items() if "probs" not in own and _are_unnamed_scores(name, rows)]
    single = frozenset(name for name, values in lists.items() if max(map(len, values)) == 1)
    return Shapes(ranks, form, scores[0] if len(scores) == 1 else None, single)


def _are_unnamed_scores(name: str, rows: list[Mapping[str, Any]]) -> bool:
    """Whether mappings have a probability for each class, though they are called by no usual word, as in {"result": {"cat": 0.9, …}}."""
    keys = list(rows[0])
    values = [[number_of(one) for one in row.values()] for row in rows]
    if len(keys) < 2 or not all(row.keys() == rows[0].keys() for row in rows) or any(None in row for row in values):
        return False
    if all(
        (found := prefixed(f"{name}.{key}")) and (found.prefix, found.name) == (f"{name}.", str(key)) for key in keys
    ):
        return False
    sums = [sum(one for one in row if one is not None) for row in values]
    whole = 100 if max(sums) > 1 + TOLERANCE else 1
    return min(one for row in values for one in row if one is not None) >= 0 and all(
        abs(one / whole - 1) <= TOLERANCE for one in sums
    )


def flat(record: Mapping[str, Any], shapes: Shapes | None = None) -> dict[str, Any]:
    """A record without nested values; those that are no list of values stay as their text.

    Args:
        shapes: see `shapes_of`.

    Raises:
        ValueError: if it has more values than a table has columns.
    """
    found: dict[str, Any] = {}
    for key, inner in record.items():
        if not str(key).startswith("_"):  # FiftyOne's own
            _flatten(inner, str(key), found, 1, shapes or Shapes())
    return found


def _flatten(value: Any, name: str, found: dict[str, Any], depth: int, shapes: Shapes) -> None:
    if isinstance(value, dict | list):
        value = normalized(value)
    if isinstance(value, list | tuple):
        _flatten_list(value, name, found, depth, shapes)
    elif isinstance(value, dict) and (path := photo_path(value)) is not None:
        found[name] = path
    elif isinstance(value, dict) and name == shapes.ranks and shapes.form is None and "top1_label" not in found:
        found |= ranked(value.items())
    elif isinstance(value, dict) and depth < _DEPTH:
        place = "probs" if name == shapes.scores else name
        for key, inner in value.items():
            if not str(key).startswith("_"):
                _flatten(inner, f"{place}.{key}", found, depth + 1, shapes)
    else:
        found[name] = json.dumps(value) if isinstance(value, dict) else value
    if len(found) > MAX_COLUMNS:
        raise ValueError(f"more than {MAX_COLUMNS:,} values in a record")


def _flatten_list(
    value: list[Any] | tuple[Any, ...], name: str, found: dict[str, Any], depth: int, shapes: Shapes
) -> None:
    if name == shapes.ranks and shapes.form is not None and "top1_label" not in found:
        found |= ranked(shapes.form.read(value))
    elif name in shapes.single and len(value) == 1 and depth < _DEPTH:
        _flatten(value[0], name, found, depth + 1, shapes)
    elif name not in shapes.single and depth < _DEPTH and all(_is_plain(one) for one in value):
        for number, inner in enumerate(value):
            _flatten(inner, f"{name}_{number}", found, depth + 1, shapes)
    elif value:
        found[name] = json.dumps(value)  # of lists of lists, no vector of scores is made


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | str | dict | None)

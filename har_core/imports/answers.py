"""The classes of a row with a score each, as programs list them: records, pairs, parallel lists → (class, score)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from har_core.imports.headers import ARRAYS, CONFIDENCE, PREDICTED, plain, prefixed
from har_core.imports.text_numbers import share_of
from har_core.imports.values import TOLERANCE

_LABEL_KEYS: Final = (
    "label", "class", "classname", "name", "labelname", "category", "categoryname", "tagname", "tag", "displayname",
    "description", "identifier", "predictedlabel", "prediction", "title", "text", "concept", "word", "key",
    "id", "labelid", "classid", "categoryid", "tagid", "classindex", "labelindex", "index", "idx",
)  # fmt: skip
_SCORE_KEYS: Final = (
    "score",
    "confidence",
    "probability",
    "prob",
    "proba",
    "conf",
    "p",
    "softmax",
    "likelihood",
    "logit",
)
_OTHER_SCORE_KEYS: Final = ("value", "val", "percentage", "percent", "pct", "weight")
_LABEL_LISTS: Final = (
    "displaynames", "labels", "classes", "names", "classnames", "labelnames", "tags", "tagnames", "categories",
)  # fmt: skip
_SCORE_LISTS: Final = (
    "confidences",
    "scores",
    "probabilities",
    "probs",
    "confidence",
    "score",
    "probability",
    "prob",
    "values",
)
_BOX_KEYS: Final = frozenset(
    (
        "x", "y", "w", "h", "x1", "y1", "x2", "y2", "xmin", "ymin", "xmax", "ymax", "box", "bbox", "boxes", "boundingbox",
        "polygon", "points", "segmentation", "mask", "segments", "keypoints", "bounds",
    )
)  # fmt: skip
"""Of objects found in a photo, which are no classes of the photo."""

_USUAL: Final = frozenset(
    (
        *ARRAYS, *PREDICTED, *CONFIDENCE, "top", "topk", "top3", "top5", "top10", "result", "results", "ranking", "labels",
        "customlabels", "classes", "tags", "concepts", "candidates", "answers", "classifications", "classification",
        "categories", "labelannotations", "annotations",
    )
)  # fmt: skip
_SYNSET = re.compile(r"n[0-9]{8}")
_MAX_CLASS = 10**4
_SHARE = r"[0-9]+(?:[.,][0-9]+)?\s*%|(?:[0-9]*[.,][0-9]+|[01])(?:[eE]-?[0-9]+)?"
_SAID = r"(?:(?:p|prob|probability|conf|confidence|score)\b\s*[:=]?\s*)?"
_ANSWER = re.compile(
    rf"(?P<label>[^\s\[{{].*?)(?:\s*(?:[:=|@]|->)\s*|\s+|(?=[(\[]))(?:(?P<open>[(\[])\s*)?{_SAID}(?P<score>{_SHARE})\s*(?(open)[)\]])",
    re.IGNORECASE,
)
"""'dog 51.07%', 'dog (0.51)', 'dog: 0.51', 'dog|0.51', 'dog (conf: 0.51)'."""

_ANSWER_BEHIND = re.compile(
    rf"(?:(?P<open>[(\[])\s*)?(?P<score>{_SHARE})\s*(?(open)[)\]])(?:\s*[:=|@]\s*|\s+)(?P<label>[^\s\[{{\d].*)"
)
"""'0.51 dog', as Ultralytics writes it, '51 %: dog'."""


@dataclass(frozen=True)
class Form:
    """How each part of a list says its class and its score: the keys of a record, or the places in a pair."""

    label: str | int
    score: str | int

    def read(self, value: Iterable[Any]) -> list[tuple[str, float]]:
        """(class, score) of each part; those without a score are left out.

        Raises:
            ValueError: if it is no such list.
        """
        found = []
        for one in value:
            try:
                label, score = one[self.label], one[self.score]
            except (KeyError, IndexError, TypeError) as error:
                raise ValueError("a list without a class and a score in each part") from error
            if (number := number_of(score)) is not None and label is not None:
                found.append((_label(label), number))
        return found


def form_of(rows: Sequence[Sequence[Any]], name: str) -> Form | None:
    """How the lists of a column say classes and scores; None if they do not, or if that is not certain.

    Of the keys or places exactly one must hold classes: texts, or else whole numbers that do not repeat in a row; and exactly one
    numbers that are no classes.  Without the usual keys or a usual name of the column these must be fit to be probabilities.

    Args:
        rows: the lists of some rows, none of them empty.
        name: of the column.
    """
    parts = [one for row in rows for one in row]
    if not parts:
        return None
    if all(isinstance(one, dict) for one in parts):
        found = _of_records(parts)
    elif all(isinstance(one, list | tuple) for one in parts) and {len(one) for one in parts} in ({2}, {3}):
        found = _of_tuples(parts, rows)
    else:
        found = None
    if found is None:
        return None
    known = (
        isinstance(found.score, str) and plain(found.score) in _SCORE_KEYS and plain(str(found.label)) in _LABEL_KEYS
    )
    try:
        answers = [found.read(row) for row in rows]
    except ValueError:
        return None
    return found if known or is_usual(name) or _are_probabilities(answers) else None


def is_usual(name: str) -> bool:
    """Whether a column, or the place of a nested value, is called as predictions are."""
    last = re.split(r"[./]", name)[-1]
    return any(plain(one) in _USUAL for one in (name, last)) or prefixed(f"{last}.x") is not None


def normalized(value: Any) -> Any:
    """A nested value in its plainest form: scores by the names of classes as one mapping, classes and scores as a list of them.

    A list of one list or mapping is that; {class: {"score": p}, …}, [{class: p}, …] are mappings {class: p}; parallel lists
    {"labels": […], "scores": […]} are pairs.  Anything else stays as it is.
    """
    while isinstance(value, list | tuple) and len(value) == 1 and _is_inner(value[0]):
        value = value[0]
    if (
        isinstance(value, list | tuple)
        and len(value) > 1
        and all(isinstance(one, dict) and len(one) == 1 for one in value)
    ):
        merged = {key: inner for one in value for key, inner in one.items()}
        return merged if len(merged) == len(value) and all(map(is_number, merged.values())) else value
    if isinstance(value, dict):
        return _parallel(value) or _scores_inside(value) or value
    return value


def _is_inner(value: Any) -> bool:
    if isinstance(value, dict):
        keys = {plain(str(key)) for key in value}
        return len(value) > 1 and all(map(is_number, value.values())) and not keys & {*_SCORE_KEYS, *_LABEL_KEYS}
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], list | tuple | dict | int | float) and not (
        len(value) in (2, 3) and _is_pair(value)
    )  # fmt: skip


def _is_pair(value: Sequence[Any]) -> bool:
    """Whether [3, 0.9] may be a class and its score, not two scores."""
    whole = [type(one) is int for one in value]
    return not all(whole) and any(whole) and len(value) == 2


def _parallel(value: Mapping[str, Any]) -> list[tuple[Any, Any]] | None:
    lists = {plain(str(key)): inner for key, inner in value.items() if isinstance(inner, list | tuple) and inner}
    labels = [lists[key] for key in _LABEL_LISTS if key in lists and all(isinstance(one, str) for one in lists[key])]
    scores = [
        lists[key] for key in _SCORE_LISTS if key in lists and all(number_of(one) is not None for one in lists[key])
    ]
    if not labels or len(scores) != 1 or len(labels[0]) != len(scores[0]):
        return None
    return list(zip(labels[0], scores[0], strict=True))


def _scores_inside(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """{"cat": {"confidence": 0.9, "class_id": 0}, …} → {"cat": 0.9, …}."""
    inner = list(value.values())
    if len(inner) < 2 or not all(isinstance(one, dict) and 1 <= len(one) <= 3 for one in inner):
        return None
    keys = [key for key in inner[0] if plain(str(key)) in (*_SCORE_KEYS, *_OTHER_SCORE_KEYS)]
    if len(keys) != 1 or not all(is_number(one.get(keys[0])) for one in inner):
        return None
    rest = {plain(str(key)) for one in inner for key in one if key != keys[0]}
    return {name: one[keys[0]] for name, one in value.items()} if rest <= {*_LABEL_KEYS, "rank"} else None


def _of_records(parts: Sequence[Mapping[str, Any]]) -> Form | None:
    keys = [key for key in parts[0] if all(key in one for one in parts)]
    if {plain(str(key)) for one in parts for key in one} & _BOX_KEYS:
        return None
    columns = {key: [one[key] for one in parts] for key in keys}
    numbers = [key for key in keys if all(number_of(one) is not None for one in columns[key])]
    texts = [key for key in keys if key not in numbers and all(isinstance(one, str) for one in columns[key])]
    by_name = [key for known in (_SCORE_KEYS, _OTHER_SCORE_KEYS) for key in numbers if plain(key) in known]
    free = [
        key for key in numbers if plain(key) not in (*_LABEL_KEYS, "rank") and not all(map(is_number, columns[key]))
    ]
    free = free or [key for key in numbers if plain(key) not in (*_LABEL_KEYS, "rank")]
    score = by_name[0] if by_name else free[0] if len(free) == 1 else None
    if score is None:
        return None
    for among in (texts, [key for key in numbers if key != score and all(map(_is_class, columns[key]))]):
        known = sorted(
            (key for key in among if plain(key) in _LABEL_KEYS), key=lambda key: _LABEL_KEYS.index(plain(key))
        )
        if known or (len(among) == 1 and among is texts):
            return Form((known or among)[0], score)
    return None


def _of_tuples(parts: Sequence[Sequence[Any]], rows: Sequence[Sequence[Any]]) -> Form | None:
    columns = list(zip(*parts, strict=True))
    numbers = [place for place, column in enumerate(columns) if all(number_of(one) is not None for one in column)]
    texts = [
        place
        for place, column in enumerate(columns)
        if place not in numbers and all(isinstance(one, str) for one in column)
    ]
    if len(texts) + len(numbers) < len(columns):
        return None
    whole = [place for place in numbers if all(map(_is_class, columns[place]))]
    if len(texts) == 2 and all(map(_SYNSET.fullmatch, columns[texts[0]])):
        texts = texts[1:]  # as Keras writes ImageNet's classes: (synset, name, score)
    if len(texts) == 1:
        score = [place for place in numbers if place not in whole] if len(numbers) > 1 else numbers
        return Form(texts[0], score[0]) if len(score) == 1 else None
    if texts or len(numbers) != 2 or len(whole) != 1:
        return None
    label = whole[0]
    if any(len({one[label] for one in row}) < len(row) for row in rows):
        return None
    return Form(label, 1 - label)


def _are_probabilities(answers: Iterable[Collection[tuple[str, float]]]) -> bool:
    """Whether scores are at least 0, and those of a row add up to 1 at most and to a good part of it in some, or to 100 in some."""
    rows = [[score for _, score in one] for one in answers if one]
    if not rows or min(map(min, rows)) < 0:
        return False
    sums = [sum(row) for row in rows]
    whole = 100 if max(sums) > 1 + TOLERANCE else 1
    return max(sums) <= whole * (1 + TOLERANCE) and max(sums) > (0.2 if whole == 1 else 95)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_of(value: object) -> float | None:
    if is_number(value):
        return float(value)  # type: ignore[arg-type]
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*", value):
        return float(value)
    return share_of(value) if isinstance(value, str) else None


def _is_one(cell: str) -> bool:
    """Whether a cell with one bar is 'dog|0.51' or '0.51|dog', not two answers."""
    parts = cell.split("|")
    return len(parts) == 2 and any(re.fullmatch(_SHARE, part.strip()) for part in parts)


def answers_in(cell: str) -> list[tuple[str, float]] | None:
    """'dog: 0.51; cat: 0.3' → each class and its score, of which percentages are shares; None of another text."""
    whole = cell.strip().replace("％", "%")
    parts = [whole] if "|" in whole and _is_one(whole) else re.split(r"\s*[;|\n]\s*|,\s+", whole)
    for form in (_ANSWER, _ANSWER_BEHIND):
        found = [form.fullmatch(part) for part in parts]
        if all(found):
            break
    else:
        return None
    said = [(one["label"], one["score"]) for one in found if one is not None]
    return [
        (label, float(score.replace(",", ".")) if "%" not in score else share_of(score) or 0.0) for label, score in said
    ]


def _is_class(value: object) -> bool:
    return is_number(value) and float(value).is_integer() and 0 <= float(value) <= _MAX_CLASS  # type: ignore[arg-type]


def _label(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)

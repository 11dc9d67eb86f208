"""The outputs of an ONNX file → the one that answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from har_core.errors import CheckpointError
from har_core.files import printable

_LOGITS, _SHARES, _ANSWERS = ("logit",), ("prob", "softmax", "score"), ("output", "pred", "class", "cls")
_OTHERS = (
    "anchor", "attention", "attn", "aux", "backbone", "bbox", "box", "distill", "embed", "feat", "hidden", "idx", "index", "indices",
    "keypoint", "landmark", "loss", "mask", "offset", "penultimate", "pool", "prelogit", "regress", "uncertain", "varian",
)  # fmt: skip
"""How the words of an output's name begin that holds something else than a value for each class."""
_WHOLE_OTHERS = frozenset({"pre", "dist", "emb", "std", "var", "sigma"})
_SAME = 5e-3  # of a probability

ALL_SCORES = (
    "export the scores of all classes in the order of the classes, not the highest of them (without topk or sort)"
)


def width(shape: Sequence[object] | None) -> int | None:
    """How many values of each image an output of a shape (B, …) has, if all other sides are 1: 0 if they are not, None if it does not
    say.
    """
    sides = [side for side in (shape or ())[1:] if side != 1]
    numbers = [side for side in sides if isinstance(side, int)]
    if not shape or len(numbers) < len(sides):
        return None
    return 0 if len(sides) > 1 else numbers[0] if numbers else 1


def candidates(found: Mapping[str, int | None], count: int, place: str, *, outputs: Sequence[str] = ()) -> list[str]:
    """The outputs that have a value for each class, in their order; of two classes, else those that have a single value.

    Args:
        found: outputs that may answer → their `width`; None: any.
        count: class names.
        outputs: all that there are, each with its type and shape, as errors list them.

    Raises:
        CheckpointError: if there is none, saying what was found.
    """
    for fitting in (count, None, *([1] if count == 2 else [])) if count > 1 else ():
        if names := [name for name, values in found.items() if values == fitting]:
            return names
    if widths := [values for values in found.values() if values]:
        expected = (
            "two class names, the negative one first,"
            if widths == [1]
            else f"{_either(widths)} class names, one for each output,"
        )
        raise CheckpointError(f"{place}: expected {expected} found {count:,}; pass --classes FILE")
    listed = ", ".join(printable(one)[:80] for one in list(outputs or found)[:5]) or "no output"
    if any("map(" in one for one in outputs):
        way = "export it with zipmap=False"
    elif outputs and not any("float" in one or "double" in one for one in outputs):
        way = "export the scores of all classes, not the predicted class alone (without argmax)"
    else:
        way = "export it so"
    raise CheckpointError(
        f"{place}: expected an output (B, K) of logits or probabilities as float numbers, found {listed}; {way}"
    )


def _either(widths: Sequence[int]) -> str:
    return " or ".join(f"{one:,}" for one in dict.fromkeys(widths))


def standing(name: str) -> int:
    """How much a name says that an output holds the scores of the classes: 0 the most, 4 that it holds something else."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    if any(word.startswith(_OTHERS) or word in _WHOLE_OTHERS for word in words):
        return 4
    for number, begins in enumerate((_LOGITS, _SHARES, _ANSWERS)):
        if any(word.startswith(begins) or (begins is _ANSWERS and word == "out") for word in words):
            return number
    return 3


def answering(found: Mapping[str, np.ndarray], place: str) -> tuple[str, str | None]:
    """(the output that answers, what a person should know of that choice).

    By its name; outputs that say the same, as logits and their softmax, need no choice.

    Args:
        found: the outputs that may answer, in their order → what they gave for the same images, (B, K).

    Raises:
        CheckpointError: if several with names that are as good say different things.
    """
    name = min(found, key=standing)  # of several, the first
    others = [other for other in found if other != name and not _same(found[name], found[other])]
    if not others:
        return name, None
    if rivals := [other for other in others if standing(other) == standing(name)]:
        raise CheckpointError(
            f"{place}: expected one output with a value for each class, found {_listed([name, *rivals])}, which say different things; "
            "export the one that answers alone, or call it logits"
        )
    return (
        name,
        f"of its outputs {_listed([name, *others])}, which have a value for each class, {printable(name)[:40]} is read",
    )


def _listed(names: Sequence[str]) -> str:
    shown = [printable(name)[:40] for name in names]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(_shares(one), _shares(other), atol=_SAME))


def _shares(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    total = values.sum(axis=1, keepdims=True)
    if values.shape[1] > 1 and values.min() >= 0 and np.allclose(total, total[0], rtol=0.01) and total[0] > 0:
        return np.asarray(values / total)
    if values.shape[1] == 1:
        return values
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def require_classes_in_order(
    name: str, values: np.ndarray, beside: Mapping[str, np.ndarray], *, ranked: bool, place: str
) -> None:
    """Refuse scores that are sorted: which class each is of, their place does not say.

    Args:
        name: the output's.
        values: (B, K), what it gave.
        beside: the other outputs → what they gave.
        ranked: whether the graph sorts it.

    Raises:
        CheckpointError: if it is sorted, and the graph or another output with the places of classes says so.
    """
    places = [other for other, whole in beside.items() if is_sorted(values) and _are_places(whole, values)]
    if ranked or places:
        by = f" beside {printable(places[0])[:40]}, the classes that they are of" if places else ""
        raise CheckpointError(
            f"{place}: expected a value for each class, found the highest ones in {printable(name)[:40]}, sorted{by}; {ALL_SCORES}"
        )


def is_sorted(values: np.ndarray) -> bool:
    """Whether every row (B, K) falls, or every row rises."""
    steps = np.diff(values.astype(np.float64), axis=1)
    return values.shape[1] > 1 and bool((steps <= 0).all() or (steps >= 0).all()) and bool(steps.any())


def _are_places(whole: np.ndarray, values: np.ndarray) -> bool:
    """Whether an output holds a different whole number for each value of a row."""
    if whole.dtype.kind not in "iuf" or whole.size != values.size or len(whole) != len(values):
        return False
    rows = np.sort(whole.reshape(values.shape).astype(np.float64), axis=1)
    return bool((rows == np.round(rows)).all() and rows.min() >= 0 and (np.diff(rows, axis=1) > 0).all())


def is_sorted_beyond_chance(logits: np.ndarray) -> bool:
    """Whether every row falls although its values vary so much that they would not if they were those of classes.

    Each step between neighbors is taken as normal, with the mean and standard deviation that it has over the rows, as shares of
    the row's range.  Classes whose order is always the same, as of a network that answers alike to all noise, are no evidence.

    Args:
        logits: (B, K), for images that differ.
    """
    from scipy.stats import norm

    values = logits.astype(np.float64)
    steps = -np.diff(values, axis=1)
    spread = np.ptp(values, axis=1)
    if values.shape[1] < 3 or (steps < 0).any() or not (spread > 0).all():
        return False
    steps = steps / spread[:, None]
    steps = steps[:, (steps > 0).all(axis=0)]
    likely = norm.logcdf(steps.mean(axis=0) / np.maximum(steps.std(axis=0), 1e-9)).sum() * len(values)
    return bool(likely < np.log(_CHANCE))


_CHANCE = 1e-3

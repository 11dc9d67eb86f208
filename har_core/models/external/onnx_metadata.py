"""What an ONNX file says of itself → how it is fed, unless a person says otherwise."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args

from har_core.data.transforms import Fit, Interpolation, Preprocessing
from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.external.options import ModelOptions, require_divisor

KEYS = (
    "classes",
    "crop_size",
    "resize",
    "mean",
    "std",
    "interpolation",
    "fit",
    "crop_down",
    "temperature",
    "views",
)
_PLAIN = ("interpolation", "fit")
_MAX_LITERAL = 2**17  # characters
_UNSAID = "mean 0 and std 1, with which Ultralytics feeds its classifiers"


class Told(NamedTuple):
    """`values`: by key.  `notes`: what was taken that the file does not say in so many words."""

    values: dict[str, Any]
    notes: tuple[str, ...] = ()


def told_of(found: Mapping[str, str], options: ModelOptions, place: str) -> Told:
    """The metadata that `options` do not overrule, read.

    Raises:
        CheckpointError: if one of them cannot be read, naming the flag that overrules it.
    """
    told: dict[str, Any] = {}
    for key in KEYS:
        if key not in found or getattr(options, key, None) is not None:
            continue
        told[key] = _read(key, found[key], place)
        if told[key] is None and key != "views":
            del told[key]
    if "task" in found and "names" in found:
        return _ultralytics(found, told, options, place)
    return Told(told)


def feeding(told: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values as `ModelSpec` has them.

    Args:
        told: with `crop_size`, `mean` and `std`.

    Raises:
        CheckpointError: if one is something else.
    """
    values = {
        key: _converted(key, *_FED[key], value, place)
        for key, value in {**told, "resize": told.get("resize", told["crop_size"])}.items()
        if key in _FED
    }
    require_divisor(values.get("std", ()), place)
    pixels = {key: values.pop(key) for key in ("mean", "std", "interpolation", "fit", "crop_down") if key in values}
    return {**values, "preprocessing": Preprocessing(**pixels)}


def _three(value: Any) -> tuple[float, ...]:
    return (float(value),) * 3 if isinstance(value, int | float) else tuple(map(float, value))


def _side(value: Any) -> int:
    sides = value if isinstance(value, list | tuple) else [value]
    if len({*map(str, sides)}) != 1:
        raise ValueError("not a square")
    return int(sides[0])


def _one_of(names: tuple[str, ...]) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if value not in names:
            raise ValueError("another")
        return str(value)

    return convert


_FED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "crop_size": (_side, "a side in pixels"),
    "resize": (_side, "a side in pixels"),
    "mean": (_three, "three numbers"),
    "std": (_three, "three numbers"),
    "interpolation": (_one_of(get_args(Interpolation)), "bilinear or bicubic"),
    "fit": (_one_of(get_args(Fit)), "crop or squash"),
    "crop_down": (bool, "true or false"),
    "temperature": (float, "a number"),
    "views": (lambda value: tuple(map(str, value)), "a list of views"),
}
"""Key → how its value is read, and what it is."""


def _converted(key: str, convert: Callable[[Any], Any], what: str, value: Any, place: str) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(
            f"{place}: expected {what} in its metadata {key}, found {printable(repr(value))[:60]}; {_way(key)}"
        ) from error


def _read(key: str, text: str, place: str) -> Any:
    try:
        value = json.loads(text)
        if key != "classes" or not isinstance(value, str):
            return value
        text = value
    except (ValueError, RecursionError):
        pass
    if key in _PLAIN and text.strip().isalpha():
        return text.strip().lower()
    if len(text) <= _MAX_LITERAL and text.lstrip()[:1] in ("[", "(", "{"):
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            pass
    elif key == "classes" and any(separator in text for separator in ",\n"):
        return [name.strip() for name in (text.splitlines() if "\n" in text else text.split(",")) if name.strip()]
    elif key in ("mean", "std") and "," in text:
        return text.split(",")
    raise CheckpointError(f"{place}: expected JSON in its metadata {key}, found {printable(text)[:60]!r}; {_way(key)}")


def _way(key: str) -> str:
    if key not in ModelOptions.__dataclass_fields__:
        return "write it so"
    return f"pass --{key.replace('_', '-')}{' FILE' if key == 'classes' else ''}"


def _ultralytics(found: Mapping[str, str], told: dict[str, Any], options: ModelOptions, place: str) -> Told:
    """`names`, `imgsz` and `task`, as Ultralytics writes them into its files."""
    if (task := found["task"].strip("\"' ")) != "classify":
        raise CheckpointError(
            f"{place}: expected a classifier, found a network that was made to {printable(task)[:30]}; export one with task classify"
        )
    if "classes" not in told and options.classes is None:
        told["classes"] = _read("classes", found["names"], place)
    if "crop_size" not in told and options.crop_size is None and "imgsz" in found:
        told["crop_size"] = _read("crop_size", found["imgsz"], place)
    unsaid = [key for key in ("mean", "std") if key not in told and getattr(options, key) is None]
    if len(unsaid) != 2:
        return Told(told)
    return Told(
        {**told, "mean": [0.0] * 3, "std": [1.0] * 3}, (f"{place} does not say its mean and std: taken are {_UNSAID}",)
    )

"""What a person may say of a model whose own files do not say it, and how such files are read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from har_core.data.transforms import Fit, Interpolation, Preprocessing
from har_core.errors import CheckpointError, RunError
from har_core.files import as_written, printable
from har_core.models.spec import ModelSpec
from har_core.runs.class_names import MAX_NAME, check_class_names, class_key
from har_core.runs.manifest import View

_POINTER = b"version https://git-lfs"
_MAX_CONFIG = 8 * 2**20
_HIGHEST = 3
"""Of a mean or standard deviation of values in [0, 1]: networks whose input is in [-1, 1] or not divided have at most 1."""


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Values that overrule those of the model's files; None: theirs hold.

    `classes`: names in the order of the outputs.  The others as in `ModelSpec` and `Preprocessing`.
    """

    classes: tuple[str, ...] | None = None
    crop_size: int | None = None
    resize: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    interpolation: Interpolation | None = None
    fit: Fit | None = None
    views: tuple[View, ...] | None = None

    @property
    def feeds(self) -> bool:
        """Whether anything is said of how photos are fed."""
        return any(
            value is not None
            for value in (self.crop_size, self.resize, self.mean, self.std, self.interpolation, self.fit)
        )

    def apply(self, spec: ModelSpec) -> ModelSpec:
        """A spec with these values in place of its own.

        Raises:
            CheckpointError: if one is out of its range, a standard deviation is 0, a mean or standard deviation is of values from 0 to
                255, or there are more or fewer classes.
        """
        if self.classes is not None and len(self.classes) != len(spec.classes):
            raise CheckpointError(
                f"expected {len(spec.classes)} class names, one for each output, found {len(self.classes)}; check --classes"
            )
        pixels: dict[str, Any] = {
            name: value
            for name in ("mean", "std", "interpolation", "fit")
            if (value := getattr(self, name)) is not None
        }
        preprocessing = replace(spec.preprocessing, **pixels)
        require_divisor(preprocessing.std)
        _require_unit_range(preprocessing)
        crop = spec.crop_size if self.crop_size is None else self.crop_size
        resize = max(spec.resize if self.crop_size is None else 0, crop) if self.resize is None else self.resize
        return replace(
            spec,
            classes=self.classes or spec.classes,
            crop_size=crop,
            resize=resize,
            preprocessing=preprocessing,
            views=self.views or spec.views,
        )


def _require_unit_range(preprocessing: Preprocessing) -> None:
    """Refuse what can only be meant for values from 0 to 255: the predictions would be silently wrong.

    Raises:
        CheckpointError: naming the values, and what they are divided by.
    """
    for name in ("mean", "std"):
        values = getattr(preprocessing, name)
        if any(abs(value) > _HIGHEST for value in values):
            found, divided = (",".join(f"{value / by:.4g}" for value in values) for by in (1, 255))
            raise CheckpointError(
                f"expected --{name} of values in [0, 1], found {found}, of values from 0 to 255; divide it by 255: --{name} {divided}, "
                "and the other of --mean and --std too if it is of such values"
            )


def require_divisor(std: Sequence[float], place: str = "") -> None:
    """Raises:
    CheckpointError: if a standard deviation is 0 or less, saying what to pass in its place.
    """
    if any(value <= 0 for value in std):
        raise CheckpointError(
            f"{place and f'{place}: '}expected a standard deviation above 0, by which colors are divided, found "
            f"{','.join(f'{value:.4g}' for value in std)}; pass the --std that the network was trained with, or --std 1,1,1 if it "
            "divides by none"
        )


def read_config(path: Path) -> dict[str, Any]:
    """A JSON table.

    Raises:
        CheckpointError: if it is missing, too large, or something else.
    """
    place = printable(path.name)
    try:
        if (size := path.stat().st_size) > _MAX_CONFIG:
            raise CheckpointError(f"{place}: expected at most {_MAX_CONFIG:,} bytes, found {size:,}; check the folder")
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"expected a JSON table in {place}, found none that can be read; check the folder"
        ) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"expected a JSON table in {place}, found something else; check the folder")
    return values


def class_names(names: Sequence[Any] | dict[Any, Any], count: int) -> tuple[str, ...]:
    """Names of `count` outputs, as a run can have them: those that occur several times get their number.

    Args:
        names: in their order, or output → name, or name → output.

    Raises:
        CheckpointError: if there are more or fewer, or other than texts.
    """
    if isinstance(names, dict):
        if names and all(isinstance(number, int) and not isinstance(number, bool) for number in names.values()):
            names = {number: name for name, number in names.items()}
        by_number = {str(number): name for number, name in names.items()}
        if by_number.keys() != {str(number) for number in range(min(count, len(by_number) + 1))}:
            raise CheckpointError(
                f"expected class names for {count:,} outputs, found {len(names):,} with other numbers; pass --classes FILE"
            )
        names = [by_number[str(number)] for number in range(count)]
    if len(names) != count:
        raise CheckpointError(f"expected {count:,} class names, found {len(names):,}; pass --classes FILE")
    if odd := [name for name in names if not isinstance(name, str) or not name.strip()]:
        raise CheckpointError(
            f"expected class names as texts, found {printable(repr(odd[0]))[:40]}; pass --classes FILE"
        )
    short = [as_written(name.strip(), marks=False)[: MAX_NAME - 8] for name in names]
    keys = Counter(map(class_key, short))
    told = tuple(f"{name} ({number})" if keys[class_key(name)] > 1 else name for number, name in enumerate(short))
    try:
        check_class_names(told)
    except RunError as error:
        raise CheckpointError(f"{error}; pass --classes FILE") from error
    return told


def require_no_pointer(path: Path) -> None:
    """Raises:
    CheckpointError: if Git has left a pointer in place of a large file.
    """
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise CheckpointError(
                f"{printable(path.name)}: expected weights, found a pointer of Git LFS; run git lfs pull"
            )


def require_finite(state: dict[str, Tensor], place: str) -> None:
    """Raises:
    CheckpointError: naming the first tensor that is not all numbers.
    """
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(
                f"{place}: expected finite weights, found NaN or infinity in {printable(name)[:80]}; export the model again"
            )

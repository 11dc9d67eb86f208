"""run.json as anyone may have written it → a manifest whose every value can be used, or one clear error."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from har_core.errors import RunError
from har_core.runs import legacy_card
from har_core.runs.class_names import MAX_NAME, can_be_shown, check_class_names
from har_core.runs.file_names import LEGACY_MANIFEST, MANIFEST
from har_core.runs.run_names import MAX_BYTES

FORMAT: Final = "har-lens-run/2"
TRAINING: Final = "training"
COMPLETE: Final = "complete"

_MAX_SIZE = 4 * 2**20  # bytes
_MAX_TEXT = 2000
_EXPECTED = {
    "model_type": "a table",
    "dict_type": "a table",
    "tuple_type": "a list",
    "string_type": "text",
    "string_pattern_mismatch": "64 hexadecimal digits",
    "recursion_loop": "nested less deeply",
}


def _printable(length: int, rule: Callable[[str], bool] = str.isprintable) -> AfterValidator:
    def check(value: str) -> str:
        if not 1 <= len(value) <= length or not rule(value):
            raise PydanticCustomError("text", "text of 1 to {length} printable characters", {"length": length})
        return value

    return AfterValidator(check)


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    check_class_names(names)
    return names


def _counts(config: dict[str, Any]) -> dict[str, Any]:
    """The values of a configuration that are computed with, checked."""
    for name in ("epochs", "soup_size"):
        value = config.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**9:
            raise PydanticCustomError(
                "count", "a table with a whole number from 1 to 1000000000 for {name}", {"name": name}
            )
    return config


Name = Annotated[StrictStr, _printable(MAX_NAME)]
Title = Annotated[StrictStr, _printable(MAX_BYTES, can_be_shown)]
Text = Annotated[StrictStr, _printable(_MAX_TEXT)]
Count = Annotated[StrictInt, Field(ge=1, le=10**9)]
Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Sha256 = Annotated[StrictStr, Field(pattern="^[0-9a-f]{64}$")]
if TYPE_CHECKING:
    JsonTable = dict[str, Any]  # who reads a value knows its type
else:
    JsonTable = dict[str, JsonValue]


class _Record(BaseModel):
    """A table of the manifest.  Keys that it does not know are kept.

    Raises:
        RunError: naming the place, what is expected there and what was found, if a value cannot be right.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)
    place: ClassVar[str] = ""

    @model_validator(mode="wrap")
    @classmethod
    def _or_run_error(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            raise RunError(_sentence(error, cls.place)) from error


View = Literal["center", "whole", "evidence"]
"""A part of a photo that a model looks at (see `inference.views`)."""

CENTER_ALONE: tuple[View, ...] = ("center",)


def in_order(views: Iterable[str]) -> tuple[View, ...]:
    """The known ones of these views, each once; the evaluation crop's if there is none."""
    known: tuple[View, ...] = get_args(View)
    return tuple(view for view in known if view in set(views)) or CENTER_ALONE


Fit = Literal["crop", "squash"]
"""How a photo becomes a square: by its shorter side, so that the ends of the longer one are lost, or without its aspect."""

Explanation = Literal["closed form", "gradient", "attention", "occlusion"]
"""How a network's class maps are made (see `cam`): only those of closed form add up to the logits."""


class ModelInfo(_Record):
    """The network.  `crop_size`: side of the square that it sees; `resize`: shorter side before cropping; in pixels.

    `fit`: how the photo was resized.  `views`: the parts of a photo that answered; the class maps cover the whole photo if one of them does, else the crop.
    `explanation`: how the class maps were made; `temperature`: what logits were divided by; `calibrated_on`: the photos it was fitted on, None if it was not.
    """

    place = "model"

    architecture: Name | None = None
    stride_placement: Name | None = None
    crop_size: Count = 224
    resize: Count = 256
    fit: Fit = "crop"
    views: Annotated[tuple[View, ...], AfterValidator(in_order)] = CENTER_ALONE
    starting_weights: Text | None = None
    explanation: Explanation = "closed form"
    temperature: Annotated[float, Field(ge=0.05, le=20, allow_inf_nan=False)] = 1.0
    calibrated_on: Text | None = None


class DataInfo(_Record):
    """The photos.  `train` and `test`: numbers of photos that it learned from, and that it was evaluated on.

    `eval_split`: which photos the latter are: the test set, or a dev set cut from the training set.  `skipped`: photos
    that could not be used, with the reason.  Both lists may be the first of more: the `_count` says how many there are
    in all, None if the list is complete.  `calibration`: the number of photos that the temperature was fitted on.
    `corrections`: the files that changed labels or left photos out, with their SHA-256; `labels_changed` and `left_out` say of
    how many photos.  `test_names_sha256`: of the sorted names, joined by line feeds.
    """

    place = "data"

    train: Count | None = None
    test: Count | None = None
    eval_split: Literal["test", "dev"] = "test"
    split: Text | None = None
    near_duplicates_dropped: tuple[StrictStr, ...] = ()
    near_duplicates_dropped_count: Count | None = None
    skipped: tuple[StrictStr, ...] = ()
    skipped_count: Count | None = None
    calibration: Count | None = None
    corrections: tuple[Text, ...] = ()
    labels_changed: Count | None = None
    left_out: Count | None = None
    test_names_sha256: Sha256 | None = None


class TrainingInfo(_Record):
    """The training.  `epoch`: the one whose weights are shipped, from 1; `epochs`: of all trainings of the soup.

    `checkpoint`: whether `epoch` is the most accurate one or the last; `selected_on`: the photos that decided.
    """

    place = "training"

    epoch: Count | None = None
    epochs: Count | None = None
    seconds: Annotated[StrictInt, Field(ge=0)] | None = None
    soup_size: Count = 1
    checkpoint: Literal["best", "last"] | None = None
    selected_on: Text | None = None


class Scores(_Record):
    """Scores on `n` photos, in [0, 1], higher is better; `accuracy_interval`: 95 %, from low to high."""

    place = "scores"

    accuracy: Share
    accuracy_interval: tuple[Share, Share]
    macro_f1: Share
    n: Count


class FileEntry(BaseModel):
    """A file of the run: size in bytes, and SHA-256 in hexadecimal digits."""

    model_config = ConfigDict(frozen=True)

    bytes: Annotated[StrictInt, Field(ge=0)]
    sha256: Sha256


Probabilities = Literal["all", "top", "confidence", "none"]
"""What is known of the probabilities of a run's predictions.

`all`: of every class.  `top`: of the few most probable; what is left is spread evenly over the others.  `confidence`: of the
predicted class alone; the rest likewise.  `none`: nothing but the predicted class, which is stored with probability 1.
"""


class Manifest(_Record):
    """What a run is, and which files it consists of.  `probabilities`: how much of those of its predictions is known."""

    format: Literal["har-lens-run/2"] = FORMAT
    status: Literal["training", "complete"]
    title: Title | None = None
    note: Text | None = None
    source: Text | None = None
    created: Name | None = None
    classes: Annotated[tuple[StrictStr, ...], AfterValidator(_checked)]
    model: ModelInfo = ModelInfo()
    data: DataInfo = DataInfo()
    training: TrainingInfo = TrainingInfo()
    config: Annotated[JsonTable, AfterValidator(_counts)] = Field(default_factory=dict)
    scores: Scores | None = None
    probabilities: Probabilities = "all"
    machine: JsonTable = Field(default_factory=dict)
    versions: JsonTable = Field(default_factory=dict)
    files: dict[str, FileEntry] = Field(default_factory=dict)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run folder: `run.json`, else the `card.json` of an earlier version.

    Raises:
        RunError: naming the file, what was expected and what was found.
    """
    name = MANIFEST if (folder / MANIFEST).exists() or not (folder / LEGACY_MANIFEST).exists() else LEGACY_MANIFEST
    place = f"{folder.name}/{name}"
    try:
        if (size := (folder / name).stat().st_size) > _MAX_SIZE:
            raise ValueError(f"it has {size:,} bytes, a manifest at most {_MAX_SIZE:,}")
        text = (folder / name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RunError(f"expected a run's manifest in {place}, found none that can be read ({reason})") from error
    return _parse(text, place, legacy=name == LEGACY_MANIFEST)


def dump_manifest(manifest: Manifest) -> str:
    """A manifest as the text of its file, checked by the rule of `read_manifest`.

    Raises:
        RunError: if it could not be read back.
    """
    values = manifest.model_dump(mode="json", exclude_none=True)
    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    if (size := len(text.encode())) > _MAX_SIZE:
        raise RunError(f"{MANIFEST}: expected at most {_MAX_SIZE:,} bytes, found {size:,}; name fewer skipped photos")
    _parse(text, MANIFEST)
    return text


def _parse(text: str, place: str, *, legacy: bool = False) -> Manifest:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{place}: expected JSON, found what cannot be read ({error}); copy the run again") from error
    if isinstance(values, dict) and "format" not in values:
        values["format"] = None  # the default is for manifests that are made here
    try:
        return Manifest.model_validate(legacy_card.upgrade(values, to=FORMAT) if legacy else values)
    except RunError as error:
        raise RunError(f"{place}: {error}; copy the run again") from error


def _sentence(error: ValidationError, place: str) -> str:
    """'expected model.crop_size to be greater than or equal to 1, found -1', of the first of the errors."""
    first = error.errors(include_url=False)[0]
    parts = [*([place] if place else []), *map(str, first["loc"])]
    where = ".".join(parts[:4]) or "the manifest"
    if first["type"] == "missing":
        return f"expected {where}, found nothing"
    expected = _EXPECTED.get(first["type"]) or first["msg"].removeprefix("Input should be ")
    found = reprlib.repr(first["input"])  # never deeper than a few levels, whatever is in it
    return f"expected {where[:MAX_NAME]} to be {expected}, found {found if len(found) <= 80 else found[:79] + '…'}"

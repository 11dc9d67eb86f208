"""Metadata of ONNX files as other tools write them, and what overrules them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from har_core.errors import CheckpointError
from har_core.models.external.onnx_metadata import feeding, told_of
from har_core.models.external.options import ModelOptions, class_names

NAMES = ("a cat", "b", "c'd")
PLACE = "m.onnx"
FED: dict[str, Any] = {"crop_size": 64, "mean": [0.5] * 3, "std": [0.5] * 3}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(NAMES),
        json.dumps(dict(enumerate(NAMES))),
        json.dumps({name: number for number, name in enumerate(NAMES)}),
        repr(list(NAMES)),
        repr(NAMES),
        repr(dict(enumerate(NAMES))),
        ",".join(NAMES),
        ", ".join(NAMES),
        "\n".join(NAMES) + "\n",
        json.dumps(",".join(NAMES)),
    ],
)
def test_class_names(text: str) -> None:
    assert class_names(told_of({"classes": text}, ModelOptions(), PLACE).values["classes"], 3) == NAMES


@pytest.mark.parametrize(
    ("key", "text", "flag"),
    [
        ("classes", "[a, b]", "--classes FILE"),
        ("classes", "__import__('os')", "--classes FILE"),
        ("classes", "[" * 100_000, "--classes FILE"),
        ("classes", "cat", "--classes FILE"),
        ("mean", "x", "--mean"),
        ("interpolation", "{", "--interpolation"),
        ("crop_size", "64px", "--crop-size"),
        ("temperature", "hot", "write it so"),
    ],
)
def test_what_cannot_be_read_names_the_flag(key: str, text: str, flag: str) -> None:
    with pytest.raises(CheckpointError, match=flag):
        told_of({key: text}, ModelOptions(), PLACE)


@pytest.mark.parametrize(
    ("key", "value", "flag"),
    [
        ("crop_size", [64, 48], "--crop-size"),
        ("mean", ["x"], "--mean"),
        ("interpolation", "lanczos", "--interpolation"),
        ("interpolation", ["bilinear"], "--interpolation"),
        ("fit", "stretch", "--fit"),
        ("resize", float("inf"), "--resize"),
    ],
)
def test_what_is_something_else_names_the_flag(key: str, value: Any, flag: str) -> None:
    with pytest.raises(CheckpointError, match=flag):
        feeding(FED | {key: value}, PLACE)


def test_flags_overrule_what_cannot_be_read() -> None:
    broken = dict.fromkeys(("classes", "crop_size", "resize", "mean", "std", "interpolation", "fit"), "?!")
    options = ModelOptions(
        classes=NAMES, crop_size=64, resize=72, mean=(0.5,) * 3, std=(0.5,) * 3, interpolation="bicubic", fit="crop"
    )
    assert told_of(broken, options, PLACE).values == {}


def test_plain_words_and_null() -> None:
    found = {"interpolation": "bicubic", "fit": " Squash ", "temperature": "null", "mean": "0.1,0.2,0.3", "std": "0.5"}
    told = told_of(found | {"crop_size": "[64, 64]"}, ModelOptions(), PLACE).values
    fed = feeding(told, PLACE)
    pixels = fed["preprocessing"]
    assert (pixels.interpolation, pixels.fit, pixels.mean, pixels.std) == (
        "bicubic",
        "squash",
        (0.1, 0.2, 0.3),
        (0.5,) * 3,
    )
    assert fed["crop_size"] == fed["resize"] == 64 and "temperature" not in fed


ULTRALYTICS = {"names": repr(dict(enumerate(NAMES))), "imgsz": "[64, 64]", "task": "classify", "stride": "1"}


def test_ultralytics() -> None:
    told = told_of(ULTRALYTICS, ModelOptions(), PLACE)
    assert class_names(told.values["classes"], 3) == NAMES and len(told.notes) == 1
    fed = feeding(told.values, PLACE)
    assert fed["crop_size"] == 64 and fed["preprocessing"].mean == (0, 0, 0) and fed["preprocessing"].std == (1, 1, 1)
    own = told_of(ULTRALYTICS, ModelOptions(mean=(0.5,) * 3, std=(0.5,) * 3, classes=NAMES), PLACE)
    assert own.values.keys() == {"crop_size"} and not own.notes
    with pytest.raises(CheckpointError, match="detect"):
        told_of(ULTRALYTICS | {"task": "detect"}, ModelOptions(), PLACE)

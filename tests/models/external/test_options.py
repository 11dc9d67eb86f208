"""What a person says of a model in place of its files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from har_core.data.transforms import IMAGENET, Preprocessing
from har_core.errors import CheckpointError
from har_core.models.external.options import ModelOptions, class_names
from har_core.models.spec import ModelSpec

SPEC = ModelSpec(("a", "b"))


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((123.7, 116.3, 103.5), (58.4, 57.1, 57.4)),
        ((123.7, 116.3, 103.5), (1.0, 1.0, 1.0)),
        ((-123.7, 0.0, 0.0), None),
        (None, (58.4, 57.1, 57.4)),
        ((0.5, 0.5, 103.5), None),
    ],
)
def test_values_from_0_to_255_are_refused_with_what_they_are_in_others(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> None:
    with pytest.raises(CheckpointError, match="divide it by 255") as caught:
        ModelOptions(mean=mean, std=std).apply(SPEC)
    wrong = mean if mean is not None else std
    assert wrong is not None and ",".join(f"{value / 255:.4g}" for value in wrong) in str(caught.value)


def test_a_models_own_files_may_have_them_too() -> None:
    spec = replace(SPEC, preprocessing=Preprocessing((123.7, 116.3, 103.5), (58.4, 57.1, 57.4)))
    with pytest.raises(CheckpointError, match="255"):
        ModelOptions().apply(spec)
    assert ModelOptions(mean=IMAGENET.mean, std=IMAGENET.std).apply(spec).preprocessing == IMAGENET


@pytest.mark.parametrize(
    ("mean", "std"),
    [((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), ((0.0, 0.0, 0.0), (1 / 255,) * 3), ((-1.0, 1.0, 0.0), (2.0,) * 3)],
)
def test_values_that_networks_have(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    found = ModelOptions(mean=mean, std=std).apply(SPEC).preprocessing
    assert (found.mean, found.std) == (mean, std)


@pytest.mark.parametrize("name", ["می\u200cخواهم", "क\u094d\u200dष", "9.41\u202fAM", "\u2764\ufe0f love", "a\xa0b"])
def test_class_names_are_kept_as_people_write_them(name: str) -> None:
    assert class_names([name, "b"], 2) == (name, "b")
    assert class_names({"0": name, "1": "b"}, 2) == (name, "b")


@pytest.mark.parametrize("name", ["a\u202eb", "a\x1b[2Jb", "caf\udce9", "a\u200fb", "a\u2066b"])
def test_what_no_class_may_have_is_escaped(name: str) -> None:
    found, _ = class_names([name, "b"], 2)
    assert found.isprintable() and found.startswith(name[0]) and "\\" in found


def test_zero_is_not_taken_for_nothing() -> None:
    for options in (ModelOptions(crop_size=0), ModelOptions(resize=0)):
        with pytest.raises(CheckpointError, match="crop_size"):
            options.apply(SPEC)


@pytest.mark.parametrize("std", [(0.0, 0.0, 0.0), (0.5, -0.5, 0.5)])
def test_nothing_is_divided_by_0(std: tuple[float, ...]) -> None:
    with pytest.raises(CheckpointError, match=r"above 0.*--std 1,1,1"):
        ModelOptions(std=std).apply(SPEC)

"""Columns of numbers beside those of the classes: none of them becomes a class, and no class is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_core.errors import DataError
from tests.imports.making import frame, read, text

CHANCES = np.random.default_rng(0).dirichlet(np.ones(3), 40)
LABELS = ["cat", "dog"] * 20
NAMES = ("cat", "cow", "dog")
COUNT = len(CHANCES)
LATENCY = np.random.default_rng(1).uniform(0.011, 0.017, COUNT)


def columns(before: dict[str, Any], after: dict[str, Any], chances: np.ndarray = CHANCES) -> dict[str, Any]:
    files = {"file": [f"{number}.jpg" for number in range(COUNT)], "label": LABELS}
    return {**files, **before, **{name: chances[:, number] for number, name in enumerate(NAMES)}, **after}


OTHERS = {
    "all zero": [0] * COUNT,
    "zero with a gap": [0.0, None] * (COUNT // 2),
    "zero and one": [0, 1] * (COUNT // 2),
    "seconds": LATENCY,
    "rounded seconds": LATENCY.round(2),
    "pixels": [640] * COUNT,
    "a share": np.linspace(0, 1, COUNT),
    "a negative share": np.linspace(-1, 0.5, COUNT),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("scale", [1, 100])
def test_it_is_no_class(other: str, kind: str, scale: int, tmp_path: Path) -> None:
    """Beside a class that has no photo, whose column is kept."""
    for before, after in (
        ({other: OTHERS[other]}, {}),
        ({}, {other: OTHERS[other]}),
        ({}, {other: OTHERS[other], "width": [9] * COUNT}),
    ):
        found = read(frame(columns(before, after, CHANCES * scale), f"t.{kind}")(tmp_path)).predictions
        assert found.classes == NAMES
        np.testing.assert_allclose(found.probabilities, CHANCES, atol=1e-6)


@pytest.mark.parametrize("places", [2, 3, 6])
def test_rounding_costs_no_class(places: int, tmp_path: Path) -> None:
    chances = np.random.default_rng(places).dirichlet([3, 0.02, 3], COUNT).round(places)
    assert read(frame(columns({}, {"seconds": LATENCY}, chances))(tmp_path)).predictions.classes == NAMES
    path = text("file,label,a,b,c\n1.jpg,a,0.3333,0.6667,0.0001\n2.jpg,b,0.3333,0.6667,0.0001\n")(tmp_path)
    assert read(path).predictions.classes == ("a", "b", "c")


def test_photos_of_one_class(tmp_path: Path) -> None:
    lines = "1.jpg,cat,0.9,0.1,0.011\n2.jpg,cat,0.2,0.8,0.017\n"
    assert read(text("file,label,cat,dog,seconds\n" + lines)(tmp_path)).predictions.classes == ("cat", "dog")


def test_logits_of_a_class_without_photos_need_to_be_told(tmp_path: Path) -> None:
    """Nothing tells its column from one of other numbers."""
    path = frame(columns({}, {"fold": [1, 2] * (COUNT // 2), "loss": LATENCY}, np.log(CHANCES) + 2))(tmp_path)
    with pytest.raises(DataError, match=r"\(cow\); name the classes with --classes FILE"):
        read(path)
    found = read(path, classes=NAMES).predictions
    assert found.classes == NAMES
    np.testing.assert_allclose(found.probabilities, CHANCES, atol=1e-6)


def test_a_class_that_has_photos_further_down(tmp_path: Path) -> None:
    """Its column is of nothing but 0 in the first thousand rows, and so is that of the folds."""
    lines = [f"{n}.jpg,{'ab'[n % 2]},0,{0.9 - 0.8 * (n % 2):.3g},{0.1 + 0.8 * (n % 2):.3g},0" for n in range(1500)]
    lines += [f"{n}.jpg,c,1,0,0,1" for n in range(1500, 1600)]
    found = read(text("file,label,fold,a,b,c\n" + "\n".join(lines) + "\n")(tmp_path)).predictions
    assert found.classes == ("a", "b", "c") and found.correct.all()

"""What an exported file says of itself beyond what files from elsewhere say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from har_core.errors import CheckpointError
from har_core.models.external.load import load_model
from har_core.models.external.options import ModelOptions
from tests.models.external.making import CLASSES, SIZE, onnx_file

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

TOLD: dict[str, Any] = {"classes": CLASSES, "crop_size": SIZE, "resize": 72, "mean": [0.5] * 3, "std": [0.5] * 3}


def test_views_and_rounding(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "m.onnx", maps=True, metadata=TOLD | {"views": ["center", "whole"], "crop_down": True})
    network, spec = load_model(str(path))
    assert spec.views == ("center", "whole") and spec.preprocessing.crop_down
    assert load_model(str(path), ModelOptions(views=("whole",)))[1].views == ("whole",)
    assert network.told("crop_size") == SIZE and network.told("none") is None


@pytest.mark.parametrize("views", [["nearer"], ["whole", "center"], 3, [["center"]], "center", [], {"a": 1}, None])
def test_views_that_are_none(tmp_path: Path, views: Any) -> None:
    path = onnx_file(tmp_path / "m.onnx", maps=True, metadata=TOLD | {"views": views})
    with pytest.raises(CheckpointError) as caught:
        load_model(str(path))
    assert "\n" not in str(caught.value)

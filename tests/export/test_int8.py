"""8-bit arithmetic: what is in the file, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from har_core.cam.class_maps import class_activation_maps
from har_core.cli import export_onnx as command
from har_core.errors import CheckpointError
from har_core.export import onnx_export
from har_core.export.int8 import Int8Options, quantize
from har_core.export.onnx_export import export_onnx
from har_core.inference.predictor import Predictor
from har_core.models.external.load import load_model
from har_core.runs.run import Run
from tests.export.conftest import CLASSES

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

TESTED = {f"{label}/{number:03}.png": label for number, label in enumerate(CLASSES * 68)}


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    return [torch.randn(3, 64, 64 + 32 * (number % 2)).numpy() for number in range(6)]


@pytest.fixture(scope="module", params=["percentile", pytest.param("entropy", marks=pytest.mark.slow)])
def int8(
    request: pytest.FixtureRequest, exported: Path, images: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("int8") / "m.onnx"
    quantize(exported, images, path, Int8Options(calibration=request.param))
    return path


def test_the_form_of_the_file(int8: Path, exported: Path) -> None:
    """Pairs of quantization around each operator; weights of 7 bits, one scale a channel; unsigned activations."""
    model = onnx.load(int8)
    kinds = [node.op_type for node in model.graph.node]
    assert "DequantizeLinear" in kinds and not {"QLinearConv", "ConvInteger", "DynamicQuantizeLinear"} & set(kinds)
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    weights = [values for values in stored.values() if values.dtype == np.int8 and values.ndim == 4]
    assert len(weights) == 18 and all(np.abs(values.astype(int)).max() <= 64 for values in weights)
    scales = [stored[node.input[1]] for node in model.graph.node if node.op_type == "DequantizeLinear"]
    assert any(scale.size == 512 for scale in scales)
    points = [stored[node.input[2]] for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert points and all(point.dtype == np.uint8 for point in points)
    assert int8.stat().st_size < 0.4 * exported.stat().st_size
    assert {one.key for one in model.metadata_props} >= {"classes", "precision", "views"}


def test_maps_still_add_up_to_logits(int8: Path, tiny: Predictor) -> None:
    network, spec = load_model(str(int8))
    assert Predictor(network, spec).explanation == "closed form" and spec.views == ("center", "whole", "evidence")
    found = class_activation_maps(network, torch.randn(3, 3, 64, 96))
    bias = tiny.model.get_submodule("fc").bias
    torch.testing.assert_close(found.class_maps.mean(dim=(2, 3)) + bias, found.logits, rtol=1e-3, atol=1e-3)


def test_it_answers_about_as_the_network_does(int8: Path, tiny: Predictor) -> None:
    images = torch.randn(24, 3, 64, 64)
    network, _ = load_model(str(int8))
    expected, found = (class_activation_maps(each, images).logits for each in (tiny.model, network))
    assert torch.corrcoef(torch.stack([expected.flatten(), found.flatten()]))[0, 1] > 0.98


@pytest.mark.usefixtures("quick_graph")
def test_from_the_run_to_the_file(make_run: Callable[..., Run], data: Path, tmp_path: Path) -> None:
    done = export_onnx(make_run(tested=TESTED), tmp_path / "m.onnx", int8=Int8Options(), photos=data)
    assert done.int8 is not None and done.int8.count == 204 and done.int8.measured
    assert done.speed is not None and done.speed > 0
    assert done.same.difference < 1e-3 < done.int8.difference


@pytest.mark.usefixtures("quick_graph")
def test_nonsense_is_not_kept(
    make_run: Callable[..., Run], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of weights in 8 bits whose scales are lost."""

    def wrong(path: Path, images: list[np.ndarray], to: Path, options: Int8Options) -> None:
        quantize(path, images, to, options)
        stored = onnx.load(to)
        for one in stored.graph.initializer:
            if one.name.endswith("_scale") and len(one.dims) == 1 and one.dims[0] > 3:
                values = onnx.numpy_helper.to_array(one)[::-1].copy()
                one.CopyFrom(onnx.numpy_helper.from_array(np.roll(values, 7), one.name))
            if one.name.endswith("_quantized") and len(one.dims) == 4:
                values = onnx.numpy_helper.to_array(one)
                one.CopyFrom(onnx.numpy_helper.from_array(values[::-1].copy(), one.name))
        onnx.save(stored, to)

    predictor = Predictor.from_run(run := make_run(tested=TESTED))
    chosen = onnx_export.choose_photos(run, data, compared=400, scaling=32)
    right = tuple(replace(one, label=predictor.predict(one.open(), "").predicted) for one in chosen.compared)
    monkeypatch.setattr(onnx_export, "choose_photos", lambda *_, **__: replace(chosen, compared=right))
    monkeypatch.setattr(onnx_export, "quantize", wrong)
    with pytest.raises(CheckpointError, match="points"):
        export_onnx(run, tmp_path / "m.onnx", int8=Int8Options(), photos=data)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("quick_graph")
def test_a_file_that_is_slower_is_said_to_be(
    make_run: Callable[..., Run], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "speed_ratio", lambda first, second: 0.5)
    done = export_onnx(make_run(tested=TESTED), tmp_path / "m.onnx", int8=Int8Options(), photos=data)
    assert re.search("slower.*0.50", command._lines(done)[-1])

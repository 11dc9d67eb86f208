"""ONNX files whose inputs and outputs are other than float images and logits: what they answer, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from har_core.errors import CheckpointError
from har_core.models.external.load import load_model, notes_of
from har_core.models.external.options import ModelOptions
from tests.models.external.making import SIZE, Step, onnx_file, onnx_steps
from tests.models.external.test_onnx_file import TOLD, expected

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

HALF = onnx.TensorProto.FLOAT16
SOFTMAX: Step = ("Softmax", [], {"axis": 1})
TO_HALF: Step = ("Cast", [], {"to": HALF})
IMAGES = (
    torch.randn(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    + torch.tensor([0.0, 1, -1, 2, 0.3])[:, None, None, None] * torch.tensor([1.0, 0.2, -0.5])[:, None, None]
)


@pytest.mark.parametrize(
    ("steps", "number_type", "notes"),
    [
        ([TO_HALF, SOFTMAX], HALF, 0),
        ([TO_HALF, SOFTMAX, ("Cast", [], {"to": 1})], 1, 0),
        ([SOFTMAX, ("Mul", [np.float32(100)], {})], 1, 1),
        ([SOFTMAX, ("QuantizeLinear", [np.float32(1 / 255), np.uint8(0)], {})], onnx.TensorProto.UINT8, 0),
        ([SOFTMAX, ("Unsqueeze", [np.array([2, 3])], {})], 1, 0),
        ([("LogSoftmax", [], {"axis": 1})], 1, 0),
        ([("Unsqueeze", [np.array([2, 3])], {})], 1, 0),
    ],
    ids=["half", "of-half", "percent", "8-bit", "squares", "log", "logit-squares"],
)
def test_all_say_the_same(tmp_path: Path, steps: list[Step], number_type: int, notes: int) -> None:
    model, _ = load_model(str(onnx_steps(tmp_path / "m.onnx", *steps, number_type=number_type)))
    assert torch.allclose(model(IMAGES).softmax(dim=1), expected(IMAGES).softmax(dim=1), atol=5e-3)
    assert len(notes_of(model)) == notes


def test_a_sigmoid_for_each_class(tmp_path: Path) -> None:
    end: Step = ("Reshape", [np.array([-1, 3])], {})
    model, _ = load_model(str(onnx_steps(tmp_path / "m.onnx", ("Sigmoid", [], {}), end)))
    shares = expected(IMAGES).sigmoid()
    assert torch.allclose(model(IMAGES).softmax(dim=1), shares / shares.sum(dim=1, keepdim=True), atol=1e-5)
    assert len(notes_of(model)) == 1
    hidden: list[Step] = [("Neg", [], {}), ("Exp", [], {}), ("Add", [np.float32(1)], {}), ("Reciprocal", [], {})]
    with pytest.raises(CheckpointError, match="softmax at its end"):
        load_model(str(onnx_steps(tmp_path / "m.onnx", *hidden)))


@pytest.mark.parametrize("squeezed", [False, True])
@pytest.mark.parametrize("sigmoid", [False, True])
def test_one_output_of_two_classes(tmp_path: Path, sigmoid: bool, squeezed: bool) -> None:
    cut: Step = ("Slice", [np.array([0]), np.array([1]), np.array([1])], {})
    steps = [
        cut,
        *([("Sigmoid", [], {})] if sigmoid else []),
        *([("Squeeze", [np.array([1])], {})] if squeezed else []),
    ]
    path = onnx_steps(tmp_path / "m.onnx", *steps, metadata=TOLD | {"classes": ["no", "yes"]})
    model, spec = load_model(str(path))
    assert spec.classes == ("no", "yes") and len(notes_of(model)) == 1
    assert torch.allclose(model(IMAGES).softmax(dim=1)[:, 1], expected(IMAGES)[:, 0].sigmoid(), atol=1e-5)
    with pytest.raises(CheckpointError, match="two class names"):
        load_model(str(path), ModelOptions(classes=("yes",)))


def test_features_before_the_logits(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "m.onnx")
    model = onnx.load(path)
    features, answer = onnx.ValueInfoProto(), onnx.ValueInfoProto()
    answer.CopyFrom(model.graph.output[0])
    features.CopyFrom(onnx.helper.make_tensor_value_info("features", 1, [None, 5]))
    model.graph.node.append(onnx.helper.make_node("Concat", ["logits", "logits", "logits"], ["nine"], axis=1))
    model.graph.node.append(onnx.helper.make_node("Slice", ["nine", "a", "b", "c"], ["features"]))
    for name, value in {"a": 0, "b": 5, "c": 1}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([value]), name))
    del model.graph.output[:]
    model.graph.output.extend([features, answer])
    onnx.save(model, path)
    network, _ = load_model(str(path))
    assert torch.allclose(network(IMAGES), expected(IMAGES), atol=1e-5)
    with pytest.raises(CheckpointError, match="5 or 3 class names"):
        load_model(str(path), ModelOptions(classes=("a", "b")))


def before(path: Path, operator: str, number_type: int, shape: list[Any], **attributes: Any) -> Path:
    """A file whose input goes through one operator first."""
    model = onnx.load(onnx_file(path))
    model.graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("given", number_type, shape))
    model.graph.node.insert(0, onnx.helper.make_node(operator, ["given"], ["images"], **attributes))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("shape", [["b", SIZE, SIZE, 3], ["b", "h", "w", 3], [2, SIZE, SIZE, 3], [None, None, None, 3]])
def test_channels_last(tmp_path: Path, shape: list[Any]) -> None:
    model, spec = load_model(str(before(tmp_path / "m.onnx", "Transpose", 1, shape, perm=[0, 3, 1, 2])))
    assert torch.allclose(model(IMAGES), expected(IMAGES), atol=1e-5)
    assert spec.any_size == (shape[1] != SIZE)


@pytest.mark.parametrize("number_type", [HALF, onnx.TensorProto.DOUBLE])
def test_other_floats(tmp_path: Path, number_type: int) -> None:
    model, _ = load_model(str(before(tmp_path / "m.onnx", "Cast", number_type, ["b", 3, SIZE, SIZE], to=1)))
    assert torch.allclose(model(IMAGES), expected(IMAGES), atol=5e-3)


@pytest.mark.parametrize(
    ("number_type", "shape", "fragment"),
    [
        (onnx.TensorProto.UINT8, ["b", 3, SIZE, SIZE], "0.00392157"),
        (1, ["b", 1, SIZE, SIZE], "mean"),
        (1, ["b", 4, SIZE, SIZE], "three channels"),
        (1, ["b", 3, SIZE, 96], f"{SIZE} × 96"),
        (1, ["b", 3, "h", 96], "any × 96"),
        (1, ["b", 48, SIZE, 3], f"48 × {SIZE}"),
    ],
)
def test_other_inputs_are_refused_with_a_recipe(
    tmp_path: Path, number_type: int, shape: list[Any], fragment: str
) -> None:
    with pytest.raises(CheckpointError, match=fragment):
        load_model(str(before(tmp_path / "m.onnx", "Cast", number_type, shape, to=1)))


@pytest.mark.parametrize("batch", [1, 4, "b"])
def test_batch_norms_in_training_mode(tmp_path: Path, batch: int | str) -> None:
    path = onnx_file(tmp_path / "m.onnx", shape=(batch, 3, SIZE, SIZE))
    model = onnx.load(path)
    for name, value in {"one": 1, "none": 0, "mean": 0, "var": 1}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.full(3, value, np.float32), name))
    outputs = ["normal", "mean_after", "var_after"]
    node = onnx.helper.make_node(
        "BatchNormalization", ["images", "one", "none", "mean", "var"], outputs, training_mode=1
    )
    model.graph.node.insert(0, node)
    model.graph.node[1].input[0] = "normal"
    onnx.save(model, path)
    with pytest.raises(CheckpointError, match=r"model\.eval\(\)"):
        load_model(str(path))
    del node.output[1:], node.attribute[:]
    model.graph.node[0].CopyFrom(node)
    onnx.save(model, path)
    assert len(load_model(str(path))[1].classes) == 3


def test_answers_that_depend_on_the_batch(tmp_path: Path) -> None:
    """As batch norms in training mode do that were taken apart by an exporter."""
    centered: list[Step] = [("ReduceMean", [], {"axes": [0], "keepdims": 1})]
    path = onnx_steps(tmp_path / "m.onnx", *centered, output="mean")
    model = onnx.load(path)
    model.graph.node.append(onnx.helper.make_node("Sub", ["logits", "mean"], ["answer"]))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("answer", 1, [None, 3]))
    onnx.save(model, path)
    with pytest.raises(CheckpointError, match=r"others in the batch.*model\.eval\(\)"):
        load_model(str(path))


@pytest.mark.parametrize("batch", [1, "b"])
def test_dropout_in_training_mode(tmp_path: Path, batch: int | str) -> None:
    steps: list[Step] = [("Dropout", [np.float32(0.5), np.array(True)], {"seed": 3})]
    with pytest.raises(CheckpointError, match=r"by chance.*model\.eval\(\)"):
        load_model(str(onnx_steps(tmp_path / "m.onnx", *steps, shape=(batch, 3, SIZE, SIZE))))
    steps = [("Dropout", [np.float32(0.5), np.array(False)], {})]
    model, _ = load_model(str(onnx_steps(tmp_path / "m.onnx", *steps, shape=(batch, 3, SIZE, SIZE))))
    assert torch.allclose(model(IMAGES), expected(IMAGES), atol=1e-5)


@pytest.mark.parametrize("batch", [2, "b"])
def test_8_bit_scales_that_are_found_anew_for_each_batch(tmp_path: Path, batch: int | str) -> None:
    from onnxruntime.quantization import quantize_dynamic

    path = onnx_file(tmp_path / "plain.onnx", shape=(batch, 3, SIZE, SIZE))
    quantize_dynamic(path, tmp_path / "m.onnx")
    model, _ = load_model(str(tmp_path / "m.onnx"))
    assert len(notes_of(model)) == 1
    together = model(IMAGES)
    assert torch.equal(together, torch.cat([model(image[None]) for image in IMAGES]))
    assert torch.equal(together.flip(0), model(IMAGES.flip(0)))

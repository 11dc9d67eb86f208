"""Which output of an ONNX file answers, and what is none: pure functions of names and values, and whole files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from har_core.errors import CheckpointError
from har_core.models.external.load import load_model, notes_of
from har_core.models.external.onnx_choice import (
    answering,
    candidates,
    is_sorted_beyond_chance,
    require_classes_in_order,
    standing,
    width,
)
from tests.models.external.making import CLASSES, SIZE, onnx_file, onnx_steps
from tests.models.external.test_onnx_file import TOLD, expected

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGES = torch.randn(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
K = np.array([3])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3, 15), 15), (("b", 15, 1, 1), 15), ((None, 1, 15), 15), ((3,), 1), ((3, 1), 1), (("b", "k"), None), (None, None),
        ([], None), ((3, 15, 7, 7), 0), ((3, 15, "h", "w"), None),
    ],
)  # fmt: skip
def test_widths(shape: Any, expected: int | None) -> None:
    assert width(shape) == expected


@pytest.mark.parametrize(
    ("widths", "count", "expected"),
    [
        ({"features": 32, "logits": 15}, 15, ["logits"]),
        ({"logits": 15, "more": 15}, 15, ["logits", "more"]),
        ({"any": None}, 15, ["any"]),
        ({"any": None, "logits": 15}, 15, ["logits"]),
        ({"one": 1}, 2, ["one"]),
        ({"one": 1, "both": 2}, 2, ["both"]),
    ],
)
def test_outputs_that_may_answer(widths: dict[str, int | None], count: int, expected: list[str]) -> None:
    assert candidates(widths, count, "m.onnx") == expected


@pytest.mark.parametrize(
    ("widths", "count", "outputs", "fragment"),
    [
        ({"features": 32, "logits": 15}, 14, [], "32 or 15 class names"),
        ({"one": 1}, 3, [], "two class names"),
        ({"one": 1}, 1, [], "two class names"),
        ({"map": 0}, 3, [], "found map"),
        ({}, 3, [], "no output"),
        ({}, 3, ["label of int64 (b)"], r"label of int64.*argmax"),
        ({}, 3, ["label of int64 (b)", "p of seq(map(int64,tensor(float))) ()"], "zipmap=False"),
    ],
)
def test_no_output_that_answers(widths: dict[str, int | None], count: int, outputs: list[str], fragment: str) -> None:
    with pytest.raises(CheckpointError, match=fragment):
        candidates(widths, count, "m.onnx", outputs=outputs)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("logits", "aux_logits"), ("logits", "auxLogits"), ("logits", "pre_logits"), ("scores", "boxes"), ("probs", "features"),
        ("softmaxout_1", "embedding"), ("output_0", "532"), ("logits", "output"), ("probabilities", "predictions"), ("y", "box_scores"),
        ("StatefulPartitionedCall:0", "feats"), ("class_probabilities", "outputs"),
    ],
)  # fmt: skip
def test_names(better: str, worse: str) -> None:
    assert standing(better) < standing(worse)


def test_the_output_that_answers() -> None:
    logits = np.random.default_rng(0).standard_normal((3, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert answering({"a": logits}, "m") == ("a", None)
    assert answering({"probs": shares, "logits": logits}, "m") == ("logits", None)
    assert answering({"a": logits, "b": 100 * shares}, "m") == ("a", None)
    name, note = answering({"boxes": -logits, "scores": shares}, "m")
    assert name == "scores" and note and "boxes" in note
    for pair in ({"a": logits, "b": -logits}, {"logits_1": logits, "logits_2": 2 * logits}):
        with pytest.raises(CheckpointError, match="different things"):
            answering(pair, "m")


def test_scores_beside_their_places() -> None:
    values = -np.sort(-np.random.default_rng(0).standard_normal((5, 4)), axis=1)
    places = np.array([[2, 0, 1, 3], [1, 0, 3, 2], [0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3]])
    for beside in (places, places.astype(np.float32)):
        with pytest.raises(CheckpointError, match="indices"):
            require_classes_in_order("values", values, {"indices": beside}, ranked=False, place="m")
    require_classes_in_order("probs", values[:, ::-1][:, [1, 0, 2, 3]], {"order": places}, ranked=False, place="m")
    require_classes_in_order("probs", values, {"chosen": (values > 0).astype(np.int64)}, ranked=False, place="m")
    require_classes_in_order("probs", values, {"label": places[:, 0]}, ranked=False, place="m")


@pytest.mark.parametrize("classes", [4, 15, 100])
def test_values_that_fall_beyond_chance(classes: int) -> None:
    random = np.random.default_rng(classes)
    values = random.standard_normal((64, classes))
    assert not is_sorted_beyond_chance(values)
    assert is_sorted_beyond_chance(-np.sort(-values, axis=1))
    prior = -np.arange(classes) * 2.0  # as of a network that answers alike to all noise
    assert not is_sorted_beyond_chance(prior + 0.1 * values)
    assert not is_sorted_beyond_chance(prior * random.lognormal(size=(64, 1)))


def several(path: Path, extra: list[Any], outputs: list[tuple[str, int, list[Any]]], **arrays: Any) -> Path:
    """`onnx_file` with more nodes, and these outputs: name, type, shape."""
    model = onnx.load(onnx_file(path))
    model.graph.node.extend(extra)
    for name, array in arrays.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), name))
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(*one) for one in outputs)
    onnx.save(model, path)
    return path


node = onnx.helper.make_node


@pytest.mark.parametrize("count", [2, 3])
def test_the_highest_scores_with_their_classes(tmp_path: Path, count: int) -> None:
    outputs = [("values", 1, [None, count]), ("indices", 7, [None, count])]
    top = node("TopK", ["logits", "k"], ["values", "indices"])
    path = several(tmp_path / "m.onnx", [top], outputs, k=np.array([count]))
    with pytest.raises(CheckpointError, match="without topk"):
        load_model(str(path))
    path = several(tmp_path / "n.onnx", [top], [("logits", 1, [None, 3]), *outputs], k=np.array([count]))
    model, _ = load_model(str(path))
    assert torch.allclose(model(IMAGES), expected(IMAGES), atol=1e-5)


def test_sorted_scores(tmp_path: Path) -> None:
    nodes = [node("TopK", ["logits", "k"], ["high", "places"]), node("Softmax", ["high"], ["output"])]
    path = several(tmp_path / "m.onnx", nodes, [("output", 1, [None, 3])], k=K)
    with pytest.raises(CheckpointError, match="without topk"):
        load_model(str(path))
    nodes = [nodes[0], node("GatherElements", ["logits", "places"], ["output"], axis=1)]
    with pytest.raises(CheckpointError, match="without topk"):
        load_model(str(several(tmp_path / "n.onnx", nodes, [("output", 1, [None, 3])], k=K)))


@pytest.mark.parametrize("reverse", [False, True])
def test_by_name_whatever_the_order(tmp_path: Path, reverse: bool) -> None:
    outputs = [("aux_logits", 1, [None, 3]), ("logits", 1, [None, 3])]
    path = several(tmp_path / "m.onnx", [node("Neg", ["logits"], ["aux_logits"])], outputs[:: -1 if reverse else 1])
    model, _ = load_model(str(path))
    assert torch.allclose(model(IMAGES), expected(IMAGES), atol=1e-5) and len(notes_of(model)) == 1


@pytest.mark.parametrize("classes", [CLASSES, ("no", "yes")])
@pytest.mark.parametrize("batch", [1, "b"])
def test_an_output_without_batch(tmp_path: Path, batch: int | str, classes: tuple[str, ...]) -> None:
    """Of the first photo alone."""
    count = len(classes)
    steps: list[Any] = [
        ("Slice", [np.array([0]), np.array([count]), np.array([1])], {}),
        ("Gather", [np.array(0)], {"axis": 0}),
    ]
    shape = (batch, 3, SIZE, SIZE)
    path = onnx_steps(tmp_path / "m.onnx", *steps, metadata=TOLD | {"classes": classes}, shape=shape)
    with pytest.raises(CheckpointError, match="without the batch"):
        load_model(str(path))


def test_the_predicted_class_alone(tmp_path: Path) -> None:
    path = onnx_steps(tmp_path / "m.onnx", ("ArgMax", [], {"axis": 1, "keepdims": 0}), output="label", number_type=7)
    with pytest.raises(CheckpointError, match=r"label of int64.*argmax"):
        load_model(str(path))

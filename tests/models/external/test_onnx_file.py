"""ONNX files: what is told of them, what comes out, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from har_core.cam.class_maps import class_activation_maps
from har_core.errors import CheckpointError
from har_core.inference.predictor import Predictor
from har_core.media.geometry import Box
from har_core.models.external.load import load_model
from har_core.models.external.options import ModelOptions
from har_core.models.registry import anatomy_of
from tests.conftest import COLORS, picture
from tests.models.external.making import CLASSES, SIZE, onnx_file

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def expected(images: torch.Tensor) -> torch.Tensor:
    return 4 * images.mean(dim=(2, 3)).flip(1) + torch.tensor([0.5, 0, 0])


def test_it_answers_as_onnxruntime_does(tmp_path: Path) -> None:
    model, spec = load_model(str(onnx_file(tmp_path / "m.onnx")))
    images = torch.randn(5, 3, SIZE, SIZE)
    assert torch.allclose(model(images), expected(images), atol=1e-5)
    assert (spec.classes, spec.crop_size, spec.resize, spec.any_size) == (CLASSES, SIZE, 72, True)
    answer = Predictor(model, spec).predict(picture(COLORS["green"], (90, 70)), "a.png")
    assert answer.predicted == "green" and answer.class_maps.shape == (3, 7, 7)


def test_a_fixed_batch_and_size(tmp_path: Path) -> None:
    """Batches of another number are cut and filled up."""
    model, spec = load_model(str(onnx_file(tmp_path / "m.onnx", shape=(2, 3, SIZE, SIZE))))
    images = torch.randn(5, 3, SIZE, SIZE)
    assert torch.allclose(model(images), expected(images), atol=1e-5)
    assert not spec.any_size
    predictor = Predictor(model, spec)
    part = predictor.predict(picture(COLORS["red"], (90, 70)), "a.png", Box(0, 0, 80, 20))
    assert part.input.shape == (3, SIZE, SIZE)
    with pytest.raises(CheckpointError, match="center alone"):
        load_and_predict(tmp_path / "m.onnx", views=("whole",))


def load_and_predict(path: Path, **options: Any) -> Predictor:
    return Predictor(*load_model(str(path), ModelOptions(**options)))


def test_probabilities_are_taken_as_such(tmp_path: Path) -> None:
    model, _ = load_model(str(onnx_file(tmp_path / "m.onnx", probabilities=True)))
    images = torch.randn(4, 3, SIZE, SIZE)
    assert torch.allclose(model(images).softmax(dim=1), expected(images).softmax(dim=1), atol=1e-6)


@pytest.mark.parametrize(("maps", "probabilities"), [(True, False), (True, True), (False, False)])
def test_maps_are_told_by_what_they_add_up_to(tmp_path: Path, maps: bool, probabilities: bool) -> None:
    path = onnx_file(tmp_path / "m.onnx", maps=maps, probabilities=probabilities, embeddings=True)
    model, _ = load_model(str(path))
    explanation = anatomy_of(model).explanation
    assert explanation == ("occlusion" if not maps else "gradient" if probabilities else "closed form")
    images = torch.randn(2, 3, SIZE, SIZE)
    found = class_activation_maps(model, images)
    assert found.class_maps.shape == (2, 3, *((8, 8) if maps else (7, 7))) and found.embeddings.shape == (2, 3)
    if explanation == "closed form":
        assert torch.allclose(found.class_maps.mean(dim=(2, 3)) + torch.tensor([0.5, 0, 0]), found.logits, atol=1e-5)
    if explanation == "occlusion":  # a cell that is hidden takes its share of the mean
        assert torch.allclose(found.class_maps.sum(dim=(2, 3)), 4 * images.mean(dim=(2, 3)).flip(1), atol=1e-4)


def test_flags_tell_what_the_file_does_not(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "m.onnx", metadata={})
    with pytest.raises(CheckpointError, match="--crop-size --classes --mean --std"):
        load_model(str(path))
    options = ModelOptions(
        classes=("a", "b", "c"), crop_size=48, mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0), fit="squash"
    )
    _, spec = load_model(str(path), options)
    assert (spec.classes, spec.crop_size, spec.resize) == (("a", "b", "c"), 48, 48)
    assert spec.preprocessing.mean == (0.1, 0.2, 0.3) and spec.preprocessing.fit == "squash"


TOLD = {"classes": CLASSES, "crop_size": SIZE, "resize": 72, "mean": [0.5] * 3, "std": [0.5] * 3}


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"classes": ["a", "b"]}, "3"),
        ({"classes": [f"c{n}" for n in range(5000)]}, "class names"),
        ({"classes": {"7": "a"}}, "class names"),
        ({"classes": [1, 2, 3]}, "class names"),
        ({"crop_size": 10**9}, "4096"),
        ({"crop_size": "x"}, "metadata"),
        ({"mean": [0.5]}, "three"),
        ({"mean": "abc"}, "metadata"),
        ({"std": [0, 1, 1]}, "deviation above 0, .* 0,1,1"),
        ({"fit": "stretch"}, "fit"),
        ({"interpolation": "lanczos"}, "interpolation"),
        ({"temperature": 1e9}, "temperature"),
    ],
)
def test_metadata_that_cannot_be(tmp_path: Path, change: dict[str, Any], fragment: str) -> None:
    path = onnx_file(tmp_path / "m.onnx", metadata=TOLD | change)
    with pytest.raises(CheckpointError, match=fragment) as caught:
        load_model(str(path))
    assert "\n" not in str(caught.value)


def test_hostile_files(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "m.onnx"
    for content in (b"", b"these are notes", b"\x08" * 1000):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="ONNX model"):
            load_model(str(path))
    with pytest.raises(CheckpointError, match="finite"):
        load_model(str(onnx_file(path, weight=np.nan)))
    rank = onnx.helper.make_tensor_value_info
    flatten = onnx.helper.make_node("Flatten", ["images"], ["logits"])
    inputs, outputs = rank("images", 1, ["batch", 3, "side"]), rank("logits", 1, [None, None])
    graph = onnx.helper.make_graph([flatten], "rank", [inputs], [outputs])
    onnx.save(onnx.helper.make_model(graph, ir_version=9, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)
    with pytest.raises(CheckpointError, match="one float input"):
        load_model(str(path))
    with pytest.raises(CheckpointError, match="square input"):
        load_model(str(onnx_file(path, shape=(1, 3, 32, SIZE))))


def test_weights_outside_the_file_are_not_read(tmp_path: Path) -> None:
    import onnx

    (tmp_path / "secret").write_bytes(bytes(3 * 3 * 64 * 4))
    model = onnx.load(onnx_file(tmp_path / "m.onnx"))
    tensor = model.graph.initializer[0]
    (tmp_path / "n.onnx.data").symlink_to(tmp_path / "secret")
    for location in ("../secret", str(tmp_path / "secret"), "secret", "a/../n.onnx.data", "n.onnx.data", ""):
        tensor.ClearField("raw_data")
        del tensor.external_data[:]
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        (tmp_path / "n.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(CheckpointError, match="external_data=False"):
            load_model(str(tmp_path / "n.onnx"))


def test_persian_class_names_are_kept(tmp_path: Path) -> None:
    names = ["می\u200cخواهم", "راه رفتن", "c"]
    _, spec = load_model(str(onnx_file(tmp_path / "m.onnx", metadata=TOLD | {"classes": names})), ModelOptions())
    assert spec.classes == tuple(names)

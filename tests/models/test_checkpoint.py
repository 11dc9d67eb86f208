"""A model is rebuilt from its own file alone, and a damaged file is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from har_core.errors import CheckpointError
from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import FORMAT, load_checkpoint, save_checkpoint
from har_core.models.registry import create_model
from har_core.models.spec import ModelSpec


def test_a_saved_model_computes_the_same(tiny: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_checkpoint(tiny.model, tiny.spec, path)
    model, spec = load_checkpoint(path)
    assert spec == tiny.spec and not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    images = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(model(images), tiny.model(images), atol=0.02)
    assert path.stat().st_size < 23e6  # 11.2 million parameters in half precision
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_was_saved_is_saved_again_to_the_last_bit(tiny: Predictor, tmp_path: Path) -> None:
    save_checkpoint(tiny.model, tiny.spec, tmp_path / "a.safetensors")
    save_checkpoint(*load_checkpoint(tmp_path / "a.safetensors"), tmp_path / "b.safetensors")
    first, second = load_file(tmp_path / "a.safetensors"), load_file(tmp_path / "b.safetensors")
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_stride_placement_travels_with_the_file(tmp_path: Path) -> None:
    spec = ModelSpec(("a", "b"), "resnet50", "1x1", 64, 72)
    save_checkpoint(create_model(spec), spec, tmp_path / "m.safetensors")
    model, loaded = load_checkpoint(tmp_path / "m.safetensors")
    block = model.get_submodule("layer3")[0]  # type: ignore[index]
    assert loaded.stride_placement == "1x1"
    assert (block.conv1.stride, block.conv2.stride) == ((2, 2), (1, 1))


@pytest.mark.parametrize("damage", ["cut", "header", "format", "nan", "classes", "architecture", "key", "missing"])
def test_damaged_models_are_refused(tiny: Predictor, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "m.safetensors"
    save_checkpoint(tiny.model, tiny.spec, path)
    state = load_file(path)
    spec = {"classes": ["a", "b", "c"], "architecture": "resnet18", "stride_placement": "3x3", "crop_size": 64,
            "resize": 72}  # fmt: skip
    metadata = {"format": FORMAT, "spec": json.dumps(spec)}
    changes = {"classes": {"classes": ["a", "a", "b"]}, "architecture": {"architecture": "vgg"}, "key": {"more": 1}}
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "header":
        path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])
    elif damage == "format":
        save_file(state, path, metadata=metadata | {"format": "har-lens-model/9"})
    elif damage == "nan":
        state["fc.bias"][0] = float("nan")
        save_file(state, path, metadata=metadata)
    else:
        save_file(state, path, metadata=metadata | {"spec": json.dumps(spec | changes[damage])})
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [{"classes": ("a",)}, {"classes": ("a", "a")}, {"classes": ("a", "")}, {"stride_placement": "2x2"},
     {"crop_size": 16}, {"crop_size": 300}, {"resize": 9999}],
)  # fmt: skip
def test_a_spec_that_cannot_be(values: dict[str, object]) -> None:
    with pytest.raises(CheckpointError):
        ModelSpec(**({"classes": ("a", "b")} | values))  # type: ignore[arg-type]

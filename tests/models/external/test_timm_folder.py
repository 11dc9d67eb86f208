"""Folders of timm: the same answer as timm's own transform and model; class names; what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import timm.data
import torch

from har_core.errors import CheckpointError
from har_core.inference.predictor import Predictor
from har_core.models.external.carried import carry, copy_spec
from har_core.models.external.load import load_model
from har_core.models.external.options import ModelOptions, class_names
from har_core.models.external.timm_folder import imagenet_names
from har_core.runs.file_names import MODEL
from tests.conftest import COLORS, picture
from tests.models.external.making import CLASSES, timm_folder


@pytest.mark.parametrize(
    ("name", "safe", "data"),
    [
        ("test_resnet", True, {}),
        ("test_vit", False, {"crop_mode": "squash", "crop_pct": 1.0}),
        ("test_convnext", True, {"crop_pct": 0.83, "interpolation": "bilinear"}),
    ],
)
def test_the_same_as_timms_own(tmp_path: Path, name: str, safe: bool, data: dict[str, Any]) -> None:
    folder = timm_folder(tmp_path / "model", name, safe=safe, pretrained_cfg=data)
    config = json.loads((folder / "config.json").read_text())
    theirs = timm.create_model(name, num_classes=len(CLASSES)).eval()
    if safe:
        from safetensors.torch import load_file

        theirs.load_state_dict(load_file(folder / "model.safetensors"))
    else:
        theirs.load_state_dict(torch.load(folder / "pytorch_model.bin", weights_only=True))
    transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=config["pretrained_cfg"]))
    model, spec = load_model(str(folder))
    assert spec.classes == CLASSES and spec.preprocessing.fit == ("squash" if "crop_mode" in data else "crop")
    predictor = Predictor(model, spec)
    for photo in (picture(COLORS["red"], (183, 275)), picture(COLORS["blue"], (300, 211))):
        with torch.no_grad():
            expected = theirs(transform(photo)[None])
        assert torch.allclose(predictor.forward(predictor.preprocess(photo)[None]).logits, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"architecture": "no_such_network"}, "classifier of timm"),
        ({"architecture": 3}, "architecture"),
        ({"architecture": "test_efficientnet"}, "weights of timm"),
        ({"num_classes": 10**9}, "num_classes"),
        ({"label_names": ["a", "b"]}, "class names"),
        ({"label_names": 7}, "label_names"),
        ({"label_names": None}, "--classes"),
        ({"model_args": {"checkpoint_path": "/etc/passwd"}}, "checkpoint_path"),
        ({"model_args": {"act_layer": "silu", "in_chans": 3}}, "arguments act_layer silu in"),
        ({"model_args": {"in_chans": 1}}, "in_chans 1"),
        ({"model_args": {"img_size": [64, 96]}}, "img_size"),
        ({"model_args": [3]}, "model_args"),
        ({"model_args": {"global_pool": "max"}}, "pooling"),
        ({"global_pool": "max"}, "pooling"),
        ({"pretrained_cfg": {"std": [0.5, 0, 0.5]}}, "above 0"),
        ({"pretrained_cfg": {"input_size": [1, 64, 64]}}, "square input"),
        ({"pretrained_cfg": {"crop_mode": "border"}}, "square input"),
        ({"pretrained_cfg": {"interpolation": "lanczos"}}, "interpolation"),
        ({"pretrained_cfg": {"mean": "x"}}, "pretrained_cfg"),
    ],
)
def test_what_is_refused(tmp_path: Path, change: dict[str, Any], fragment: str) -> None:
    folder = timm_folder(tmp_path / "model")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=fragment) as caught:
        load_model(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["test_vit", "test_vit3"])
def test_another_input_than_that_of_its_name(tmp_path: Path, name: str) -> None:
    """Its positions are those of the weights, in the run that carries it too, whose spec can be changed."""
    from timm.models import save_for_hf

    side = 64
    torch.manual_seed(5)
    theirs = timm.create_model(name, num_classes=len(CLASSES), img_size=side).eval()
    told = {"img_size": [side, side], "in_chans": 3, "global_pool": theirs.global_pool}
    save_for_hf(theirs, str(tmp_path), {"label_names": list(CLASSES)}, model_args=told)
    model, spec = load_model(str(tmp_path))
    images = torch.randn(2, 3, side, side)
    assert spec.crop_size == side and torch.allclose(model(images), theirs(images), atol=1e-5)
    carry(model, spec, tmp_path)
    copy_spec(tmp_path / MODEL, replace(spec, temperature=2.0), tmp_path / "again.safetensors")
    again, spec = load_model(str(tmp_path / "again.safetensors"))
    assert torch.equal(again(images), model(images)) and spec.temperature == 2
    with pytest.raises(CheckpointError, match="--crop-size 64"):
        load_model(str(tmp_path), ModelOptions(crop_size=96))


def test_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the weights that timm would fetch, and ImageNet's names."""
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained=False, **more: create(name, **more))
    _, spec = load_model("timm/test_resnet")
    assert len(spec.classes) == 1000 and spec.classes[0] == "tench"
    assert sum(name.startswith("crane (") for name in spec.classes) == 2
    monkeypatch.undo()
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: (_ for _ in ()).throw(OSError("offline")))
    with pytest.raises(CheckpointError, match="fetched"):
        load_model("timm/test_resnet")
    with pytest.raises(CheckpointError, match="classifier of timm"):
        load_model("timm/no_such_network")


def test_class_names() -> None:
    assert imagenet_names(7) is None
    assert class_names({"1": "b", 0: "a"}, 2) == ("a", "b")
    assert class_names(["a", " a ", "A", "b" * 200], 4)[:3] == ("a (0)", "a (1)", "A (2)")
    for names in ([], ["a"], ["a", ""], ["a", 3], {"0": "a", "2": "b"}, {"0": "a"}):
        with pytest.raises(CheckpointError, match="class names"):
            class_names(names, 2)
    with pytest.raises(CheckpointError, match="1000"):
        class_names([f"c{number}" for number in range(1001)], 1001)


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "expected a run's folder"), ("no/such/model", "expected a run's folder"), ("x.pth", "export it as ONNX")],
)
def test_no_model(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "x.pth").write_text("notes")
    with pytest.raises(CheckpointError, match=said):
        load_model(str(tmp_path / name))

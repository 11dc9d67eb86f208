"""What a person may name as a model: what is taken, and how the rest becomes one that is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from har_core.errors import CheckpointError
from har_core.models.external.load import load_model
from tests.models.external.making import CLASSES, onnx_file


@pytest.mark.parametrize("name", ["Model.ONNX", "folder"])
def test_an_onnx_file_by_other_names(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        (path / "config.json").write_text("{}")
        (path / "notes.txt").write_text("notes")
    onnx_file(path / "m.onnx" if name == "folder" else path)
    assert load_model(str(path))[1].classes == CLASSES


def test_folders_that_hold_models(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"a\.onnx, b\.onnx"):
        load_model(str(tmp_path))
    (tmp_path / "out" / "checkpoint-5").mkdir(parents=True)
    (tmp_path / "out" / "checkpoint-5" / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="checkpoint-5"):
        load_model(str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("m.pth", r"network\.eval\(\)"),
        ("m.PT", r"network\.eval\(\)"),
        ("m.pth.tar", r"network\.eval\(\)"),
        ("last.ckpt", r"network\.eval\(\)"),
        ("m.pt2", r"export\.load"),
        ("m.h5", "keras"),
        ("m.keras", "keras"),
        ("learner.pkl", "load_learner"),
        ("m.tflite", "tf2onnx"),
    ],
)
def test_other_files_are_told_how_to_become_onnx(tmp_path: Path, name: str, fragment: str) -> None:
    (tmp_path / name).write_bytes(b"these are weights")
    with pytest.raises(CheckpointError, match=rf"as ONNX.*{fragment}") as caught:
        load_model(str(tmp_path / name))
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("name", ["m.pt", "m.torchscript", "m.ts", "m.onnx", "model"])
def test_torchscript(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as file:
        file.writestr("m/code/__torch__.py", "class Net: pass")
    with pytest.raises(CheckpointError, match=r"jit\.load"):
        load_model(str(tmp_path / name))


def test_weights_from_elsewhere(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(3)}, tmp_path / "m.safetensors")
    with pytest.raises(CheckpointError, match=r"config\.json.*ONNX"):
        load_model(str(tmp_path / "m.safetensors"))

"""Weights that lie beside an ONNX file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from har_core.errors import CheckpointError
from har_core.models.external.carried import carry
from har_core.models.external.load import load_model
from har_core.models.external.onnx_file import load_onnx
from har_core.models.external.options import ModelOptions
from har_core.runs.file_names import ONNX_MODEL
from tests.models.external.making import SIZE, onnx_file
from tests.models.external.test_onnx_file import expected

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGES = torch.randn(2, 3, SIZE, SIZE)


def apart(path: Path, location: str) -> Path:
    """A file as PyTorch writes it, with its weights in another one."""
    model = onnx.load(onnx_file(path))
    onnx.save(model, path, save_as_external_data=True, location=location, size_threshold=0)
    assert (path.parent / location).is_file()
    return path


@pytest.mark.parametrize("location", ["m.onnx.data", "m.onnx_data", "weights_data", "m.weights"])
def test_they_are_read_and_carried(tmp_path: Path, location: str) -> None:
    model, spec = load_model(str(apart(tmp_path / "m.onnx", location)))
    assert torch.allclose(model(IMAGES), expected(IMAGES), atol=1e-5)
    run = tmp_path / "run"
    run.mkdir()
    carry(model, spec, run)
    assert {one.name for one in run.iterdir()} == {ONNX_MODEL, "model.json"}
    again, _ = load_onnx(run / ONNX_MODEL, ModelOptions())
    assert torch.equal(again(IMAGES), model(IMAGES))


def test_a_run_reads_nothing_that_its_manifest_does_not_list(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="external_data=False"):
        load_onnx(apart(tmp_path / ONNX_MODEL, f"{ONNX_MODEL}.data"), ModelOptions())


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = apart(tmp_path / "m.onnx", "m.onnx.data")
    data = tmp_path / "m.onnx.data"
    content = data.read_bytes()
    data.write_bytes(content[:100])
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(str(path))
    data.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(CheckpointError, match="git lfs pull"):
        load_model(str(path))
    data.unlink()
    with pytest.raises(CheckpointError, match=r"m\.onnx\.data.*external_data=False"):
        load_model(str(path))
    data.write_bytes(content)
    monkeypatch.setattr("har_core.models.external.onnx_graph._MAX_BYTES", len(content) + 100)
    with pytest.raises(CheckpointError, match="half precision"):
        load_model(str(path))


def test_one_range_that_is_named_many_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = apart(tmp_path / "m.onnx", "m.onnx.data")
    model = onnx.load(path, load_external_data=False)
    for _ in range(100):
        model.graph.initializer.append(model.graph.initializer[0])
    path.write_bytes(model.SerializeToString())
    monkeypatch.setattr("har_core.models.external.onnx_graph._MAX_BYTES", 100_000)
    with pytest.raises(CheckpointError, match="half precision"):
        load_model(str(path))


@pytest.mark.parametrize(
    ("key", "value"), [("offset", "-4"), ("offset", "x"), ("length", "99999999"), ("length", "-1")]
)
def test_ranges_that_are_not_there(tmp_path: Path, key: str, value: str) -> None:
    path = apart(tmp_path / "m.onnx", "m.onnx.data")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = value if entry.key == key else entry.value
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(str(path))

"""Which engine runs a run's network: measured once, remembered, the same answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from har_core.cli import main
from har_core.errors import CheckpointError
from har_core.export import cache
from har_core.inference import engines
from har_core.inference.engines import REMEMBERED, choose, exported_file
from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import save_checkpoint
from har_core.models.external.carried import carried_spec
from har_core.models.external.onnx_network import OnnxNetwork
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import MODEL
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest
from tests.conftest import COLORS, picture

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny: Predictor) -> Run:
    return run_of(tmp_path_factory.mktemp("run"), tiny.model, tiny.spec)


def run_of(folder: Path, model: torch.nn.Module, spec: ModelSpec) -> Run:
    save_checkpoint(model, spec, folder / MODEL, half=False)
    write_manifest(folder, Manifest(status=COMPLETE, classes=spec.classes))
    return Run.open(folder)


@pytest.fixture(scope="module")
def folder(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the exported file of the run."""
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("engines")
    cache.prepare(run, folder)
    assert exported_file(run, folder).is_file() and run.manifest.files[MODEL].sha256 in exported_file(run, folder).name
    return folder


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[float]:
    """What the next measurements find, and nothing remembered."""
    (folder / REMEMBERED).unlink(missing_ok=True)
    left: list[float] = []
    monkeypatch.setattr(engines, "_ratio", lambda *_: left.pop(0))
    return left


@pytest.mark.parametrize(("ratio", "expected"), [(1.5, "onnx"), (1.05, "torch"), (0.6, "torch")])
def test_the_faster_one_is_remembered(
    run: Run, folder: Path, measured: list[float], ratio: float, expected: str
) -> None:
    measured.append(ratio)
    assert choose(run, folder) == choose(run, folder) == expected and not measured
    assert isinstance(Predictor.from_run(run, engine="auto", engines=folder).model, OnnxNetwork) == (expected == "onnx")
    (key,) = json.loads((folder / REMEMBERED).read_text())
    assert run.manifest.files[MODEL].sha256 in key and "onnxruntime=" in key


def test_another_machine_measures_anew(
    run: Run, folder: Path, measured: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured.extend([2.0, 0.5])
    assert choose(run, folder) == "onnx"
    monkeypatch.setattr(engines, "_processor", lambda: "another")
    assert choose(run, folder) == "torch"
    monkeypatch.undo()
    assert choose(run, folder) == "onnx"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 3}', "\x00"])
def test_a_damaged_memory_is_replaced(run: Run, folder: Path, measured: list[float], content: str) -> None:
    (folder / REMEMBERED).write_text(content)
    measured.append(2.0)
    assert choose(run, folder) == "onnx" and len(json.loads((folder / REMEMBERED).read_text())) >= 1


def test_both_give_the_same(run: Run, folder: Path) -> None:
    first = Predictor.from_run(run)
    second = Predictor.from_run(run, engine="onnx", engines=folder)
    assert first.spec == second.spec and first.explanation == second.explanation
    assert first.has_last_maps and not second.has_last_maps
    for name, color in COLORS.items():
        photo = picture(color, (90, 70))
        one, two = first.predict(photo, name), second.predict(photo, name)
        np.testing.assert_allclose(two.probabilities, one.probabilities, atol=1e-3)
        np.testing.assert_allclose(two.class_maps, one.class_maps, atol=1e-3)
        np.testing.assert_allclose(two.embedding, one.embedding, atol=1e-3)


def test_it_is_really_measured(run: Run, folder: Path) -> None:
    (folder / REMEMBERED).unlink(missing_ok=True)
    chosen = choose(run, folder)
    (entry,) = json.loads((folder / REMEMBERED).read_text()).values()
    assert entry["onnx_over_torch"] > 0 and (chosen == "onnx") == (entry["onnx_over_torch"] >= 1.1)


def nothing(*_: object) -> float:
    raise AssertionError("nothing was to be measured")


def test_without_a_file_it_is_torch(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_ratio", nothing)
    assert choose(run, tmp_path) == "torch" and not list(tmp_path.iterdir())
    assert not isinstance(Predictor.from_run(run, engine="auto", engines=tmp_path).model, OnnxNetwork)
    with pytest.raises(CheckpointError, match="exported"):
        Predictor.from_run(run, engine="onnx", engines=tmp_path)


def test_without_onnxruntime_it_is_torch(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_ratio", nothing)
    monkeypatch.setattr(engines, "_version", lambda package: None)
    assert choose(run, folder) == "torch"


def test_a_file_of_another_model_is_not_used(
    run: Run, folder: Path, tmp_path: Path, tiny: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_ratio", nothing)
    exported_file(run, tmp_path).write_bytes(b"damaged")
    assert choose(run, tmp_path) == "torch"
    spec = ModelSpec(("a", "b", "c"), "resnet18", crop_size=64, resize=72)
    stranger = run_of(tmp_path / "stranger", tiny.model, spec)
    exported_file(stranger, tmp_path).write_bytes(exported_file(run, folder).read_bytes())
    assert choose(stranger, tmp_path) == "torch"
    with pytest.raises(CheckpointError, match="another model"):
        Predictor.from_run(stranger, engine="onnx", engines=tmp_path)


def test_a_folder_that_cannot_be_written(
    run: Run, folder: Path, measured: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(engines, "write_text", full)
    measured.extend([2.0, 2.0])
    assert choose(run, folder) == choose(run, folder) == "onnx"


def test_what_cannot_be_exported_is_run_by_torch(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise CheckpointError("torch could not export the network")

    monkeypatch.setattr(cache, "export_onnx", refuse)
    assert cache.prepare(run, tmp_path) == "torch"
    monkeypatch.setattr(cache, "explanation", lambda _: "attention")
    monkeypatch.setattr(cache, "export_onnx", nothing)
    assert cache.prepare(run, tmp_path) == "torch"


def test_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HAR_LENS_HOME", str(tmp_path))
    assert engines.engines_folder() == tmp_path / "engines"
    monkeypatch.delenv("HAR_LENS_HOME")
    assert engines.engines_folder().name == "engines"


def test_the_spec_without_the_weights(run: Run, tiny: Predictor) -> None:
    assert carried_spec(run) == tiny.spec
    (run.folder / "copy").mkdir(exist_ok=True)
    broken = run_of(run.folder / "copy", tiny.model, tiny.spec)
    (broken.folder / MODEL).write_bytes(b"damaged")
    write_manifest(broken.folder, Manifest(status=COMPLETE, classes=tiny.spec.classes))
    with pytest.raises(CheckpointError, match="damaged"):
        carried_spec(Run.open(broken.folder))


def test_another_engine_answers_while_the_model_stays(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the app: what only the model can, its last layer and other methods of explanation, is still there."""
    photo = picture(COLORS["red"], seed=5)
    alone, helped = Predictor.from_run(run), Predictor.from_run(run)
    network = engines.load_exported(run, carried_spec(run), folder)
    ran: list[int] = []
    monkeypatch.setattr(network, "run", lambda *given, own=network.run: ran.append(1) or own(*given))
    helped.run_by(network)
    first, second = alone.predict(photo, "a.jpg"), helped.predict(photo, "a.jpg")
    np.testing.assert_allclose(second.probabilities, first.probabilities, atol=1e-3)
    np.testing.assert_allclose(second.class_maps, first.class_maps, atol=1e-2)
    assert ran and helped.has_last_maps and helped.logits(second.embedding[None]).shape == (1, len(run.classes))


def test_prepare_says_which_engine_is_used(
    run: Run, folder: Path, measured: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAR_LENS_HOME", str(folder.parent))
    monkeypatch.setattr(engines, "engines_folder", lambda: folder)
    monkeypatch.setattr(cache, "engines_folder", lambda: folder)
    measured.extend([2.0])
    assert main(["prepare", str(run.folder)]) == 0 and "onnxruntime is faster" in capsys.readouterr().out
    (folder / REMEMBERED).unlink()
    measured.extend([1.0])
    assert main(["prepare", str(run.folder)]) == 0 and "PyTorch is as fast" in capsys.readouterr().out

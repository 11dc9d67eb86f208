"""`har-lens score`: every kind of model becomes a run that carries it, and every page opens on that; or a table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_core.cli import main
from har_core.errors import CheckpointError
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.models.external.load import load_model
from har_core.models.external.options import ModelOptions
from har_core.runs.file_names import EMBEDDINGS, HF_CONFIG, HF_MODEL, MODEL, MODEL_SPEC, ONNX_MODEL
from har_core.runs.run import Run
from tests.conftest import COLORS, picture
from tests.models.external.making import hugging_face, onnx_file, timm_folder

MAKE: dict[str, tuple[Callable[[Path], Path], str, str, str]] = {
    "ViT": (lambda folder: hugging_face(folder / "ViT", "ViT"), "transformers", HF_MODEL, "attention"),
    "ConvNeXt": (lambda folder: hugging_face(folder / "ConvNeXt", "ConvNeXt"), "transformers", HF_MODEL, "gradient"),
    "timm": (lambda folder: timm_folder(folder / "timm"), "timm", MODEL, "closed form"),
    "onnx": (lambda folder: onnx_file(folder / "m.onnx"), "onnxruntime", ONNX_MODEL, "occlusion"),
    "onnx-maps": (lambda folder: onnx_file(folder / "m.onnx", maps=True), "onnxruntime", ONNX_MODEL, "closed form"),
}
"""How a model is made, what it needs, the file that holds its weights, how it is explained."""


@pytest.mark.parametrize("kind", MAKE)
def test_labeled_photos_become_a_run(
    kind: str, kaggle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, needs, weights, explanation = MAKE[kind]
    pytest.importorskip(needs)
    model, out = make(tmp_path), tmp_path / "run"
    assert main(["score", str(kaggle_folder), "--model", str(model), "--out", str(out), "--title", "Mine"]) == 0
    assert "16 photos replayed" in capsys.readouterr().out
    run = Run.open(out)
    assert run.title == "Mine" and run.has_model and run.weights == weights
    assert run.manifest.model.explanation == explanation and run.manifest.data.test == 36
    assert (explanation == "occlusion") is not run.has("heatmaps.npy")
    assert run.has(MODEL_SPEC) is (weights != MODEL) and run.has(HF_CONFIG) is (weights == HF_MODEL)
    (shutil.rmtree if model.is_dir() else Path.unlink)(model)  # type: ignore[operator]
    again, predictions = Predictor.from_run(run), run.predictions()
    name = str(predictions.samples[5])
    answer = again.predict(open_photo(kaggle_folder / "train" / name), name)
    assert np.allclose(answer.probabilities, predictions.probabilities[5], atol=1e-5)
    assert answer.class_maps.any()
    if "onnx" in kind:
        assert run.manifest.scores is not None and run.manifest.scores.accuracy == 1
    assert main(["predict", str(kaggle_folder / "train" / name), "--run", str(out)]) == 0
    assert answer.predicted in capsys.readouterr().out
    assert not list(tmp_path.glob(".*partial"))


def test_a_run_without_embeddings(kaggle_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    for name, embeddings in (("with", True), ("without", False)):
        model = onnx_file(tmp_path / f"{name}.onnx", embeddings=embeddings)
        assert main(["score", str(kaggle_folder), "--model", str(model), "--out", str(tmp_path / name)]) == 0
        assert Run.open(tmp_path / name).has(EMBEDDINGS) is embeddings


def test_a_temperature_is_kept_beside_the_model(
    kaggle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    others, out = tmp_path / "others", tmp_path / "run"
    for label, color in COLORS.items():
        (others / label).mkdir(parents=True)
        for number in range(40):
            mixed = color if number % 5 else COLORS["red"]
            picture(mixed, seed=500 + number).save(others / label / f"other-{label}-{number}.png")
    model = onnx_file(tmp_path / "m.onnx")
    assert main(["score", str(kaggle_folder), "--model", str(model), "--out", str(out)]) == 0
    before = Run.open(out).predictions()
    assert main(["calibrate", str(others), "--run", str(out)]) == 0
    run = Run.open(out)
    temperature = run.manifest.model.temperature
    assert temperature != 1 and json.loads((out / MODEL_SPEC).read_text())["spec"]["temperature"] == temperature
    assert run.file(ONNX_MODEL).read_bytes() == model.read_bytes()
    assert np.array_equal(run.predictions().predicted, before.predicted)
    name = str(before.samples[0])
    answer = Predictor.from_run(run).predict(open_photo(kaggle_folder / "train" / name), name)
    assert np.allclose(answer.probabilities, run.predictions().probabilities[0], atol=1e-4)


def test_our_own_runs(kaggle_folder: Path, tiny_run: Path, tmp_path: Path) -> None:
    """By folder and by file; what feeds them is not to be told."""
    for model in (tiny_run, tiny_run / MODEL):
        out = tmp_path / model.name
        assert main(["score", str(kaggle_folder), "--model", str(model), "--out", str(out)]) == 0
        assert Run.open(out).has(MODEL)
    with pytest.raises(CheckpointError, match="leave them out"):
        load_model(str(tiny_run), ModelOptions(mean=(0.5,) * 3))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_photos_without_labels_become_a_table(
    ending: str, kaggle_folder: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is imported once somebody has added the true labels."""
    photos, out = tmp_path / "photos", tmp_path / f"table.{ending}"
    shutil.copytree(kaggle_folder / "train", photos)
    assert main(["score", str(photos), "--model", str(tiny_run), "--out", str(out)]) == 0
    table = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
    assert len(table) == 36 and list(table.columns[:2]) == ["sample", "predicted"]
    assert np.allclose(table.filter(like="p:").sum(axis=1), 1, atol=1e-5)
    labels = pd.read_csv(kaggle_folder / "Training_set.csv").set_index("filename")["label"]
    table["true"] = labels.loc[table["sample"]].to_numpy()
    table.to_csv(tmp_path / "labeled.csv", index=False)
    arguments = ["import", str(tmp_path / "labeled.csv"), "--photos", str(photos), "--out", str(tmp_path / "run")]
    assert main([*arguments, "--model", str(tiny_run)]) == 0
    assert "16 photos replayed" in capsys.readouterr().out
    (photos / "bad.jpg").write_bytes(b"notes")
    some = [str(photos / "Image_0.jpg"), str(photos / "bad.jpg")]
    assert main(["score", *some, "--model", str(tiny_run), "--out", str(out)]) == 1
    assert "bad.jpg" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["table", "run", "shards"])
def test_what_could_not_be_read_is_said_at_the_end(
    kind: str, kaggle_folder: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many, five of them with the reason, and where all are."""
    photos = tmp_path / "photos"
    for label in ("red", "green"):
        (photos / label).mkdir(parents=True)
        picture(COLORS[label]).save(photos / label / "good.png")
        for number in range(4):
            (photos / label / f"bad {number}.png").write_bytes(b"\x89PNG\r\n\x1a\nnotes")
    out = {"table": tmp_path / "t.csv", "run": tmp_path / "run", "shards": tmp_path / "out"}[kind]
    listed = {"table": tmp_path / "t.skipped.txt", "run": tmp_path / "run" / "skipped.txt"}.get(kind)
    command = ["score", str(photos), "--model", str(tiny_run), "--out", str(out)]
    command += ["--workers", "1"] if kind == "shards" else []
    assert main(command) == (1 if kind == "table" else 0)
    said = capsys.readouterr().err
    end = said[said.index("skipped: 8 of 10") :].splitlines()
    assert len(end) == 7 and all("bad " in line and ": " in line for line in end[1:6])
    assert str(listed or out / "predictions") in end[-1]
    if listed is not None:
        lines = listed.read_text().splitlines()
        assert len(lines) == 8 and [line.strip() for line in end[1:6]] == lines[:5]
    else:
        assert "error" in end[-1] and main(command) == 0  # nothing is left to do
        assert "skipped: 8 of 10" in capsys.readouterr().err
    if kind == "table":
        for path in photos.rglob("bad*"):
            path.unlink()
        assert main(command) == 0 and "skipped" not in capsys.readouterr().err
        assert listed is not None and not listed.exists()


def test_labels_the_model_does_not_know(
    kaggle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    photos = tmp_path / "photos"
    for label in ("Red", "violet", "rouge"):
        (photos / label).mkdir(parents=True)
        for number in range(3):
            picture(COLORS["red"], seed=number).save(photos / label / f"{number}.png")
    arguments = ["score", str(photos), "--model", str(onnx_file(tmp_path / "m.onnx")), "--map", "rouge=red"]
    assert main([*arguments, "--out", str(tmp_path / "no")]) == 1
    assert "violet" in capsys.readouterr().err and not (tmp_path / "no").exists()
    for unknown, count in (("skip", 6), ("error", 9)):
        out = tmp_path / unknown
        assert main([*arguments, "--unknown", unknown, "--out", str(out)]) == 0
        run = Run.open(out)
        assert run.manifest.scores is not None and run.manifest.scores.n == count
        assert run.manifest.scores.accuracy == pytest.approx(6 / count)
        assert Predictor.from_run(run).spec.classes == run.classes[:3]


def test_what_is_refused(
    kaggle_folder: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, and nothing is left behind."""
    photos = tmp_path / "photos"
    shutil.copytree(kaggle_folder / "train", photos)
    (tmp_path / "notes.onnx").write_text("notes")
    own = str(tiny_run)
    for arguments, fragment in (
        ([str(photos), "--model", own, "--out", "run"], "--out FILE.csv"),
        ([str(photos / "Image_0.jpg"), "--model", own, "--out", "run"], "--out FILE.csv"),
        ([str(kaggle_folder), "--model", own, "--out", own], "without a run"),
        ([str(kaggle_folder), "--model", str(tmp_path / "notes.onnx"), "--out", "run"], "ONNX"),
        ([str(kaggle_folder), "--model", "nothing", "--out", "run"], "nothing of that name"),
        ([str(kaggle_folder), "--model", own, "--out", "run", "--crop-size", "32"], "leave them out"),
    ):
        arguments = [str(tmp_path / "run") if one == "run" else one for one in arguments]
        assert main(["score", *arguments]) == 1
        error = capsys.readouterr().err
        assert fragment in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_carried_model_that_was_changed_is_not_used(kaggle_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    out = tmp_path / "run"
    assert main(["score", str(kaggle_folder), "--model", str(onnx_file(tmp_path / "m.onnx")), "--out", str(out)]) == 0
    run, kept = Run.open(out), (out / MODEL_SPEC).read_text()
    (out / MODEL_SPEC).write_text(kept.replace("blue", "blau"))
    with pytest.raises(Exception, match="SHA-256"):
        Predictor.from_run(run)
    (out / MODEL_SPEC).write_text(kept)
    onnx_file(out / ONNX_MODEL, weight=2.0)
    with pytest.raises(Exception, match=r"SHA-256|bytes"):
        Predictor.from_run(run)

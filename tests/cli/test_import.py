"""`har-lens import`: what it says, what it makes, and how it ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_core.cli import main
from har_core.data.scan import scan
from har_core.inference.evaluate import evaluate
from har_core.inference.predictor import Predictor
from har_core.runs.exports import write_predictions_csv
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run

CSV = "filename,true,p:blue,p:red\na.jpg,blue,0.9,0.1\nb.jpg,red,0.25,0.75\nc.jpg,green,0.6,0.4\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(CSV)
    return path


def test_a_table_becomes_a_run(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    np.save(tmp_path / "e.npy", np.ones((3, 4)))
    out = tmp_path / "runs" / "mine"
    arguments = ["import", str(table), "--photos", str(tmp_path / "photos"), "--out", str(out), "--unknown", "skip"]
    assert main([*arguments, "--title", "Theirs", "--embeddings", str(tmp_path / "e.npy")]) == 0
    said = capsys.readouterr().out
    assert "file: filename" in said and "p:blue, p:red" in said
    assert "2 photos, 2 classes, accuracy 100.00%" in said and "photos that are not in the folder: 2" in said
    assert "rows skipped: 1 (c.jpg" in said
    run = Run.open(out)
    assert run.title == "Theirs" and run.embeddings().shape == (2, 4) and "table.csv" in (run.manifest.source or "")


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.tsv"
    path.write_text("who\twhat\tsaid\tsure\n1\t0\t1\t80\n2\t1\t1\t90\n")
    (tmp_path / "classes.txt").write_text("no\nyes\n")
    named = ["--file", "who", "--true", "what", "--predicted", "said", "--confidence", "sure"]
    more = ["--classes", str(tmp_path / "classes.txt"), "--scores", "percentages"]
    assert main(["import", str(path), "--out", str(tmp_path / "run"), *named, *more]) == 0
    run = Run.open(tmp_path / "run")
    assert run.classes == ("no", "yes") and run.confusion_matrix().tolist() == [[0, 1], [0, 1]]
    np.testing.assert_allclose(run.predictions().confidence, [0.8, 0.9], atol=1e-7)
    assert run.manifest.probabilities == "confidence" and run.title == "run"
    assert main(["import", str(path), "--out", str(tmp_path / "two"), *named[:6], *more[:2], "--no-confidence"]) == 0
    assert Run.open(tmp_path / "two").manifest.probabilities == "none"


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["--unknown", "skip", "--photos", "nowhere"],
        ["--unknown", "skip", "--classes", "nowhere"],
        ["--unknown", "skip", "--maps", "nowhere"],
        ["--unknown", "skip", "--model", "nowhere"],
        ["--unknown", "skip", "--true", "nothing"],
        ["--unknown", "skip", "--title", "a\nb"],
    ],
)
def test_an_error_is_one_line(table: Path, tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(table), "--out", str(tmp_path / "run"), *more]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and len(said) < 500
    assert not (tmp_path / "run").exists() and [one.name for one in tmp_path.iterdir()] == ["table.csv"]


@pytest.fixture(scope="module")
def own(kaggle_folder: Path, tiny: Predictor) -> Predictions:
    return evaluate(scan(kaggle_folder, verify=False).samples, tiny).predictions


@pytest.mark.parametrize("file", [False, True])
def test_the_model_that_predicted_is_replayed(
    file: bool,
    own: Predictions,
    kaggle_folder: Path,
    tiny_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (tmp_path / "t.csv").open("wb") as opened:
        write_predictions_csv(own, "all", opened)
    model = tiny_run / "model.safetensors" if file else tiny_run
    arguments = ["import", str(tmp_path / "t.csv"), "--photos", str(kaggle_folder), "--model", str(model)]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    assert "16 photos replayed" in (Run.open(tmp_path / "run").manifest.note or "")
    assert "16 photos replayed" in capsys.readouterr().out


def test_another_models_predictions_are_refused(
    own: Predictions, kaggle_folder: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certain = np.eye(3, dtype=np.float32)[own.predicted]
    with (tmp_path / "t.csv").open("wb") as opened:
        write_predictions_csv(Predictions(own.classes, own.samples, own.true, certain), "all", opened)
    arguments = ["import", str(tmp_path / "t.csv"), "--photos", str(kaggle_folder), "--model", str(tiny_run)]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 1
    assert "--tolerance" in capsys.readouterr().err and not (tmp_path / "run").exists()
    assert main([*arguments, "--out", str(tmp_path / "run"), "--tolerance", "1"]) == 0
    assert main([*arguments, "--out", str(tmp_path / "two"), "--tolerance", "2"]) == 1


@pytest.mark.parametrize("form", ["predictions-csv", "predictions-parquet"])
def test_any_run_is_exported_and_imported(form: str, table: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert main(["import", str(table), "--out", str(one), "--unknown", "error"]) == 0
    assert main(["export", str(one), "--to", form, "--out", str(tmp_path / "file")]) == 0
    assert main(["import", str(tmp_path / "file"), "--out", str(two)]) == 0
    first, second = Run.open(one).predictions(), Run.open(two).predictions()
    assert first.classes == second.classes == ("blue", "red", "green")
    assert np.array_equal(first.probabilities, second.probabilities) and np.array_equal(first.true, second.true)

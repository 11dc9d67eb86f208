"""`har-lens evaluate`: the run's own test photos, or all; what does not fit is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_core.cli import main
from har_core.cli.evaluate import _test_samples
from har_core.data.samples import Sample
from har_core.errors import DataError
from har_core.runs.file_names import TRAINING_PHOTOS
from har_core.runs.manifest import COMPLETE, DataInfo, Manifest
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run, shipped_run
from har_core.runs.tables import TRAINED, training_schema, write_table
from har_core.runs.writing import write_manifest
from tests.conftest import COLORS, picture


def test_the_runs_own_test_photos(real_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real photos of two actions, and one that is labeled but not of the test set."""
    header, *all_rows = (real_photos / "Training_set.csv").read_text().splitlines()
    rows = [row for row in all_rows if row.split(",")[1] in ("running", "sitting")]
    names = [row.split(",")[0] for row in rows]
    data = tmp_path / "data"
    (data / "train").mkdir(parents=True)
    for name in names:
        (data / "train" / name).symlink_to(real_photos / "train" / name)
    picture(COLORS["red"]).save(data / "train" / "other.png")
    (data / "Training_set.csv").write_text("\n".join([header, *rows, "other.png,running"]))
    assert main(["evaluate", str(data), "--json", "--out", str(tmp_path / "run")]) == 0
    figures = json.loads(capsys.readouterr().out)
    stored = shipped_run().predictions()
    present = np.isin(stored.samples.astype(str), names)
    assert figures["n"] == present.sum() == 24
    assert figures["accuracy"] == pytest.approx(stored.correct[present].mean())
    kept = Run.open(tmp_path / "run")
    assert set(kept.predictions().samples) == set(names) and kept.class_maps().shape == (24, 15, 14, 14)


def test_all_photos_with_a_tiny_model(kaggle_folder: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", str(kaggle_folder), "--split", "all", "--run", str(tiny_run)]
    assert main([*arguments, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"n", "correct", "accuracy", "interval", "macro_f1", "weighted_f1"} and figures["n"] == 36
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[0] == "n 36"


@pytest.mark.parametrize(
    ("given", "views"),
    [("centre", ("center",)), ("Whole,center", ("center", "whole")), ("mean", ("center", "whole", "evidence"))],
)
def test_views(kaggle_folder: Path, tiny_run: Path, tmp_path: Path, given: str, views: tuple[str, ...]) -> None:
    """Whatever the order and the spelling, they are kept with the run."""
    out = tmp_path / "run"
    arguments = ["evaluate", str(kaggle_folder), "--split", "all", "--run", str(tiny_run), "--out", str(out)]
    assert main([*arguments, "--views", given]) == 0
    run = Run.open(out)
    assert run.manifest.model.views == views
    assert run.class_maps().shape[2:] == ((2, 2) if given == "centre" else (14, 14))


def test_views_that_there_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "data", "--views", "center,left"])
    assert "center, whole, evidence" in capsys.readouterr().err


def test_unknown_classes_need_a_decision(
    kaggle_folder: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("red", "violet"):
        (tmp_path / label).mkdir()
        for number in range(2):
            picture(COLORS["red"], seed=number).save(tmp_path / label / f"{number}.png")
    arguments = ["evaluate", str(tmp_path), "--split", "all", "--run", str(tiny_run), "--json"]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "violet" in error and "--unknown" in error
    for unknown, n in (("skip", 2), ("error", 4)):
        assert main([*arguments, "--unknown", unknown]) == 0
        assert json.loads(capsys.readouterr().out)["n"] == n


@pytest.mark.parametrize("as_json", [False, True])
def test_photos_that_cannot_be_read_are_counted_at_the_end(
    kaggle_folder: Path, tiny_run: Path, tmp_path: Path, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(kaggle_folder, tmp_path / "data"))
    bad = sorted((data / "train").iterdir())[:2]
    for path in bad:
        path.write_bytes(b"notes")
    arguments = ["evaluate", str(data), "--split", "all", "--run", str(tiny_run)]
    assert main(arguments + ["--json"] * as_json) == 0
    *named, last = (line for line in capsys.readouterr().err.splitlines() if line.startswith("skipped"))
    assert last.split()[1:4] == ["2", "of", "36"]
    assert len(named) == 2 and all(path.name in line for path, line in zip(bad, named, strict=True))


def test_a_folder_without_test_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for label in ("sitting", "running"):
        (tmp_path / label).mkdir()
        for number in range(2):
            picture(COLORS["red"]).save(tmp_path / label / f"{number}.png")
    assert main(["evaluate", str(tmp_path)]) == 1
    assert "--split all" in capsys.readouterr().err


def samples(tested: int, others: int) -> tuple[Sample, ...]:
    """Photos of which the first bear names of test photos."""
    names = [*(f"test_{n}.jpg" for n in range(tested)), *(f"own_{n}.jpg" for n in range(others))]
    return tuple(Sample(name, Path(name), "red") for name in names)


def run_of(folder: Path, *, trained: int | None = None, data: DataInfo | None = None) -> Run:
    """A run with 20 test photos, and perhaps the names of those that it learned from."""
    folder.mkdir()
    names = np.array([f"test_{n}.jpg" for n in range(20)], dtype=object)
    probabilities = np.full((20, 2), 0.5, dtype=np.float32)
    Predictions(("blue", "red"), names, np.arange(20) % 2, probabilities).write(folder / "predictions.parquet")
    write_manifest(folder, Manifest(status=COMPLETE, classes=("blue", "red"), data=data or DataInfo()))
    run = Run.open(folder)
    if trained is not None:
        rows = [(f"own_{n}.jpg", TRAINED, "red") for n in range(trained)]
        table = pd.DataFrame(rows, columns=["sample", "used", "label"])
        run = write_table(run, TRAINING_PHOTOS, table, training_schema(run.classes))
    return run


@pytest.mark.parametrize(
    ("tested", "others", "outcome"),
    [(3, 9, "refused"), (9, 3, "told"), (15, 30, "told"), (9, 1, "told"), (9, 0, "silent"), (20, 30, "told")],
)
def test_photos_that_are_left_out_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tested: int, others: int, outcome: str
) -> None:
    """Photos that bear the names of some test photos may be other ones."""
    run, words = run_of(tmp_path / "run"), f"{tested} of these names and {others} other labeled photo"
    if outcome == "refused":
        with pytest.raises(DataError, match=f"{words}.*--split all"):
            _test_samples(samples(tested, others), run, tmp_path)
        return
    assert len(_test_samples(samples(tested, others), run, tmp_path)) == tested
    given = capsys.readouterr().err
    assert ("--split all" in given and words in given) is (outcome == "told") and bool(given) is (outcome == "told")


@pytest.mark.parametrize(("trained", "told"), [(9, 0), (7, 2), (6, None)])
def test_photos_of_its_own_training_are_not_spoken_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trained: int, told: int | None
) -> None:
    run = run_of(tmp_path / "run", trained=trained)
    if told is None:
        with pytest.raises(DataError, match="and 3 other"):
            _test_samples(samples(2, 9), run, tmp_path)
        return
    assert len(_test_samples(samples(2, 9), run, tmp_path)) == 2
    given = capsys.readouterr().err
    assert f"{told} other" in given if told else given == ""


def test_the_whole_data_set_is_not_spoken_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path / "run", data=DataInfo(train=80, test=20, near_duplicates_dropped=("own_1.jpg",)))
    assert len(_test_samples(samples(20, 81), run, tmp_path)) == 20 and capsys.readouterr().err == ""
    assert len(_test_samples(samples(20, 82), run, tmp_path)) == 20 and "81 other" in capsys.readouterr().err


def test_a_table_beside_class_folders_is_told(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, label in enumerate(("red", "blue")):
        (tmp_path / label).mkdir()
        picture(COLORS[label], seed=number).save(tmp_path / label / "1.png")
    (tmp_path / "predictions.csv").write_text("filename,label,confidence\nred/1.png,blue,0.9\nblue/1.png,blue,0.8\n")
    assert (
        main(
            [
                "evaluate",
                str(tmp_path),
                "--split",
                "all",
                "--run",
                str(tiny_run),
                "--out",
                str(tmp_path.parent / f"{tmp_path.name}-out"),
            ]
        )
        == 0
    )
    given = capsys.readouterr().err
    assert "predictions.csv" in given and "1 of 2 photos" in given
    found = Run.open(tmp_path.parent / f"{tmp_path.name}-out").predictions()
    assert {name: found.classes[true] for name, true in zip(found.samples, found.true, strict=True)} == {
        "red/1.png": "red",
        "blue/1.png": "blue",
    }

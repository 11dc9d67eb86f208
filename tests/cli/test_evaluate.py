"""`har-lens evaluate`: the run's own test photos, or all; what does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from har_core.cli import main
from har_core.runs.run import Run, shipped_run
from tests.conftest import COLORS, picture


def test_the_runs_own_test_photos(real_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real photos of two actions, and one that is labeled but not of the test set."""
    header, *all_rows = (real_photos / "Training_set.csv").read_text().splitlines()
    rows = [row for row in all_rows if row.split(",")[1] in ("running", "sitting")]
    names = [row.split(",")[0] for row in rows]
    (tmp_path / "train").mkdir()
    for name in names:
        (tmp_path / "train" / name).symlink_to(real_photos / "train" / name)
    picture(COLORS["red"]).save(tmp_path / "train" / "other.png")
    (tmp_path / "Training_set.csv").write_text("\n".join([header, *rows, "other.png,running"]))
    assert main(["evaluate", str(tmp_path), "--json", "--out", str(tmp_path / "run")]) == 0
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


def test_a_folder_without_test_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for label in ("sitting", "running"):
        (tmp_path / label).mkdir()
        for number in range(2):
            picture(COLORS["red"]).save(tmp_path / label / f"{number}.png")
    assert main(["evaluate", str(tmp_path)]) == 1
    assert "--split all" in capsys.readouterr().err

"""The command lines, as a shell sees them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from har_core import __main__ as cli
from har_core import commands, runs
from har_core.errors import ConfigError
from har_core.files import JsonLines
from har_core.model import save_model
from har_core.recogniser import Recogniser, shipped_run
from tests.conftest import COLOURS, ROOT, picture

ASTRONAUT = ROOT / "assets" / "samples" / "astronaut.jpg"


def test_predict_prints_one_line_a_photo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    status = commands.run(lambda: cli.main(["predict", str(ASTRONAUT), str(bad), str(ASTRONAUT), "--json"]))
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 1 and [row["file"] for row in rows] == [str(ASTRONAUT), str(bad), str(ASTRONAUT)]
    assert rows[0] == rows[2] and list(rows[1]) == ["file", "error"] and "not a photo" in rows[1]["error"]
    assert list(rows[0]) == ["file", "predicted", "confidence", "probabilities"]
    chances = rows[0]["probabilities"]
    assert tuple(chances) == shipped_run(ROOT).classes and sum(chances.values()) == pytest.approx(1, abs=1e-4)
    assert rows[0]["confidence"] == max(chances.values()) == chances[rows[0]["predicted"]]


def test_predict_succeeds_when_all_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(lambda: cli.main(["predict", str(ASTRONAUT)])) == 0
    assert capsys.readouterr().out.startswith(f"{ASTRONAUT}: ")


def test_an_interrupted_prediction_goes_on(tmp_path: Path, tiny: Recogniser) -> None:
    """Killed twice, each of 120 photos (three of them bad) ends with exactly one row."""
    save_model(tiny.model, tiny.spec, tmp_path / "run" / runs.MODEL)
    runs.write_card(tmp_path / "run", {"status": runs.COMPLETE, "classes": list(tiny.spec.classes)})
    for number in range(120):
        picture(COLOURS["red"], seed=number).save(tmp_path / f"{number}.png")
    for number in (5, 50, 119):
        (tmp_path / f"{number}.png").write_bytes(b"no photo")
    rows, photos = tmp_path / "rows.jsonl", [str(tmp_path / f"{number}.png") for number in range(120)]
    command = [sys.executable, "-m", "har_core", "predict", *photos, "--run", str(tmp_path / "run"), "--out", str(rows)]
    for wanted in (3, 60):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (not rows.exists() or rows.read_bytes().count(b"\n") < wanted):
            time.sleep(0.005)
        process.kill()
        process.wait()
    with rows.open("ab") as file:
        file.write(b'{"file": "half a li')
    assert subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 1
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    assert [row["file"] for row in found] == photos
    assert sum("error" in row for row in found) == 3
    with pytest.raises(ConfigError, match="choose another file"):
        JsonLines(tmp_path / "5.png")
    assert (tmp_path / "5.png").read_bytes() == b"no photo"


def test_evaluate_scores_the_runs_own_validation_photos(
    real_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real photos of three actions, and one that is labelled but not of the validation set."""
    header, *all_rows = (real_photos / "Training_set.csv").read_text().splitlines()
    rows = [row for row in all_rows if row.split(",")[1] in ("running", "sitting", "texting")]
    names = [row.split(",")[0] for row in rows]
    (tmp_path / "train").mkdir()
    for name in names:
        (tmp_path / "train" / name).symlink_to(real_photos / "train" / name)
    picture(COLOURS["red"]).save(tmp_path / "train" / "other.png")
    (tmp_path / "Training_set.csv").write_text("\n".join([header, *rows, "other.png,running"]))
    assert commands.run(lambda: cli.main(["evaluate", str(tmp_path), "--json", "--out", str(tmp_path / "run")])) == 0
    figures = json.loads(capsys.readouterr().out)
    table = shipped_run(ROOT).predictions()
    present = np.isin(table.samples.astype(str), names)
    assert figures["n"] == present.sum() == 36
    assert figures["accuracy"] == pytest.approx((table.true == table.predicted)[present].mean())
    kept = runs.Run.open(tmp_path / "run")
    assert set(kept.predictions().samples) == set(names) and kept.heatmaps().shape == (36, 15, 7, 7)


def test_evaluate_names_what_does_not_fit(
    kaggle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run(lambda: cli.main(["evaluate", str(kaggle_folder), "--split", "all"])) == 1
    assert "found blue, green, red too; pass --unknown" in capsys.readouterr().err
    for label in ("sitting", "running"):
        (tmp_path / label).mkdir()
        for number in range(2):
            picture(COLOURS["red"]).save(tmp_path / label / f"{number}.png")
    assert commands.run(lambda: cli.main(["evaluate", str(tmp_path)])) == 1
    assert "--split all" in capsys.readouterr().err


def test_errors_are_one_line_without_a_traceback(tmp_path: Path) -> None:
    for arguments in (["train.py", str(tmp_path)], ["-m", "har_core", "predict", "x.jpg", "--run", str(tmp_path)]):
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.startswith("error: ") and "Traceback" not in done.stderr


def test_the_library_does_not_know_streamlit_or_load_what_it_rarely_needs() -> None:
    code = (
        "import importlib, pkgutil, sys, har_core\n"
        "for one in pkgutil.iter_modules(har_core.__path__):\n"
        "    if one.name != '__main__': importlib.import_module('har_core.' + one.name)\n"
        "print([name for name in ('streamlit', 'kagglehub', 'pytorch_grad_cam') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""`har-lens video` and `har-lens evaluate` of clips."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from har_core.cli import main
from har_core.runs.clip_table import PEAK_FRAMES
from har_core.runs.run import Run
from tests.conftest import COLORS, picture
from tests.media.clip_makers import make_clip


def colored(path: Path, *colors: str) -> Path:
    """A clip that shows each color for a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = [np.asarray(picture(COLORS[color], seed=seed)) for color in colors for seed in range(12)]
    path.write_bytes(make_clip(size=(60, 48), pictures=shown))
    return path


def test_one_object_per_clip_and_tables(tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = colored(tmp_path / "in" / "a.mp4", "red", "blue"), tmp_path / "in" / "b.mp4"
    bad.write_bytes(b"no clip")
    tables = {name: tmp_path / "out" / f"{name}.csv" for name in ("segments", "frames")}
    options = [word for name, path in tables.items() for word in (f"--{name}", str(path))]
    assert main(["video", str(tmp_path / "in"), "--run", str(tiny_run), "--json", "--fps", "6", *options]) == 1
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert list(second) == ["file", "error"] and second["file"] == str(bad)
    assert first["file"] == str(good) and first["seconds"] == pytest.approx(2, abs=0.1) and first["broken"] is None
    assert set(first["probabilities"]) == set(COLORS)
    assert first["confidence"] == max(first["probabilities"].values()) == first["probabilities"][first["predicted"]]
    assert first["segments"][0]["start"] == 0 and first["segments"][-1]["end"] == first["seconds"]
    with tables["frames"].open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 and {row["file"] for row in rows} == {str(good)}
    mean = {name: np.mean([float(row[f"p:{name}"]) for row in rows]) for name in COLORS}
    assert mean == pytest.approx(first["probabilities"], abs=1e-5)
    with tables["segments"].open() as file:
        found = [(float(row["start"]), row["label"]) for row in csv.DictReader(file)]
    assert found == [(one["start"], one["label"]) for one in first["segments"]]


def test_text_and_the_status(tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = colored(tmp_path / "a.mp4", "green")
    assert main(["video", str(clip), "--run", str(tiny_run)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith(f"{clip}: ") and lines and all(" to 0:0" in line for line in lines)
    clip.write_bytes(clip.read_bytes()[:200])
    assert main(["video", str(clip), "--run", str(tiny_run)]) == 1
    (tmp_path / "empty").mkdir()
    assert main(["video", str(tmp_path / "empty"), "--run", str(tiny_run)]) == 1
    assert "found none" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["video", str(clip), "--fps", "0"])


def test_labeled_clips_are_evaluated(tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for color in COLORS:
        colored(tmp_path / "clips" / color / "a.mp4", color)
    out = tmp_path / "run"
    assert main(["evaluate", str(tmp_path / "clips"), "--run", str(tiny_run), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 3
    run = Run.open(out)
    assert list(run.predictions().samples) == [f"{color}/a.mp4" for color in sorted(COLORS)]
    assert (out / PEAK_FRAMES / "red" / "a.mp4.jpg").is_file()

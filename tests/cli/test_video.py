"""`har-lens video` and `har-lens evaluate` of clips."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from har_core.analysis.timeline import FrameRule
from har_core.cli import main
from har_core.cli.video import _as_json, _as_lines
from har_core.inference.video import FrameAnswer, clip_answer, frames_table
from har_core.media.clips import ClipInfo
from har_core.media.geometry import Box
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
    (tmp_path / "out").mkdir()
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
    assert "found none" in capsys.readouterr().out
    for wrong in ([str(clip), "--fps", "0"], [""]):
        with pytest.raises(SystemExit) as ended:
            main(["video", *wrong])
        assert ended.value.code == 2


def test_an_engine_without_its_file_says_how_to_make_it(
    tmp_path: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAR_LENS_HOME", str(tmp_path / "home"))
    assert main(["video", str(tmp_path / "a.mp4"), "--run", str(tiny_run), "--engine", "onnx"]) == 1
    assert "har-lens prepare" in capsys.readouterr().err


def test_a_folder_without_clips_costs_its_own_line(
    tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = [colored(tmp_path / name, "green") for name in ("a.mp4", "b.mp4")]
    (tmp_path / "empty").mkdir()
    asked = [str(clips[0]), str(tmp_path / "empty"), str(clips[1])]
    assert main(["video", *asked, "--run", str(tiny_run), "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in rows] == asked and ["error" in row for row in rows] == [False, True, False]


def test_a_folders_clips_are_known_by_their_content(
    tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    for name in ("a.phone", "b.MKV", "sub/c"):
        colored(folder / name, "green")
    (folder / "d.gif").write_bytes(b"GIF89a" + bytes(50))
    (folder / "notes.txt").write_text("notes")
    assert main(["video", str(folder), "--run", str(tiny_run), "--json"]) == 1
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [Path(row["file"]).name for row in rows] == ["a.phone", "b.MKV", "d.gif", "c"]
    assert ["error" in row for row in rows] == [False, False, True, False] and "1 file .txt" in printed.err


def test_a_folder_of_other_things_says_what_it_holds(
    tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.jpg", "b.JPG", "c.txt"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff\xe0")
    assert main(["video", str(tmp_path), "--run", str(tiny_run)]) == 1
    assert "found 2 files .jpg, 1 file .txt" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        ["--segments", "a.mp4"],
        ["--frames", "in/../a.mp4"],
        ["--segments", "link.csv"],
        ["--frames", "other.MOV"],
        ["--frames", "in"],
        ["--segments", "missing/s.csv"],
        ["--segments", "a.mp4/s.csv"],
        ["--segments", "t.csv", "--frames", "in/../t.csv"],
    ],
)
def test_tables_that_cannot_be_written_are_refused_before_the_work(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"a clip")
    (tmp_path / "in").mkdir()
    (tmp_path / "link.csv").symlink_to(clip)
    before = sorted(tmp_path.rglob("*"))
    places = [word if word.startswith("--") else str(tmp_path / word) for word in options]
    assert main(["video", str(clip), "--run", str(tmp_path / "no run"), *places]) == 1
    printed = capsys.readouterr()
    assert options[-2] in printed.err and len(printed.err.splitlines()) == 1 and not printed.out
    assert clip.read_bytes() == b"a clip" and sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("rule", "answer", "said"),
    [
        (FrameRule(threshold=0.5), "a", "a (60.0% on"),
        (FrameRule(lowest=0.2, threshold=0.5), "a or b", "a or b (60.0% and 30.0% on"),
        (FrameRule(threshold=0.9), "unsure", "unsure, perhaps a (60.0% on"),
        (FrameRule(least_known=2.0), "none", "none, likeliest a (60.0% on"),
    ],
)
def test_the_headline_hedges_as_the_segments_do(rule: FrameRule, answer: str, said: str) -> None:
    box, shares = Box(0, 0, 8, 8), np.array([0.6, 0.3, 0.1], np.float32)
    frames = [FrameAnswer(t / 4, shares, 1.0, None, np.zeros(1), box, (8, 8), b"") for t in range(4)]
    info = ClipInfo("c.mp4", 1.0, 8, 8, 4.0)
    found = clip_answer(info, "abc", frames, rule=rule, finished=True)
    row = _as_json("c.mp4", found, None)
    assert row["answer"] == answer and row["predicted"] == "a"
    assert {one["label"] for one in row["segments"]} == {answer} == {line[1] for line in frames_table(found)[1:]}
    assert next(_as_lines("c.mp4", found, None)).startswith(f"c.mp4: {said}")


def test_labeled_clips_are_evaluated(tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for color in COLORS:
        colored(tmp_path / "clips" / color / "a.mp4", color)
    out = tmp_path / "run"
    assert main(["evaluate", str(tmp_path / "clips"), "--run", str(tiny_run), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 3
    run = Run.open(out)
    assert list(run.predictions().samples) == [f"{color}/a.mp4" for color in sorted(COLORS)]
    assert (out / PEAK_FRAMES / "red" / "a.mp4.jpg").is_file()

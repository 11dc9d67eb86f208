"""`har-lens predict`: one row per photo, which an interruption neither loses nor doubles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from har_core.cli import main
from har_core.errors import ConfigError
from har_core.files import JsonLines
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.runs.run import shipped_run
from tests.conftest import COLORS, ROOT, picture

ASTRONAUT = ROOT / "assets" / "samples" / "astronaut.jpg"


def test_one_row_per_photo(tmp_path: Path, shipped: Predictor, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    status = main(["predict", str(ASTRONAUT), str(bad), str(ASTRONAUT), "--json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 1 and [row["file"] for row in rows] == [str(ASTRONAUT), str(bad), str(ASTRONAUT)]
    assert list(rows[1]) == ["file", "error"]
    expected = shipped.predict(open_photo(ASTRONAUT), "astronaut")
    for row in (rows[0], rows[2]):
        assert list(row) == ["file", "answer", "predicted", "confidence", "probabilities"]
        assert row["predicted"] == expected.predicted and tuple(row["probabilities"]) == expected.classes
        assert list(row["probabilities"].values()) == pytest.approx(expected.probabilities.tolist(), abs=1e-5)
        assert row["confidence"] == max(row["probabilities"].values()) == row["probabilities"][row["predicted"]]


def test_the_answer_is_that_of_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A white picture shows none of the actions, whatever is the most probable of them."""
    Image.new("RGB", (400, 300), "white").save(tmp_path / "white.png")
    assert main(["predict", str(tmp_path / "white.png"), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["answer"] in ("none", "unsure") and row["predicted"] in shipped_run().classes
    assert main(["predict", str(tmp_path / "white.png")]) == 0
    said = capsys.readouterr().out
    assert f": {row['answer']}, " in said and row["predicted"] in said


def test_the_status_is_0_when_all_could_be_read(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(COLORS["red"]).save(tmp_path / "red.png")
    assert main(["predict", str(tmp_path / "red.png"), "--run", str(tiny_run)]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'red.png'}: ")


def test_folders_of_photos(tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("b/2.png", "b/1", "a.jpg", ".hidden/3.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        picture(COLORS["red"]).save(tmp_path / "in" / name, format="PNG")
    (tmp_path / "in" / "notes.txt").write_text("these are notes")
    assert main(["predict", str(tmp_path / "in"), str(ASTRONAUT), "--run", str(tiny_run), "--json"]) == 0
    files = [json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()]
    assert files == [str(tmp_path / "in" / name) for name in ("a.jpg", "b/1", "b/2.png")] + [str(ASTRONAUT)]
    (tmp_path / "empty").mkdir()
    assert main(["predict", str(tmp_path / "empty"), "--run", str(tiny_run)]) == 1
    assert "found none" in capsys.readouterr().err


def test_hidden_photos_of_a_folder_are_told(tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (".a.jpg", "._b.jpg", "b.jpg", ".git/c.jpg"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        picture(COLORS["red"]).save(tmp_path / "in" / name, format="PNG")
    assert main(["predict", str(tmp_path / "in"), "--run", str(tiny_run), "--json"]) == 0
    told = capsys.readouterr()
    assert [json.loads(line)["file"] for line in told.out.splitlines()] == [str(tmp_path / "in" / "b.jpg")]
    assert ".a.jpg" in told.err and "._b" not in told.err and ".git" not in told.err


def test_a_refused_photo_is_named_once(tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is accepted is told once, at the end; devices and pipes are refused before they are read."""
    (tmp_path / "a.bmp").write_bytes(b"BM" + bytes(60))
    os.mkfifo(tmp_path / "pipe")
    given = [str(tmp_path / "a.bmp"), str(tmp_path / "pipe"), "/dev/zero", str(tmp_path / "gone.jpg")]
    assert main(["predict", *given, "--run", str(tiny_run)]) == 1
    told = capsys.readouterr()
    assert [line.count(path) for line, path in zip(told.out.splitlines(), given, strict=True)] == [1] * 4
    assert "Accepted are" not in told.out and told.err.count("Accepted are") == 1


@pytest.mark.parametrize("path", ["", "http://x/y.jpg", "HTTPS://x.org/a.png"])
def test_what_is_no_path_is_refused(path: str, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["predict", path, "--run", str(tiny_run)],
        ["evaluate", path],
        ["predict", "a.jpg", "--run", path],
    ):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2 and (path or "an empty name") in capsys.readouterr().err


def test_an_interrupted_prediction_goes_on(tmp_path: Path, tiny_run: Path) -> None:
    """Killed on the way, each of many photos (three of them bad) ends with exactly one row."""
    count, bad = 600, [5, 50, 599]
    for number in range(count):
        picture(COLORS["red"], seed=number).save(tmp_path / f"{number}.png")
    for number in bad:
        (tmp_path / f"{number}.png").write_bytes(b"no photo")
    rows, photos = tmp_path / "rows.jsonl", [str(tmp_path / f"{number}.png") for number in range(count)]
    command = [sys.executable, "-m", "har_core", "predict", *photos, "--run", str(tiny_run), "--out", str(rows)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 120
    while process.poll() is None and (not rows.exists() or rows.read_bytes().count(b"\n") < 20):
        assert time.monotonic() < give_up
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert rows.read_bytes().count(b"\n") < count
    with rows.open("ab") as file:
        file.write(b'{"file": "half a li')
    assert subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=120, check=False).returncode == 1
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    assert [row["file"] for row in found] == photos
    assert [number for number, row in enumerate(found) if "error" in row] == bad
    assert main(command[3:]) == 1  # nothing is left to do, and the errors still count
    assert len(rows.read_text().splitlines()) == count


def test_a_photo_that_is_named_twice_has_one_row_in_the_file(tmp_path: Path, tiny_run: Path) -> None:
    picture(COLORS["red"]).save(tmp_path / "red.png")
    photo, rows = str(tmp_path / "red.png"), tmp_path / "rows.jsonl"
    assert main(["predict", photo, photo, "--run", str(tiny_run), "--out", str(rows)]) == 0
    assert len(rows.read_text().splitlines()) == 1


@pytest.mark.parametrize("content", [b'{"file": "a", "x": 1}\n', b"[1, 2]\n", None])
def test_other_lines_of_json_and_folders_are_no_predictions(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError):
        JsonLines(path)
    assert content is None or path.read_bytes() == content


def test_another_file_is_never_overwritten(tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_bytes(b"these are notes")
    assert main(["predict", "x.png", "--run", str(tiny_run), "--out", str(tmp_path / "notes.txt")]) == 1
    with pytest.raises(ConfigError):
        JsonLines(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_bytes() == b"these are notes"
    assert "notes.txt" in capsys.readouterr().err

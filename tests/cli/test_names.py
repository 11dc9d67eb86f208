"""The command line with names, folders and terminals as people have them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from har_core.cli import main
from har_core.runs.run import Run
from tests.conftest import COLORS, ROOT, picture


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
@pytest.mark.parametrize("option", [(), ("--json",)])
def test_names_are_printed_on_every_terminal(
    tmp_path: Path, tiny_run: Path, encoding: str, option: tuple[str, ...]
) -> None:
    photos = [tmp_path / os.fsdecode(name) for name in (b"caf\xe9.png", "9.41\u202fAM \U0001f600.png".encode(), b"bad")]
    for photo in photos[:2]:
        picture(COLORS["red"]).save(tmp_path / "plain.png")
        (tmp_path / "plain.png").rename(photo)
    command = [sys.executable, "-m", "har_core", "predict", "--run", str(tiny_run), "--out", str(tmp_path / "rows")]
    done = subprocess.run(
        [*command, *option, *photos],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1 and done.stderr.startswith(b"" if option else b"Accepted are")
    assert len(done.stderr.splitlines()) == (not option)
    lines = done.stdout.decode().splitlines()
    rows = [json.loads(line) for line in (tmp_path / "rows").read_text().splitlines()]
    assert [row["file"] for row in rows] == [f"{tmp_path}/caf\\xe9.png", *map(str, photos[1:])]
    assert [list(row)[1] for row in rows] == ["answer", "answer", "error"]
    if option:
        assert [json.loads(line)["file"] for line in lines] == [row["file"] for row in rows]
    else:
        assert "caf\\xe9.png: " in lines[0] and "9.41\\u202fAM " in lines[1] and len(lines) == 3


def test_what_could_not_be_read_is_named_each_time(
    tmp_path: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "bad.jpg"
    photo.write_bytes(b"no photo")
    for _ in range(2):
        assert main(["predict", str(photo), "--run", str(tiny_run), "--out", str(tmp_path / "rows")]) == 1
        told = capsys.readouterr()
        assert "bad.jpg" in told.out + told.err and "not a photo that can be read" in told.out + told.err
    assert len((tmp_path / "rows").read_text().splitlines()) == 1


def test_a_changed_photo_or_run_is_predicted_again(tmp_path: Path, tiny_run: Path) -> None:
    photo, rows = tmp_path / "red.png", tmp_path / "rows"
    picture(COLORS["red"]).save(photo)
    other = shutil.copytree(tiny_run, tmp_path / "other")

    def stored(run: Path) -> list[dict[str, object]]:
        assert main(["predict", str(photo), "--run", str(run), "--out", str(rows)]) == (not photo.exists())
        return [json.loads(line) for line in rows.read_text().splitlines()]

    assert len(stored(tiny_run)) == len(stored(tiny_run)) == 1
    picture(COLORS["blue"], (90, 70)).save(photo)
    found = stored(tiny_run)
    assert len(found) == len(stored(tiny_run)) == 2 and found[0]["probabilities"] != found[1]["probabilities"]
    assert found[1]["run"] == f"tiny {Run.open(tiny_run).manifest.files['model.safetensors'].sha256[:12]} center"
    assert len(stored(other)) == len(stored(other)) == 3
    assert len(stored(tiny_run)) == 4  # of several rows the last counts
    photo.unlink()
    assert len(stored(tiny_run)) == len(stored(tiny_run)) == 5


def test_a_run_is_not_replaced_and_nothing_is_computed(
    kaggle_folder: Path,
    tiny_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    monkeypatch.setattr("har_core.data.scan.scan", lambda *_, **__: pytest.fail("begun"))
    assert main(["evaluate", str(kaggle_folder), "--split", "all", "--run", str(tiny_run), "--out", str(run)]) == 1
    assert "another folder" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_labels_are_matched_and_mapped(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for label in ("Red", "crim=son"):
        (tmp_path / label).mkdir()
        picture(COLORS["red"]).save(tmp_path / label / "a.png")
    arguments = ["evaluate", str(tmp_path), "--split", "all", "--run", str(tiny_run), "--json"]
    assert main(arguments) == 1
    assert "--map" in capsys.readouterr().err
    assert main([*arguments, "--map", "crim=son=red"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["n"] == 2 and "Red is read as red" in told.err
    assert main([*arguments, "--map", "crim=son=red", "--map", "crim=son=blue"]) == 1
    assert "several" in capsys.readouterr().err
    assert main([*arguments, "--map", "crim=son=ruby"]) == 1
    assert "ruby" in capsys.readouterr().err

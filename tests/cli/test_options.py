"""What arguments that several subcommands have mean, and how they are refused."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from har_core.cli import main
from har_core.cli.options import given_path, given_place, told_classes, told_meaning
from har_core.errors import DataError


def test_names_that_no_label_has_are_the_cause_that_is_told_first(tmp_path: Path) -> None:
    known = argparse.Namespace(map=[], unknown=None)
    for given, fragment in (
        (argparse.Namespace(map=[], unknown=None, classes=tmp_path / "classes.txt"), "check --classes"),
        (argparse.Namespace(map=[], unknown=None, classes=None), "pass --classes FILE"),
        (known, "choose the run"),
    ):
        with pytest.raises(DataError) as caught:
            told_meaning(given, ["calling", "clapping"], ["LABEL_0", "LABEL_1"])
        said = str(caught.value)
        assert said.index("none of the classes") < said.index(fragment) < said.index("--map")
    with pytest.raises(DataError) as caught:
        told_meaning(known, ["calling", "clapping"], ["calling", "LABEL_1"])
    assert "none of the classes" not in str(caught.value)


PLACES = (
    ["analyze", "{}", "data"], ["analyze", "run", "{}"], ["app", "--data", "{}"], ["app", "--runs", "{}"], ["calibrate", "{}"],
    ["convert", "{}"], ["download", "--data", "{}"], ["evaluate", "data", "--out", "{}"], ["export", "{}", "--to", "csv", "--out", "o"],
    ["export", "run", "--to", "onnx", "--out", "{}"], ["export", "run", "--to", "onnx", "--out", "o", "--photos", "{}"],
    ["import", "{}", "--out", "o"], ["import", "t.csv", "--out", "{}"], ["import", "t.csv", "--out", "o", "--photos", "{}"],
    ["near-duplicates", "{}"], ["predict", "a.jpg", "--out", "{}"], ["prepare", "{}"], ["score", "{}", "--out", "o"],
    ["score", "data", "--out", "{}"], ["score", "data", "--out", "o", "--classes", "{}"], ["soup", "data", "{}", "--out", "o"],
    ["train", "{}"], ["train", "data", "--labels", "{}"], ["train", "data", "--test-clips", "{}"], ["video", "{}"],
    ["video", "a.mp4", "--segments", "{}"],
)  # fmt: skip


@pytest.mark.parametrize("path", ["", "https://x.org/a", "file:///a"])
@pytest.mark.parametrize("arguments", PLACES, ids=" ".join)
def test_what_is_no_path_is_refused_by_every_command(
    arguments: list[str], path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([one.format(path) for one in arguments])
    assert stopped.value.code == 2 and (path or "an empty name") in capsys.readouterr().err


def test_a_path_from_home_and_one_in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert given_path("~/runs") == tmp_path / "runs" and given_place("~/runs") == str(tmp_path / "runs")
    assert given_place("s3://bucket/a") == "s3://bucket/a" and given_path("C:\\a") == Path("C:\\a")
    (tmp_path / "~").mkdir()
    assert given_path("~") == Path("~") and given_path(".") == Path()


@pytest.mark.parametrize("option", ["--crop-size", "--resize"])
@pytest.mark.parametrize("value", ["0", "-5", "a"])
def test_sides_are_one_pixel_or_more(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["score", "photos", "--model", "m.onnx", "--out", "o", f"{option}={value}"])
    assert "1 or more" in capsys.readouterr().err


def test_how_class_names_were_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "classes.txt").write_text("1 b\n0 a\n")
    assert told_classes(tmp_path / "classes.txt") == ("a", "b")
    assert "classes.txt" in capsys.readouterr().err
    (tmp_path / "classes.txt").write_text("a\nb\n")
    assert told_classes(tmp_path / "classes.txt") == ("a", "b") and not capsys.readouterr().err

"""What arguments that several subcommands have mean, and how they are refused."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from har_core.cli import main
from har_core.cli.options import told_classes, told_meaning
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

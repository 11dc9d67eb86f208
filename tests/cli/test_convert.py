"""`har-lens convert`: run folders of version 0.1 become run folders of this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_core.cli import main
from har_core.runs.file_names import LEGACY_MANIFEST, MANIFEST
from har_core.runs.run import Run


def test_an_old_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = {"format": "har-lens-run/1", "status": "complete", "classes": ["a", "b"], "files": {}, "title": "Mine"}
    (tmp_path / LEGACY_MANIFEST).write_text(json.dumps(card))
    assert main(["convert", str(tmp_path)]) == 0
    assert str(tmp_path) in capsys.readouterr().out
    assert (tmp_path / MANIFEST).is_file() and Run.open(tmp_path).title == "Mine"


def test_another_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")

"""The command as a shell sees it: exit status, one-line errors, help at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from har_core import __version__
from har_core.cli import COMMANDS, main
from tests.conftest import ROOT


def python(*arguments: str, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )


def test_help_lists_every_command_without_loading_what_they_need() -> None:
    code = (
        "import json, sys; from har_core.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: status = end.code\n"
        "print(json.dumps([status, sorted({name.split('.')[0] for name in sys.modules})]), file=sys.stderr)"
    )
    done = python("-c", code)
    status, modules = json.loads(done.stderr)
    assert status == 0 and not {"torch", "numpy", "pandas", "pydantic"} & set(modules)
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_describes_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0 and f"har-lens {command}" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == f"har-lens {__version__}"


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["predict"], ["evaluate", "data", "--split", "half"]])
def test_wrong_arguments_end_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_errors_are_one_line_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = python("train.py", str(tmp_path))
    assert done.returncode == 1 and done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert main(["predict", "x.jpg", "--run", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_unknown_devices_are_refused(tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "x.jpg", "--run", str(tiny_run), "--device", "abacus"]) == 1
    assert "abacus" in capsys.readouterr().err

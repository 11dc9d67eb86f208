"""What `pip install .` brings: every package, the app, and what they read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from har_core.cli import app, main
from tests.conftest import ROOT

SETUP = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
PLACES = sorted(SETUP["package-dir"].items(), key=lambda item: -len(item[0]))


def folder_of(package: str) -> Path:
    for name, place in PLACES:
        if package == name or package.startswith(f"{name}."):
            return ROOT / place / Path(*package.removeprefix(name).strip(".").split("."))
    return ROOT / Path(*package.split("."))


def test_every_folder_with_code_is_a_package() -> None:
    """The root of the checkout is one too, as the place of the app's first file."""
    told = {folder_of(package).resolve() for package in SETUP["packages"]} - {
        (ROOT / "assets").resolve(),
        ROOT.resolve(),
    }
    there = {path.parent.resolve() for top in ("har_core", "app_pages") for path in (ROOT / top).rglob("*.py")}
    assert told == there


def test_what_pages_and_library_read_is_data_of_a_package() -> None:
    listed = {
        path.resolve()
        for package, patterns in SETUP["package-data"].items()
        for pattern in patterns
        for path in folder_of(package).glob(pattern)
    }
    components = {path.resolve() for path in (ROOT / "app_pages").rglob("*") if path.suffix in (".js", ".css")}
    runs = {path.resolve() for path in (ROOT / "assets" / "runs").rglob("*") if path.is_file()}
    logos = {path.resolve() for path in (ROOT / "assets").glob("*.svg")}
    assert components | runs | logos | {(ROOT / ".streamlit" / "config.toml").resolve()} <= listed


def test_the_app_is_found_and_told_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def replaced(program: str, command: list[str]) -> None:
        commands.append(command)
        raise SystemExit  # as the real one, it does not return

    monkeypatch.setattr("os.execv", replaced)
    with pytest.raises(SystemExit):
        main(["app", "--data", "photos", "--trust-visitors", "--port", "8600"])
    assert app.script_path() == ROOT / "app.py"
    (command,) = commands
    assert command[1:5] == ["-m", "streamlit", "run", str(ROOT / "app.py")]
    assert command[command.index("--") + 1 :] == ["--data", "photos", "--trust-visitors"] and "8600" in command

"""The commands that the documents name exist, with every flag, file and test in them."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from har_core.cli import COMMANDS, _module
from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "edge" / "README.md"]
COMMAND = re.compile(r"(?:python -m har_core|har-lens|python train\.py|train\.py|python -m benchmarks\.\w+|pytest) .*")


def commands() -> Iterator[tuple[str, list[str]]]:
    """(document, words) of every command in a code span or an indented block."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8").replace("\\\n", " ")
        found = [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^    (.+)$", text, flags=re.MULTILINE)]
        for line in found:
            for part in re.split(r" && |;\s", line.split(" #")[0]):
                if (match := COMMAND.match(part.strip())) is not None:
                    yield document.name, shlex.split(match[0])


def named(kind: str) -> list[tuple[str, list[str]]]:
    return [(document, words) for document, words in commands() if kind in " ".join(words[:3])]


def flags(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--") and len(word) > 2}


def options(command: str) -> set[str]:
    module = importlib.import_module(f"har_core.cli.{_module(command)}")
    subparsers = argparse.ArgumentParser().add_subparsers()
    module.add_parser(subparsers)
    return {option for parser in subparsers.choices.values() for option in parser._option_string_actions}


def test_there_are_commands_of_every_kind() -> None:
    assert all(len(named(kind)) > 5 for kind in ("har-lens", "train.py", "benchmarks", "pytest"))


def test_subcommands_have_the_flags_that_documents_give_them() -> None:
    known: dict[str, set[str]] = {}
    for document, words in [*named("har-lens"), *named("har_core")]:
        after = words[1:] if words[0] == "har-lens" else words[3:]
        if not after or not after[0].islower():  # COMMAND stands for any
            continue
        assert after[0] in COMMANDS, (document, words)
        known.setdefault(after[0], options(after[0]))
        assert flags(after) <= known[after[0]], (document, words)


def test_trainings_have_the_flags_that_documents_give_them() -> None:
    known = options("train")
    for document, words in named("train.py"):
        assert flags(words) <= known, (document, words)


def test_benchmarks_are_there_with_their_flags() -> None:
    for document, words in named("benchmarks"):
        if words[:2] != ["python", "-m"]:
            continue
        file = ROOT / f"{words[2].replace('.', '/')}.py"
        assert file.is_file(), (document, words)
        source = file.read_text(encoding="utf-8")
        for other in re.findall(r"from benchmarks\.(\w+) import", source):
            source += (ROOT / "benchmarks" / f"{other}.py").read_text(encoding="utf-8")
        given = flags(words[3:])
        unknown = {flag for flag in given if f'"{flag}"' not in source}
        assert unknown <= ({"--views"} if "add_views(" in source else set()), (document, words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_chosen_tests_are_there(document: Path) -> None:
    """Each path, and for each word of -k a test whose name has it."""
    for _, words in [each for each in named("pytest") if each[0] == document.name]:
        paths = [word for word in words[1:] if word.partition("::")[0].startswith(("tests", "benchmarks"))]
        files = [file for path in paths for file in files_of(ROOT / path.partition("::")[0])]
        assert len(files) >= len(paths), words
        if "-k" in words:
            names = {name for file in files for name in names_in(file)}
            for word in re.split(r" (?:or|and) ", words[words.index("-k") + 1]):
                assert any(word in name for name in names), (word, words)


def files_of(path: Path) -> list[Path]:
    return sorted(path.rglob("test_*.py")) if path.is_dir() else [path] if path.is_file() else []


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {f"{file.stem}::{node.name}" for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

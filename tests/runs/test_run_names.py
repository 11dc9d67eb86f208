"""Names of runs as people write them, and the copy of a run that bears one."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from har_core.errors import RunError
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run, find_runs
from har_core.runs.run_names import MAX_BYTES, run_name
from har_core.runs.writing import copy_run, write_manifest

WRITTEN = (
    "내 사진",
    "عکس‌های من",
    "Größe & Straße",
    "my photos, 2nd try (v1.2)",
    "-5",
    "क्‍ष",
    "🏃‍♀️",
    "CON",
    "a" * 255,
    "坐" * 85,
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    folder = tmp_path / "own" / "run-0"
    folder.mkdir(parents=True)
    (folder / "verdicts.sqlite").write_bytes(b"judged")
    return write_manifest(folder, Manifest(status=COMPLETE, title="Your table", classes=("a", "b")))


@pytest.mark.parametrize("name", WRITTEN)
def test_a_run_is_called_what_it_was_given(name: str, run: Run, tmp_path: Path) -> None:
    kept = copy_run(run, tmp_path / "runs" / run_name(f"  {name} "))
    assert kept.title == kept.name == name and kept.classes == run.classes
    assert (kept.folder / "verdicts.sqlite").read_bytes() == b"judged"
    (found,), broken = find_runs([tmp_path / "runs"])
    assert not broken and found.title == name and [one.name for one in kept.folder.parent.iterdir()] == [name]
    assert run.title == "Your table"


def test_two_ways_to_write_a_letter_are_one() -> None:
    apart = unicodedata.normalize("NFD", "Größe é 한국")
    assert len(apart) > len(run_name(apart)) and run_name(apart) == "Größe é 한국"


@pytest.mark.parametrize(
    "name",
    ["", "  ", ".", "..", ".hidden", "../up", "a/b", "a\\b", "a\0b", "a\nb", "a\x7fb", "a\u202eb", "\u200b", "caf\udce9", "\u200d"],
)  # fmt: skip
def test_what_no_folder_should_be_called_is_refused(name: str) -> None:
    with pytest.raises(RunError, match="expected a name of letters") as refusal:
        run_name(name)
    assert str(refusal.value).isprintable()


def test_a_name_is_as_long_as_a_file_name_may_be() -> None:
    assert len(run_name("한" * (MAX_BYTES // 3)).encode()) == MAX_BYTES
    for long in ("a" * 256, "한" * 86):
        with pytest.raises(RunError, match=f"at most {MAX_BYTES} bytes"):
            run_name(long)


@pytest.mark.parametrize(
    ("name", "other"), [("Mine", "mine"), ("STRASSE", "straße"), ("é", "É"), ("e\u0301", "É"), ("run-0", "run-0")]
)
def test_a_name_that_differs_in_case_alone_is_taken(name: str, other: str) -> None:
    with pytest.raises(RunError, match="already"):
        run_name(name, ["another", other])


def test_what_is_there_is_not_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "runs" / "notes").mkdir(parents=True)
    with pytest.raises(RunError, match="already"):
        copy_run(run, tmp_path / "runs" / "notes")
    assert not list((tmp_path / "runs" / "notes").iterdir())

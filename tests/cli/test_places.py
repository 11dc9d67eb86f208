"""Where photos are and outcomes go: what is named in place of a folder, what is refused, and what the system cannot do."""

from __future__ import annotations

import errno
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from har_core.cli import main
from har_core.cli.options import given_path, require_apart
from har_core.cli.terminal import run_command
from har_core.errors import ConfigError
from har_core.scoring import places
from tests.conftest import COLORS, picture


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "Errno" not in error
    return error


COMMANDS = {
    "score": ["score", "{data}", "--model", "{run}", "--out", "{out}"],
    "shards": ["score", "{data}", "--engine", "local", "--out", "{out}"],
    "table": ["score", "{data}", "--model", "{run}", "--out", "{out}.csv"],
    "evaluate": ["evaluate", "{data}", "--run", "{run}", "--out", "{out}"],
    "soup": ["soup", "{data}", "{run}", "--out", "{out}"],
    "train": ["train", "{data}", "--out", "{out}"],
    "clips": ["train", "{data}", "--temporal", "frames", "--out", "{out}"],
    "import": ["import", "t.csv", "--photos", "{data}", "--out", "{out}"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_outcome_goes_into_the_folder_of_the_photos(
    command: str, kaggle_folder: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(kaggle_folder.rglob("*"))
    for out in ("", "/", "/new/run", "/../" + kaggle_folder.name):
        if command == "table" and out != "/new/run":
            continue
        given = {"data": str(kaggle_folder), "run": str(tiny_run), "out": f"{kaggle_folder}{out}"}
        assert main([one.format(**given) for one in COMMANDS[command]]) == 1
        assert "--out" in said(capsys) and sorted(kaggle_folder.rglob("*")) == before


def test_what_lies_apart(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for out in (None, tmp_path / "data2", tmp_path, "s3://b/data"):
        require_apart(out, tmp_path / "data", None, tmp_path / "none")
    require_apart("s3://b/data2", "s3://b/data/")
    for out, data in (("s3://b/data/x", "s3://b/data"), ("s3://b/data", "s3://b/data/")):
        with pytest.raises(ConfigError):
            require_apart(out, data)


FOUND = {
    "a.zip": "zip archive", "a.csv": "a table", "none": "found none", "a.png": "a photo", "photo": "a photo", "a.mp4": "a clip",
    "clip": "a clip", "a.pdf": "a PDF", "notes": "a file",
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize(
    "command",
    [["evaluate"], ["train"], ["train", "--temporal", "frames"], ["score", "--model", "m.onnx", "--out", "run"]],
)
def test_what_is_no_folder_of_photos_is_called_what_it_is(
    name: str, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("filename,label\n")
    picture(COLORS["red"]).save(tmp_path / "a.png")
    shutil.copy("a.png", "photo")
    for clip in ("a.mp4", "clip"):
        (tmp_path / clip).write_bytes(b"\0\0\0\x18ftypisom" + bytes(60))
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "notes").write_bytes(b"these are notes")
    shutil.make_archive("a", "zip", tmp_path, "a.csv")
    if command[0] == "score" and name == "a.csv":  # a list
        command = ["near-duplicates"]
    assert main([command[0], name, *command[1:]]) == 1
    error = said(capsys)
    assert FOUND[name] in error and ";" in error


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENAMETOOLONG, "shorter"),
        (errno.EACCES, "rights"),
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EROFS, "another"),
        (errno.ENOENT, "check the path"),
    ],
)
@pytest.mark.parametrize("name", ["some/file", None])
def test_what_the_system_cannot_do_is_told_in_a_sentence(
    number: int, words: str, name: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise OSError(number, os.strerror(number), name)

    assert run_command(fail) == 1
    error = said(capsys)
    assert words in error and (name or "a file") in error


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (
            "AWS Error NETWORK_CONNECTION during HeadObject operation: curlCode: 6, Could not resolve hostname",
            "network",
        ),
        ("AWS Error ACCESS_DENIED during ListObjectsV2 operation: No response body.", "credentials"),
        ("AWS Error NO_SUCH_BUCKET during ListObjectsV2 operation: The specified bucket does not exist", "its name"),
        ("google::cloud::Status(UNAUTHENTICATED: Could not create a OAuth2 access token)", "credentials"),
        ("AWS Error UNKNOWN (HTTP status 500) during GetObject operation", "try again"),
    ],
)
def test_what_a_bucket_cannot_do_is_told_in_a_sentence(
    raw: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise OSError(f"When getting information for key 'x' in bucket 'mine': {raw}")

    assert run_command(fail) == 1
    error = said(capsys)
    assert words in error and "bucket mine" in error


def test_without_a_network_s3_is_given_up_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To find a bucket's region, pyarrow tries thirty times."""

    def fails(*_: object, **given: float) -> None:
        assert given["timeout"] <= 10
        raise TimeoutError("timed out")

    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("har_core.scoring.places.socket.create_connection", fails)
    monkeypatch.setattr("pyarrow.fs.resolve_s3_region", lambda _: pytest.fail("asked for a region without a network"))
    assert run_command(lambda: places.size_of("s3://far-away/x") or 0) == 1
    error = said(capsys)
    assert "network" in error and "bucket far-away" in error


def test_without_a_network_google_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []
    monkeypatch.setattr("pyarrow.fs.GcsFileSystem", lambda retry_time_limit: limits.append(retry_time_limit))
    places._system.__wrapped__("gs", "far-away", 0)
    assert limits[0] <= timedelta(seconds=30)


def test_names_that_no_file_can_have(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "n" * 300]) == 1
    assert "shorter" in said(capsys)
    with pytest.raises(SystemExit):
        main(["evaluate", "a\0b"])
    assert "null byte" in capsys.readouterr().err and given_path("a") == Path("a")

"""The data set is laid out as `scan` reads it, and no network is one line."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import kagglehub
import pytest

from har_core.data.download import BYTES, KAGGLE_HANDLE, download
from har_core.data.scan import scan
from har_core.errors import DownloadError


def test_download_lays_the_data_set_out(kaggle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    shutil.copytree(kaggle_folder, tmp_path / "cache" / "Human Action Recognition")
    (tmp_path / "cache" / "Human Action Recognition" / "test").mkdir()
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: asked.append(handle) or str(tmp_path / "cache"))
    photos = scan(download(tmp_path / "data"))
    assert len(photos.samples) == 36 and not photos.problems
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["Training_set.csv", "test", "train"]
    download(tmp_path / "data")
    assert asked == [KAGGLE_HANDLE]  # what is there is not fetched again


def test_something_else_than_the_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: str(tmp_path / "cache"))
    with pytest.raises(DownloadError, match=r"Training_set\.csv"):
        download(tmp_path / "data")


def test_without_a_network_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(handle: str) -> str:
        raise ConnectionError("Name or service\nnot known")

    monkeypatch.setattr(kagglehub, "dataset_download", unreachable)
    with pytest.raises(DownloadError, match="check the network") as caught:
        download(tmp_path / "data")
    assert "\n" not in str(caught.value) and not (tmp_path / "data").exists()


def test_progress_is_told_in_bytes(kaggle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is fetched, then of what is unpacked; it never falls, though the archive is removed in the end."""
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("har_core.data.download._LOOK_EVERY", 0.01)
    seen: list[tuple[int, int]] = []

    def wait_for(size: int) -> None:
        deadline = time.monotonic() + 20
        while not (seen and seen[-1][0] >= size) and time.monotonic() < deadline:
            time.sleep(0.01)

    def fetch(handle: str) -> str:
        folder = tmp_path / "cache" / "datasets" / handle
        folder.mkdir(parents=True)
        (folder / "1.archive").write_bytes(bytes(1000))
        wait_for(1000)
        shutil.copytree(kaggle_folder, folder / "versions" / "1")
        wait_for(1001)
        (folder / "1.archive").unlink()
        time.sleep(0.1)
        return str(folder / "versions" / "1")

    monkeypatch.setattr(kagglehub, "dataset_download", fetch)
    download(tmp_path / "data", lambda done, total: seen.append((done, total)))
    done = [one for one, _ in seen]
    assert 1000 in done and done == sorted(done) and done[-1] > 1000 + 36 * 500
    assert {total for _, total in seen} == {2 * BYTES}
    count = len(seen)
    time.sleep(0.1)
    assert len(seen) == count  # nobody looks any longer


def test_a_folder_that_cannot_be_written_is_found_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: pytest.fail("it was fetched"))
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="choose another folder"):
        download(tmp_path / "file" / "data")

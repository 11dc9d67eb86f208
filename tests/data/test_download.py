"""The data set is laid out as `scan` reads it, and no network is one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import kagglehub
import pytest

from har_core.data.download import KAGGLE_HANDLE, download
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

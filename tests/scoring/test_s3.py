"""From a bucket into a bucket, against a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from har_core.errors import ConfigError
from har_core.scoring import places
from har_core.scoring.local import LocalEngine
from har_core.scoring.output import finished
from tests.scoring.conftest import files, names, rows, score, write_tables, write_tar


def upload(folder: Path, place: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            places.write_bytes(f"{place}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def test_places_in_a_bucket(bucket: Callable[[], str]) -> None:
    place = bucket()
    places.write_bytes(f"{place}/a/b.txt", b"0123456789")
    assert places.size_of(f"{place}/a/b.txt") == 10 and places.size_of(f"{place}/a") is None
    assert places.is_folder(f"{place}/a") and not places.is_folder(f"{place}/a/b.txt")
    assert places.read_bytes(f"{place}/a/b.txt", 3, 2) == b"34"
    assert list(places.entries(f"{place}/a")) == [("b.txt", False, 10)] and list(places.entries(f"{place}/c")) == []
    places.remove(f"{place}/a/b.txt")
    places.remove(f"{place}/a/b.txt")
    assert places.size_of(f"{place}/a/b.txt") is None
    for wrong in ("s3://", "s3:///a", "http://a/b"):
        with pytest.raises(ConfigError):
            places.is_url(wrong)


def test_every_kind_of_source_from_bucket_to_bucket(bucket: Callable[[], str], photos: Path, tmp_path: Path) -> None:
    """The same bytes as on a disk, but for the plan that they carry."""
    tables = write_tables(tmp_path, photos)
    place = bucket()
    upload(photos, f"{place}/photos")
    for path in (write_tar(tmp_path / "a.tar", photos), tables["records"]):
        places.write_bytes(f"{place}/{path.name}", path.read_bytes())
    places.write_bytes(f"{place}/photos/list.csv", "\n".join(["filename", *names(photos)]).encode())
    local = rows(tmp_path / "here", score(photos, tmp_path / "here", LocalEngine(0)))
    for source in ("photos", "a.tar", "records.parquet", "photos/list.csv"):
        out = f"{place}/out/{source}"
        scored = score(f"{place}/{source}", out, LocalEngine(0))
        found = sorted(rows(out, scored), key=lambda row: str(row["sample"]))
        assert found == sorted(local, key=lambda row: str(row["sample"])), source
        assert finished(out) == set(range(scored.shards[-1].shard + 1))
    lost = f"{place}/out/photos/predictions/shard-0000001.parquet"
    before = places.read_bytes(lost)
    places.remove(lost)
    score(f"{place}/photos", f"{place}/out/photos", LocalEngine(0))
    assert places.read_bytes(lost) == before


def test_workers_reach_the_bucket(bucket: Callable[[], str], photos: Path, tmp_path: Path) -> None:
    place = bucket()
    upload(photos, f"{place}/photos")
    score(f"{place}/photos", tmp_path / "one", LocalEngine(0))
    score(f"{place}/photos", tmp_path / "two", LocalEngine(2))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_bucket_that_cannot_be_reached_makes_no_rows(
    bucket: Callable[[], str], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that is missing is a row with a reason; an outage is not, it ends the scoring, which goes on later."""
    place = bucket()
    upload(photos, f"{place}/photos")
    places.remove(f"{place}/photos/{names(photos)[0]}")
    read = places.read_bytes

    def outage(of: str, *arguments: int, **named: int) -> bytes:
        if of.endswith("09.png"):
            raise OSError("AWS Error NETWORK_CONNECTION")
        return read(of, *arguments, **named)

    monkeypatch.setattr(places, "read_bytes", outage)
    with pytest.raises(OSError, match="NETWORK"):
        score(f"{place}/photos", tmp_path / "out", LocalEngine(0))
    monkeypatch.undo()
    assert score(f"{place}/photos", tmp_path / "out", LocalEngine(0)).unreadable == 1

"""The photos behind a scoring: every kind of source, here and in a bucket; and nothing from anywhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.errors import ConfigError
from har_core.scoring import places
from har_core.scoring.browse import Only, ScoredPhotos
from har_core.scoring.shards import PLAN, Asked, make_plan, read_plan
from har_core.scoring.sources import Source
from har_core.scoring.stored_photos import FetchedPhotos, StoredPhotos
from tests.scoring.conftest import names, write_tables, write_tar
from tests.scoring.made import random_rows, score_photos, write_scored
from tests.scoring.test_s3 import upload

SECRET = b"secret"


def require_all(out: Path, below: str, photos: Path, *, before: str = "") -> None:
    """Every photo of the index is the file that it was, also the one that no decoder reads."""
    stored, scored = StoredPhotos(out, below), ScoredPhotos(out)
    found = [*scored.page(Only()), *scored.page(Only("unreadable"))]
    assert sorted(one.sample for one in found) == [before + name for name in names(photos)]
    for one in found:
        assert stored.read(one.sample, one.shard) == (photos / one.sample[len(before) :]).read_bytes(), one.sample


def test_files_of_a_folder(photos: Path, tmp_path: Path) -> None:
    score_photos(photos, tmp_path / "out")
    require_all(tmp_path / "out", str(photos), photos)
    require_all(tmp_path / "out", str(photos.parent), photos)
    require_all(tmp_path / "out", f"{photos}/", photos)
    require_all(tmp_path / "out", f"{photos}/red/..", photos)


def test_a_folder_named_from_where_one_is(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score_photos(photos, tmp_path / "out")
    monkeypatch.chdir(photos.parent)
    require_all(tmp_path / "out", "photos", photos)


@pytest.mark.parametrize("kind", ["list", "tar", "bytes", "records", "paths"])
def test_every_kind_of_source(photos: Path, tmp_path: Path, kind: str) -> None:
    home = tmp_path / "home"
    shutil.copytree(photos, home)
    if kind == "list":
        source = home / "list.csv"
        source.write_text("\n".join(["filename", *names(home)]))
    elif kind == "tar":
        source = write_tar(home / "photos.tar", photos)
    else:
        source = write_tables(home, home)[kind]
    score_photos(source, tmp_path / "out", labeled=kind not in ("paths",))
    require_all(tmp_path / "out", str(home), photos, before=f"{home}/" if kind == "paths" else "")
    elsewhere = tmp_path / "else" / "where"
    elsewhere.parent.mkdir()
    home.rename(elsewhere)  # a whole folder that was moved
    require_all(tmp_path / "out", str(elsewhere), photos, before=f"{home}/" if kind == "paths" else "")
    assert StoredPhotos(tmp_path / "out", str(tmp_path / "nowhere")).read(names(photos)[0], 0) is None


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_the_photos_of_a_sample_are_fetched_once(photos: Path, tmp_path: Path, kind: str) -> None:
    """Also where the owner's folder is not the one that was scored, but one above it."""
    home = tmp_path / "home"
    shutil.copytree(photos, home / "photos")
    source = home / "photos" if kind == "folder" else write_tar(home / "photos.tar", photos)
    score_photos(source, tmp_path / "out")
    scored = ScoredPhotos(tmp_path / "out")
    run, shards = scored.write_sample(tmp_path / "run"), scored.shards_of_sample()
    store = FetchedPhotos(tmp_path / "fetched", StoredPhotos(tmp_path / "out", str(home)), shards)
    samples = [str(sample) for sample in run.predictions().samples]
    assert sorted(samples) == sorted(shards)
    found = {sample: store.find(sample) for sample in samples}
    for sample, path in found.items():
        assert path is not None and path.read_bytes() == (photos / sample).read_bytes()
        assert path.is_relative_to(tmp_path / "fetched")
    shutil.rmtree(home)
    assert {sample: store.find(sample) for sample in samples} == found
    assert store.find("red/nowhere.png") is None and store.find("../out/scored.json") is None


def test_from_a_bucket_and_from_a_copy_of_it(bucket: Callable[[], str], photos: Path, tmp_path: Path) -> None:
    place, other = bucket(), bucket()
    upload(photos, f"{place}/photos")
    score_photos(f"{place}/photos", tmp_path / "out")
    require_all(tmp_path / "out", f"{place}/photos", photos)
    require_all(tmp_path / "out", place, photos)
    require_all(tmp_path / "out", str(photos), photos)  # a copy on the disk
    upload(photos, f"{other}/a/b")
    require_all(tmp_path / "out", f"{other}/a/b", photos)  # a copy in another bucket
    assert StoredPhotos(tmp_path / "out", f"{other}/a/c").read(names(photos)[0], 0) is None
    score_photos(photos, tmp_path / "here")
    require_all(tmp_path / "here", f"{place}/photos", photos)  # scored here, and moved into a bucket
    source = write_tar(tmp_path / "a.tar", photos)
    places.write_bytes(f"{place}/tars/a.tar", source.read_bytes())
    score_photos(f"{place}/tars/a.tar", tmp_path / "tar")
    require_all(tmp_path / "tar", f"{place}/tars", photos)


@pytest.fixture
def outside(photos: Path, tmp_path: Path) -> Path:
    """A folder of photos, and others around it whose content nobody may see."""
    shutil.copytree(photos, tmp_path / "data" / "photos")
    for name in ("secret.png", "data2/secret.png", "data/secret.png", "data/photos2/secret.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(SECRET)
    (tmp_path / "data" / "photos" / "red" / "link").symlink_to(tmp_path / "data2", target_is_directory=True)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "../../secret.png",
        "../../data2/secret.png",
        "../photos2/secret.png",
        "red/../../secret.png",
        "{root}/secret.png",
        "{root}/data2/secret.png",
        "{root}/data/photos/../secret.png",
        "{root}/data/photos2/secret.png",
        "{root}/data/photos/red/link/../secret.png",
        "s3://data/photos/secret.png",
        "{root}/data/photos",
        "/etc/passwd",
        "",
    ],
)
def test_what_lies_elsewhere_is_never_read(outside: Path, name: str) -> None:
    """Whatever a list names."""
    source, named = outside / "data" / "photos" / "list.csv", name.format(root=outside)
    source.write_text(f"filename\nred/02.png\n{named}\n")
    plan = make_plan(
        Asked(source=str(source), column=None, labels=None, shard_size=5, model="stub"),
        Source(str(source)),
        str(outside / "out"),
    )
    _vouch(outside / "out")
    stored = StoredPhotos(outside / "out", str(outside / "data" / "photos"))
    first, *others = plan.shard(str(outside / "out"), 0)
    assert stored.read(first.name, 0) == (outside / "data" / "photos" / "red" / "02.png").read_bytes()
    assert [entry.name for entry in others] == [named] * bool(named)
    assert stored.read(named, 0) is None
    if named.startswith(".."):  # where it may be read it is
        assert StoredPhotos(outside / "out", str(outside)).read(named, 0) == SECRET


def test_a_tar_or_table_elsewhere_is_never_read(outside: Path, photos: Path) -> None:
    for number, source in enumerate((write_tar(outside / "a.tar", photos), write_tables(outside, photos)["bytes"])):
        out = outside / f"out-{number}"
        score_photos(source, out)
        assert StoredPhotos(out, str(outside)).read(names(photos)[0], 0) is not None
        assert StoredPhotos(out, str(outside / "data")).read(names(photos)[0], 0) is None


def test_links_are_followed_only_as_they_are_written(outside: Path) -> None:
    """A link that the owner put there leads where it leads; a name that climbs back out of it does not."""
    source = outside / "data" / "photos"
    (source / "list.csv").write_text("filename\nred/link/secret.png\nred/link/../secret.png\n")
    make_plan(
        Asked(source=str(source / "list.csv"), column=None, labels=None, shard_size=5, model="stub"),
        Source(str(source / "list.csv")),
        str(outside / "out"),
    )
    _vouch(outside / "out")
    stored = StoredPhotos(outside / "out", str(source))
    assert stored.read("red/link/secret.png", 0) == SECRET
    assert stored.read("red/link/../secret.png", 0) is None  # the kernel would find the one beside data2


def test_a_bucket_beside_the_one_that_is_meant(bucket: Callable[[], str], tmp_path: Path) -> None:
    place = bucket()
    for name in ("data/in.png", "data2/secret.png", "secret.png"):
        places.write_bytes(f"{place}/{name}", SECRET)
    rows = [f"{place}/{name}" for name in ("data/in.png", "data2/secret.png", "secret.png", "data/../secret.png")]
    (tmp_path / "list.txt").write_text("\n".join(rows))
    asked = Asked(source=str(tmp_path / "list.txt"), column=None, labels=None, shard_size=9, model="stub")
    make_plan(asked, Source(asked.source), str(tmp_path / "out"))
    _vouch(tmp_path / "out")
    found = {row: StoredPhotos(tmp_path / "out", f"{place}/data").read(row, 0) for row in rows}
    assert found == {**dict.fromkeys(rows), rows[0]: SECRET}
    (tmp_path / "data").mkdir()
    assert all(StoredPhotos(tmp_path / "out", str(tmp_path / "data")).read(row, 0) is None for row in rows)


def test_photos_that_are_not_there(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "photos")
    scored = score_photos(tmp_path / "photos", tmp_path / "out")
    name = names(photos)[0]
    stored = StoredPhotos(tmp_path / "out", str(tmp_path / "photos"))
    assert stored.read(name, 0) is not None
    for sample, shard in ((name, 1), (name, -1), (name, len(scored.shards)), (name, 10**9), ("nothing.png", 0)):
        assert stored.read(sample, shard) is None
    (tmp_path / "photos" / name).unlink()
    assert stored.read(name, 0) is None
    (tmp_path / "photos" / name).mkdir()
    assert stored.read(name, 0) is None


def test_a_tar_that_has_changed(photos: Path, tmp_path: Path) -> None:
    source = write_tar(tmp_path / "a.tar", photos)
    score_photos(source, tmp_path / "out")
    os.truncate(source, 600)
    assert StoredPhotos(tmp_path / "out", str(tmp_path)).read(names(photos)[-1], 4) is None


@pytest.mark.parametrize(
    "damage", ["gone", "noise", "part gone", "part noise", "part other", "other plan", "no manifest"]
)
def test_a_plan_that_is_damaged_or_of_something_else(photos: Path, tmp_path: Path, damage: str) -> None:
    out = tmp_path / "out"
    score_photos(photos, out)
    (part,) = (out / "plan").iterdir()
    if damage == "gone":
        (out / PLAN).unlink()
    elif damage == "noise":
        (out / PLAN).write_bytes(b"\xff{")
    elif damage == "part gone":
        part.unlink()
    elif damage == "part noise":
        part.write_bytes(b"PAR1" * 40)
    elif damage == "part other":
        pq.write_table(pa.table({"name": names(photos)}), part)
    elif damage == "no manifest":
        (out / "scored.json").unlink()
    else:  # as many photos of the same names, but other results
        asked = Asked(source=str(photos), column=None, labels=None, shard_size=5, model="another")
        make_plan(asked, Source(str(photos)), str(out))
    assert StoredPhotos(out, str(photos)).read(names(photos)[0], 0) is None


def test_no_place_at_all(photos: Path, tmp_path: Path) -> None:
    score_photos(photos, tmp_path / "out")
    with pytest.raises(ConfigError, match="s3://"):
        StoredPhotos(tmp_path / "out", "https://example.org/photos")


def _vouch(out: Path) -> None:
    """A manifest of the plan that is there."""
    plan = read_plan(str(out))
    assert plan is not None
    write_scored(out, random_rows(2), plan=plan.id)

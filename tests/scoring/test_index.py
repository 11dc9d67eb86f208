"""The sorted table of all photos against the rows that it was made of; damage, kills, and buckets."""

from __future__ import annotations

import io
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from har_core.errors import ConfigError, RunError
from har_core.scoring import places
from har_core.scoring.browse import Only, ScoredPhotos
from har_core.scoring.index import COUNTS, DRAWN, INDEX, PHOTOS, make_index, read_index
from har_core.scoring.output import Row, open_manifest
from tests.conftest import ROOT
from tests.scoring.made import FOREIGN, indexed, oracle, random_rows, write_scored

ODD = ('a "b"', "x, y", "true", "True", "TRUE", "it's", "p:a", "предмет", "%_", "a\nb", "", "null")
DRIVER = """
import sys
from har_core.scoring.index import make_index
from har_core.scoring.output import open_manifest
def tell(done, of):
    print(done, flush=True)
make_index(sys.argv[1], open_manifest(sys.argv[1]), progress=tell)
print("made", flush=True)
"""


def table(out: str | Path, name: str = PHOTOS) -> Any:
    data = places.read_bytes(places.join(str(out), name))
    return pq.read_table(io.BytesIO(data)).to_pandas(integer_object_nulls=True).astype(object)


def require_equal(out: str | Path, rows: list[Row], classes: tuple[str, ...], *, size: int = 7) -> None:
    """Every row once, in the order that makes it fast, with its values; and the counts are those of the photos."""
    found: Any = table(out)
    expected: Any = oracle(rows, classes).set_index("sample")
    assert sorted(found["sample"]) == sorted(expected.index)
    expected = expected.loc[found["sample"]].reset_index()
    for name in ("true", "predicted", "error", "none"):
        assert [None if pd.isna(one) else one for one in found[name]] == expected[name].tolist(), name
    for name in ("confidence", "true_probability", "known"):
        assert found[name].astype(float).tolist() == pytest.approx(expected[name].astype(float).tolist(), nan_ok=True)
    shard = {row.name: number // size for number, row in enumerate(rows)}
    assert found["shard"].tolist() == [shard[name] for name in found["sample"]]
    for given, wanted in zip(found["probabilities"], expected["probabilities"], strict=True):
        assert (given is None) == (wanted is None) and (wanted is None or np.array_equal(given, wanted))
    keys = [
        (row.true is None, row.true or "", row.predicted is None, row.predicted or "", -(row.confidence or 0))
        for row in expected.itertuples()
    ]
    assert keys == sorted(keys)
    places_of: Any = expected["confidence"].astype(float)
    bins = (
        np.minimum(np.floor(places_of * 300), 299).map(lambda one: None if np.isnan(one) else int(one)).astype(object)
    )
    expected = expected.assign(bin=bins.where(bins.notna(), None), weight=places_of, spread=places_of * (1 - places_of))
    grouped = {
        tuple(None if pd.isna(one) else one for one in key): part
        for key, part in expected.groupby(["true", "predicted", "none", "bin"], dropna=False)
    }
    counts = table(out, COUNTS)
    assert counts["photos"].sum() == len(rows) and len(counts) == len(grouped)
    for row in counts.itertuples():
        part = grouped[tuple(None if pd.isna(one) else one for one in (row.true, row.predicted, row.none, row.bin))]
        assert row.photos == len(part)
        if row.predicted is not None and not pd.isna(row.predicted):
            assert row.confidence == pytest.approx(part["weight"].sum(), abs=1e-9)
            assert row.variance == pytest.approx(part["spread"].sum(), abs=1e-9)


@pytest.mark.parametrize(
    "classes", [("a", "b"), ("a", "b", "c"), ODD, tuple(f"class {n}" for n in range(100))], ids=len
)
def test_every_photo_once_with_its_values(tmp_path: Path, classes: tuple[str, ...]) -> None:
    rows = random_rows(90, classes)
    indexed(tmp_path / "out", rows, classes)
    require_equal(tmp_path / "out", rows, classes)
    photos = ScoredPhotos(tmp_path / "out")
    shown = oracle(rows, classes).query("predicted.notna() and true.isin(@classes)", engine="python")
    for true in classes[:12]:
        for predicted in classes[:12]:
            number = int(((shown["true"] == true) & (shown["predicted"] == predicted)).sum())
            assert photos.count(Only(true=true, predicted=predicted)) == number
            assert photos.matrix()[classes.index(true), classes.index(predicted)] == number


@pytest.mark.parametrize(
    "rows",
    [
        [Row("one.jpg", "a", np.array([0.25, 0.75], np.float32), 1.0)],
        [Row("one.jpg", None, np.array([1, 0], np.float32))],
        [Row("bad.jpg", None, error="cut off"), Row("worse.jpg", "a", error="no photo")],
        [Row(f"{n}.jpg", FOREIGN, np.array([0.5, 0.5], np.float32), -1.0) for n in range(9)],
    ],
    ids=["one", "no label", "none readable", "no known label"],
)
def test_few_photos(tmp_path: Path, rows: list[Row]) -> None:
    indexed(tmp_path / "out", rows, ("a", "b"))
    require_equal(tmp_path / "out", rows, ("a", "b"))


def test_names_of_every_kind(tmp_path: Path) -> None:
    names = ["a'b.jpg", 'a"b.jpg', "a\nb.jpg", "фото/Ü.jpg", "💡.png", "a;--.jpg", "', ('x", "\\", " ", "a,b\t.jpg"]
    rows = [Row(name, "a", np.array([0.6, 0.4], np.float32), 1.0) for name in names]
    indexed(tmp_path / "out", rows, ("a", "b"))
    photos = ScoredPhotos(tmp_path / "out")
    assert [one.sample for one in photos.page(Only(), sort="name")] == sorted(names)
    for name in names:
        assert name in [one.sample for one in photos.page(Only(name=name))]


@pytest.mark.parametrize("name", ["it's [1]", "a*b?", 'q"uote', "[a-z]", "%20 ünï"])
def test_folders_of_every_name(tmp_path: Path, name: str) -> None:
    rows = random_rows(20)
    indexed(tmp_path / name / "out", rows)
    require_equal(tmp_path / name / "out", rows, ("a", "b", "c"))
    assert ScoredPhotos(tmp_path / name / "out").count(Only()) == sum(row.error is None for row in rows)


def test_a_second_call_makes_nothing(tmp_path: Path) -> None:
    scored = indexed(tmp_path, random_rows())
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    calls: list[int] = []
    made = make_index(str(tmp_path), scored, progress=lambda done, of: calls.append(done))
    assert not calls and made == read_index(str(tmp_path))
    assert before == {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()
    }


def test_the_index_of_another_plan_is_made_anew(tmp_path: Path) -> None:
    indexed(tmp_path, random_rows(30, seed=1), plan="older")
    rows = random_rows(50, seed=2)
    scored = write_scored(tmp_path, rows, plan="newer")
    with pytest.raises(RunError, match="score again"):
        ScoredPhotos(tmp_path)
    told: list[tuple[int, int]] = []
    make_index(str(tmp_path), scored, progress=lambda *both: told.append(both))
    require_equal(tmp_path, rows, ("a", "b", "c"))
    assert told[-1] == (50, 50) and told == sorted(told) and ScoredPhotos(tmp_path).scored.plan == "newer"


@pytest.mark.parametrize("damage", ["cut", "noise", "flip", "gone", "other", "columns"])
def test_a_damaged_shard_is_named(tmp_path: Path, damage: str) -> None:
    rows = random_rows()
    scored = write_scored(tmp_path, rows)
    path = tmp_path / scored.shards[3].file
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "other":
        path.write_bytes((tmp_path / scored.shards[2].file).read_bytes())  # as many rows, but other photos
    elif damage == "columns":
        pq.write_table(pq.read_table(path).drop_columns(["p:a"]), path)
    else:
        middle = len(data) // 3
        flipped = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]
        path.write_bytes({"cut": data[:-9], "noise": b"x" * len(data), "flip": flipped}[damage])
    with pytest.raises((ConfigError, OSError), match="shard-0000003") as told:
        make_index(str(tmp_path), scored)
    assert damage == "gone" or isinstance(told.value, ConfigError)
    assert not (tmp_path / INDEX).exists() and not list(tmp_path.glob(".sorting-*"))
    path.write_bytes(data)
    make_index(str(tmp_path), scored)
    require_equal(tmp_path, rows, ("a", "b", "c"))


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"format": "other/1", "plan": "p", "photos": 1, "bytes": {}}', b"\xff"]
)
def test_a_damaged_list_of_the_index(tmp_path: Path, content: bytes) -> None:
    scored = indexed(tmp_path, random_rows())
    (tmp_path / INDEX).write_bytes(content)
    with pytest.raises(ConfigError, match="remove that file"):
        make_index(str(tmp_path), scored)
    with pytest.raises(RunError, match=INDEX):
        ScoredPhotos(tmp_path)
    (tmp_path / INDEX).unlink()
    make_index(str(tmp_path), scored)
    assert ScoredPhotos(tmp_path).count(Only())


@pytest.mark.parametrize("name", [PHOTOS, COUNTS, DRAWN])
@pytest.mark.parametrize("is_gone", [True, False])
def test_a_file_of_the_index_that_is_not_whole(tmp_path: Path, name: str, is_gone: bool) -> None:
    rows = random_rows()
    scored = indexed(tmp_path, rows)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    if not is_gone:
        (tmp_path / name).write_bytes(data[:-20])
    with pytest.raises(RunError, match=INDEX) as told:
        ScoredPhotos(tmp_path)
    assert str(tmp_path) not in str(told.value)
    make_index(str(tmp_path), scored)
    require_equal(tmp_path, rows, ("a", "b", "c"))


@pytest.mark.parametrize("name", [PHOTOS, COUNTS])
@pytest.mark.parametrize("part", ["all", "start", "end"])
def test_bytes_that_were_exchanged_are_told_in_plain_words(tmp_path: Path, name: str, part: str) -> None:
    """The size is right, so that only reading it shows it."""
    indexed(tmp_path, random_rows())
    data = (tmp_path / name).read_bytes()
    damaged = {"all": b"x" * len(data), "start": data[:4] + b"\xff" * 200 + data[204:], "end": data[:-40] + b"y" * 40}
    (tmp_path / name).write_bytes(damaged[part])
    with pytest.raises(RunError, match="score again") as told:
        photos = ScoredPhotos(tmp_path)
        photos.matrix()
        photos.confidences()
        for sort in ("surest", "loss", "name"):
            photos.page(Only(), sort=sort)
        for one in photos.page(Only()):
            photos.probabilities(one)
    assert str(tmp_path) not in str(told.value)


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """What is left is no index, and the next call answers as if nothing had happened."""
    rows = random_rows(300)
    (tmp_path / "out").mkdir()
    scored = write_scored(tmp_path / "out", rows, size=10)
    stream = random.Random(7)
    for after in (0, stream.randrange(1, 150), stream.randrange(150, 299), 300):
        command = [sys.executable, "-c", DRIVER, str(tmp_path / "out")]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            if after == 0:
                time.sleep(0.05)
            else:
                for line in process.stdout:
                    if line.startswith("made") or int(line) >= after:
                        break
                time.sleep(stream.random() * 0.03)
            process.send_signal(signal.SIGKILL)
        whole = read_index(str(tmp_path / "out"))
        assert whole is None or whole.plan == scored.plan
        (tmp_path / "out" / INDEX).unlink(missing_ok=True)
    make_index(str(tmp_path / "out"), open_manifest(str(tmp_path / "out")))
    require_equal(tmp_path / "out", rows, ("a", "b", "c"), size=10)
    assert not list((tmp_path / "out").rglob(".*"))
    (tmp_path / "quiet").mkdir()
    calm = indexed(tmp_path / "quiet", rows, size=10)
    assert calm.photos == 300
    one, other = ScoredPhotos(tmp_path / "out"), ScoredPhotos(tmp_path / "quiet")
    for number in range(1, 7):
        assert one.page(Only(), number=number) == other.page(Only(), number=number)
    assert (tmp_path / "out" / DRAWN).read_bytes() == (tmp_path / "quiet" / DRAWN).read_bytes()
    assert table(tmp_path / "out", COUNTS).equals(table(tmp_path / "quiet", COUNTS))


def test_killed_before_it_lists_what_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the last file and the list of them; an older list must not vouch for newer files."""
    indexed(tmp_path, random_rows(30, seed=1), plan="older")
    scored = write_scored(tmp_path, random_rows(30, seed=2), plan="newer")

    def killed(path: Path, place: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(places, "put_file", killed)
        with pytest.raises(KeyboardInterrupt):
            make_index(str(tmp_path), scored)
    assert read_index(str(tmp_path)) is None and not list(tmp_path.glob(".sorting-*"))
    (tmp_path / ".index.json.1.partial").write_text("{")  # as a kill between writing and renaming leaves it
    make_index(str(tmp_path), scored)
    assert not list(tmp_path.rglob(".*"))


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = write_scored(tmp_path, random_rows())
    monkeypatch.setattr("har_core.scoring.index.tempfile.TemporaryDirectory", lambda **_: Gone(tmp_path / "gone"))
    with pytest.raises(OSError, match="make room"):
        make_index(str(tmp_path), scored)


class Gone:
    """A folder that cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> str:
        return str(self.path)

    def __exit__(self, *_: object) -> None:
        pass


def test_into_a_bucket(bucket: Callable[[], str], tmp_path: Path) -> None:
    out, rows = f"{bucket()}/out", random_rows()
    scored = write_scored(out, rows)
    made = make_index(out, scored)
    require_equal(out, rows, ("a", "b", "c"))
    assert read_index(out) == made == make_index(out, open_manifest(out))
    indexed(tmp_path, rows)
    assert {name: places.size_of(places.join(out, name)) for name in made.bytes} == made.bytes
    assert places.read_bytes(f"{out}/{DRAWN}") == (tmp_path / DRAWN).read_bytes()
    assert json.loads(places.read_bytes(f"{out}/{INDEX}"))["photos"] == 60
    places.remove(f"{out}/{COUNTS}")
    assert read_index(out) is None
    make_index(out, scored)
    assert read_index(out) is not None

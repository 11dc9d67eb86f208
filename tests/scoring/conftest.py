"""Photos in every form of a source, a bucket on this machine, and a folder that was scored."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.scoring import places
from har_core.scoring.output import Scored, write_manifest
from har_core.scoring.shards import Asked, make_plan, read_plan
from har_core.scoring.sources import Source
from har_core.scoring.work import Engine, Work, score_missing
from tests.conftest import COLORS, picture
from tests.scoring.stub import CLASSES, Stub


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 photos in a folder per class, one of them damaged."""
    folder = tmp_path_factory.mktemp("source") / "photos"
    for number in range(22):
        label = sorted(COLORS)[number % 3]
        (folder / label).mkdir(parents=True, exist_ok=True)
        picture(COLORS[label], (24, 20), seed=number).save(folder / label / f"{number:02d}.png")
    (folder / "red" / "bad.png").write_bytes(b"notes")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def write_tar(path: Path, folder: Path) -> Path:
    with tarfile.open(path, "w") as archive:
        for name in names(folder):
            archive.add(folder / name, name)
            note = tarfile.TarInfo(f"{name[:-4]}.json")
            note.size = 2
            archive.addfile(note, io.BytesIO(b"{}"))
    return path


def write_tables(folder: Path, photos: Path) -> dict[str, Path]:
    """A table of bytes, one of records as Hugging Face writes them, one of paths; in row groups of seven."""
    found = names(photos)
    data = [(photos / name).read_bytes() for name in found]
    tables = {
        "bytes": pa.table({"name": found, "filename": found, "photo": data}),
        "records": pa.table({"image": [{"bytes": one, "path": name} for one, name in zip(data, found, strict=True)]}),
        "paths": pa.table(
            {"filename": [f"{photos}/{name}" for name in found], "label": [n.split("/")[0] for n in found]}
        ),
    }
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=7)
    return {name: folder / f"{name}.parquet" for name in tables}


def score(source: str | Path, out: str | Path, engine: Engine, *, size: int = 5, stub: Stub | None = None) -> Scored:
    """All that the command does, with a network that costs nothing."""
    asked = Asked(source=str(source), column=None, labels=None, shard_size=size, model="stub")
    plan = read_plan(str(out), asked) or make_plan(asked, Source(str(source)), str(out))
    work = Work(str(out), plan, plan.id, stub or Stub())
    return write_manifest(str(out), plan, score_missing(work, engine), classes=CLASSES, threshold=0.0)


def rows(out: str | Path, scored: Scored) -> list[dict[str, object]]:
    found = []
    for shard in scored.shards:
        data = places.read_bytes(places.join(str(out), shard.file))
        found += pq.read_table(io.BytesIO(data)).to_pylist()
    return found


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "predictions").iterdir())}


@pytest.fixture(scope="session")
def bucket() -> Iterator[Callable[[], str]]:
    """A server that speaks S3, and a way to get an empty bucket of it."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    before = pytest.MonkeyPatch()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "nobody"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        before.setenv(name, value)
    places._system.cache_clear()
    from pyarrow import fs

    made: list[str] = []

    def make() -> str:
        made.append(f"bucket-{len(made)}")
        system = fs.S3FileSystem(
            endpoint_override=f"http://{host}:{port}", region="us-east-1", allow_bucket_creation=True
        )
        system.create_dir(made[-1])
        return f"s3://{made[-1]}"

    yield make
    places._system.cache_clear()
    before.undo()
    server.stop()

"""Every kind of source, as it should be and as it should not."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.errors import ConfigError, DataError
from har_core.media.images import MAX_BYTES
from har_core.scoring import places
from har_core.scoring.photos import Photo, photos_of
from har_core.scoring.sources import Source
from tests.scoring.conftest import names, write_tables, write_tar


def found(source: str | Path, column: str | None = None) -> list[Photo]:
    read = Source(str(source), column)
    entries = [entry for group in read.groups() for entry in group]
    return list(photos_of(entries, read.kind, read.column))


def refused(source: str | Path, fragment: str, column: str | None = None) -> None:
    with pytest.raises((DataError, ConfigError), match=fragment) as raised:
        found(source, column)
    assert "\n" not in str(raised.value)


def test_every_kind_holds_the_same_photos(photos: Path, tmp_path: Path) -> None:
    wanted = {name: (photos / name).read_bytes() for name in names(photos)}
    (tmp_path / "list.txt").write_text("\n".join(f"{photos}/{name}" for name in wanted))
    rows = [f"{os.path.relpath(photos / name, tmp_path)};{name.split('/')[0]}" for name in wanted]
    (tmp_path / "list.csv").write_text("\ufefffilename;label\r\n" + "\r\n".join(rows), encoding="utf-8")
    tables = write_tables(tmp_path, photos)
    sources = [photos, write_tar(tmp_path / "a.tar", photos), tables["bytes"], tables["records"]]
    for source in sources:
        assert {photo.name: photo.content for photo in found(source)} == wanted, source
    for source in (tmp_path / "list.txt", tmp_path / "list.csv", tables["paths"]):
        assert [photo.content for photo in found(source)] == list(wanted.values()), source
    for source in (tmp_path / "list.csv", tables["paths"]):
        assert [photo.true for photo in found(source)] == [name.split("/")[0] for name in wanted]


def test_a_folder_of_tar_or_parquet_files(photos: Path, tmp_path: Path) -> None:
    for kind in ("tar", "parquet"):
        (tmp_path / kind).mkdir()
    for number in range(2):
        write_tar(tmp_path / "tar" / f"{number}.tar", photos)
        table = pa.table({"image": [(photos / name).read_bytes() for name in names(photos)]})
        pq.write_table(table, tmp_path / "parquet" / f"{number}.parquet")
    wanted = [(photos / name).read_bytes() for name in names(photos)] * 2
    for kind in ("tar", "parquet"):
        read = found(tmp_path / kind)
        assert [photo.content for photo in read] == wanted
        assert len({photo.name for photo in read}) == len(wanted) and read[0].name.startswith(f"0.{kind}/")
    shutil.copy(photos / names(photos)[0], tmp_path / "tar" / "z.png")
    refused(tmp_path / "tar", "both")


def test_what_a_hostile_tar_holds_becomes_a_reason(photos: Path, tmp_path: Path) -> None:
    good = (photos / names(photos)[0]).read_bytes()
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("ok.png", "/etc/absolute.png", "../../climbs.png", "new\nline.png", "\udcff.png"):
            member = tarfile.TarInfo(name)
            member.size = len(good)
            archive.addfile(member, io.BytesIO(good))
        for name, kind in (
            ("link.png", tarfile.SYMTYPE),
            ("hard.png", tarfile.LNKTYPE),
            ("pipe.png", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        huge = tarfile.TarInfo("huge.png")
        huge.size = MAX_BYTES + 1
        archive.addfile(huge, io.BytesIO(bytes(huge.size)))
    read = {photo.name: photo.content for photo in found(tmp_path / "a.tar")}
    assert [name for name, content in read.items() if content == good] == ["ok.png", "new\nline.png", "\\xff.png"]
    for name, fragment in (
        ("/etc/absolute.png", "leads out"),
        ("../../climbs.png", "leads out"),
        ("link.png", "link"),
        ("hard.png", "link"),
        ("pipe.png", "device"),
        ("huge.png", "25.0 MB"),
    ):
        assert fragment in str(read[name]), name


def test_damaged_tars(photos: Path, tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "whole.tar", photos).read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: 20 * 512 + 100])
    (tmp_path / "none.tar").write_bytes(b"notes" * 1000)
    lying = tarfile.TarInfo("././@LongLink")
    lying.type, lying.size = tarfile.GNUTYPE_LONGNAME, 2**33  # a name of 8 GB
    (tmp_path / "lying.tar").write_bytes(lying.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as archive:
        archive.add(photos, "photos")
    for name in ("cut", "none", "lying", "packed"):
        refused(tmp_path / f"{name}.tar", "pack it anew")
    refused(tmp_path / "packed.tar.gz", "unpack it")


def test_hostile_lists(photos: Path, tmp_path: Path) -> None:
    good = names(photos)[0]
    (tmp_path / "odd\nname.png").write_bytes((photos / good).read_bytes())
    (tmp_path / "list.csv").write_text('filename\n"odd\nname.png"\nmissing.png\n\n' + f"{photos}\n")
    read = found(tmp_path / "list.csv")
    assert isinstance(read[0].content, bytes) and read[0].name == "odd\nname.png"
    assert "No such file" in str(read[1].content) and "directory" in str(read[2].content) and len(read) == 3
    (tmp_path / "two.csv").write_text("filename,filename\na,b\n")
    refused(tmp_path / "two.csv", "rename the others")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    refused(tmp_path / "bytes.txt", "UTF-8")
    refused(tmp_path / "nothing.txt", "nothing there")
    (tmp_path / "photo.jpg").write_bytes(b"")
    refused(tmp_path / "photo.jpg", "into a list")
    refused("ftp://host/folder", "s3://")


def test_hostile_tables(photos: Path, tmp_path: Path) -> None:
    data = (photos / names(photos)[0]).read_bytes()
    for name, table, fragment in (
        ("numbers", pa.table({"a": [1], "b": [2.0]}), "--column"),
        ("two", pa.table({"a": [data], "b": [data]}), "--column"),
        ("empty", pa.table({}), "--column"),
    ):
        pq.write_table(table, tmp_path / f"{name}.parquet")
        refused(tmp_path / f"{name}.parquet", fragment)
    (tmp_path / "no.parquet").write_bytes(b"PAR1 notes PAR1")
    refused(tmp_path / "no.parquet", "write it anew")
    with (tmp_path / "described.parquet").open("wb") as file:  # a hole in the file: takes no space
        file.seek(2**26 + 5)
        file.write((2**26 + 1).to_bytes(4, "little") + b"PAR1")
    refused(tmp_path / "described.parquet", "larger row groups")
    refused(tmp_path / "two.parquet", "check --column", column="c")
    assert [photo.content for photo in found(tmp_path / "two.parquet", column="b")] == [data]
    pq.write_table(pa.table({"photo": [data, None, bytes(MAX_BYTES + 1)]}), tmp_path / "some.parquet")
    read = found(tmp_path / "some.parquet")
    assert read[0].content == data and "no bytes" in str(read[1].content) and "25.0 MB" in str(read[2].content)
    pq.write_table(pa.table({"filename": [None, "", "a\0b"]}), tmp_path / "paths.parquet")
    assert all(isinstance(photo.content, Exception) for photo in found(tmp_path / "paths.parquet"))


def test_odd_names_in_a_folder(photos: Path, tmp_path: Path) -> None:
    data = (photos / names(photos)[0]).read_bytes()
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (
        b"new\nline.png",
        b"caf\xe9.png",
        "\u202egnp.png".encode(),
        b"no_suffix",
        b".hidden.png",
        b"Thumbs.db",
    ):
        Path(folder, os.fsdecode(name)).write_bytes(data)
    os.mkfifo(folder / "pipe.png")
    (folder / "dead.png").symlink_to("nowhere")
    (folder / "circle").symlink_to(folder)
    (folder / "notes.txt").write_text("notes")
    source = Source(str(folder))
    entries = [entry for group in source.groups() for entry in group]
    read = {photo.name: photo.content for photo in photos_of(entries, source.kind, source.column)}
    assert read == dict.fromkeys(["new\nline.png", "caf\\xe9.png", "\u202egnp.png", "no_suffix"], data)
    assert source.left_out == 4


def test_a_list_in_a_bucket_leads_nowhere_else(bucket, photos: Path) -> None:  # type: ignore[no-untyped-def]
    place = bucket()
    data = (photos / names(photos)[0]).read_bytes()
    places.write_bytes(f"{place}/set/a b?#é.png", data)
    listed = f"a b?#é.png\n{place}/set/a b?#é.png\n/etc/passwd\n../secret.png\nmissing.png\n"
    places.write_bytes(f"{place}/set/list.txt", listed.encode())
    read = found(f"{place}/set/list.txt")
    assert [photo.content for photo in read[:2]] == [data, data]
    assert "leads out" in str(read[2].content) and "leads out" in str(read[3].content)
    assert "No such file" in str(read[4].content)

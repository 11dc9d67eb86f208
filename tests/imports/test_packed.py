"""Tables that are packed, and files of other kinds: the first are read, the others named."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from har_core.cli import main
from har_core.errors import DataError
from har_core.imports.opening import open_table
from har_core.imports.packed import unpacked, unpacked_name
from har_core.runs.run import Run
from tests.imports.making import read

TABLE = "file,true,pred\na.jpg,cat,cat\nb.jpg,dog,cat\n"
MOST = 10**6


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


PACKED = {
    "t.csv.gz": gzip.compress(TABLE.encode()),
    "t.csv.bz2": bz2.compress(TABLE.encode()),
    "t.csv.xz": lzma.compress(TABLE.encode()),
    "t.CSV.GZ": gzip.compress(TABLE.encode()),
    "t": gzip.compress(TABLE.encode()),
    "two members.csv.gz": gzip.compress(TABLE[:20].encode()) + gzip.compress(TABLE[20:].encode()),
    "t.csv.zip": zipped(**{"t.csv": TABLE}),
    "of a Mac.zip": zipped(**{"results__t.csv": TABLE, "__MACOSX__results__._t.csv": "x", "results__.DS_Store": "x"}),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_table_is_read(name: str, tmp_path: Path) -> None:
    (path := tmp_path / name).write_bytes(PACKED[name])
    (folder := tmp_path / "unpacked").mkdir()
    found = read(unpacked(path, folder, most=MOST)).predictions
    assert list(found.samples) == ["a.jpg", "b.jpg"] and found.predicted.tolist() == [0, 0]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zip", "t.csv.bz2", "t.csv.xz"])
def test_what_pandas_packs_becomes_a_run(name: str, tmp_path: Path) -> None:
    pd.read_csv(io.StringIO(TABLE)).to_csv(tmp_path / name, index=False)
    assert main(["import", str(tmp_path / name), "--out", str(tmp_path / "run")]) == 0
    run = Run.open(tmp_path / "run")
    assert run.manifest.source == f"predictions of {name}, imported" and run.predictions().classes == ("cat", "dog")


def test_a_file_that_packs_none_stays_as_it_is(tmp_path: Path) -> None:
    (path := tmp_path / "t.csv").write_text(TABLE)
    assert unpacked(path, tmp_path, most=MOST) == path
    (path := tmp_path / "t.npz").write_bytes(zipped(**{"labels.npy": "x"}))
    assert unpacked(path, tmp_path, most=MOST) == path
    assert unpacked_name("t.csv.gz") == "t.csv" and unpacked_name("t.csv") == "t.csv" and unpacked_name(".gz") == ".gz"


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("t.csv"), io.BytesIO(b""))
    return buffer.getvalue()


def locked() -> bytes:
    content = bytearray(zipped(**{"t.csv": TABLE}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


REFUSED = {
    "a bomb": (gzip.compress(bytes(2 * MOST)), "1 MB"),
    "a bomb in a zip": (zipped(**{"t.csv": "x" * 2 * MOST}), "1 MB"),
    "a cut gzip": (PACKED["t.csv.gz"][:-9], "damaged"),
    "a cut bzip2": (PACKED["t.csv.bz2"][:-9], "damaged"),
    "a cut xz": (PACKED["t.csv.xz"][:-9], "damaged"),
    "a changed gzip": (PACKED["t.csv.gz"][:20] + b"\xff\xff" + PACKED["t.csv.gz"][22:], "damaged"),
    "a cut zip": (PACKED["t.csv.zip"][:-9], "damaged"),
    "two tables": (zipped(**{"a.csv": TABLE, "b.csv": TABLE}), "2 (a.csv, b.csv)"),
    "a password": (locked(), "password"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_unpacked_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    content, fragment = REFUSED[case]
    (path := tmp_path / "t.csv.gz").write_bytes(content)
    (folder := tmp_path / "unpacked").mkdir()
    with pytest.raises(DataError) as caught:
        unpacked(path, folder, most=MOST)
    assert fragment in str(caught.value) and str(tmp_path) not in str(caught.value)


OTHERS = {
    "a workbook": (zipped(**{"[Content_Types].xml": "x", "xl__workbook.xml": "x"}), "an Excel workbook"),
    "a sheet of LibreOffice": (zipped(**{"mimetype": "x", "content.xml": "x"}), "OpenDocument"),
    "photos": (zipped(**{"cat__1.jpg": "x", "labels.csv": TABLE}), "a zip of photos"),
    "a checkpoint": (zipped(**{"model__archive__data.pkl": "x"}), "PyTorch"),
    "a tar": (gzip.decompress(tar()), "a tar archive"),
    "a pickle": (b"\x80\x04\x95" + bytes(60), "a pickle"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(60), "HDF5"),
    "Arrow": (b"ARROW1\0\0" + bytes(60), "to_parquet"),
    "one array": (b"\x93NUMPY\x01\0" + bytes(60), "numpy.savez"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + bytes(600), "old Excel"),
    "packed twice": (gzip.compress(gzip.compress(TABLE.encode())), "unpack it first"),
    "a tar that is packed": (tar(), "a tar archive"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_files_of_other_kinds_are_named(case: str, tmp_path: Path) -> None:
    content, fragment = OTHERS[case]
    (path := tmp_path / "t.bin").write_bytes(content)
    (folder := tmp_path / "unpacked").mkdir()
    with pytest.raises(DataError) as caught:
        open_table(unpacked(path, folder, most=MOST))
    assert fragment in str(caught.value) and "CSV, TSV, JSON lines, Parquet or NPZ" in str(caught.value)

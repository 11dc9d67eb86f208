"""Files that are no table of predictions: what they are, and what their owner does instead."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from har_core.media.layout import PHOTO_SUFFIXES
from har_core.media.signatures import starts_like_photo


class Kind(NamedTuple):
    """`found`: what a file is.  `remedy`: how the predictions in it become a table."""

    found: str
    remedy: str


_AS_TABLE = "export the predictions as one of these"
_AS_CSV = "save its sheet as CSV"
_STARTS = (
    (b"%PDF", Kind("a PDF", _AS_TABLE)),
    (b"\xd0\xcf\x11\xe0", Kind("an old Excel workbook or Word document", _AS_CSV)),
    (b"GIF8", Kind("a picture", _AS_TABLE)),
    (b"SQLite format 3", Kind("a database", "export its table as CSV")),
    (b"ARROW1", Kind("an Arrow or Feather file", "save it as Parquet: pandas.read_feather(FILE).to_parquet(…)")),
    (b"\xff\xff\xff\xff", Kind("an Arrow stream", "save it as Parquet: Dataset.to_parquet(…)")),
    (b"FEA1", Kind("an old Feather file", "save it as Parquet")),
    (b"\x89HDF", Kind("an HDF5 file", "save it as Parquet: pandas.read_hdf(FILE).to_parquet(…)")),
    (b"\x93NUMPY", Kind("a single array", "save names, labels and scores together with numpy.savez")),
    (b"\x80", Kind("a pickle, which could run code here", "save it with DataFrame.to_parquet or numpy.savez")),
    (b"MATLAB 5.0 MAT-file", Kind("a MATLAB file", "write the table with writetable")),
    (b"Obj\x01", Kind("an Avro file", "save it as Parquet")),
    (b"7z\xbc\xaf", Kind("a 7z archive", "unpack it, and bring the table in it")),
    (b"Rar!", Kind("a RAR archive", "unpack it, and bring the table in it")),
)
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
_IN_ZIPS = (
    ("xl/", Kind("an Excel workbook", _AS_CSV)),
    ("word/", Kind("a Word document", _AS_TABLE)),
    ("ppt/", Kind("a presentation", _AS_TABLE)),
    ("content.xml", Kind("an OpenDocument file", _AS_CSV)),
    ("archive/data.pkl", Kind("a file of PyTorch", "save names, labels and scores with numpy.savez")),
)


def other_kind(path: Path, start: bytes) -> Kind | None:
    """What a file is that holds no table; None if it may hold one.

    Args:
        start: its first 4,096 bytes.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: if a zip is damaged.
    """
    if starts_like_photo(start):
        return Kind("a photo", _AS_TABLE)
    if start[:2] == b"\0\0" and start[4:8] == b"ftyp":
        return Kind("a photo or video of another kind", _AS_TABLE)
    if start[257:262] == b"ustar":
        return Kind("a tar archive", "unpack it, and bring the table in it")
    if start.startswith(_PACKED):
        return Kind("a packed file", "unpack it first")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path)
    return next((kind for magic, kind in _STARTS if start.startswith(magic)), None)


def _zip_kind(path: Path) -> Kind | None:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith(".npy") for name in names):
        return None
    inner = (kind for part, kind in _IN_ZIPS if any(part in name for name in names))
    if any(PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES for name in names):
        return Kind("a zip of photos", "bring the table first, and the photos with it")
    return next(inner, Kind("a zip of other files", "unpack it, and bring the table in it"))

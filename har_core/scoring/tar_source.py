"""A tar file → where the photos in it lie.  Nothing is unpacked: names that climb, and links, lead nowhere."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from har_core.errors import DataError
from har_core.files import printable
from har_core.media.layout import PHOTO_SUFFIXES, is_system_file
from har_core.scoring import places
from har_core.scoring.photos import Entry

_LOCAL, _BUCKET = (
    2**16,
    2**23,
)  # bytes read at once: what a disk seeks past costs nothing, in a bucket every read is a request
_HEADER = 2**20  # bytes; the name and the properties of a member need no more
_MAX_NAME = 4096


class _Headers(io.BufferedReader):
    """Reads no more at once than a header has, whatever its size claims to be."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _HEADER:
            raise tarfile.ReadError("a header of more than a megabyte")
        return super().read(size)


def photos_in_tar(place: str, before: str) -> Iterator[Entry]:
    """The photos in a tar file, in its order, by their suffix; members of other kinds are passed over.

    A photo that cannot be one, such as a link, or whose name leads out of the archive, comes with a problem.

    Args:
        before: what comes before the names of the members.

    Raises:
        DataError: if the file is damaged, cut off or compressed.
    """
    called = printable(places.base_name(place))[:80]
    try:
        with (
            places.open_file(place) as opened,
            _Headers(opened, _BUCKET if places.is_url(place) else _LOCAL) as file,
            tarfile.open(fileobj=file, mode="r:", errors="surrogateescape") as archive,
        ):
            end = places.size_of(place) or 0
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep every one
                if member.offset_data + member.size > end and member.isreg():
                    raise tarfile.ReadError("unexpected end of data")
                path = PurePosixPath(member.name)
                if (
                    member.isdir()
                    or path.suffix.lower() not in PHOTO_SUFFIXES
                    or any(is_system_file(part) for part in path.parts if part != "..")
                ):
                    continue
                yield _entry(member, path, place, before)
    except (tarfile.TarError, EOFError, OSError, ValueError, IndexError) as error:
        raise DataError(
            f"expected a tar file that is whole and not compressed, found {called} ({printable(str(error))[:120]}); pack it anew"
        ) from error


def _entry(member: tarfile.TarInfo, path: PurePosixPath, place: str, before: str) -> Entry:
    name = before + member.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    problem = None
    if not member.isreg() or member.issparse():
        problem = "is a link or a device, or has holes; pack the photo itself."
    elif path.is_absolute() or ".." in path.parts:
        problem = "leads out of the archive; pack the photo anew."
    elif "\0" in name or len(name) > _MAX_NAME:
        problem = f"has a name of other than 1 to {_MAX_NAME:,} characters; rename it."
    name = name.replace("\0", "\\x00")[:_MAX_NAME]
    return Entry(name, place, member.offset_data, member.size, problem=problem and f"{printable(name)[:200]} {problem}")

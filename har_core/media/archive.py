"""An untrusted zip of labeled photos → a folder, within limits that are checked while it is unpacked."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from har_core.errors import ArchiveError
from har_core.media.arrange import arrange, remove_left_out
from har_core.media.layout import PHOTO_SUFFIXES, TABLE_SUFFIXES, is_hidden, is_system_file
from har_core.media.left_out import LeftOut, NotTaken, all_kinds, by_kind, not_taken
from har_core.media.signatures import office_kind, starts_like_photo
from har_core.media.zip_faults import fault
from har_core.media.zip_names import entry_names

_CHUNK, _START = 1 << 20, 4096  # bytes; the first ones tell what a file is
_ENTRY = b"PK\x01\x02"
_MAX_DEPTH, _MAX_NAME = 6, 200  # parts of a path, characters of a path
_MAX_PART = 255  # bytes of a file's name, in most file systems


@dataclass(frozen=True)
class Limits:
    """`packed` and `unpacked`: bytes of the whole archive; `entries`: how many; `ratio`: unpacked over packed, of an entry."""

    packed: int = 200 * 10**6
    unpacked: int = 10**9
    entries: int = 5000
    ratio: int = 100


@dataclass(frozen=True)
class Unpacked:
    """`folder`: the photos and tables, in a layout of `data.scan`.  `left_out`: what else the zip holds, by kind.  `note`: what to
    tell of the names in it, if they may be spelled wrong."""

    folder: Path
    left_out: tuple[LeftOut, ...]
    note: str = ""


def unpack(archive: Path | IO[bytes], target: Path, *, limits: Limits | None = None) -> Path:
    """As `unpack_photos`, but of files that are not taken the name is kept, of an empty file, so that `data.scan` can tell of
    those in class folders.

    Returns:
        `target`.
    """
    _unpack(archive, target, limits or Limits())
    return target


def unpack_photos(archive: Path | IO[bytes], target: Path, *, limits: Limits | None = None) -> Unpacked:
    """Unpack a zip of photos in any layout of `data.scan`.

    What the archive says about its own sizes is not trusted: bytes are counted while it is unpacked.  Photos are known by their
    content.  Files of operating systems are left out; files of other kinds, which people put beside their photos, and
    hidden photos are left out and told.  Empty folders are kept: a class without photos is told by `data.scan`.  Names are
    decoded as `zip_names` says, and normalized to NFC.

    Args:
        target: is created; on any failure it is removed again.

    Returns:
        `target`, which holds the files under their own names, but for folders around all of them; what was left out; and a note.

    Raises:
        ArchiveError: naming the entry and the reason, also if there is neither photo nor table.  No byte is written outside
            `target`.
    """
    unpacked = _unpack(archive, target, limits or Limits())
    remove_left_out(target)
    return unpacked


def _unpack(archive: Path | IO[bytes], target: Path, limits: Limits) -> Unpacked:
    target.mkdir(parents=True)
    try:
        _require_small(archive, limits)
        with _reading():
            opened = zipfile.ZipFile(archive)
        with opened:
            with _reading():
                found_names = entry_names(opened.infolist())
                entries = list(zip(opened.infolist(), found_names.names, strict=True))
            _require_no_document(found_names.names)
            left_out = _extract_all(opened, entries, target, limits)
        if not any(path.is_file() for path in target.rglob("*") if path.stat().st_size or _is_trusted(path)):
            found = f" but {all_kinds(left_out)}" if left_out else " but empty folders" if entries else ""
            remedy = next((one.remedy for one in left_out if one.remedy), "pack the photos")
            raise ArchiveError(
                "expected one folder of photos per class, or photos and one CSV with columns filename and label, found nothing"
                f"{found}; {remedy}"
            )
        arrange(target)
    except (zipfile.BadZipFile, ValueError) as error:
        shutil.rmtree(target, ignore_errors=True)
        with _opened(archive) as file:
            raise ArchiveError(f"expected a zip of photos, {fault(file, error)}") from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return Unpacked(target, left_out, found_names.note)


def _require_no_document(names: list[str]) -> None:
    """Documents of office programs are zips, too, with pictures in them."""
    kind = office_kind("\n".join(names).encode()) if "[Content_Types].xml" in names else None
    if kind is not None:
        raise ArchiveError(f"expected a zip of photos, found {kind.kind}; {kind.advice}, and pack these")


def _extract_all(
    opened: zipfile.ZipFile, entries: list[tuple[zipfile.ZipInfo, str]], target: Path, limits: Limits
) -> tuple[LeftOut, ...]:
    """Unpack the entries; of those that are not taken, the names."""
    seen: set[PurePosixPath] = set()
    left_out: list[NotTaken] = []
    written = 0
    for entry, name in entries:
        path = _path(entry, name)
        if not path.parts:
            left_out += [NotTaken(name, "file(s) without a name")] if entry.file_size else []
            continue
        systems = [part for part in path.parts if is_system_file(part)]
        hidden = bool(systems) and all(map(is_hidden, systems))
        is_folder = name.endswith(("/", "/."))
        if systems and (is_folder or not hidden or entry.flag_bits & 1):
            continue
        if is_folder:
            _make_folder(target / path, name)
            continue
        _require_plain(entry, name)
        if path in seen:
            raise ArchiveError(f"{_shown(name)} is in the archive twice; pack it anew")
        seen.add(path)
        with _reading():
            source = opened.open(entry)
        with source:
            start = _read(source, _START)
            other = not_taken(name, start, hidden=hidden)
            if hidden:
                left_out += [other] if other is not None and starts_like_photo(start) else []
                continue
            _make_folder((target / path).parent, name)
            with _new_file(target / path, name) as output:
                if other is not None:
                    left_out.append(other)
                else:
                    allowed = limits.ratio * max(entry.compress_size, 1024)
                    room = limits.unpacked - written
                    written += _copy(source, output, start, name, limits, allowed=allowed, room=room)
    return by_kind(left_out)


def _is_trusted(path: Path) -> bool:
    """Whether a file is taken for what its name says, also an empty one: what is wrong with it is told when it is read."""
    return path.suffix.lower() in TABLE_SUFFIXES | PHOTO_SUFFIXES


def _opened(archive: Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    return archive.open("rb") if isinstance(archive, Path) else nullcontext(archive)


@contextmanager
def _reading() -> Iterator[None]:
    """Whatever a damaged archive makes the decompressors raise, as one error; what goes wrong with writing stays what it is.

    Among these are zlib.error, lzma.LZMAError, OSError of bzip2, EOFError, struct.error, MemoryError of the dictionary that an
    entry asks for, NotImplementedError of a compression that zipfile does not know, RuntimeError of an encrypted entry.
    """
    try:
        yield
    except Exception as error:
        raise zipfile.BadZipFile(str(error) or type(error).__name__) from error


def _require_small(archive: Path | IO[bytes], limits: Limits) -> None:
    """Refuse an archive that is too large or has too many entries, before its directory is read into memory.

    Every entry of the directory begins with the same four bytes, wherever the directory lies.  Their number of
    occurrences is an upper bound of the number of entries; in compressed data they occur about once in 4 GB.
    """
    with _opened(archive) as file:
        size = file.seek(0, 2)
        if size > limits.packed:
            raise ArchiveError(
                f"expected at most {limits.packed / 1e6:.0f} MB, found {size / 1e6:.0f} MB; leave some out"
            )
        file.seek(0)
        entries, tail = 0, b""
        while chunk := file.read(_CHUNK):
            seen = tail + chunk
            entries += seen.count(_ENTRY)
            tail = seen[1 - len(_ENTRY) :]
        file.seek(0)
    if entries > limits.entries:
        raise ArchiveError(f"expected at most {limits.entries:,} entries, found {entries:,}; leave some out")


def _path(entry: zipfile.ZipInfo, name: str) -> PurePosixPath:
    """The path of an entry below the target, without parts if its name has none.

    Raises:
        ArchiveError: if it leads elsewhere, is too long, or is none of a file or folder.
    """
    path = PurePosixPath(name)
    too_long = len(name) > _MAX_NAME or any(len(part.encode()) > _MAX_PART for part in path.parts)
    if too_long or len(path.parts) > _MAX_DEPTH:
        raise ArchiveError(
            f"{_shown(name)}: expected a path of at most {_MAX_NAME} characters in {_MAX_DEPTH} parts; rename it and pack it anew"
        )
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        raise ArchiveError(f"{_shown(name)} leads out of the archive; pack the photos anew")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"{_shown(name)} is a link or a device; pack the photos themselves")
    return path


def _require_plain(entry: zipfile.ZipInfo, name: str) -> None:
    if entry.flag_bits & 1:
        raise ArchiveError(f"{_shown(name)} is encrypted; pack it without a password")


def _shown(name: str) -> str:
    return repr(name[:80])


def _make_folder(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _named_twice(name) from error


def _new_file(path: Path, name: str) -> IO[bytes]:
    try:
        return path.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise _named_twice(name) from error


def _named_twice(name: str) -> ArchiveError:
    return ArchiveError(f"{_shown(name)} has the name of another entry or of its folder; rename it and pack it anew")


def _copy(
    source: IO[bytes], output: IO[bytes], chunk: bytes, name: str, limits: Limits, *, allowed: int, room: int
) -> int:
    """Unpack the rest of an entry after its first `chunk`, counting; returns its size in bytes.

    Args:
        allowed, room: the most bytes of this entry, by the size of its data and by what is left of the limit of all.
    """
    size = 0
    while chunk:
        size += len(chunk)
        if size > room:
            raise ArchiveError(f"expected at most {limits.unpacked / 1e6:.0f} MB unpacked, found more; leave some out")
        if size > allowed:
            raise ArchiveError(f"{_shown(name)} unpacks to more than {limits.ratio} times its size; that is no photo")
        output.write(chunk)
        chunk = _read(source, _CHUNK)
    return size


def _read(source: IO[bytes], most: int) -> bytes:
    with _reading():
        return source.read(most)

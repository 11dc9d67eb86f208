"""An untrusted zip of labeled photos → a folder, within limits that are checked while it is unpacked."""

from __future__ import annotations

import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from har_core.errors import ArchiveError
from har_core.media.layout import PHOTO_SUFFIXES, TABLE_SUFFIXES, is_system_file
from har_core.media.signatures import ACCEPTED_KINDS, starts_like_photo

_CHUNK = 1 << 20
_ENTRY = b"PK\x01\x02"
_NESTED = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"}
_DOCUMENTS = {".txt", ".md", ".rst", ".pdf", ".html", ".json", ".xml", ".yaml", ".yml", ".log", ".docx", ".xlsx"}
_DOCUMENT_NAMES = {"readme", "license", "licence", "copying", "notice", "authors", "changelog"}  # without a suffix
_OTHER_PICTURES = {".gif", ".bmp", ".tif", ".tiff", ".svg", ".mp4", ".mov"}
_MAX_DEPTH, _MAX_NAME = 6, 200  # parts of a path, characters of a path
_MAX_PART = 255  # bytes of a file's name, in most file systems
_UTF8 = 0x800  # flag of an entry


@dataclass(frozen=True)
class Limits:
    """`packed` and `unpacked`: bytes of the whole archive; `entries`: how many; `ratio`: unpacked over packed, of an entry."""

    packed: int = 200 * 10**6
    unpacked: int = 10**9
    entries: int = 5000
    ratio: int = 100


def unpack(archive: Path | IO[bytes], target: Path, *, limits: Limits | None = None) -> Path:
    """Unpack a zip of photos in any layout of `data.scan`.

    What the archive says about its own sizes is not trusted: bytes are counted while it is unpacked.  Files of
    operating systems are left out.  Of documents and of pictures of other kinds, which people put beside their photos, the name
    alone is kept, so that `data.scan` can tell of them.  Anything else that is neither photo, by its content, nor CSV is refused.  Names are
    normalized to NFC.

    Args:
        target: is created; on any failure it is removed again.

    Returns:
        `target`, which holds the files under their own names, but for folders around all of them.

    Raises:
        ArchiveError: naming the entry and the reason.  No byte is written outside `target`.
    """
    limits = limits or Limits()
    target.mkdir(parents=True)
    try:
        _require_small(archive, limits)
        with _reading():
            opened = zipfile.ZipFile(archive)
        with opened:
            entries = [(entry, _path(entry)) for entry in opened.infolist()]
            seen: set[PurePosixPath] = set()
            written = 0
            for entry, path in entries:
                if path is None:
                    continue
                if path in seen:
                    raise ArchiveError(f"{path} is in the archive twice; pack it anew")
                seen.add(path)
                written += _extract(opened, entry, target / path, limits, room=limits.unpacked - written)
        _arrange(target)
    except (zipfile.BadZipFile, ValueError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise ArchiveError(
            f"expected a zip of photos, found one that cannot be read ({error}); pack it anew"
        ) from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


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
    with archive.open("rb") if isinstance(archive, Path) else nullcontext(archive) as file:
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


def _path(entry: zipfile.ZipInfo) -> PurePosixPath | None:
    """The path of an entry below the target; None for folders and for files that operating systems add."""
    name = _name(entry)
    path = PurePosixPath(name)
    shown = repr(name[:80])
    too_long = len(name) > _MAX_NAME or any(len(part.encode()) > _MAX_PART for part in path.parts)
    if too_long or len(path.parts) > _MAX_DEPTH:
        raise ArchiveError(
            f"{shown}: expected a path of at most {_MAX_NAME} characters in {_MAX_DEPTH} parts; rename it and pack it anew"
        )
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        raise ArchiveError(f"{shown} leads out of the archive; pack the photos anew")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"{shown} is a link or a device; pack the photos themselves")
    if entry.is_dir() or any(map(is_system_file, path.parts)):
        return None
    if entry.flag_bits & 1:
        raise ArchiveError(f"{shown} is encrypted; pack it without a password")
    if path.suffix.lower() in _NESTED:
        raise ArchiveError(f"{shown} is an archive itself; unpack it first")
    return path


def _name(entry: zipfile.ZipInfo) -> str:
    """An entry's name in NFC.  Macs write UTF-8 and do not say so: it is taken for what it reads as, if it can be."""
    name = entry.filename
    if not entry.flag_bits & _UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _extract(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, limits: Limits, *, room: int) -> int:
    """Unpack one entry, counting; returns its size in bytes."""
    size = 0
    allowed = limits.ratio * max(entry.compress_size, 1024)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        output = path.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise ArchiveError(
            f"{entry.filename[:80]!r} has the name of another entry or of its folder; rename it and pack it anew"
        ) from error
    trusted = path.suffix.lower() in TABLE_SUFFIXES | PHOTO_SUFFIXES
    with _reading():
        source = opened.open(entry)
    with output, source:
        chunk = _read(source)
        if not trusted and not starts_like_photo(chunk):
            if _is_document(path) or path.suffix.lower() in _OTHER_PICTURES:
                return 0
            raise ArchiveError(
                f"{entry.filename[:80]!r} is neither a {ACCEPTED_KINDS} photo nor a CSV; leave it out or convert it"
            )
        while chunk:
            size += len(chunk)
            if size > room:
                raise ArchiveError(
                    f"expected at most {limits.unpacked / 1e6:.0f} MB unpacked, found more; leave some out"
                )
            if size > allowed:
                raise ArchiveError(
                    f"{entry.filename[:80]!r} unpacks to more than {limits.ratio} times its size; that is no photo"
                )
            output.write(chunk)
            chunk = _read(source)
    return size


def _read(source: IO[bytes]) -> bytes:
    with _reading():
        return source.read(_CHUNK)


def _arrange(target: Path) -> None:
    """Remove folders that wrap all the others, with tables in them or beside them, and documents."""
    inside = _without_documents(target)
    while (wrapper := _wrapper(inside)) is not None:
        wrapper = wrapper.rename(target / ".wrapper")
        for path in wrapper.iterdir():
            path.rename(target / path.name)
        wrapper.rmdir()
        inside = _without_documents(target)
    if not inside:
        raise ArchiveError(
            "expected one folder of photos per class, or photos and one CSV with columns filename and label, found nothing"
        )


def _wrapper(inside: list[Path]) -> Path | None:
    """The only folder, if it holds folders, or a table with photos."""
    folders = [path for path in inside if path.is_dir()]
    others = {path.name for path in inside if path not in folders}
    if len(folders) != 1 or not all(map(_is_table, map(Path, others))):
        return None
    within = list(folders[0].iterdir())
    if others & {path.name for path in within} or (others and any(map(_is_table, within))):
        return None
    wraps = (
        all(path.is_dir() for path in within) if others else any(path.is_dir() or _is_table(path) for path in within)
    )
    return folders[0] if wraps else None


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES


def _is_document(path: Path) -> bool:
    return path.suffix.lower() in _DOCUMENTS or path.name.lower() in _DOCUMENT_NAMES


def _without_documents(target: Path) -> list[Path]:
    """What lies at the top, after documents and folders of nothing else are removed: a readme is nobody's photo."""
    for path in target.iterdir():
        inside = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        if inside and all(_is_document(each) and not each.stat().st_size for each in inside):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return list(target.iterdir())

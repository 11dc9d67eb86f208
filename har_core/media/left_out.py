"""What of a zip is not taken, by kind: nobody learns of a file that is missing by counting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from har_core.files import and_more, printable
from har_core.media.layout import PHOTO_SUFFIXES, TABLE_SUFFIXES
from har_core.media.signatures import ACCEPTED_KINDS, refusal, starts_like_photo

_NAMED = 3  # of a kind
_KINDS = 5  # in one sentence
_LONGEST, _SUFFIX = 80, 12  # characters of a name, of a suffix
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
_TABLES = frozenset({".xlsx", ".xls", ".ods", ".numbers", ".json", ".jsonl", ".parquet"})
_EDITS = frozenset({".aae", ".xmp", ".xml"})  # what programs note of a photo
_PICTURES = frozenset({
    ".gif", ".bmp", ".tif", ".tiff", ".svg", ".psd", ".xcf", ".eps", ".ico", ".tga", ".ppm", ".pgm", ".pbm", ".jp2", ".j2k", ".jpf",
    ".jxl", ".jxr", ".exr", ".hdr", ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".raf", ".orf", ".rw2", ".x3f",
    ".pef", ".srw", ".3fr", ".mov", ".mp4", ".m4v", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".mts", ".m2ts", ".3gp",
})  # fmt: skip
_EXPORT = f"export photos as JPEG ({ACCEPTED_KINDS} are read)"


@dataclass(frozen=True)
class LeftOut:
    """Files of one kind that were not taken.  `names`: as the zip has them.  `remedy`: what makes them count, if anything does."""

    kind: str
    names: tuple[str, ...]
    remedy: str = ""

    def __str__(self) -> str:
        """As "2 .dng files (a/1.DNG, a/2.DNG); export them as JPEG …"."""
        return self.counted() + (f"; {self.remedy}" if self.remedy else "")

    def counted(self) -> str:
        count = len(self.names)
        named = ", ".join(printable(name)[:_LONGEST] or "''" for name in self.names[:_NAMED])
        kind = self.kind.replace("(s)", "" if count == 1 else "s")
        return f"{count:,} {kind} ({named}{and_more(count - _NAMED)})"


@dataclass(frozen=True)
class NotTaken:
    """A file that is not taken: why (a `kind` and `remedy` of `LeftOut`), and its name in the zip."""

    name: str
    kind: str
    remedy: str = ""


def by_kind(files: Iterable[NotTaken]) -> tuple[LeftOut, ...]:
    """The most frequent kinds first."""
    names: dict[tuple[str, str], list[str]] = {}
    for file in files:
        names.setdefault((file.kind, file.remedy), []).append(file.name)
    found = [LeftOut(kind, tuple(several), remedy) for (kind, remedy), several in names.items()]
    return tuple(sorted(found, key=lambda one: (-len(one.names), one.kind)))


def all_kinds(kinds: tuple[LeftOut, ...]) -> str:
    """The kinds in half a sentence, without remedies."""
    more = f" and {len(kinds) - _KINDS:,} more kinds" if len(kinds) > _KINDS else ""
    return ", ".join(one.counted() for one in kinds[:_KINDS]) + more


def not_taken(name: str, start: bytes, *, hidden: bool) -> NotTaken | None:
    """Why a file is not taken; None if it is: a photo by its content, or what is called a photo or a table.

    Args:
        start: the first bytes of the file.
        hidden: whether its name, or that of a folder around it, begins with a dot.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if hidden:
        return NotTaken(name, "hidden photo(s)", "rename what begins with a dot to have it count")
    if starts_like_photo(start) or suffix in PHOTO_SUFFIXES | TABLE_SUFFIXES:
        return None
    kind = f"{suffix} file(s)" if 1 < len(suffix) <= _SUFFIX and suffix.isprintable() else "file(s) without a suffix"
    if suffix in _ARCHIVES:
        return NotTaken(name, kind, "unpack what holds photos, and pack these with the others")
    if suffix in _TABLES:
        return NotTaken(name, kind, "save labels as CSV")
    what = refusal(start)
    picture = suffix in _PICTURES or (what is not None and what.is_picture)
    return NotTaken(name, kind, _EXPORT if picture and suffix not in _EDITS else "")


def is_side_file(name: str) -> bool:
    """Whether a file that is not taken belongs to nobody's class, by its name: a document, a program, an edit of a phone."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix not in PHOTO_SUFFIXES | TABLE_SUFFIXES | _PICTURES

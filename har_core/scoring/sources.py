"""A folder, a list of files, Parquet tables or tar files → the photos in them, one after the other, without reading any.

What a source is, its name or its content says:

a folder        the photos below it; or, if the first file in it is one, the .tar or the .parquet files
NAME.tar        the photos in it, in the form of WebDataset or any other; not compressed, so that a photo can be read by itself
NAME.parquet    a column of photos (bytes, or records with `bytes` and `path` as Hugging Face writes them), or of paths
NAME.txt, .csv  a list: one name a line, or a column filename, and perhaps one of labels

Names of a list and of a column of paths are relative to the folder that the list or table lies in, if they are not whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from har_core.errors import DataError
from har_core.files import printable
from har_core.media.layout import PHOTO_SUFFIXES, is_system_file
from har_core.media.signatures import starts_like_photo
from har_core.scoring import places
from har_core.scoring.lists import listed, shown
from har_core.scoring.parquet_source import ParquetSource
from har_core.scoring.photos import Entry, Kind
from har_core.scoring.tar_source import photos_in_tar

LISTS = (".txt", ".lst", ".csv", ".tsv")
TAR, PARQUET = ".tar", ".parquet"
_PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".zip")


@dataclass
class Source:
    """The photos of one source.

    `kind` and `column`: how they are read (see `photos.photos_of`).  `left_out`: other files that lie beside them, counted while
    `groups` is gone through.

    Raises:
        DataError: if it is none of the kinds.
    """

    place: str
    column: str | None = None
    kind: Kind = "files"
    left_out: int = 0
    _files: list[str] = field(default_factory=list)
    _tables: list[ParquetSource] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = places.base_name(self.place).lower()
        if name.endswith(_PACKED):
            raise DataError(
                f"expected a folder, a list, a .parquet or a .tar that is not compressed, found {printable(name)[:80]}; unpack it"
            )
        if places.is_folder(self.place):
            self._files = self._containers()
        elif places.size_of(self.place) is None:
            raise DataError(f"expected photos at {printable(self.place)[:200]}, found nothing there; check the path")
        elif name.endswith((TAR, PARQUET)):
            self._files = [self.place]
        elif not name.endswith(LISTS):
            raise DataError(
                f"expected a folder, a list ({', '.join(LISTS)}), a .parquet or a .tar, found {printable(name)[:80]}; put the name of "
                "the photo into a list"
            )
        if self._files and self._files[0].lower().endswith(TAR):
            self.kind = "tar"
        elif self._files:
            self._tables = [ParquetSource(place, self._called(place), self.column) for place in self._files]
            self.kind, self.column = self._tables[0].kind, self._tables[0].column
            if odd := [one for one in self._tables if (one.kind, one.column) != (self.kind, self.column)]:
                raise DataError(
                    f"expected tables of the same columns, found another in {printable(places.base_name(odd[0].place))[:80]}; "
                    "score it by itself"
                )

    def containers(self) -> dict[str, int]:
        """The tar or Parquet files that photos are in, with their sizes in bytes."""
        return {place: places.size_of(place) or 0 for place in self._files}

    def groups(self) -> Iterator[list[Entry]]:
        """The photos; those of a group are read together, and come into one shard.

        Raises:
            DataError: if a list, table or tar cannot be read.
            OSError: if a folder cannot be listed.
        """
        if self.kind == "tar":
            for place in self._files:
                yield from ([entry] for entry in photos_in_tar(place, self._called(place)))
        elif self._tables:
            for table in self._tables:
                yield from table.groups()
        elif places.is_folder(self.place):
            yield from ([entry] for entry in self._below(self.place, ""))
        else:
            yield from ([entry] for entry in listed(self.place))

    def _called(self, place: str) -> str:
        """What comes before the names of what is in a file: nothing, where it is the only one."""
        return "" if self._files == [self.place] else place[len(self.place.rstrip("/")) + 1 :] + "/"

    def _containers(self) -> list[str]:
        """The .tar or .parquet files of a folder whose first file is one."""
        found = _walk(self.place, "")
        first = next((name for name, _, _ in found if not name.lower().endswith(_IGNORED)), "").lower()
        ending = next((ending for ending in (TAR, PARQUET) if first.endswith(ending)), None)
        if ending is None:
            return []
        names = [name for name, _, _ in _walk(self.place, "")]
        chosen = [name for name in names if name.lower().endswith(ending)]
        if any(name.lower().endswith(tuple(PHOTO_SUFFIXES)) for name in names):
            raise DataError(
                f"expected a folder of photos or of {ending} files, found both; score the folders by themselves"
            )
        self.left_out = len(names) - len(chosen)
        return [places.join(self.place, name) for name in chosen]

    def _below(self, folder: str, before: str) -> Iterator[Entry]:
        for name, place, size in _walk(folder, before):
            if size < 0 or not (name.lower().endswith(tuple(PHOTO_SUFFIXES)) or _starts_like_photo(place)):
                self.left_out += 1
                continue
            yield Entry(shown(name), place, size=size)


_IGNORED = (".json", ".txt", ".md", ".yaml", ".yml", ".csv")


def _walk(folder: str, before: str) -> Iterator[tuple[str, str, int]]:
    """(name below the source, place, bytes) of every file below a folder that no system made; links to folders are not followed."""
    for name, is_directory, size in places.entries(folder):
        if is_system_file(name):
            continue
        if is_directory:
            yield from _walk(places.join(folder, name), f"{before}{name}/")
        else:
            yield before + name, places.join(folder, name), size


def _starts_like_photo(place: str) -> bool:
    """By its content, which costs a request in a bucket: there the suffix decides."""
    if places.is_url(place):
        return False
    try:
        return starts_like_photo(places.read_bytes(place, size=12))
    except OSError:
        return True  # what prevents it is told when it is read

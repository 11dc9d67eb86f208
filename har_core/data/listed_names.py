"""File names as the rows of a table write them → the photos of a folder that they mean."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

from har_core.data.layouts import SPLIT_FOLDERS
from har_core.media.layout import PHOTO_SUFFIXES

_FILE = re.compile(r"^file:(//[^/\\]*(?=/)|//)?")
_TRIED = 200  # names that are looked at, to find what they share


def match_names(written: Iterable[str], present: Collection[str], *, folder: str = "") -> dict[str, str]:
    """Each written name → the photo that it means; names that mean none are left out.

    Backslashes, `file://`, a leading './', other forms of accents, and a photo's ending that is left out are understood.  Where
    names are not found so, but most of those are without the first folders that they share, or with folders before them, these are
    taken off or put before.  A name without folders may lie in any folder, if it is there once.

    Args:
        present: names of files below a folder, with '/'.
        folder: what that is called: a photo of `test/` is not looked for in `train/`.
    """
    names = dict.fromkeys(written)
    files = _Files(present)
    found = {name: file for name in names if (file := files.find(name)) is not None}
    lost = {name: plain(name) for name in names if name and name not in found}
    if not lost:
        return found
    taken = set(found.values())
    off, before = _shared_change(list(dict.fromkeys(lost.values())), files, folder)
    changed = {
        name: file
        for name, below in lost.items()
        if (
            file := files.alone(below)
            or (files.find(before + below.removeprefix(off)) if below.startswith(off) else None)
        )
        and file not in taken
    }
    if off:  # two folders in one: a file that several names could mean is none of theirs
        rivals = Counter(file for below in set(lost.values()) if (file := files.without_folders(below)) is not None)
        changed = {name: file for name, file in changed.items() if rivals[file] < 2}
    return found | changed


def _shared_change(lost: list[str], files: _Files, folder: str) -> tuple[str, str]:
    """What most of the first lost names have too much, and what they lack."""
    tried = lost[:_TRIED]
    votes = Counter(change for name in tried if (change := files.change(name)) is not None)
    for change, count in votes.most_common(1):
        off, before = change
        splits = _splits(off), _splits(f"{folder}/{before}")
        if 2 * count > len(tried) and not (all(splits) and splits[0] != splits[1]):
            return change
    return "", ""


def _splits(folders: str) -> set[str]:
    """The parts of a data set that these folders hold, by their names."""
    return {SPLIT_FOLDERS[name] for name in folders.casefold().split("/") if name in SPLIT_FOLDERS}


def plain(name: str) -> str:
    """A name in NFC and with '/', without what does not change its meaning."""
    name = unicodedata.normalize("NFC", name)
    name = without_scheme(name)
    return posixpath.normpath(name.replace("\\", "/"))


def without_scheme(name: str) -> str:
    """The path of a name that begins with `file:`, whose '#' and '?' programs leave as they are; any other as it is."""
    # Not by urlsplit: programs write # and ? of a name unescaped, and a file has neither fragment nor query.
    return unquote(_FILE.sub("", name)) if name.startswith("file:") else name


def leads_out(name: str) -> bool:
    """Whether a plain name is one of a whole path, on any system, or climbs out of its folder."""
    return name.startswith("/") or ".." in name.split("/") or re.match("[A-Za-z]:", name) is not None


class _Files:
    """Files of a folder by all that a name may leave out."""

    def __init__(self, present: Collection[str]) -> None:
        self._exact = frozenset(present)
        self._plain = {unicodedata.normalize("NFC", name): name for name in present}
        self._stems: defaultdict[str, list[str]] = defaultdict(list)
        self._last: defaultdict[str, list[str]] = defaultdict(list)
        self._common = _common_folder(self._plain)
        for name in self._plain:
            path = PurePosixPath(name)
            self._last[path.name].append(name)
            if path.suffix.lower() in PHOTO_SUFFIXES:
                self._stems[name.removesuffix(path.suffix)].append(name)
                self._last[path.stem].append(name)

    def find(self, name: str) -> str | None:
        """The file of a name, perhaps without its ending."""
        if name in self._exact:
            return name
        name = plain(name)
        if name in self._plain:
            return self._plain[name]
        stems = self._stems.get(name, [])
        return self._plain[stems[0]] if len(stems) == 1 else None

    def alone(self, name: str) -> str | None:
        """The only file of a name without folders, wherever it lies."""
        files = self._last.get(name, []) if "/" not in name else []
        return self._plain[files[0]] if len(files) == 1 else None

    def change(self, name: str) -> tuple[str, str] | None:
        """(what it has too much, what it lacks) to be the name of one file.

        Both only where all photos lie in one folder: else a folder that is missing would be taken for another.
        """
        for rest in _shorter(name):
            for before in dict.fromkeys(("", self._common)):
                if self.find(before + rest) is not None:
                    return name.removesuffix(rest), before
        ends = [
            whole.removesuffix(name)
            for file in self._last.get(name.rpartition("/")[2], [])
            for whole in (file, _stem(file))
            if whole.endswith(f"/{name}")
        ]
        return ("", ends[0]) if len(ends) == 1 else None

    def without_folders(self, name: str) -> str | None:
        """The file that is meant without as few of the first folders as possible, at least one."""
        found = (self.find(rest) or self.find(self._common + rest) for rest in _shorter(name))
        return next((file for file in found if file is not None), None)


def _shorter(name: str) -> Iterator[str]:
    """A name without its first folder, its first two, and so on."""
    parts = name.split("/")
    return ("/".join(parts[start:]) for start in range(1, len(parts)))


def _stem(name: str) -> str:
    return name.removesuffix(PurePosixPath(name).suffix)


def _common_folder(names: Iterable[str]) -> str:
    """The folder that all photos lie in, with '/' at its end; '' if that is the first."""
    folders = {name.rpartition("/")[0] for name in names if PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES}
    shared = posixpath.commonpath(folders) if folders else ""
    return f"{shared}/" if shared else ""

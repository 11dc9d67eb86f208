"""File names as tables write them → names below the folder of photos, and how many of these are there."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from har_core.data.listed_names import without_scheme

_TRIED = 200
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif")


@dataclass(frozen=True)
class Names:
    """`names`: one a row, in their order.  `missing`: how many have no photo, None if no folder was named.  `notes`: what was
    changed."""

    names: list[str]
    missing: int | None = None
    notes: tuple[str, ...] = ()


def unpadded(written: list[str]) -> list[str]:
    """Names of a text table without the space behind its separators: all begin with it, as hardly any photo does."""
    padded = bool(written) and all(name.startswith(" ") for name in written)
    return [name.lstrip() for name in written] if padded else written


def below(written: Sequence[str], folder: Path | None) -> Names:
    """Names relative to a folder of photos, where they lie in it; the others as they are.

    Backslashes, `file://`, a leading './' and the folder's own path are understood.  Where the photos are not found, but are
    without the first folders that their names share, or with an ending, they are named so; `notes` says it.

    Args:
        folder: what a run's names are relative to (see `media.layout.photo_folder`); None: nothing is looked for.
    """
    names = [_plain(name) if _is_odd(name) else name for name in written]
    if folder is None:
        return Names(names, notes=_spaces(names))
    present = _Present(folder)
    own = tuple(f"{form}/" for form in _forms(folder))
    names = [_without(name, own, present) if "/" in name else name for name in names]
    names = [
        name.lstrip() if name[:1] == " " and name not in present and name.lstrip() in present else name
        for name in names
    ]
    notes = [*_spaces(names)]
    lost = _lost(names, present)
    if lost and (prefix := _foreign_prefix(lost, present)):
        changed = [
            name[len(prefix) :] if name.startswith(prefix) and name[len(prefix) :] in present else name
            for name in names
        ]
        if len(set(changed)) == len(set(names)):  # else two photos would have one name
            count = sum(a != b for a, b in zip(names, changed, strict=True))
            names = changed
            notes.append(f"names that are read without {prefix}: {count:,}")
    # Trying all endings of a million names takes minutes.
    if _with_suffixes(_lost(names, present), present) and (found := _with_suffixes(names, present)):
        names = [found.get(name, name) for name in names]
        notes.append(f"names that are completed by the ending of their photo: {len(found):,}")
    return Names(names, sum(name not in present for name in names), tuple(notes))


def _spaces(names: list[str]) -> tuple[str, ...]:
    count = sum(1 for name in names if name[:1] == " ")
    return (f"names that begin with a space: {count:,}",) if count else ()


def _lost(names: list[str], present: _Present) -> list[str]:
    """The first names without a photo, if they are among the first."""
    return [name for name in names[: 50 * _TRIED] if name not in present][:_TRIED]


def _is_odd(name: str) -> bool:
    return "\\" in name or name.startswith(("./", "file:")) or "//" in name or "/./" in name or "/../" in name


def _plain(name: str) -> str:
    name = (without_scheme(name) or name).replace("\\", "/")
    plain = posixpath.normpath(name)
    return plain if not plain.startswith("..") else name


def _forms(folder: Path) -> list[str]:
    """The ways to write a folder's path; a name below it may begin with any of them."""
    forms = [
        folder.as_posix(),
        os.path.normpath(folder),
        folder.absolute().as_posix(),
        folder.resolve().as_posix(),
        folder.name,
    ]
    return [form for form in dict.fromkeys(forms) if form not in ("", ".", "/")]


def _without(name: str, prefixes: tuple[str, ...], present: _Present) -> str:
    for prefix in prefixes:
        if name.startswith(prefix) and (name.startswith("/") or name not in present):
            return name[len(prefix) :]
    return name


def _foreign_prefix(lost: list[str], present: _Present) -> str:
    """The first folders of most of these names, without which their photos are found; empty if there are none."""
    votes: Counter[str] = Counter()
    for name in lost:
        parts = name.split("/")
        for start in range(1, len(parts)):
            if "/".join(parts[start:]) in present:
                votes["/".join(parts[:start]) + "/"] += 1
                break
    if not votes:
        return ""
    prefix, count = votes.most_common(1)[0]
    return prefix if count > len(lost) / 2 else ""


def _with_suffixes(names: list[str], present: _Present) -> dict[str, str]:
    """Names without an ending → the only photo of that name."""
    found = {}
    for name in names:
        if name not in present:
            photos = [name + suffix for suffix in (*_SUFFIXES, *map(str.upper, _SUFFIXES)) if name + suffix in present]
            if len(photos) == 1:
                found[name] = photos[0]
    taken = set(names)
    return {name: photo for name, photo in found.items() if photo not in taken}


class _Present:
    """Which files are below a folder, by one listing of each folder that is asked for, and the rules of `PhotoStore`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[str, frozenset[str]] = {}

    def __contains__(self, name: str) -> bool:
        if name.startswith("/") or "\0" in name or ".." in name.split("/"):
            return False
        parent, _, file = name.rpartition("/")
        return self._in(parent, file) or (
            not name.isascii() and any(self._in(*self._form(form, name)) for form in ("NFC", "NFD"))
        )

    def _form(self, form: str, name: str) -> tuple[str, str]:
        parent, _, file = unicodedata.normalize(form, name).rpartition("/")  # type: ignore[arg-type]
        return parent, file

    def _in(self, parent: str, file: str) -> bool:
        if (files := self._listed.get(parent)) is None:
            try:
                with os.scandir(self._folder / parent) as entries:
                    files = frozenset(one.name for one in entries if one.is_file())
            except (OSError, ValueError):
                files = frozenset()
            self._listed[parent] = files
        return file in files


def folder_labels(files: Sequence[str]) -> pa.Array:
    """The name of the folder that each file lies in, as its path tells; empty where it tells none."""
    parts = [name.replace("\\", "/").rsplit("/", 2) for name in files]
    return pa.array([each[-2].strip() if len(each) > 1 else "" for each in parts], pa.string())

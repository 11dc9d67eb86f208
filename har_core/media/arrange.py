"""An unpacked zip → a folder in a layout of `data.scan`: without folders around all the others, and without what is nobody's photo."""

from __future__ import annotations

import shutil
from pathlib import Path

from har_core.media.layout import PHOTO_SUFFIXES, TABLE_SUFFIXES
from har_core.media.left_out import is_side_file


def arrange(target: Path) -> None:
    """Remove folders that wrap all the others, with tables in them or beside them; and documents.

    Files that are not taken are empty ones here, under their own names.
    """
    inside = _without_side_files(target)
    while (wrapper := _wrapper(inside)) is not None:
        wrapper = wrapper.rename(target / ".wrapper")
        for path in wrapper.iterdir():
            if (beside := target / path.name).is_dir():  # an empty folder of the same name
                shutil.rmtree(beside)
            path.rename(beside)
        wrapper.rmdir()
        inside = _without_side_files(target)


def remove_left_out(target: Path) -> None:
    """Remove the empty files that stand for those that are not taken."""
    for path in target.rglob("*"):
        if path.is_file() and _is_left_out(path):
            path.unlink()


def _wrapper(inside: list[Path]) -> Path | None:
    """The only folder, if it holds folders, or a table with photos; empty folders beside it do not count."""
    folders = [path for path in inside if path.is_dir() and _files(path)]
    others = {path.name for path in inside if path.is_file()}
    if len(folders) != 1 or not all(map(_is_table, map(Path, others))):
        return None
    within = list(folders[0].iterdir())
    if others & {path.name for path in within} or (others and any(map(_is_table, within))):
        return None
    wraps = (
        all(path.is_dir() for path in within) if others else any(path.is_dir() or _is_table(path) for path in within)
    )
    return folders[0] if wraps else None


def _without_side_files(target: Path) -> list[Path]:
    """What lies at the top, after what belongs to no class is removed, and folders of nothing else."""
    for path in target.iterdir():
        if path.is_dir():
            inside = _files(path)
            if inside and all(_is_left_out(each) and is_side_file(each.name) for each in inside):
                shutil.rmtree(path)
        elif _is_left_out(path):
            path.unlink()
    return list(target.iterdir())


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


def _is_left_out(path: Path) -> bool:
    return not path.stat().st_size and path.suffix.lower() not in PHOTO_SUFFIXES | TABLE_SUFFIXES


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES

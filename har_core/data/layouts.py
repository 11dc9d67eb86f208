"""One folder of photos per class → samples, and what does not fit in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from har_core.data.samples import Problem, Sample, SplitFolder, list_problems
from har_core.errors import DataError
from har_core.media.images import is_photo_file
from har_core.media.layout import TABLE_SUFFIXES, is_system_file
from har_core.media.left_out import is_side_file
from har_core.media.signatures import ACCEPTED_KINDS

SPLIT_FOLDERS: dict[str, SplitFolder] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
_LOOSE = "a photo outside the class folders"
_SHEETS = {".xlsx", ".xlsm", ".xls", ".ods", ".numbers"}
_LISTS = _SHEETS | {".json", ".jsonl", ".ndjson", ".txt", ".xml", ".yaml", ".yml", ".parquet"}
_OF_LABELS = {"label", "labels", "annotation", "annotations", "truth", "groundtruth", "metadata"}
_OF_NO_LABELS = {"readme", "license", "licence", "copying", "notice", "authors", "changelog", "requirements"}


def scan_folders(folder: Path) -> tuple[list[Sample], list[Problem]]:
    """One folder per class, perhaps inside `train/`, `val/` and `test/`, all inside folders around them (`innermost`), or with one folder
    in each around its classes, as `data/train/images/CLASS/`, or around the photos of each class, as `CLASS/images/`.

    Raises:
        DataError: if there is no photo in such a folder.
    """
    samples: list[Sample] = []
    problems: list[Problem] = []
    top = innermost(folder)
    splits = split_folders(top)
    around = _around_classes([path for path, split in splits.items() if split == "train"])
    places: list[tuple[Path, SplitFolder | None]] = []
    for path in entries(top):
        if splits and path not in splits and path.is_dir():
            name = path.relative_to(folder).as_posix()
            problems.append(Problem(f"{name}/", "a folder beside those of the split", "move or remove it"))
        elif path in splits:
            only = _only_folder(path)
            inside = entries(only if only is not None and only.name == around else path)
            places += [(each, splits[path]) for each in inside]
        else:
            places.append((path, None))
    within = _around_photos([path for path, _ in places])
    for path, split in places:
        _scan_class(folder, path, split, within, samples, problems)
    if not samples and (loose := sum(problem.reason == _LOOSE for problem in problems)):
        photos = "a photo" if loose == 1 else f"{loose:,} photos"
        raise DataError(
            f"expected one folder of photos per class, found {photos} outside of such folders; put each into a folder that is "
            "named after its class",
            problems,
        )
    if not samples:
        found = f" ({', '.join(list_problems(problems, most=3))})" if problems else ""
        raise DataError(
            "expected one folder of photos per class, or photos and a CSV with columns filename and label, found "
            f"neither{found}; choose or pack the folder that holds them",
            problems,
        )
    return samples, problems


def split_folders(folder: Path) -> dict[Path, SplitFolder]:
    """The folders of a data set's own split, if that is how it is laid out: folders, and not photos, inside `train/`."""
    folders = [path for path in entries(folder) if path.is_dir()]
    splits = {path: SPLIT_FOLDERS[path.name.casefold()] for path in folders if path.name.casefold() in SPLIT_FOLDERS}
    for path, split in splits.items():
        inside = list(entries(path))
        has_photos = any(map(is_photo_file, inside))
        if split == "train" and any(map(Path.is_dir, inside)) and (len(splits) == len(folders) or not has_photos):
            return splits
    return {}


def innermost(folder: Path, *, past_tables: bool = True) -> Path:
    """The folder that holds the classes, or a split, of folders that lie alone in one another; as `media.arrange` finds it in a zip.

    Args:
        past_tables: whether a table beside the only folder is passed by.
    """
    while not split_folders(folder) and (only := _only_folder(folder)) is not None:
        has_table = not past_tables and any(path.suffix.lower() in TABLE_SUFFIXES for path in entries(folder))
        has_photos = any(
            map(is_photo_file, entries(only))
        )  # a class then, with a folder too many, or the classes with a cover
        if has_table or len(_folders_that_count(entries(only))) <= has_photos:
            break
        folder = only
    return folder


def _around_classes(splits: list[Path]) -> str | None:
    """The name of the folder that each of these holds alone, and that holds folders of several classes."""
    only = [_only_folder(path) for path in splits]
    several = [path is not None and sum(map(Path.is_dir, _without_photos(path))) > 1 for path in only]
    names = {path.name for path in only if path is not None}
    return names.pop() if all(several) and len(names) == 1 else None


def _around_photos(places: list[Path]) -> str | None:
    """The name of the folder that each of two or more classes holds alone, and that no class can have for a name therefore."""
    only = {path: _only_folder(path) for path in places if path.is_dir() and _counts(path)}
    names = {path.name if path is not None else None for path in only.values()}
    return names.pop() if len(names) == 1 and len({path.name for path in only}) > 1 else None


def _only_folder(folder: Path) -> Path | None:
    """The folder inside that is alone, but for files that are no photos, and folders of nothing that belongs to a class."""
    folders = _folders_that_count(_without_photos(folder))
    return folders[0] if len(folders) == 1 else None


def _folders_that_count(inside: Iterable[Path]) -> list[Path]:
    """The first two."""
    return list(islice((path for path in inside if path.is_dir() and _counts(path)), 2))


def _counts(path: Path) -> bool:
    """Whether a file may belong to a class, or a folder holds one that may.  Links inside are not followed."""
    if path.is_dir():
        return any(inside.is_symlink() or _counts(inside) for inside in entries(path))
    return is_photo_file(path) or not is_side_file(path.name)


def _without_photos(folder: Path) -> list[Path]:
    """What a folder holds; nothing, if there is a photo."""
    inside = list(entries(folder))
    return [] if any(map(is_photo_file, inside)) else inside


def _scan_class(
    root: Path,
    folder: Path,
    split: SplitFolder | None,
    within: str | None,
    samples: list[Sample],
    problems: list[Problem],
) -> None:
    """The photos of a class folder, or of the folder `within` it; or what is the matter with what lies where class folders are."""
    name = folder.relative_to(root).as_posix()
    if (problem := unusable_name(name)) is not None:
        problems.append(problem)
        return
    if not folder.is_dir():
        if is_photo_file(folder):
            problems.append(Problem(name, _LOOSE, "move it into one, or remove it"))
        elif not folder.is_file():
            problems.append(Problem(name, "not a file, or a link that leads nowhere", "mend or remove it"))
        return
    before = len(samples), len(problems)
    held = list(entries(folder))
    several = sum(map(Path.is_dir, held)) > 1
    for path in chain.from_iterable(
        entries(each) if each.name == within and each.is_dir() else (each,) for each in held
    ):
        inside = path.relative_to(root).as_posix()
        if (problem := unusable_name(inside)) is not None:
            problems.append(problem)
        elif path.is_dir():
            count = sum(1 for each in entries(path))
            problems.append(
                Problem(
                    f"{inside}/",
                    f"a folder ({count:,} file{'' if count == 1 else 's'}) inside a class folder",
                    (f"choose {name}/ itself if it holds the classes; else " if several else "")
                    + "move its photos up, or remove it",
                )
            )
        elif is_photo_file(path):
            samples.append(Sample(inside, path, folder.name, split))
        else:
            problems.append(Problem(inside, f"not a {ACCEPTED_KINDS} photo", "convert or remove it"))
    if (len(samples), len(problems)) == before:
        problems.append(Problem(f"{name}/", "a class folder without photos", "add photos or remove it"))


def unread_lists(names: Iterable[str], *, class_folders: int) -> list[str]:
    """Of files beside photos, one sentence on each that may hold their labels and is no CSV.

    Args:
        class_folders: how many folders give labels; beside fewer than two, a file needs no telling name.
    """

    def may_have_labels(path: PurePosixPath) -> bool:
        words, kind = set(re.findall("[a-z]+", path.stem.casefold())), path.suffix.lower()
        unsure = class_folders < 2 and not words & _OF_NO_LABELS
        return kind in _LISTS and (unsure or kind in _SHEETS or bool(words & _OF_LABELS))

    named = dict.fromkeys(path.name for path in map(PurePosixPath, names) if may_have_labels(path))
    return [
        f"the file {name} was not read; if it has labels, save it as CSV with columns filename and label"
        for name in named
    ]


def entries(folder: Path) -> Iterator[Path]:
    """What a folder holds, in order, without the files of operating systems."""
    return iter(sorted(path for path in folder.iterdir() if not is_system_file(path.name)))


def unusable_name(name: str) -> Problem | None:
    """The problem of a name that no table can hold, as one that is not UTF-8; None of any other."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return Problem(name, "its name is not UTF-8", "rename it")
    return None

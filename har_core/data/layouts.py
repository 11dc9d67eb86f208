"""The three layouts of a data folder → samples, and what does not fit in."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from har_core.data.labels_file import read_labels
from har_core.data.samples import Problem, Sample, SplitFolder, list_problems
from har_core.errors import DataError
from har_core.media.images import is_photo_file
from har_core.media.layout import LABELS_FILE, PHOTOS_FOLDER, is_system_file

_SPLIT_FOLDERS: dict[str, SplitFolder] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
_LOOSE = "a photo outside the class folders"


def scan_kaggle(folder: Path) -> tuple[list[Sample], list[Problem]]:
    """`Training_set.csv` beside the photos in `train/`; the samples are in the order of its rows."""
    return scan_listed(folder / PHOTOS_FOLDER, folder / LABELS_FILE)


def scan_listed(photos: Path, labels: Path, *, all_files: bool = True) -> tuple[list[Sample], list[Problem]]:
    """The photos of a folder that a CSV names; the samples are in the order of its rows.

    Args:
        all_files: whether a file without a row is a problem.
    """
    present, problems = _files_below(photos)
    found = {unicodedata.normalize("NFC", name): name for name in present} | {name: name for name in present}
    samples: list[Sample] = []
    first_label: dict[str, str] = {}
    repeated: set[str] = set()
    for line, written, label in read_labels(labels):
        where = f"{labels.name} line {line}"
        below = PurePosixPath(unicodedata.normalize("NFC", written).replace("\\", "/"))
        inside = str(below).removeprefix(f"{photos.name}/")
        name = next((found[each] for each in (written, str(below), inside) if each in found), inside)
        if not written or not label:
            problems.append(
                Problem(written or where, f"{where} has no file name or no label", "complete or remove the row")
            )
        elif name not in present and (below.is_absolute() or ".." in below.parts or written[1:2] == ":"):
            problems.append(
                Problem(written, f"{where} names a file outside {photos.name}/", "write its path below that folder")
            )
        elif name in first_label:
            other = "with the same label" if first_label[name] == label else f"as {first_label[name]} and as {label}"
            problems.append(Problem(name, f"{where} names it a second time, {other}", "keep one of the rows"))
            repeated.add(name)
        elif name not in present:
            problems.append(
                Problem(name, f"{where} names it, but it is not in {photos.name}/", "add it or remove the row")
            )
        else:
            samples.append(Sample(name, photos / name, label))
        first_label.setdefault(name, label)
    for name in sorted(present - first_label.keys()) if all_files else ():
        problems.append(Problem(name, f"a file without a row in {labels.name}", "add a row or remove the file"))
    # A name that occurs twice has no certain label: neither row is used.
    return [sample for sample in samples if sample.name not in repeated], problems


def scan_folders(folder: Path) -> tuple[list[Sample], list[Problem]]:
    """One folder per class, perhaps inside `train/`, `val/` and `test/`.

    Raises:
        DataError: if there is no photo in such a folder.
    """
    samples: list[Sample] = []
    problems: list[Problem] = []
    splits = _split_folders(folder)
    for path in _entries(folder):
        if splits and path not in splits and path.is_dir():
            problems.append(Problem(f"{path.name}/", "a folder beside those of the split", "move or remove it"))
        elif path in splits:
            for inside in _entries(path):
                _scan_class(folder, inside, splits[path], samples, problems)
        else:
            _scan_class(folder, path, None, samples, problems)
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
            f"expected {LABELS_FILE} beside {PHOTOS_FOLDER}/, or one folder of photos per class, found neither{found}; "
            "choose the folder that holds them",
            problems,
        )
    return samples, problems


def _split_folders(folder: Path) -> dict[Path, SplitFolder]:
    """The folders of a data set's own split, if that is how it is laid out: folders, and not photos, inside `train/`."""
    folders = [path for path in _entries(folder) if path.is_dir()]
    splits = {path: _SPLIT_FOLDERS[path.name.casefold()] for path in folders if path.name.casefold() in _SPLIT_FOLDERS}
    for path, split in splits.items():
        inside = list(_entries(path))
        has_photos = any(map(is_photo_file, inside))
        if split == "train" and any(map(Path.is_dir, inside)) and (len(splits) == len(folders) or not has_photos):
            return splits
    return {}


def _scan_class(
    root: Path, folder: Path, split: SplitFolder | None, samples: list[Sample], problems: list[Problem]
) -> None:
    """The photos of a class folder; or what is the matter with something that lies where class folders are."""
    name = folder.relative_to(root).as_posix()
    if (problem := _unusable_name(name)) is not None:
        problems.append(problem)
        return
    if not folder.is_dir():
        if is_photo_file(folder):
            problems.append(Problem(name, _LOOSE, "move it into one, or remove it"))
        elif not folder.is_file():
            problems.append(Problem(name, "not a file, or a link that leads nowhere", "mend or remove it"))
        return
    before = len(samples), len(problems)
    for path in _entries(folder):
        inside = f"{name}/{path.name}"
        if (problem := _unusable_name(inside)) is not None:
            problems.append(problem)
        elif path.is_dir():
            count = sum(1 for each in _entries(path))
            problems.append(
                Problem(
                    f"{inside}/",
                    f"a folder ({count:,} files) inside a class folder",
                    "move its photos up, or remove it",
                )
            )
        elif is_photo_file(path):
            samples.append(Sample(inside, path, folder.name, split))
        else:
            problems.append(Problem(inside, "not a JPEG, PNG or WebP photo", "convert or remove it"))
    if (len(samples), len(problems)) == before:
        problems.append(Problem(f"{name}/", "a class folder without photos", "add photos or remove it"))


def _entries(folder: Path) -> Iterator[Path]:
    """What a folder holds, in order, without the files of operating systems."""
    return iter(sorted(path for path in folder.iterdir() if not is_system_file(path.name)))


def _unusable_name(name: str) -> Problem | None:
    """A name that no table can hold, as one that is not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return Problem(name, "its name is not UTF-8", "rename it")
    return None


def _files_below(folder: Path) -> tuple[set[str], list[Problem]]:
    """Names of all files, folders inside included; links are followed, but none twice."""
    names: set[str] = set()
    problems: list[Problem] = []
    visited: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        visited.add(os.path.realpath(root))
        folders[:] = [
            name
            for name in sorted(folders)
            if not is_system_file(name) and os.path.realpath(Path(root, name)) not in visited
        ]
        for path in (Path(root, name) for name in sorted(files) if not is_system_file(name)):
            name = path.relative_to(folder).as_posix()
            problem = _unusable_name(name)
            if problem is None and not path.is_file():  # to open a pipe would wait for ever
                problem = Problem(name, "not a file, or a link that leads nowhere", "replace or remove it")
            if problem is None:
                names.add(name)
            else:
                problems.append(problem)
    return names, problems

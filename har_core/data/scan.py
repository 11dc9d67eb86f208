"""A folder of photos, in one of four layouts → labeled samples, checked, and every problem with its remedy."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from har_core.data.given import require_folder
from har_core.data.labels_file import holds_answers
from har_core.data.layouts import SPLIT_FOLDERS, entries, innermost, scan_folders, unread_lists
from har_core.data.listed_photos import labels_given, scan_kaggle, scan_listed, scan_table, tables_beside
from har_core.data.samples import Problem, Sample, list_problems
from har_core.errors import DataError, ImageError
from har_core.files import and_more, printable
from har_core.media.images import open_photo
from har_core.media.layout import LABELS_FILE, PHOTOS_FOLDER, photo_folder
from har_core.runs.class_names import check_class_names, class_key

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True)
class LabeledPhotos:
    """What a data folder holds.

    `samples` are the usable ones in the order of the labels file (or of the sorted folders); `classes` are
    their labels, sorted; `problems` are all findings, in a fixed order.  `notes`: sentences on where the labels come from, if that
    was not certain.
    """

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def scan(
    folder: Path,
    *,
    labels: Path | None = None,
    classes: Collection[str] = (),
    beside: Collection[str] = (),
    verify: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> LabeledPhotos:
    """Find the labeled photos of a folder and check them.  Files of operating systems are ignored.

    The layouts are Kaggle's, `Training_set.csv` (columns filename, label) beside the photos in `train/`; any photos and such a CSV
    of another name (see `listed_photos.scan_table`); one folder per class; or folders per class inside `train/`, `val/` and
    `test/` (see `layouts.scan_folders`).  Links are followed.  Where photos lie in folders and a CSV names them too, the folders count if they are classes; `notes`
    say which of the two was taken, and on how many photos they differ.

    Args:
        labels: a CSV with names of photos below the folder and their labels, which count in place of the folder's own; other
            photos are then no problem.
        classes: those of a model, by which class folders are known.
        beside: names of other files that were brought with the folder and are no longer in it.
        verify: decode every photo, so that a damaged one is found before training and not in the middle.
        workers: threads that decode; the number of cores by default.

    Raises:
        DataError: if the folder has none of the layouts, or its CSV lacks a column.
            Single bad rows and photos are not raised but returned as `problems`.
    """
    require_folder(folder)
    if labels is not None:
        samples, problems = scan_listed(photo_folder(folder), labels, all_files=False)
        notes: list[str] = []
    else:
        root = innermost(folder, past_tables=False)
        samples, problems, notes = _find(root, frozenset(map(class_key, classes)), beside)
        if root != folder:  # names are relative to what was given
            around = photo_folder(root).relative_to(folder).as_posix()
            samples = [replace(sample, name=f"{around}/{sample.name}") for sample in samples]
            problems = [replace(problem, name=f"{around}/{problem.name}") for problem in problems]
    if verify:
        samples, unreadable = _verify(samples, workers=workers or os.cpu_count() or 1, progress=progress)
        problems += unreadable
    found = tuple(sorted({sample.label for sample in samples}))
    return LabeledPhotos(tuple(samples), found, tuple(problems), tuple(map(printable, notes)))


def folders_count(samples: Sequence[Sample], classes: Collection[str], *, answers: bool) -> bool:
    """Whether the folders of photos, and not the table that names them, say which classes they show.

    They do if they are classes of the model; or if the table's labels are among them and differ, or are answers of a model.

    Args:
        samples: with the table's labels.
        classes: `class_key` of the model's classes; none if there is no model.
        answers: whether the table's labels are rather a model's answers.
    """
    inside = [sample for sample in samples if sample.name.count("/") == 1]
    if 2 * len(inside) <= len(samples):
        return False
    folders, labels = {_folder_key(sample) for sample in inside}, {class_key(sample.label) for sample in samples}
    known = folders & set(classes)
    if known and (2 * len(known) >= len(folders) or not labels & set(classes)):
        return True
    if len(folders) < 2 or folders <= SPLIT_FOLDERS.keys():
        return False
    return answers or (_differing(inside) > 0 and 2 * len(folders & labels) >= len(folders))


def _find(
    folder: Path, classes: Collection[str], beside: Collection[str]
) -> tuple[list[Sample], list[Problem], list[str]]:
    """The photos by a table or by folders, their problems, and where the labels come from."""
    root = folder
    if (folder / LABELS_FILE).is_file() and (folder / PHOTOS_FOLDER).is_dir():
        root = folder / PHOTOS_FOLDER
        table, samples, problems = folder / LABELS_FILE, *scan_kaggle(folder)
    elif (listed := scan_table(folder, is_class=lambda name: class_key(name) in classes)) is not None:
        table, samples, problems = listed
    else:
        return _by_folders(folder, tables_beside(folder), beside)
    answers = holds_answers(table)
    if samples and folders_count(samples, classes, answers=answers):
        return _by_folders(root, [table], beside)
    if samples and not _differing(samples):
        by_folders = _by_folders(root, [table], beside)
        if len(by_folders[0]) > len(samples):  # the folders say the same, and more
            return by_folders
    folders = {_folder_key(sample) for sample in samples} - SPLIT_FOLDERS.keys() - {""}
    called = table.relative_to(folder).as_posix()
    notes = []
    if len(folders) > 1:
        differing = _differing([sample for sample in samples if "/" in sample.name])
        but = f"; they differ on {differing:,} of {_photos(len(samples))}" if differing else ""
        notes.append(f"labels are read from {called}, not from the folders{but}")
    elif answers:
        notes.append(f"labels are read from {called}, which may hold answers of a model and not the true labels")
    return samples, problems, notes


def _by_folders(
    root: Path, tables: Sequence[Path], beside: Collection[str]
) -> tuple[list[Sample], list[Problem], list[str]]:
    """The photos of class folders; `tables` and other lists were not read."""
    others = [path.name for path in entries(root) if path.is_file()]
    try:
        samples, problems = scan_folders(root)
    except DataError as error:
        if unread := unread_lists([*others, *beside], class_folders=0):
            raise DataError(f"{error}; {'; '.join(unread[:3])}", error.problems) from error
        raise
    labels, notes = {sample.name: sample.label for sample in samples}, []
    if tables:
        named = ", ".join(path.name for path in tables[:3]) + and_more(len(tables) - 3)
        notes.append(f"labels are read from the folders; {named} {'was' if len(tables) == 1 else 'were'} not read")
    for table in tables[:3]:
        given = labels_given(table, samples)
        if differing := sum(class_key(label) != class_key(labels[name]) for name, label in given.items()):
            what = table.name if len(tables) > 1 else "it"
            notes[0] += f"; {what} differs on {differing:,} of {_photos(len(given))}"
    class_folders = len({_folder_key(sample) for sample in samples})
    return samples, problems, notes + unread_lists([*others, *beside], class_folders=class_folders)


def _folder_key(sample: Sample) -> str:
    return class_key(PurePosixPath(sample.name).parent.name)


def _differing(samples: Sequence[Sample]) -> int:
    return sum(_folder_key(sample) != class_key(sample.label) for sample in samples)


def _photos(number: int) -> str:
    return f"{number:,} photo{'' if number == 1 else 's'}"


def require_clean(photos: LabeledPhotos, *, skip_bad: bool) -> None:
    """Stop unless there are photos, and no problems.

    Raises:
        DataError: if there are problems and `skip_bad` is false, or no photo is left.
    """
    if photos.problems and not skip_bad:
        shown = "\n".join(f"  {line}" for line in list_problems(photos.problems, most=20))
        raise DataError(
            f"expected clean data, found {len(photos.problems):,} problem(s):\n{shown}\n"
            "Fix them, or pass --skip-bad to go on without these (a training lists them in its run).",
            photos.problems,
        )
    if not photos.samples:
        raise DataError("expected labeled photos, found none that can be used; add some", photos.problems)


def require_trainable(photos: LabeledPhotos) -> None:
    """Stop unless there are two or more classes of two or more photos each, whose names can be told apart.

    Raises:
        DataError, RunError: naming the classes, and what to do.
    """
    check_class_names(photos.classes)
    if len(photos.classes) < 2:
        raise DataError(
            f"expected photos of two or more classes, found {len(photos.classes)} ({', '.join(photos.classes) or 'none'}); "
            "add a class",
            photos.problems,
        )
    counts = Counter(sample.label for sample in photos.samples)
    lone = [label for label in photos.classes if counts[label] < 2]
    if lone:
        raise DataError(
            "expected at least two photos of each class, one to train and one to test; found 1 of "
            f"{', '.join(list_problems(lone, most=20))}; add photos, or remove the class",
            photos.problems,
        )


def _verify(samples: list[Sample], *, workers: int, progress: Progress | None) -> tuple[list[Sample], list[Problem]]:
    def problem(sample: Sample) -> Problem | None:
        try:
            open_photo(sample.path, sample.name)
        except ImageError as error:
            return Problem.of_photo(sample.name, error)
        return None

    good: list[Sample] = []
    problems: list[Problem] = []
    with ThreadPoolExecutor(workers) as pool:  # decoding releases the GIL
        for done, (sample, found) in enumerate(zip(samples, pool.map(problem, samples), strict=True), start=1):
            if found is None:
                good.append(sample)
            else:
                problems.append(found)
            if progress is not None:
                progress(done, len(samples))
    return good, problems

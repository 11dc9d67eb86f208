"""A folder of photos, in one of four layouts → labeled samples, checked, and every problem with its remedy."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from har_core.data.layouts import scan_folders
from har_core.data.listed_photos import scan_kaggle, scan_listed, scan_table
from har_core.data.samples import Problem, Sample, list_problems
from har_core.errors import DataError, ImageError
from har_core.media.images import open_photo
from har_core.media.layout import LABELS_FILE, PHOTOS_FOLDER, photo_folder
from har_core.runs.class_names import check_class_names

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True)
class LabeledPhotos:
    """What a data folder holds.

    `samples` are the usable ones in the order of the labels file (or of the sorted folders); `classes` are
    their labels, sorted; `problems` are all findings, in a fixed order.
    """

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    problems: tuple[Problem, ...]


def scan(
    folder: Path,
    *,
    labels: Path | None = None,
    verify: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> LabeledPhotos:
    """Find the labeled photos of a folder and check them.  Files of operating systems are ignored.

    The layouts are Kaggle's, `Training_set.csv` (columns filename, label) beside the photos in `train/`; any photos and such a CSV
    of another name (see `listed_photos.scan_table`); one folder per class; or folders per class inside `train/`, `val/` and
    `test/`.  Links are followed.

    Args:
        labels: a CSV with names of photos below the folder and their labels, which count in place of the folder's own; other
            photos are then no problem.
        verify: decode every photo, so that a damaged one is found before training and not in the middle.
        workers: threads that decode; the number of cores by default.

    Raises:
        DataError: if the folder has none of the layouts, or its CSV lacks a column.
            Single bad rows and photos are not raised but returned as `problems`.
    """
    if not folder.is_dir():
        raise DataError(
            f"expected a folder of photos at {folder}, found none; check the path, or fetch the data set with: "
            f"python -m har_core download --data {folder}"
        )
    if labels is not None:
        samples, problems = scan_listed(photo_folder(folder), labels, all_files=False)
    elif (folder / LABELS_FILE).is_file() and (folder / PHOTOS_FOLDER).is_dir():
        samples, problems = scan_kaggle(folder)
    else:
        samples, problems = scan_table(folder) or scan_folders(folder)
    if verify:
        samples, unreadable = _verify(samples, workers=workers or os.cpu_count() or 1, progress=progress)
        problems += unreadable
    return LabeledPhotos(tuple(samples), tuple(sorted({sample.label for sample in samples})), tuple(problems))


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

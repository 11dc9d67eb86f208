"""A folder of photos, in either layout → labeled samples, checked, and every problem with its remedy."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from har_core.errors import DataError, ImageError
from har_core.media.images import open_photo
from har_core.media.layout import LABELS_FILE, PHOTO_SUFFIXES, PHOTOS_FOLDER

_COLUMNS = ("filename", "label")

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True)
class Sample:
    """A labeled photo. `name` identifies it in every table: its path below the photos folder, with '/'."""

    name: str
    path: Path
    label: str


@dataclass(frozen=True)
class Problem:
    """What is wrong with one photo, row or class, and the remedy."""

    name: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}; {self.remedy}"


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
    folder: Path, *, verify: bool = True, workers: int | None = None, progress: Progress | None = None
) -> LabeledPhotos:
    """Find the labeled photos of a folder, in Kaggle's layout or one folder per class, and check them.

    Kaggle's layout is `Training_set.csv` (columns filename, label) beside the photos in `train/`.

    Args:
        verify: decode every photo, so that a damaged one is found before training and not in the middle.
        workers: threads that decode; the number of cores by default.

    Raises:
        DataError: if the folder has neither layout, or its CSV lacks a column.
            Single bad rows and photos are not raised but returned as `problems`.
    """
    if not folder.is_dir():
        raise DataError(
            f"expected a folder of photos at {folder}, found none; check the path, or {_how_to_get(folder)}"
        )
    if (folder / LABELS_FILE).is_file():
        samples, problems = _scan_kaggle(folder)
    else:
        samples, problems = _scan_folders(folder)
    if verify:
        samples, unreadable = _verify(samples, workers=workers or os.cpu_count() or 1, progress=progress)
        problems += unreadable

    counts = Counter(sample.label for sample in samples)
    for label, count in sorted(counts.items()):
        if count < 2:
            problems.append(
                Problem(label, "the class has only 1 usable photo", "add photos or remove the class: a split needs 2")
            )
    samples = [sample for sample in samples if counts[sample.label] >= 2]
    return LabeledPhotos(tuple(samples), tuple(sorted({sample.label for sample in samples})), tuple(problems))


def require_clean(photos: LabeledPhotos, *, skip_bad: bool) -> None:
    """Stop unless the data are fit for training.

    Raises:
        DataError: if there are problems and `skip_bad` is false, or fewer than two classes are left.
    """
    if photos.problems and not skip_bad:
        shown = "\n".join(f"  {problem}" for problem in photos.problems[:20])
        more = f"\n  … and {len(photos.problems) - 20} more" if len(photos.problems) > 20 else ""
        raise DataError(
            f"expected clean data, found {len(photos.problems)} problem(s):\n{shown}{more}\n"
            "Fix them, or pass --skip-bad to go on without these (a training lists them in its run).",
            photos.problems,
        )
    if len(photos.classes) < 2:
        raise DataError(
            f"expected photos of two or more classes, found {len(photos.classes)} ({', '.join(photos.classes) or 'none'}); "
            "add a class",
            photos.problems,
        )


def _scan_kaggle(folder: Path) -> tuple[list[Sample], list[Problem]]:
    photos = folder / PHOTOS_FOLDER
    rows = list(_read_rows(folder / LABELS_FILE))
    present = {path.name for path in photos.iterdir()} if photos.is_dir() else set()
    samples: list[Sample] = []
    problems: list[Problem] = []
    first_label: dict[str, str] = {}
    repeated: set[str] = set()
    for line, name, label in rows:
        where = f"{LABELS_FILE} line {line}"
        if not name or not label:
            problems.append(
                Problem(name or where, f"{where} has no filename or no label", "complete or remove the row")
            )
        elif name != Path(name).name:
            problems.append(Problem(name, f"{where} names a file outside {PHOTOS_FOLDER}/", "use a plain file name"))
        elif name in first_label:
            other = "with the same label" if first_label[name] == label else f"as {first_label[name]} and as {label}"
            problems.append(Problem(name, f"{where} names it a second time, {other}", "keep one of the rows"))
            repeated.add(name)
        elif name not in present:
            problems.append(
                Problem(name, f"{where} names it, but it is not in {PHOTOS_FOLDER}/", "add it or remove the row")
            )
        else:
            samples.append(Sample(name, photos / name, label))
        first_label.setdefault(name, label)
    for name in sorted(present - first_label.keys()):
        problems.append(Problem(name, f"a photo without a row in {LABELS_FILE}", "add a row or remove the photo"))
    # A name that occurs twice has no certain label: neither row is used.
    return [sample for sample in samples if sample.name not in repeated], problems


def _read_rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line number, filename, label) of each row."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"expected columns filename and label in {path}, found {', '.join(reader.fieldnames or ()) or 'none'}; "
                    f"add {' and '.join(missing)}"
                )
            for row in reader:
                yield reader.line_num, (row["filename"] or "").strip(), (row["label"] or "").strip()
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"expected a CSV in UTF-8 at {path}, found something else ({error}); save it as CSV again"
        ) from error


def _scan_folders(folder: Path) -> tuple[list[Sample], list[Problem]]:
    samples: list[Sample] = []
    problems: list[Problem] = []
    for class_folder in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for path in sorted(path for path in class_folder.iterdir() if not path.name.startswith(".")):
            name = f"{class_folder.name}/{path.name}"
            if path.is_file() and path.suffix.lower() in PHOTO_SUFFIXES:
                samples.append(Sample(name, path, class_folder.name))
            else:
                problems.append(Problem(name, "not a JPEG, PNG or WebP photo", "convert or remove it"))
    if not samples:
        raise DataError(
            f"expected {LABELS_FILE} beside {PHOTOS_FOLDER}/, or one folder of photos per class, in {folder}; "
            f"found neither; check the path, or {_how_to_get(folder)}"
        )
    return samples, problems


def _verify(samples: list[Sample], *, workers: int, progress: Progress | None) -> tuple[list[Sample], list[Problem]]:
    def reason(sample: Sample) -> str | None:
        try:
            open_photo(sample.path)
        except ImageError as error:
            return str(error)
        return None

    good: list[Sample] = []
    problems: list[Problem] = []
    with ThreadPoolExecutor(workers) as pool:  # decoding releases the GIL
        for done, (sample, found) in enumerate(zip(samples, pool.map(reason, samples), strict=True), start=1):
            if found is None:
                good.append(sample)
            else:
                problems.append(Problem(sample.name, found, "replace the photo or remove it with its label"))
            if progress is not None:
                progress(done, len(samples))
    return good, problems


def _how_to_get(folder: Path) -> str:
    return f"fetch the data set with: python -m har_core download --data {folder}"

"""Photos and a CSV of their labels → samples, and what does not fit together."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from har_core.data.labels_file import has_labels, holds_answers, read_labels
from har_core.data.layouts import entries, split_folders, unusable_name
from har_core.data.listed_names import leads_out, match_names, plain
from har_core.data.samples import Problem, Sample
from har_core.errors import DataError
from har_core.files import printable
from har_core.media.images import is_photo_file
from har_core.media.layout import (
    LABELS_FILE,
    PHOTO_SUFFIXES,
    PHOTOS_FOLDER,
    TABLE_SUFFIXES,
    UNLABELED_FOLDER,
    is_system_file,
)

_Row = tuple[int, str, str]


def scan_kaggle(folder: Path) -> tuple[list[Sample], list[Problem]]:
    """`Training_set.csv` beside the photos in `train/`; the samples are in the order of its rows."""
    return scan_listed(folder / PHOTOS_FOLDER, folder / LABELS_FILE)


def scan_listed(photos: Path, labels: Path, *, all_files: bool = True) -> tuple[list[Sample], list[Problem]]:
    """The photos of a folder that a CSV names; the samples are in the order of its rows.

    Args:
        all_files: whether a file without a row is a problem.
    """
    rows = list(read_labels(labels))
    present, problems = _files_below(photos)
    meant = match_names((written for _, written, _ in rows), present, folder=photos.name)
    _require_named(labels.name, rows, meant, present)
    samples, more = _listed(photos, labels.name, rows, meant, present if all_files else ())
    return samples, problems + more


def scan_table(
    folder: Path, *, is_class: Callable[[str], bool] = lambda name: False
) -> tuple[Path, list[Sample], list[Problem]] | None:
    """Photos and a CSV with columns filename and label among them, which has any name; the samples are in the order of its rows.

    Of several the one counts that names photos which are there, and rather no model's answers.  Photos in `test/` do not count where
    it names none of them.

    Args:
        is_class: whether a folder, even if it is the only one, is known to bear the name of a class.

    Returns:
        The CSV as well.  None if there is none, or if there are folders per class and it does not name at least half of the photos.

    Raises:
        DataError: if several could be meant, or one of the others has to be it and lacks the columns.
    """
    beside = [path for path in entries(folder) if path.is_file() and _is_table(path.name)]
    tables = [path for path in beside if has_labels(path)] or _tables_within(folder)
    if not (beside or tables) or split_folders(folder):
        return None
    present, problems = _files_below(folder)
    with_photos = {name.partition("/")[0] for name in present if name.count("/") == 1 and _is_photo(name)}
    may_be_classes = len(with_photos) > 1 or any(map(is_class, with_photos))
    lists = []
    for path in tables:
        try:
            lists.append(_List.of(path, present))
        except DataError:
            if not may_be_classes:
                raise
    naming = [one for one in lists if one.meant and not (may_be_classes and 2 * len(one.meant) < one.photos)]
    chosen = [one for one in naming if one.path.name.casefold() == LABELS_FILE.casefold()] or naming
    chosen = [one for one in chosen if not holds_answers(one.path)] or chosen
    if not chosen and not may_be_classes:
        chosen = [one for one in lists if one.path in beside]
    if len(chosen) != 1:
        if may_be_classes:
            return None
        if len(beside) == 1:
            list(read_labels(beside[0]))  # says what its first line lacks
        found = ", ".join(printable(path.name)[:80] for path in ([one.path for one in chosen] or beside)[:5])
        raise DataError(
            f"expected one CSV with a column filename and one column label, found {found or 'none'}; put all rows into one, with "
            "these two names in its first line",
        )
    (table,) = chosen
    _require_named(table.path.name, table.rows, table.meant, table.present)
    wanted = [
        name
        for name in table.present
        if not _is_table(name) and ("/" in name or is_photo_file(folder / name))  # a readme is nobody's photo
    ]
    samples, more = _listed(folder, table.path.name, table.rows, table.meant, wanted)
    return table.path, samples, problems + more


def tables_beside(folder: Path) -> list[Path]:
    """Tables at the top of a folder, and those of labels in the folders of a data set's own split."""
    beside = [path for path in entries(folder) if path.is_file() and _is_table(path.name)]
    return beside + [path for path in _tables_within(folder) if path.parent in split_folders(folder)]


def labels_given(table: Path, samples: Sequence[Sample]) -> dict[str, str]:
    """The labels that a table gives to samples, by their names; none if it cannot be read so."""
    try:
        rows = list(read_labels(table))
    except DataError:
        return {}
    meant = match_names((written for _, written, _ in rows), {sample.name for sample in samples})
    return {meant[written]: label for _, written, label in rows if written in meant and label}


def _require_named(called: str, rows: Sequence[_Row], meant: Mapping[str, str], present: Collection[str]) -> None:
    """Stop if a table has names, and there are photos, and no name is that of a photo."""
    written = [name for _, name, _ in rows if name]
    photos = sorted(filter(_is_photo, present))
    if written and photos and not meant:
        raise DataError(
            f"expected names of photos in {called}, found that none of its names ({len(written):,}, the first is "
            f"{printable(written[0])[:80]}) is that of a photo here ({len(photos):,}, the first is "
            f"{printable(photos[0])[:80]}); write the names as the photos have them"
        )


@dataclass(frozen=True)
class _List:
    """A table's rows, the photos that their names mean, the files that it could name, and how many of these are photos."""

    path: Path
    rows: list[_Row]
    meant: dict[str, str]
    present: set[str]
    photos: int

    @classmethod
    def of(cls, path: Path, present: set[str]) -> _List:
        rows = list(read_labels(path))
        if not any(f"/{UNLABELED_FOLDER}/" in f"/{plain(written)}".casefold() for _, written, _ in rows):
            others = {name for name in present if name.partition("/")[0].casefold() != UNLABELED_FOLDER}
            present = others if any(map(_is_photo, others)) else present
        meant = match_names((written for _, written, _ in rows), present)
        return cls(path, rows, meant, present, sum(map(_is_photo, present)))


def _listed(
    photos: Path, called: str, rows: Sequence[_Row], meant: Mapping[str, str], wanted: Collection[str]
) -> tuple[list[Sample], list[Problem]]:
    """The samples of rows, and the problems of these and of files without one.

    Args:
        meant: written name → that of the file.
        wanted: files that are to have a row.
    """
    below = f"{PHOTOS_FOLDER}/" if photos.name == PHOTOS_FOLDER else "the folder"
    samples: list[Sample] = []
    problems: list[Problem] = []
    first_label: dict[str, str] = {}
    repeated: set[str] = set()
    for line, written, label in rows:
        where = f"{called} line {line}"
        name = meant.get(written) or plain(written)
        if not written or not label:
            problems.append(
                Problem(written or where, f"{where} has no file name or no label", "complete or remove the row")
            )
        elif written not in meant and leads_out(name):
            problems.append(
                Problem(written, f"{where} names a file outside {below}", "write its path below that folder")
            )
        elif name in first_label:
            other = "with the same label" if first_label[name] == label else f"as {first_label[name]} and as {label}"
            problems.append(Problem(name, f"{where} names it a second time, {other}", "keep one of the rows"))
            repeated.add(name)
        elif written not in meant:
            problems.append(Problem(name, f"{where} names it, but it is not in {below}", "add it or remove the row"))
        else:
            samples.append(Sample(name, photos / name, label))
        first_label.setdefault(name, label)
    for name in sorted(set(wanted) - first_label.keys()):
        problems.append(Problem(name, f"a file without a row in {called}", "add a row or remove the file"))
    # A name that occurs twice has no certain label: neither row is used.
    return [sample for sample in samples if sample.name not in repeated], problems


def _is_photo(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES


def _is_table(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES


def _tables_within(folder: Path) -> list[Path]:
    """Tables of labels in the folders of a folder, as people put them beside the photos or into a folder of their own."""
    folders = [path for path in entries(folder) if path.is_dir() and unusable_name(path.name) is None]
    inside = [path for folder in folders for path in folder.iterdir() if _is_table(path.name)]
    return [path for path in sorted(inside) if not is_system_file(path.name) and path.is_file() and has_labels(path)]


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
            problem = unusable_name(name)
            if problem is None and not path.is_file():  # to open a pipe would wait for ever
                problem = Problem(name, "not a file, or a link that leads nowhere", "replace or remove it")
            if problem is None:
                names.add(name)
            else:
                problems.append(problem)
    return names, problems

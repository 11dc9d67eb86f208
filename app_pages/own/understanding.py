"""A table and what its visitor says of it → what each column is, how many rows there are, and the first of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from app_pages.own import table_file
from har_core.errors import DataError, HarError
from har_core.imports import headers, score_columns
from har_core.imports.blanks import LeftOut, NoRows, blank_words, left_out_of, require_predictions
from har_core.imports.build import Imported, labels_of, read_predictions, score_kind
from har_core.imports.checking import Unknown
from har_core.imports.columns import Chosen, Columns, recognize
from har_core.imports.contents import is_numeric
from har_core.imports.labels import settle, union
from har_core.imports.names import below, folder_labels, unpadded
from har_core.imports.tables import Chunk, Table, numbers_of, texts_of
from har_core.imports.values import ScoreKind
from har_core.media.layout import photo_folder

NONE, FOLDER = "\0none", "\0folder"
"""No column, and the folder in the file's name; no column has such a name."""

_TRIED = 10  # columns that may be that of the files

KINDS: Final[tuple[ScoreKind, ...]] = ("probabilities", "percentages", "logits")


@dataclass(frozen=True)
class Choices:
    """What a visitor says; None: as the names and contents of the columns do.

    `file`, `true`, `predicted`, `confidence`: a column, `FOLDER` or `NONE`.  `scores`: of which kind, or `NONE`.  `top`: `NONE`
    leaves the columns of the most probable classes out.  `classes`: names in the order of numbered columns.
    """

    file: str | None = None
    true: str | None = None
    predicted: str | None = None
    confidence: str | None = None
    scores: str | None = None
    top: str | None = None
    unknown: Unknown = "skip"
    classes: tuple[str, ...] | None = None

    @property
    def kind(self) -> ScoreKind | None:
        return next((kind for kind in KINDS if kind == self.scores), None)


@dataclass(frozen=True)
class Understanding:
    """As far as it goes; `error` says why not further, in the library's words.

    `columns`: with an error, what they would be without it; `asked`: the part that the visitor has to name then.
    `kind`: of the scores.  `rows`: of the whole table.  `classes`: all.  `unknown`: true labels that are none of them → rows.
    `left_out`: rows without a prediction or a true label, of the whole table.  `root`: the data folder in which the photos were looked for.  `found`: how many are there.  `preview`: of the first rows; None if
    there is none to show among them.
    """

    columns: Columns | None = None
    kind: ScoreKind | None = None
    rows: int | None = None
    classes: tuple[str, ...] = ()
    unknown: Mapping[str, int] | None = None
    left_out: tuple[LeftOut, ...] = ()
    root: Path | None = None
    found: int = 0
    preview: Imported | None = None
    error: str | None = None
    asked: str | None = None


def understand(table: Table, path: Path, choices: Choices, roots: Sequence[Path]) -> Understanding:
    """Tell the columns, read names and labels of all rows, and the first rows whole.

    Args:
        table: of which the first rows are at hand.
        path: where it is opened again.
        roots: data folders in which its photos may be; the one with the most of them counts, of equals the first.

    Raises:
        OSError: if the file is gone.
    """
    try:
        columns = columns_of(table, choices)
    except HarError as error:
        return _without_it(table, choices, str(error))
    done = Understanding(columns)
    try:
        done = replace(done, kind=_kind(table, columns, choices))
        done = _scanned(done, columns, table_file.opened(path), roots)
        return replace(done, preview=_preview(table, columns, done, choices))
    except HarError as error:
        return replace(done, error=str(error))


def columns_of(table: Table, choices: Choices) -> Columns:
    """What the columns are; those that play a part which the visitor does not want are left out.

    Raises:
        ConfigError, DataError: of `recognize`.
    """
    chosen = Chosen(
        choices.file,
        None if choices.true == FOLDER else choices.true,
        None if choices.predicted == NONE else choices.predicted,
        None if choices.confidence == NONE else choices.confidence,
        folders=choices.true == FOLDER,
        no_confidence=choices.confidence == NONE,
    )
    named = {chosen.file, chosen.true, chosen.predicted, chosen.confidence}
    left_out = set(score_names(table)) - named if choices.scores == NONE else set()
    while True:
        rest = replace(table, head={name: table.head[name] for name in table.columns if name not in left_out})
        columns = recognize(rest, classes=choices.classes, chosen=chosen)
        unwanted: set[str] = set()
        if choices.scores == NONE:
            unwanted |= set(columns.scores)
        if choices.top == NONE:
            unwanted |= {name for pair in columns.top for name in pair}
        if choices.predicted == NONE and columns.predicted is not None:
            unwanted.add(columns.predicted)
        if not unwanted:
            used = {*columns.texts, *columns.numbers}
            return replace(columns, ignored=tuple(name for name in table.columns if name not in used))
        left_out |= unwanted


def _kind(table: Table, columns: Columns, choices: Choices) -> ScoreKind | None:
    """What the scores are, by their first rows; None if there are none."""
    if not columns.scores:
        return None
    head = np.stack([numbers_of(table.head[name], table, name, 1) for name in columns.scores], axis=1)
    return choices.kind or score_kind(head, columns, table.place)


def _without_it(table: Table, choices: Choices, error: str) -> Understanding:
    """What the other columns are, where the one fault of a table is that class names, true labels or files are not found."""
    numbered = tuple(f"class {number}" for number in range(len(score_names(table))))
    attempts = [
        *([("classes", replace(choices, classes=numbered))] if numbered and choices.classes is None else []),
        *([("true", replace(choices, true=FOLDER))] if choices.true is None else []),
        *(("file", replace(choices, file=name)) for name in table.columns[:_TRIED] if choices.file is None),
    ]
    for asked, changed in attempts:
        try:
            columns = columns_of(table, changed)
            return Understanding(columns, _kind(table, columns, choices), error=error, asked=asked)
        except HarError:
            continue
    return Understanding(error=error)


def score_names(table: Table) -> list[str]:
    """Columns of numbers that are called like scores of classes, whether or not it is known which class each is of."""
    numeric = [name for name, values in table.head.items() if is_numeric(values)]
    try:
        ranked = {name for pair in score_columns.find_top(table, ()) for name in pair}
    except DataError:
        ranked = set()
    families = score_columns.families(numeric).values()
    return [name for names in families for name in names if not headers.says_label(name) and name not in ranked]


def example(table: Table, column: str) -> str:
    """The first cell of a column that is not empty."""
    return next((text for text in texts_of(table.head[column], guarded=table.guarded).to_pylist() if text), "")


def _scanned(done: Understanding, columns: Columns, table: Table, roots: Sequence[Path]) -> Understanding:
    """With the number of rows, the classes, the labels that are none, the rows that are left out, and where the photos are.

    Of the scores two columns are read: a row that has some of them alone is refused by the import.
    """
    true = labels_of(table, columns.true)
    others = {name: labels_of(table, name) for name in columns.texts if name not in (columns.file, columns.true)}
    files: list[str] = []
    blank: list[np.ndarray] = []
    ends = dict.fromkeys((*columns.scores[:1], *columns.scores[-1:]))
    for chunk in table.read(columns.texts, ends):
        texts = {
            name: texts_of(chunk[name], guarded=table.guarded, names=name == columns.file) for name in columns.texts
        }
        names = texts[columns.file].to_pylist()
        files += names
        true.add(texts[columns.true] if columns.true is not None else folder_labels(names))
        for name, labels in others.items():
            labels.add(texts[name])
        if ends:
            row = len(files) - len(names) + 1
            blank.append(np.all([np.isnan(numbers_of(chunk[name], table, name, row)) for name in ends], axis=0))
        table_file.require_size(len(files), len(columns.classes), table.place)
    blank_words(true, list(others.values()), columns.classes)
    predicted = [label for label, _ in columns.top] or [name for name in (columns.predicted,) if name is not None]
    unpredicted = np.concatenate(blank) if blank else np.all([others[name].is_blank() for name in predicted], axis=0)
    files = unpadded(files) if table.guarded else files
    require_predictions(unpredicted, files, table.place)
    left_out = (
        *left_out_of("prediction", unpredicted, files),
        *left_out_of("true label", true.is_blank() & ~unpredicted, files),
    )
    classes = columns.classes or union([true, *others.values()])
    table_file.require_size(len(files), len(classes), table.place)
    if columns.given:
        settle([true, *others.values()], classes)
    strange = true.indices(classes, given=columns.given) < 0
    counts = np.bincount(true.codes, minlength=len(true.names))
    unknown = {name: int(counts[number]) for number, name in enumerate(true.names) if name and strange[number]}
    root, found = None, 0
    for folder in roots:
        names_below = below(files, photo_folder(folder))
        if (here := len(files) - (names_below.missing or 0)) > found:
            root, found = folder, here
    return replace(done, rows=len(files), classes=classes, unknown=unknown, left_out=left_out, root=root, found=found)


def _preview(table: Table, columns: Columns, done: Understanding, choices: Choices) -> Imported | None:
    """The first rows, with the classes of all."""
    count = len(next(iter(table.head.values())))

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        yield {name: table.head[name] for name in (*texts, *numbers)}

    rows = done.rows or 0
    try:
        return read_predictions(
            replace(table, read=read, rows=count),
            replace(columns, classes=done.classes),
            scores=choices.kind,
            unknown=choices.unknown,
            folder=photo_folder(done.root) if done.root is not None else None,
            whole=count >= rows,
        )
    except NoRows:
        lost = sum((done.unknown or {}).values()) + sum(one.count for one in done.left_out)
        if count < rows and lost < rows:
            return None  # what can be shown begins further down
        raise

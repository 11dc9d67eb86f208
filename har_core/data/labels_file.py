"""A CSV as spreadsheets write it → file names and labels, both as text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from har_core.errors import DataError
from har_core.files import printable
from har_core.media.texts import decode_certain

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
FILE_COLUMNS = ("filename", "file", "image", "path", "filepath", "imagepath", "imagename", "imagefile", "photo")
LABEL_COLUMNS = ("label", "class", "category", "labels", "classname", "labelname", "target")
"""What the two columns are called, as `plain_name` gives it.  The first of each wins over the others."""

_FURTHER_FILE_COLUMNS = (
    "imagefilename", "filenames", "filepaths", "imagepaths", "imgpath", "imgname", "imgfile", "img", "fname", "imageid", "id",
)  # fmt: skip
"""What the file names are called where no column has one of the names above, the surest first."""

SEPARATOR_LINE = re.compile(r"sep=(.)[ \t,;|]*(?=[\r\n]|$)", re.IGNORECASE)
"""Some spreadsheets write such a first line, and hide it."""

_ANSWERS = {"pred", "preds", "result", "results", "output", "outputs", "submission", "submissions", "inference"}
_SURENESS = {
    "confidence",
    "conf",
    "score",
    "scores",
    "prob",
    "probs",
    "proba",
    "probability",
    "logit",
    "logits",
    "certainty",
}
"""Words of the names of files and of columns that a model's answers bear."""

_HEAD = 1 << 16  # bytes that hold the first line


def read_labels(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line number, file name, label) of each row that is not empty; every value is text without spaces around it.

    The encoding is UTF-8, UTF-16, or a code page that the words tell with certainty; values are separated by commas, semicolons, tabs or bars.

    Raises:
        DataError: if it is no such file, or which columns hold file names and labels is not certain.
    """
    text = _text(path)
    try:
        headers = {delimiter: next(_rows(text, delimiter), (0, [""]))[1] for delimiter in DELIMITERS}
        delimiter = best_delimiter(headers)
        columns = _columns(headers[delimiter])
        if columns is None:
            found = ", ".join(printable(name)[:40] for name in headers[delimiter][:10])
            raise DataError(
                f"expected a first line with one column filename and one column label in {path.name}, found "
                f"{found or 'nothing'}; name these two columns so"
            )
        _, *rows = _rows(text, delimiter)
        whole = [row[0] for _, row in rows if len(row) == 1]
        for other in DELIMITERS:
            if rows and 2 * sum(other in row for row in whole) >= len(rows):
                raise DataError(
                    f"expected one separator in all of {path.name}, found {DELIMITERS[delimiter]} in its first line and "
                    f"{DELIMITERS[other]} below; save it as CSV again"
                )
        for line, row in rows:
            name, label = (row[column] if column < len(row) else "" for column in columns)
            yield line, name, label
    except csv.Error as error:
        raise _not_a_csv(path, error) from error


def read_names(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, file name) of each line or row of a list of photos: a column filename, or one name a line without more.

    Raises:
        DataError: if it is no such file.
    """
    text = _text(path)
    try:
        headers = {each: next(_rows(text, each), (0, [""]))[1] for each in DELIMITERS}
        delimiter = best_delimiter(headers)
        if not file_places(headers[delimiter]):  # names may have semicolons and bars
            delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
        rows = list(_rows(text, delimiter))
    except csv.Error as error:
        raise _not_a_csv(path, error) from error
    header = rows[0][1] if rows else []
    places = file_places(header)
    if len(places) == 1:
        yield from ((line, row[places[0]]) for line, row in rows[1:] if places[0] < len(row))
    elif all(len(row) == 1 for _, row in rows):
        yield from ((line, row[0]) for line, row in rows)
    else:
        raise DataError(
            f"expected one file name a line or a column filename in {path.name}, found {printable(', '.join(header))[:80]}; "
            "name the column so"
        )


def has_labels(path: Path) -> bool:
    """Whether the first line of a file is one that `read_labels` expects."""
    return _labels_header(path) is not None


def holds_answers(path: Path) -> bool:
    """Whether the labels of a file are, by its name or by a column of confidences, rather a model's answers than the truth."""
    named = _words(path.stem)
    sure = {word for name in _labels_header(path) or () for word in _words(name)}
    return bool(named & _ANSWERS or sure & _SURENESS) or any("predict" in word for word in named)


def _labels_header(path: Path) -> list[str] | None:
    """The first line of a file, if it is one that `read_labels` expects."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD)
        text = without_separator_line(decode_certain(start, more=True).text)
        headers = (next(_rows(text, each), (0, [""]))[1] for each in DELIMITERS)
        return next((header for header in headers if _columns(header) is not None), None)
    except (ValueError, OSError, csv.Error):
        return None


def _words(name: str) -> set[str]:
    return set(re.findall("[a-z]+", name.casefold()))


def _text(path: Path) -> str:
    try:
        return without_separator_line(decode_certain(path.read_bytes()).text)
    except ValueError as error:
        raise _not_a_csv(path, error) from error


def _not_a_csv(path: Path, error: Exception) -> DataError:
    return DataError(
        f"expected a CSV in UTF-8 at {path.name}, found something else ({error}); save it as CSV UTF-8 again"
    )


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its last line, values) of each row with a value."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        values = [value.strip() for value in row]
        if any(values):
            yield reader.line_num, values


def plain_name(name: str) -> str:
    """The name of a column without case, spaces, underscores and hyphens."""
    return "".join(character for character in name.casefold() if character not in " _-")


def places_of(header: Iterable[str], known: tuple[str, ...]) -> list[int]:
    """Where in a header the columns are that bear one of the known names, or the first of these if it is there."""
    names = [plain_name(name) for name in header]
    wanted = known[:1] if known[0] in names else known
    return [place for place, name in enumerate(names) if name in wanted]


def file_places(header: Iterable[str]) -> list[int]:
    """Where in a header the columns of file names are; several, if that is not certain."""
    header = list(header)
    if found := places_of(header, FILE_COLUMNS):
        return found
    return next((found for name in _FURTHER_FILE_COLUMNS if (found := places_of(header, (name,)))), [])


def best_delimiter(headers: Mapping[str, list[str]]) -> str:
    """Of the first line, split at each separator: that at which both columns are known, or file names, or the most are there."""
    return max(
        headers,
        key=lambda each: (bool(_columns(headers[each])), bool(file_places(headers[each])), len(headers[each])),
    )


def without_separator_line(text: str) -> str:
    """A text without a first line that only names the separator, as `sep=;`; the number of lines stays."""
    return SEPARATOR_LINE.sub("", text, count=1) if text[:4].lower() == "sep=" else text


def _columns(header: list[str]) -> tuple[int, int] | None:
    """Places of the file names and of the labels; None if that is not certain."""
    files, labels = file_places(header), places_of(header, LABEL_COLUMNS)
    return (files[0], labels[0]) if len(files) == len(labels) == 1 else None

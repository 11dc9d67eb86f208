"""A file of class names, in the forms in which people and programs write them → the names, in the order of a model's outputs."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from har_core.errors import DataError, RunError
from har_core.files import reason_of
from har_core.imports.tables import shown, visible
from har_core.media.texts import decode_certain
from har_core.runs.class_names import check_class_names

_MAX_BYTES = 2**20
_HOLD = ("id2label", "names", "classes", "class_names", "labels", "label2id", "class_to_idx")
"""Where configurations keep the names; of several, the first."""
_NAMES = {"class", "classes", "label", "labels", "name", "names", "class name", "class names", "category", "categories"}
_NUMBERS = {
    "",
    "index",
    "id",
    "idx",
    "no",
    "nr",
    "number",
    "output",
    "class id",
    "class index",
    "label id",
    "label index",
}

# A number and a name in one line.  A space between them is less certain: "2 people" is a name.
_FIRST = re.compile(r"(?P<number>[0-9]{1,6})(?:\s*(?P<mark>[,;:\t=|])\s*|\s+)(?P<name>\S.*)")
_LAST = re.compile(r"(?P<name>\S.*?)(?:\s*(?P<mark>[,;:\t=|])\s*|\s+)(?P<number>[0-9]{1,6})")
_YAML = re.compile(
    r"^names:[ \t]*(?:(?P<inline>[\[{].*)|\n(?P<below>(?:[ \t]*- .*(?:\n|\Z)|[ \t]+\S.*(?:\n|\Z))+))", re.MULTILINE
)
_REMEDY = "write one name a line, in the order of the outputs"


@dataclass(frozen=True)
class ClassList:
    """`names`: in the order of the outputs.  `form`: how they were written, for whoever has to check it; None: one name a line."""

    names: tuple[str, ...]
    form: str | None = None


def read_classes(path: Path) -> tuple[str, ...]:
    """The names alone of `read_class_list`."""
    return read_class_list(path).names


def read_class_list(path: Path) -> ClassList:
    """Names of classes from a file of text, one a line, or in another form that has one meaning alone.

    Such forms: a list or a table (index → name, name → index) of JSON or Python, alone or as `id2label` and the like in a
    configuration; names in one line, separated; a number before or after each name; quoted names; a header.  Numbers are places
    in the order of the outputs: 0 to n − 1, each once.

    Raises:
        DataError: if it is no such file, can be read in several ways, or the names could not be those of a run.
    """
    place = shown(path.name)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError("it has more than 1 MB")
        found = class_list(decode_certain(data).text)
        check_class_names(found.names)
    except RunError as error:
        raise DataError(f"{place}: {error}") from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"expected a text file with one class name a line in {place}, found none that can be read: "
            f"{shown(reason_of(error), 300)}; check --classes"
        ) from error
    return found


def class_list(text: str) -> ClassList:
    """As `read_class_list`, of a text.

    Raises:
        ValueError: if it can be read in no way, or in several.
    """
    text = visible(text).strip()
    if text[:1] in ("{", "["):
        return list_of(_parsed(text))
    if (block := _YAML.search(text)) is not None:
        found = class_list(block["inline"] or block["below"])
        return ClassList(found.names, f"{found.form or 'a list'}, of names")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("# ") and not any(line.startswith("#") for line in lines[1:]):
        return ClassList(class_list("\n".join(lines[1:])).names, f"what is below the comment '{lines[0]}'")
    if len(lines) > 1 and all(line.startswith("- ") for line in lines):
        return ClassList(class_list("\n".join(line[2:] for line in lines)).names, "a list, with hyphens")
    if not lines:
        raise ValueError("it is empty")
    cells = _cells(lines[0]) if len(lines) == 1 else []
    if len(cells) > 2 or (numbered := _numbered(lines)) is None:
        numbered = _numbered(cells)
    if numbered is not None:
        return numbered
    if len(cells) > 1:
        return ClassList(tuple(cells), "names in one line")
    has_header = len(lines) > 1 and _word(lines[0]) in _NAMES
    names = [line.removesuffix(",") for line in lines[has_header:]] if _end_in_commas(lines) else lines[has_header:]
    bare = [_unquoted(name) for name in names]
    is_quoted = all(short != name for short, name in zip(bare, names, strict=True))
    forms = [f"the header '{lines[0]}'"] * has_header + ["quoted names"] * is_quoted
    return ClassList(tuple(bare if is_quoted else names), " and ".join(forms) or None)


def _parsed(text: str) -> Any:
    """What a text of JSON or Python says."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"it begins as JSON or Python, but is neither; {_REMEDY}") from error


def list_of(value: Any) -> ClassList:
    """As `class_list`, of what JSON or Python says.

    Raises:
        ValueError: if it is no list of names, or can be read in several ways.
    """
    if isinstance(value, dict):
        if (entry := next((key for key in _HOLD if isinstance(value.get(key), (dict, list))), None)) is not None:
            found = list_of(value[entry])
            return ClassList(found.names, f"{found.form}, of {entry}")
        by_name = {name: number for name, number in value.items() if type(number) is int}
        by_number = {int(number): name for number, name in value.items() if _is_place(number)}
        if len(by_number) == len(value) > 0 and len(by_name) < len(value):
            return ClassList(_names(_in_order(by_number.items())), "a table of number → name")
        if len(by_name) == len(value) > 0 and all(isinstance(name, str) for name in value):
            if by_number and len(by_number) == len(value) and any(int(name) != place for name, place in value.items()):
                raise ValueError(f"it is not certain which of its numbers are names; {_REMEDY}")
            pairs = ((number, name) for name, number in value.items())
            return ClassList(_names(_in_order(pairs)), "a table of name → number")
        raise ValueError(f"its table is neither one of number → name nor of name → number; {_REMEDY}")
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"it holds no list of names; {_REMEDY}")
    return ClassList(_names(value), "a list")


def _is_place(key: object) -> bool:
    return type(key) is int or (isinstance(key, str) and re.fullmatch("[0-9]{1,6}", key) is not None)


def _names(values: Sequence[Any]) -> tuple[str, ...]:
    """Texts as they are; of pairs, as ImageNet's of a code and a name, the names, and codes too where two are the same."""
    if values and all(isinstance(one, str) for one in values):
        return tuple(one.strip() for one in values)
    pairs = [one for one in values if isinstance(one, (list, tuple)) and len(one) == 2]
    if not pairs or len(pairs) < len(values) or not all(isinstance(part, str) for one in pairs for part in one):
        raise ValueError(f"its names are not all texts; {_REMEDY}")
    names = [name.strip() for _, name in pairs]
    return tuple(
        f"{name} ({code})" if names.count(name) > 1 else name for name, (code, _) in zip(names, pairs, strict=True)
    )


def _in_order(pairs: Iterable[tuple[int, Any]]) -> list[Any]:
    """The names by their numbers.

    Raises:
        ValueError: if the numbers are not 0 to n − 1, each once.
    """
    found = sorted(pairs, key=lambda pair: pair[0])
    wrong = next((number for place, (number, _) in enumerate(found) if place != number), None)
    if wrong is not None:
        raise ValueError(
            f"expected the numbers 0 to {len(found) - 1}, each once, found {wrong} at the place of "
            f"{[number for number, _ in found].index(wrong)}; count the outputs from 0, or leave the numbers out"
        )
    return [name for _, name in found]


def _numbered(lines: Sequence[str]) -> ClassList | None:
    """Of lines with a number before or after each name; None if they are none, or the numbers may belong to the names."""
    for has_header in (False, True):
        rest = lines[has_header:]
        if not rest or (has_header and not _is_header(lines[0])):
            return None
        for pattern, form in ((_FIRST, "a number before each name"), (_LAST, "a number after each name")):
            matches = [pattern.fullmatch(line.removesuffix(",").strip()) for line in rest]
            found = [match for match in matches if match is not None]
            if len(found) < len(rest):
                continue
            pairs = [(int(match["number"]), _unquoted(match["name"].strip())) for match in found]
            numbers = sorted(number for number, _ in pairs)
            from_0 = numbers == list(range(len(pairs)))
            told_apart = len({name for _, name in pairs}) == len(pairs)
            if all(match["mark"] for match in found) or (told_apart and (from_0 or _counts_from_1(numbers))):
                if pattern is _FIRST and from_0 and _is_also_numbered(rest):
                    raise ValueError(f"it is not certain which of its numbers are names; {_REMEDY}")
                header = f", under the header '{lines[0]}'" if has_header else ""
                return ClassList(tuple(_in_order(pairs)), form + header)
    return None


def _is_also_numbered(lines: Sequence[str]) -> bool:
    """Whether the numbers after the names are places as well, others than those before."""
    both = [(_FIRST.fullmatch(line), _LAST.fullmatch(line)) for line in lines]
    last = [int(after["number"]) for _, after in both if after is not None]
    first = [int(before["number"]) for before, _ in both if before is not None]
    return sorted(last) == list(range(len(lines))) and last != first


def _counts_from_1(numbers: Sequence[int]) -> bool:
    return len(numbers) > 2 and list(numbers) == list(range(1, len(numbers) + 1))


def _is_header(line: str) -> bool:
    cells = [_word(cell) for cell in re.split(r"[,;:\t=|]", line)]
    cells = cells if len(cells) > 1 else line.casefold().split()
    return len(cells) == 2 and any(one in _NUMBERS and other in _NAMES for one, other in (cells, cells[::-1]))


def _word(text: str) -> str:
    """A header by which it is known."""
    return re.sub(r"[\s_-]+", " ", _unquoted(text.strip())).strip().casefold()


def _cells(line: str) -> list[str]:
    """The cells of a line: at semicolons, tabs or commas, whichever it has first in this order."""
    separator = next((one for one in ";\t," if one in line), ",")
    cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    return [_unquoted(cell.strip()) for cell in cells if cell.strip()]


def _end_in_commas(lines: Sequence[str]) -> bool:
    return len(lines) > 1 and all(line.endswith(",") for line in lines[:-1])


def _unquoted(text: str) -> str:
    """Without a pair of quotation marks around all of it."""
    is_quoted = len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]
    return text[1:-1].strip() if is_quoted else text

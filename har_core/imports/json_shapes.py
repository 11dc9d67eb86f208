"""A JSON value of any of the usual shapes → one record a photo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from har_core.errors import DataError
from har_core.imports.answers import is_number
from har_core.imports.class_lists import list_of
from har_core.imports.fiftyone import class_names
from har_core.imports.headers import CONFIDENCE, FILE, PREDICTED, TRUE, plain
from har_core.imports.tables import shown

ADVICE: Final = "write one record a photo, as DataFrame.to_json(FILE, orient='records') does"
_PHOTO = re.compile(r"(?is).+\.(jpe?g|jfif|png|webp|bmp|gif|tiff?|heic|heif|avif)")
_WEAK = frozenset(("name", "key", "id", "uri", "sample", "samples", "files", "paths", "filenames", "filepaths"))
_FILES = frozenset(FILE) - _WEAK
_KNOWN = frozenset((*FILE, *TRUE, *PREDICTED, *CONFIDENCE))
_CLASSES = ("classes", "classnames", "labelnames", "categories", "targetnames")
_NUMBERED = ("id2label", "label2id", "class_to_idx")
_LOOKED_AT = 50


class Shaped(NamedTuple):
    """`form`: what the JSON is, in words.  `classes`: their names in the order of its numbers, where it brings them."""

    form: str
    records: list[dict[str, Any]]
    classes: tuple[str, ...] | None = None


def is_record(value: Mapping[str, Any]) -> bool:
    """Whether an object is that of one photo, not one that holds those of several."""
    return _names_photo(value) or any(
        plain(key) in _KNOWN - {"name", "key", "id", "labels", "classes"} and isinstance(one, str | int | float)
        for key, one in value.items()
    )


def shaped(value: Any, place: str) -> Shaped:
    """The records of a JSON value.

    Known are a list of records, every `orient` of pandas' `to_json` except `values`, tables of W&B, an object with one list of
    records in it, columns of lists, and objects by the names of photos.

    Raises:
        DataError: if it is none of these.
    """
    found = (
        _of_list(value) if isinstance(value, list) else _of_object(value, place) if isinstance(value, dict) else None
    )
    if found is None:
        kind = (
            f"an object with {shown(', '.join(map(str, value)) or 'nothing', 80)}"
            if isinstance(value, dict)
            else "a list of lists"
            if isinstance(value, list) and value and isinstance(value[0], list)
            else "a list of other values"
            if isinstance(value, list)
            else "one value"
        )
        raise DataError(f"expected JSON with one record a photo in {place}, found {kind}; {ADVICE}")
    return found


def _of_list(value: list[Any]) -> Shaped | None:
    while len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return Shaped("a JSON list of records", value) if all(isinstance(one, dict) for one in value) else None


def _of_object(value: Mapping[str, Any], place: str) -> Shaped | None:
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return Shaped("a JSON table of columns and rows", _split(value, place), _classes(value))
    if isinstance(value.get("schema"), dict) and isinstance(value.get("data"), list):
        return Shaped("a JSON table with a schema", value["data"]) if _are_records(value["data"]) else None
    if (records := _by_index(value)) is not None:
        return Shaped("JSON by columns" if _is_by_column(value) else "JSON by rows", records)
    if (records := _by_photo(value)) is not None:
        return Shaped("JSON by photos", records)
    if is_record(value) and not any(_are_of_photos(one) for one in value.values()):
        if (records := _columns(value)) is not None:
            return Shaped("JSON by columns", records, _classes(value))
        return Shaped("a JSON record", [dict(value)])
    if (records := _columns(value)) is not None:
        return Shaped("JSON by columns", records, _classes(value))
    return _inside(value, place)


def _split(value: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    """Records of `orient='split'`, and of W&B's tables."""
    columns = ["_".join(map(str, one)) if isinstance(one, list) else str(one) for one in value["columns"]]
    rows, index = value["data"], value.get("index")
    odd = next(
        (number for number, row in enumerate(rows) if not isinstance(row, list) or len(row) != len(columns)), None
    )
    if odd is not None or len(set(columns)) < len(columns):
        what = f"another number in row {odd + 1:,}" if odd is not None else "two columns of one name"
        raise DataError(f"expected a value of each of the {len(columns):,} columns in {place}, found {what}; {ADVICE}")
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    if isinstance(index, list) and len(index) == len(records) and _are_photos(index):
        records = [_with_file(str(name), one) for name, one in zip(index, records, strict=True)]
    return records


def _by_index(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Records of {column: {index: value}} and {index: {column: value}}; None if it is neither."""
    if not value or not all(isinstance(one, dict) and one for one in value.values()):
        return None
    if _is_by_column(value):
        index = dict.fromkeys(key for one in value.values() for key in one)
        photos = _are_photos(index)
        records = [{column: one[key] for column, one in value.items() if key in one} for key in index]
        return [_with_file(key, one) for key, one in zip(index, records, strict=True)] if photos else records
    if all(map(_is_number_text, value)) and not all(_is_number_text(key) for one in value.values() for key in one):
        return list(value.values())
    return None


def _is_by_column(value: Mapping[str, Any]) -> bool:
    inner = [one for one in value.values() if isinstance(one, dict)]
    keys = dict.fromkeys(key for one in inner for key in one)
    if not inner or _are_photos(value) or all(map(_is_number_text, value)):
        return False
    return _are_photos(keys) or all(map(_is_number_text, keys))


def _by_photo(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Records of an object whose keys are the names of photos; None of another."""
    if not _are_photos(value):
        return None
    records: list[dict[str, Any]] = []
    for name, one in value.items():
        if not isinstance(one, dict):
            records.append({"file": name, "predictions" if isinstance(one, list) else "predicted": one})
        elif one and all(map(is_number, one.values())) and not any(plain(key) in _KNOWN for key in one):
            records.append({"file": name, "scores": one})
        else:
            records.append(_with_file(name, one))
    return records


def _with_file(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return dict(record) if any(plain(key) in _FILES for key in record) else {"file": name, **record}


def _columns(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Records of {column: [values]}, of which one column names photos; None if there are none, or of different lengths."""
    lists = {key: one for key, one in value.items() if isinstance(one, list)}
    files = [key for key, one in lists.items() if _are_photos(one)]
    if not files:
        return None
    size = len(lists[files[0]])
    alike = {key: one for key, one in lists.items() if len(one) == size}
    if len(alike) < 2:
        return None
    return [dict(zip(alike, row, strict=True)) for row in zip(*alike.values(), strict=True)]


def _inside(value: Mapping[str, Any], place: str) -> Shaped | None:
    """What the one list or object of records inside an object holds, as {"model": …, "results": [{…}, …]}."""
    found = [(key, one) for key, one in value.items() if _are_of_photos(one)]
    if not found:
        found = [(key, one) for key, one in value.items() if _are_records(one)]
    if len(found) != 1:
        return None
    key, inner = found[0]
    others = [one for other, one in value.items() if other != key and _are_records(one)]
    if any(plain(name) == "imageid" for one in others for name in one[0]):  # COCO: the labels are in another list
        return None
    if isinstance(inner, dict):
        below = _of_object(inner, place)
        return below and below._replace(classes=below.classes or _classes(value))
    return Shaped(f"JSON with records in {shown(key, 24)}", inner, _classes(value))


def _are_of_photos(value: Any) -> bool:
    """Whether a value holds records of photos: as a list, by their names, or as any table one level below."""
    if _are_records(value):
        return sum(map(_names_photo, value[:_LOOKED_AT])) * 2 > min(len(value), _LOOKED_AT)
    if not isinstance(value, dict) or not value:
        return False
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return True
    nested = [one for one in value.values() if _are_records(one)]
    return (
        _are_photos(value)
        or _by_index(value) is not None
        or any(map(_are_of_photos, nested))
        or _columns(value) is not None
    )


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _names_photo(record: Mapping[str, Any]) -> bool:
    inner = [one for value in record.values() if isinstance(value, dict) for one in value.values()]
    return any(isinstance(one, str) and _PHOTO.fullmatch(one) for one in (*record.values(), *inner)) or any(
        plain(key) in _FILES and isinstance(one, str | int) for key, one in record.items()
    )


def _are_photos(names: Iterable[Any]) -> bool:
    some: Sequence[Any] = list(names)[: 20 * _LOOKED_AT]
    return 2 * sum(isinstance(one, str) and _PHOTO.fullmatch(one) is not None for one in some) > len(some)


def _is_number_text(key: str) -> bool:
    return re.fullmatch(r"[0-9]+", key) is not None


def _classes(value: Mapping[str, Any]) -> tuple[str, ...] | None:
    found = [names for key, one in value.items() if plain(key) in _CLASSES and (names := _names(one)) is not None]
    if not found:
        found = [names for key in _NUMBERED if isinstance(value.get(key), dict) and (names := _numbered(value[key]))]
    return found[0] if len(set(found)) == 1 else None


def _numbered(value: Mapping[str, Any]) -> tuple[str, ...] | None:
    try:
        return list_of(value).names
    except ValueError:
        return None


def _names(value: Any) -> tuple[str, ...] | None:
    return class_names(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else None

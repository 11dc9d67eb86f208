"""FiftyOne's exports in JSON → records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from har_core.errors import DataError

_MAX_METADATA = 2**20


def labels_records(labels: Mapping[str, Any], classes: tuple[str, ...] | None, place: str) -> Iterator[dict[str, Any]]:
    """Records of FiftyOne's `FiftyOneImageClassificationDataset`; the labels are indices into its classes.

    Raises:
        DataError: if a label is no such index.
    """

    def named(label: object) -> object:
        if classes is None or isinstance(label, bool) or not isinstance(label, int):
            return label
        if not 0 <= label < len(classes):
            raise DataError(
                f"expected labels from 0 to {len(classes) - 1} in {place}, as it has {len(classes)} classes, found {label}; export "
                "it again"
            )
        return classes[label]

    for name, given in labels.items():
        record: dict[str, Any] = {"filename": name}
        if isinstance(given, dict):
            attributes = given.get("attributes") or {}
            record |= {"predicted": named(given.get("label")), "confidence": given.get("confidence")}
            if "ground_truth" in attributes:
                record["true"] = named(attributes["ground_truth"])
        else:
            record["predicted"] = named(given)
        yield {key: value for key, value in record.items() if value is not None}


def samples_classes(path: Path) -> tuple[str, ...] | None:
    """The classes that the metadata beside FiftyOne's samples.json names; None if it names none, or several lists."""
    try:
        if path.stat().st_size > _MAX_METADATA:
            return None
        info = json.loads(path.read_bytes())
        lists = [info.get("default_classes"), *(info.get("classes") or {}).values()]
    except (OSError, ValueError, RecursionError, AttributeError):
        return None
    found = {names for one in lists if (names := class_names(one))}
    return found.pop() if len(found) == 1 else None


def class_names(value: object) -> tuple[str, ...] | None:
    """A list of names of classes; None if it is something else, or empty."""
    return tuple(map(str, value)) if isinstance(value, list) and value else None

"""A run's card as a stranger may have written it → one whose every value can be used, or a clear error."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from har_core.errors import RunError

FORMAT = "har-lens-run/1"
_MAX_BYTES = 4 * 2**20
_MAX_CLASSES, _MAX_NAME, _MAX_TEXT = 1000, 100, 2000
_TABLES = ("model", "data", "training", "config", "scores", "machine", "versions")
_TEXTS = {"title": _MAX_NAME, "note": _MAX_TEXT, "source": _MAX_TEXT, "status": _MAX_NAME}
_NUMBERS = {
    "model": ("crop_size", "resize"),
    "data": ("training", "validation", "soft_labels"),
    "training": ("best_epoch", "epochs"),
    "config": ("epochs", "members"),
}


def read_card(path: Path) -> dict[str, Any]:
    """Read and check a card.

    Raises:
        RunError: naming the file, what was expected and what was found.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it has {path.stat().st_size:,} bytes, a card at most {_MAX_BYTES:,}")
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"expected a run's card at {path}, found none that can be read ({error})") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else type(card).__name__
        raise RunError(f"{path}: expected format {FORMAT}, found {_short(found)}; train or evaluate again")
    for name, expected, holds in _findings(card):
        if not holds:
            raise RunError(
                f"{path}: expected {name} to be {expected}, found {_short(_at(card, name))}; copy the run again"
            )
    return card


def _findings(card: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """(place, what is expected there, whether it is so), tables before what is in them."""
    found = [
        ("classes", f"1 to {_MAX_CLASSES} different names of 1 to {_MAX_NAME} characters", _names(card.get("classes")))
    ]
    found.append(("files", "a table of file names with bytes and sha256", _files(card.get("files"))))
    found += [(name, "a table", isinstance(card.get(name, {}), dict)) for name in _TABLES]
    found += [
        (name, f"text of 1 to {length} characters", _text(card.get(name, "-"), length))
        for name, length in _TEXTS.items()
    ]
    for table, numbers in _NUMBERS.items():
        values = card.get(table, {})
        if isinstance(values, dict):
            found += [(f"{table}.{name}", "a whole number from 1", _number(values.get(name, 1))) for name in numbers]
    return found


def _names(value: object) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= _MAX_CLASSES
        and all(_text(name, _MAX_NAME) for name in value)
        and len({name.replace("_", " ") for name in value}) == len(value)  # as people see them
    )


def _files(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(entry, dict)
        and isinstance(entry.get("bytes"), int)
        and isinstance(entry.get("sha256"), str)
        and re.fullmatch("[0-9a-f]{64}", entry["sha256"]) is not None
        for entry in value.values()
    )


def _text(value: object, length: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= length and value.isprintable()


def _number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10**9


def _at(card: dict[str, Any], place: str) -> object:
    value: Any = card
    for name in place.split("."):
        value = value.get(name)
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"

"""A run folder of an earlier version → the same run in this version's format."""

from __future__ import annotations

from pathlib import Path

from har_core.errors import RunError
from har_core.files import reason_of, write_text
from har_core.runs.file_names import FILES, HISTORY, LEGACY_MANIFEST, MANIFEST
from har_core.runs.legacy_card import HISTORY_COLUMNS
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest


def convert(folder: Path) -> Run:
    """Rewrite `card.json` as `run.json`, and the header of `history.csv`; all other files stay as they are.

    A folder in this version's format is left alone.  A killed conversion can be repeated.

    Raises:
        RunError: if the card or a file that it lists is missing or damaged.
        OSError: if the folder cannot be written.
    """
    run = Run.open(folder)
    if not (folder / MANIFEST).exists():
        header, converted, rest = _history(folder / HISTORY)
        for name in FILES:
            if run.has(name) and not (name == HISTORY and header == converted != ""):
                run.file(name)
        if header != converted:
            write_text(folder / HISTORY, converted + rest)
        run = write_manifest(folder, run.manifest)
    (folder / LEGACY_MANIFEST).unlink(missing_ok=True)
    return run


def _history(path: Path) -> tuple[str, str, str]:
    """The header of a history as it is and as it should be, and the rest; empty if there is no history."""
    if not path.is_file():
        return "", "", ""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RunError(f"{path.parent.name}/{path.name} is damaged ({reason_of(error)}); copy the run again") from error
    header, newline, rest = text.partition("\n")
    columns = header.split(",")
    return header, ",".join(HISTORY_COLUMNS.get(name, name) for name in columns), newline + rest

"""A table in a file → a run, as the command line makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from har_core.imports.build import Imported, read_predictions
from har_core.imports.checking import Unknown
from har_core.imports.class_lists import read_classes
from har_core.imports.columns import Chosen, recognize
from har_core.imports.opening import open_table
from har_core.imports.storing import load_array, write_import
from har_core.imports.values import ScoreKind
from har_core.runs.run import Run

Make = Callable[[Path], Path]
"""A folder → the table that was put into it."""

CSV = "filename,true,p:blue,p:red\na.jpg,blue,0.9,0.1\nb.jpg,red,0.25,0.75\nc.jpg,red,0.6,0.4\n"


KINDS = ("csv", "jsonl", "json", "parquet")
"""Endings of `frame`."""


def text(content: str | bytes, name: str = "table.csv") -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def frame(columns: dict[str, Any], name: str = "table.csv", **options: Any) -> Make:
    """The columns as pandas writes them: Parquet, JSON lines, a JSON list, or CSV by the ending."""

    def make(folder: Path) -> Path:
        table, path = pd.DataFrame(columns), folder / name
        if name.endswith(".parquet"):
            table.to_parquet(path, **options)
        elif name.endswith((".jsonl", ".json")):
            table.to_json(path, orient="records", lines=name.endswith("l"), **options)
        else:
            table.to_csv(path, **{"index": False, **options})
        return path

    return make


def read(
    path: Path,
    *,
    classes: Sequence[str] | Path | None = None,
    chosen: Chosen | None = None,
    scores: ScoreKind | None = None,
    unknown: Unknown | None = None,
    folder: Path | None = None,
) -> Imported:
    names = read_classes(classes) if isinstance(classes, Path) else classes
    table = open_table(path)
    columns = recognize(table, classes=names, chosen=chosen)
    return read_predictions(table, columns, scores=scores, unknown=unknown, folder=folder)


def store(
    path: Path,
    out: Path,
    *,
    embeddings: Path | None = None,
    maps: Path | None = None,
    title: str | None = None,
    **how: Any,
) -> Run:
    return write_import(
        out,
        read(path, **how),
        title=title,
        embeddings=load_array(embeddings) if embeddings else None,
        maps=load_array(maps) if maps else None,
    )

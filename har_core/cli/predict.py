"""`har-lens predict`: name the action in photos."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_core.cli.options import Subparsers, add_device, add_json, add_run, chosen_run

if TYPE_CHECKING:
    from har_core.inference.predictor import Outcome


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "predict",
        description="Name the action in photos, one line each. The exit status is 1 if any could not be read.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="add each photo's row to FILE (JSON, one object a line); photos that are in it already are skipped, so that "
        "an interrupted prediction can be continued",
    )
    add_run(parser)
    add_device(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    from har_core.cli.terminal import device_named
    from har_core.files import JsonLines
    from har_core.inference.predictor import Predictor
    from har_core.media.images import open_photo

    done = JsonLines(given.out) if given.out else None
    earlier = done.files if done is not None else {}
    failed = any("error" in earlier[str(path)] for path in given.photos if str(path) in earlier)
    missing = [path for path in given.photos if str(path) not in earlier]
    if done is not None:
        missing = list(dict.fromkeys(missing))  # one row per file
    predictor = Predictor.from_run(chosen_run(given), device_named(given.device))
    for path, outcome in predictor.predict_all(missing, lambda path: open_photo(path, str(path))):
        row = _row(path, outcome)
        failed |= "error" in row
        if done is not None:
            done.write(row)
        if given.json:
            print(json.dumps(row), flush=True)
        elif "error" in row:
            print(f"{path}: {row['error']}", flush=True)
        else:
            print(f"{path}: {row['predicted']} ({row['confidence']:.1%})", flush=True)
    return 1 if failed else 0


def _row(path: Path, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Exception):
        return {"file": str(path), "error": str(outcome)}
    return {
        "file": str(path),
        "predicted": outcome.predicted,
        "confidence": round(outcome.confidence, 6),
        "probabilities": {
            name: round(float(value), 6) for name, value in zip(outcome.classes, outcome.probabilities, strict=True)
        },
    }

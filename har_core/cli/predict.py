"""`har-lens predict`: name the action in photos."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_core.cli.options import (
    Subparsers,
    add_device,
    add_json,
    add_run,
    add_views,
    chosen_run,
    given_path,
    warn_of_newer_library,
)
from har_core.errors import DataError
from har_core.files import and_more, printable
from har_core.media.signatures import ACCEPTED_KINDS

if TYPE_CHECKING:
    from har_core.analysis.timeline import FrameRule
    from har_core.inference.prediction import Outcome


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "predict",
        description="Name the action in photos, one line each. The exit status is 1 if any could not be read.",
    )
    parser.add_argument("photos", nargs="+", type=given_path, metavar="PHOTO", help="photos, or folders of photos")
    parser.add_argument(
        "--out",
        type=given_path,
        metavar="FILE",
        help="add each photo's row to FILE (JSON, one object a line); photos that the same run has answered there are "
        "skipped unless they changed, so that an interrupted prediction can be continued; of several rows the last counts",
    )
    parser.add_argument(
        "--engine",
        choices=("auto", "torch", "onnx"),
        default="auto",
        help="what runs the network; auto: onnxruntime where the model has been exported for this machine and is faster so "
        "(default: %(default)s)",
    )
    add_views(parser)
    add_run(parser)
    add_device(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    from har_core.cli.terminal import device_named
    from har_core.files import JsonLines
    from har_core.inference.answer_rules import frame_rule
    from har_core.inference.predictor import Predictor
    from har_core.media.images import ACCEPTED, open_photo

    by = chosen_run(given)
    predictor = Predictor.from_run(by, device_named(given.device), views=given.views, engine=given.engine)
    warn_of_newer_library(predictor)
    rule = frame_rule(by, predictor)
    run_id = f"{by.name} {by.manifest.files[by.weights].sha256[:12]} {','.join(predictor.spec.views)}"
    photos = list(photos_below(given.photos))
    missing, failed = photos, False
    done = JsonLines(given.out) if given.out else None
    if done is not None:
        stamps = {path: _stamp(path, run_id) for path in photos}
        earlier = {path: done.rows.get(shown(path), {}) for path in stamps}
        known = {path for path, stamp in stamps.items() if stamp.items() <= earlier[path].items()}
        for path in (path for path in known if "error" in earlier[path]):
            failed = True
            print(_refused(shown(path), f"{earlier[path]['error']}") + " (as before)", file=sys.stderr)
        missing = [path for path in stamps if path not in known]  # one row per file
    outcomes = predictor.predict_all(missing, lambda path: open_photo(path, shown(path)), name=shown, occlude=False)
    for path, outcome in outcomes:
        row = _row(shown(path), outcome, rule)
        failed |= "error" in row
        if done is not None:
            done.write(row | stamps[path])
        if given.json:
            print(json.dumps(row), flush=True)
        else:
            print(_line(row) if "error" not in row else _refused(row["file"], row["error"]), flush=True)
    if failed and not given.json:
        print(ACCEPTED, file=sys.stderr)
    return 1 if failed else 0


def photos_below(paths: list[Path]) -> Iterator[Path]:
    """The paths, with each folder replaced by the photos below it, in order.

    Raises:
        DataError: if a folder holds none.
    """
    from har_core.media.images import is_photo_file
    from har_core.media.layout import is_hidden, is_system_file

    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = [each for each in sorted(path.rglob("*")) if not each.is_dir()]
        systems = {each: [part for part in each.relative_to(path).parts if is_system_file(part)] for each in inside}
        hidden = [
            each for each in inside if systems[each] and all(map(is_hidden, systems[each])) and is_photo_file(each)
        ]
        inside = [each for each in inside if not systems[each]]
        photos = [each for each in inside if is_photo_file(each)]
        others = sorted(set(inside) - set(photos))
        if not photos:
            found = f"none but {_some(hidden)}, hidden by a dot" if hidden else "none"
            raise DataError(f"expected photos in {shown(path)}, found {found}; name the photos themselves")
        if others:
            print(f"left out, no {ACCEPTED_KINDS}: {_some(others)}", file=sys.stderr)
        if hidden:
            print(f"left out, hidden by a dot: {_some(hidden)}", file=sys.stderr)
        yield from photos


def _some(paths: list[Path]) -> str:
    return printable(shown(paths[0])) + and_more(len(paths) - 1)


def _refused(file: str, error: str) -> str:
    """Why a photo was not read, with its name once and without what is accepted, which is told at the end."""
    from har_core.media.images import ACCEPTED

    return printable(f"{file}: {error.removeprefix(file).removesuffix(ACCEPTED).strip()}")


def shown(path: Path) -> str:
    """The path as text that UTF-8 can encode, whatever bytes are in it."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _stamp(path: Path, run_id: str) -> dict[str, object]:
    """Which run answers, and which version of the file it sees: another one is predicted again."""
    try:
        state = path.stat()
    except OSError:
        return {"run": run_id, "bytes": None, "modified": None}
    return {"run": run_id, "bytes": state.st_size, "modified": state.st_mtime}


def _row(file: str, outcome: Outcome, rule: FrameRule) -> dict[str, Any]:
    """`answer`: as Predict says it, one class, two ("a or b"), "unsure" or "none"; `predicted` is the most probable class."""
    from har_core.inference.answer_rules import answer_label

    if isinstance(outcome, Exception):
        return {"file": file, "error": str(outcome)}
    return {
        "file": file,
        "answer": answer_label(outcome, rule),
        "predicted": outcome.predicted,
        "confidence": round(outcome.confidence, 6),
        "probabilities": {
            name: round(float(value), 6) for name, value in zip(outcome.classes, outcome.probabilities, strict=True)
        },
    }


def _line(row: dict[str, Any]) -> str:
    from har_core.inference.video import NONE_LABEL, UNSURE_LABEL

    words = {NONE_LABEL: f"none, likeliest {row['predicted']}", UNSURE_LABEL: f"unsure, perhaps {row['predicted']}"}
    return printable(f"{row['file']}: {words.get(row['answer'], row['answer'])} ({row['confidence']:.1%})")

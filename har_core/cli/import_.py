"""`har-lens import`: predictions that come from elsewhere, as a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from har_core.cli.options import Subparsers, add_device, given_path, require_apart, told_classes
from har_core.errors import ConfigError, DataError
from har_core.files import printable

if TYPE_CHECKING:
    from har_core.imports.build import Imported
    from har_core.inference.predictor import Predictor

_MOST = 2**35  # bytes of a packed table
_KNOWN = {
    "all": "",
    "top": "only the most probable classes are known: the rest is spread evenly over the others",
    "confidence": "only the confidence is known: no calibration of all classes",
    "none": "no probabilities are known: no calibration and no prediction sets",
}


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "import",
        description="Make a run of predictions that come from elsewhere: CSV, TSV, JSON lines, Parquet, NPZ (cleanlab), "
        "FiftyOne's labels.json or samples.json, or a folder with metadata.csv as Hugging Face's imagefolder.",
    )
    parser.add_argument(
        "table", type=given_path, metavar="TABLE", help="file, true label, and predictions in some form"
    )
    parser.add_argument(
        "--photos", type=given_path, metavar="DIR", help="the photos that the table names: a data folder"
    )
    parser.add_argument(
        "--out", required=True, type=given_path, metavar="FOLDER", help="the run's folder, which is created"
    )
    parser.add_argument("--title", help="what people call the run (default: the folder's name)")
    parser.add_argument(
        "--classes", type=given_path, metavar="FILE", help="one class name a line, in the order of numbered columns"
    )
    parser.add_argument(
        "--scores", choices=("probabilities", "percentages", "logits"), help="default: by their content"
    )
    columns = parser.add_argument_group("columns, if their names and contents do not tell")
    for role, what in {
        "file": "names of the photos",
        "true": "true labels",
        "predicted": "predicted labels",
        "confidence": "probabilities of the predicted labels",
    }.items():
        columns.add_argument(f"--{role}", metavar="COLUMN", help=what)
    columns.add_argument(
        "--true-from-folder", action="store_true", help="the folder in a photo's name is its true label"
    )
    columns.add_argument("--no-confidence", action="store_true", help="leave the column of confidences out")
    parser.add_argument(
        "--embeddings", type=given_path, metavar="FILE.npy", help="(N, D) features, in the order of the table"
    )
    parser.add_argument("--maps", type=given_path, metavar="FILE.npy", help="(N, K, h, w) class maps, likewise")
    parser.add_argument(
        "--unknown",
        choices=("skip", "error"),
        help="photos whose true label is none of the classes: skip, or count as errors",
    )
    parser.add_argument(
        "--model",
        type=given_path,
        metavar="RUN_OR_FILE",
        help="the model that predicted: 16 photos are replayed with it, and compared, before the run is made",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="SHARE",
        help="largest difference of a probability that is accepted (default: 0.02)",
    )
    add_device(parser)


def run(given: argparse.Namespace) -> int:
    from har_core.imports.packed import unpacked

    with TemporaryDirectory(prefix="har-lens-") as folder:
        path = unpacked(given.table, Path(folder), most=_MOST) if given.table.is_file() else given.table
        return _import(given, path)


def _import(given: argparse.Namespace, unpacked_table: Path) -> int:
    from har_core.imports.build import read_predictions
    from har_core.imports.columns import Chosen, recognize
    from har_core.imports.opening import open_table
    from har_core.imports.storing import load_array, write_import
    from har_core.media.layout import photo_folder
    from har_core.runs.writing import require_no_run

    require_apart(given.out, given.photos)
    require_no_run(given.out)
    if given.photos is not None and not given.photos.is_dir():
        raise ConfigError(f"expected a folder of photos at {given.photos}, found none; check --photos")
    if given.model is not None and given.photos is None:
        raise ConfigError("expected --photos with --model, found none; name the folder of the photos to replay")
    classes = told_classes(given.classes) if given.classes else None
    arrays = {name: load_array(path) for name in ("embeddings", "maps") if (path := getattr(given, name)) is not None}
    table = open_table(unpacked_table)
    chosen = Chosen(
        given.file, given.true, given.predicted, given.confidence, given.true_from_folder, given.no_confidence
    )
    columns = recognize(table, classes=classes, chosen=chosen)
    print(f"{table.place}: {table.form}")
    for what, column in columns.rows():
        print(f"  {what}: {column}", flush=True)
    imported = read_predictions(
        table,
        columns,
        scores=given.scores,
        unknown=given.unknown,
        folder=photo_folder(given.photos) if given.photos is not None else None,
    )
    note = _replayed(imported, given) if given.model is not None else None
    for line in (note, *imported.notes, *(printable(str(one)) for one in imported.left_out)):
        if line:
            print(f"  {line}")
    made = write_import(
        given.out,
        imported,
        title=given.title,
        source=f"predictions of {printable(given.table.name)[:200]}, imported",
        note=note,
        **arrays,
    )
    print(_line(imported))
    print(f"Run: {made.folder}")
    return 0


def _line(imported: Imported) -> str:
    """The result: n, classes, accuracy, and what is not known."""
    from har_core.analysis.scores import scores_of

    scores = scores_of(imported.predictions)
    low, high = scores.accuracy_interval
    count = len(imported.skipped)
    missing = imported.missing
    parts = [
        f"{scores.n:,} photos, {len(imported.predictions.classes)} classes, accuracy {scores.accuracy:.2%} ({low:.2%} to {high:.2%})",
        _KNOWN[imported.probabilities],
        f"rows skipped: {count:,} ({printable(imported.skipped[0])})" if count else "",
        f"photos that are not in the folder: {missing:,}"
        if missing
        else "no photos were looked for"
        if missing is None
        else "",
    ]
    return "; ".join(part for part in parts if part)


def _replayed(imported: Imported, given: argparse.Namespace) -> str:
    from har_core.inference.replay import TOLERANCE, replay

    allowed = TOLERANCE if given.tolerance is None else given.tolerance
    if not 0 <= allowed <= 1:
        raise ConfigError(f"expected a tolerance from 0 to 1, found {allowed}; check --tolerance")
    found = replay(imported.predictions, given.photos, _predictor(given), known=imported.probabilities)
    name = printable(found.name)[:80]
    if found.difference > allowed:
        raise DataError(
            f"expected the model's own predictions, within {allowed:g}, on {found.count} replayed photos, found a difference of "
            f"{found.difference:.4f} for {name} ({found.disagree} have another class); choose the model that predicted them, "
            "check --classes, or raise --tolerance"
        )
    return (
        f"{found.count} photos replayed with the model: probabilities differ by at most {found.difference:.4f} ({name})"
    )


def _predictor(given: argparse.Namespace) -> Predictor:
    from har_core.cli.terminal import device_named
    from har_core.inference.predictor import Predictor
    from har_core.models.external.timm_sizes import load_kept
    from har_core.runs.run import Run

    device = device_named(given.device)
    if given.model.is_dir():
        return Predictor.from_run(Run.open(given.model), device)
    model, spec = load_kept(given.model)
    return Predictor(model, spec, device)

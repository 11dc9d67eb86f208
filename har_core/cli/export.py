"""`har-lens export`: a run's labels with a person's corrections, its predictions as other tools read them, or its model as ONNX,
in one file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from har_core.cli import export_onnx
from har_core.cli.options import Subparsers, given_path
from har_core.errors import ConfigError

if TYPE_CHECKING:
    from har_core.runs.run import Run
    from har_core.runs.verdicts import Verdict

_FORMS = {
    "labels": "all labels, corrected: for train.py --labels",
    "removed": "the photos that show none of the classes: for train.py --leave-out",
    "diff": "what the verdicts change, for people",
    "predictions-csv": "labels, predictions and what is known of the probabilities, as har-lens import reads them",
    "predictions-parquet": "the same as Parquet",
    "imagefolder": "the same as JSON lines: metadata.jsonl of a Hugging Face imagefolder",
    "cleanlab": "labels, probabilities and suspects (NPZ)",
    "fiftyone": "predictions with confidence, verdicts and suspects (labels.json)",
    "onnx": "the model, for machines without PyTorch",
}
_TABLES = ("predictions-csv", "predictions-parquet", "imagefolder")
_NEED_VERDICTS = ("labels", "removed", "diff")


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "export",
        description="Write what is known of a run's photos, or its model: "
        + "; ".join(f"{form}: {what}" for form, what in _FORMS.items())
        + ".",
    )
    parser.add_argument("run", type=given_path, metavar="RUN", help="the run's folder")
    parser.add_argument("--to", required=True, choices=_FORMS, help="what is written")
    parser.add_argument("--out", required=True, type=given_path, metavar="FILE", help="an older one is replaced")
    parser.add_argument(
        "--verdicts",
        type=given_path,
        metavar="FILE.sqlite",
        help="default: verdicts.sqlite in the run's folder; the app keeps those on runs that it cannot write to in "
        "HAR_LENS_HOME/verdicts",
    )
    export_onnx.add_arguments(parser)


def run(given: argparse.Namespace) -> int:
    from har_core.files import atomic_path
    from har_core.runs import exports
    from har_core.runs.corrected_labels import (
        corrected_labels,
        diff_bytes,
        known_labels,
        label_changes,
        labels_bytes,
        removed_bytes,
    )
    from har_core.runs.file_names import TRAINING_EMBEDDINGS
    from har_core.runs.run import Run
    from har_core.runs.training_embeddings import read_training_embeddings

    found = Run.open(given.run)
    if given.to == "onnx":
        return export_onnx.run(found, given)
    export_onnx.refuse_arguments(given)
    predictions = found.predictions()
    verdicts = _verdicts(found, given.verdicts, needed=given.to in _NEED_VERDICTS)
    if given.to in _NEED_VERDICTS:
        training = read_training_embeddings(found) if found.has(TRAINING_EMBEDDINGS) else None
        labels = known_labels(predictions, training)
        changes = list(label_changes(labels, verdicts, found.classes))
        corrected = list(corrected_labels(labels, verdicts, found.classes))
        data, line = {
            "labels": (labels_bytes(corrected), f"{len(corrected):,} labels"),
            "removed": (removed_bytes(changes), f"{len(labels) - len(corrected):,} photos to leave out"),
            "diff": (diff_bytes(changes), f"{len(changes):,} photos with another label, or to leave out"),
        }[given.to]
        if unknown := len(verdicts.keys() - labels.keys()):
            line += f"; {unknown:,} verdicts are on photos that the run does not know"
    elif given.to in _TABLES:
        write_table = {
            "predictions-csv": exports.write_predictions_csv,
            "predictions-parquet": exports.write_predictions_parquet,
            "imagefolder": exports.write_predictions_jsonl,
        }[given.to]
        with atomic_path(given.out) as partial, partial.open("wb") as file:
            write_table(predictions, found.manifest.probabilities, file)
        print(f"{given.out}: {len(predictions):,} photos")
        return 0
    else:
        known = found.manifest.probabilities
        if known == "none" or (given.to == "cleanlab" and known != "all"):
            needed = "probabilities of every class" if given.to == "cleanlab" else "confidences"
            raise ConfigError(f"expected {needed} to export, found a run without; export predictions-csv")
        write = exports.cleanlab_bytes if given.to == "cleanlab" else exports.fiftyone_bytes
        data = write(predictions, verdicts, _suspects(found))
        line = f"{len(predictions):,} photos, {len(verdicts.keys() & set(predictions.samples)):,} of them judged"
    with atomic_path(given.out) as partial:
        partial.write_bytes(data)
    print(f"{given.out}: {line}")
    return 0


def _verdicts(run: Run, path: Path | None, *, needed: bool) -> dict[str, Verdict]:
    from har_core.runs.verdicts import Verdicts

    chosen = path or run.folder / "verdicts.sqlite"
    if not chosen.is_file() and (path is not None or needed):
        raise ConfigError(
            f"expected a file of verdicts at {chosen}, found none; judge photos in the app, or name the file with --verdicts"
        )
    return Verdicts(chosen).all()


def _suspects(run: Run) -> set[str] | None:
    """The stored ones, None if nobody has looked and nothing tells them, else those by the model's own answers to the photos that it was evaluated on."""
    import numpy as np

    from har_core.analysis.label_suspects import find_suspects, suspects_schema
    from har_core.runs.file_names import SUSPECTS
    from har_core.runs.tables import TEST, read_table

    if run.has(SUSPECTS):
        return set(read_table(run, SUSPECTS, suspects_schema(run.classes))["sample"])
    predictions = run.predictions()
    if run.manifest.probabilities != "all":
        return None
    splits = np.full(len(predictions), TEST, dtype=object)
    table = find_suspects(predictions.samples, splits, predictions.true, predictions.probabilities, None, run.classes)
    return set(table["sample"])

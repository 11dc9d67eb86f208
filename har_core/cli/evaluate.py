"""`har-lens evaluate`: score a run's model on labeled photos."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from har_core.cli.options import Subparsers, add_data, add_device, add_json, add_run, add_views, chosen_run
from har_core.errors import ConfigError, DataError
from har_core.files import printable

if TYPE_CHECKING:
    from har_core.data.samples import Sample
    from har_core.runs.run import Run


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("evaluate", description="Score a model on labeled photos.")
    add_data(parser)
    parser.add_argument(
        "--split",
        choices=("test", "all"),
        default="test",
        help="the run's own test photos that are found in DATA, or all labeled photos (default: %(default)s)",
    )
    parser.add_argument(
        "--unknown",
        choices=("skip", "error"),
        help="photos of classes that the model does not know: skip, or count as errors",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        type=_pair,
        metavar="LABEL=CLASS",
        help="photos of LABEL show the model's CLASS; may be repeated (case, spaces, underscores and hyphens need no map)",
    )
    add_views(parser)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="keep the result as a run folder, for the app")
    add_run(parser)
    add_device(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    from har_core.analysis.scores import summarize
    from har_core.cli.terminal import ProgressBar, device_named
    from har_core.data.scan import require_clean, scan
    from har_core.inference.evaluate import evaluate, match_classes, write_evaluation
    from har_core.inference.predictor import Predictor
    from har_core.runs.writing import require_no_run

    if given.out:
        require_no_run(given.out)
        given.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is found before the work
    by = chosen_run(given)
    photos = scan(given.data, verify=False)
    require_clean(photos, skip_bad=given.skip_bad)
    samples = _test_samples(photos.samples, by, given.data) if given.split == "test" else list(photos.samples)
    mapping = dict(given.map)
    if len(mapping) < len(set(given.map)):
        raise ConfigError(
            "expected one class for each label, found a label with several; pass --map LABEL=CLASS once for it"
        )
    meant = match_classes((sample.label for sample in samples), by.classes, mapping)
    for label, name in meant.items():
        if name not in (None, label):
            print(f"{printable(label)} is read as {name}", file=sys.stderr)
    unknown = [printable(label) for label, name in meant.items() if name is None]
    if unknown and not given.unknown:
        raise DataError(
            f"expected the classes {', '.join(by.classes)}; found {', '.join(unknown)} too; pass --map LABEL=CLASS if a "
            "class has another name here, --unknown skip to skip these photos, or --unknown error to count each as an error"
        )
    evaluation = evaluate(
        samples,
        Predictor.from_run(by, device_named(given.device), views=given.views),
        unknown=given.unknown or "skip",
        mapping=mapping,
        progress=ProgressBar("scoring"),
    )
    for problem in evaluation.skipped:
        print(f"skipped {problem}", file=sys.stderr)
    figures = dataclasses.asdict(summarize(evaluation.predictions.confusion_matrix()))
    if given.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name} {_shown(value)}" for name, value in figures.items()))
    if given.out:
        print(
            f"Run: {write_evaluation(given.out, evaluation, by, title=given.out.resolve().name).folder}",
            file=sys.stderr,
        )
    return 0


def _pair(text: str) -> tuple[str, str]:
    label, _, name = text.rpartition("=")
    if not label or not name:
        raise argparse.ArgumentTypeError(f"expected LABEL=CLASS, found {text!r}")
    return label, name


def _test_samples(samples: tuple[Sample, ...], by: Run, folder: Path) -> list[Sample]:
    names = set(by.predictions().samples)
    found = [sample for sample in samples if sample.name in names]
    if not found:
        raise DataError(
            f"expected some of the {len(names):,} test photos of run {by.name} in {folder}, found none; pass --split all to "
            "score all labeled photos"
        )
    return found


def _shown(value: float | int | tuple[float, ...]) -> str:
    if isinstance(value, tuple):
        return " to ".join(_shown(one) for one in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)

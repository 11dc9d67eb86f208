"""`har-lens score`: a model that comes from elsewhere on photos, as a run that carries it, or as a table."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from har_core.cli import score_shards
from har_core.cli.options import (
    Subparsers,
    add_device,
    add_labels,
    add_meaning,
    add_views,
    given_path,
    given_place,
    pixels,
    require_apart,
    tell_notes,
    told_classes,
    told_meaning,
    warn_of_newer_library,
)
from har_core.errors import ConfigError, DataError, ImageError
from har_core.files import printable, write_text

if TYPE_CHECKING:
    from har_core.data.samples import Sample
    from har_core.inference.predictor import Predictor
    from har_core.models.external.options import ModelOptions

_TABLES = (".csv", ".parquet")
_NAMED = 5  # photos that could not be used


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "score",
        description="Score any image classifier on labeled photos: the result is a run that carries the model. Of photos without "
        "labels, a table, with the exit status 1 if any could not be read. Nothing that lies in a model's folder is executed.",
    )
    parser.add_argument(
        "data",
        nargs="+",
        type=given_place,
        metavar="DATA",
        help="Training_set.csv with train/, or one folder per class; for a table, photos or folders of photos; for shards, see below",
    )
    parser.add_argument("--skip-bad", action="store_true", help="skip photos and rows with problems")
    add_labels(parser)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a run's folder, a model.safetensors of train.py, timm/NAME (with its pretrained weights), a folder of timm or of "
        "Hugging Face, or a file .onnx (default, of shards alone: the shipped run)",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=given_place,
        metavar="OUT",
        help="the run's folder; or FILE.csv or FILE.parquet: a table; or a folder or bucket for shards",
    )
    parser.add_argument("--title", help="what people call the run (default: the folder's name)")
    add_meaning(parser)
    add_views(parser)
    add_device(parser)
    score_shards.add_arguments(parser)
    feeding = parser.add_argument_group("how photos are fed, where the model does not say it")
    feeding.add_argument(
        "--classes", type=given_path, metavar="FILE", help="one class name a line, in the order of the outputs"
    )
    feeding.add_argument("--crop-size", type=pixels, metavar="PIXELS", help="the side of the network's square input")
    feeding.add_argument(
        "--resize", type=pixels, metavar="PIXELS", help="the shorter side before cropping (default: the crop's)"
    )
    feeding.add_argument("--mean", type=_three, metavar="R,G,B", help="of values in [0, 1]")
    feeding.add_argument("--std", type=_three, metavar="R,G,B", help="of values in [0, 1]")
    feeding.add_argument("--interpolation", choices=("bilinear", "bicubic"))
    feeding.add_argument(
        "--fit", choices=("crop", "squash"), help="crop the center, or squash the photo to a square without its aspect"
    )


def run(given: argparse.Namespace) -> int:
    from har_core.cli.terminal import device_named
    from har_core.inference.predictor import Predictor
    from har_core.models.external.load import KINDS, load_model, notes_of
    from har_core.runs.writing import require_no_run

    require_apart(given.out, *given.data)
    if score_shards.is_sharded(given):
        status = score_shards.run(given, _options(given))
        _tell_unread(given.out)
        return status
    if given.model is None:
        raise ConfigError(
            f"expected a model to score by, found none; pass --model, one of: {KINDS}; or --engine local, to score in shards by the shipped run"
        )
    given.data, given.out = [Path(one) for one in given.data], Path(given.out)
    is_table = given.out.suffix in _TABLES
    if not is_table:
        require_no_run(given.out)
        if len(given.data) > 1:
            raise ConfigError(
                "expected one folder of labeled photos for a run, found other DATA; pass --out FILE.csv for a table of photos "
                "without labels"
            )
    photos = None if is_table else _labeled(given)  # what is missing is found before the work
    device = device_named(given.device)
    model, spec = load_model(given.model, _options(given))
    tell_notes(notes := notes_of(model))
    predictor = Predictor(model, spec, device)
    warn_of_newer_library(predictor)
    print(
        f"{spec.architecture}: {len(spec.classes)} classes, {spec.crop_size} pixels, explained by {predictor.explanation}",
        file=sys.stderr,
    )
    return _table(given, predictor) if photos is None else _run(given, predictor, photos, notes)


def _labeled(given: argparse.Namespace) -> tuple[Sample, ...]:
    from har_core.data.scan import require_clean, scan

    try:
        photos = scan(given.data[0], labels=given.labels, verify=False)
    except DataError as error:
        raise DataError(
            f"{error}; or pass --out FILE.csv for a table of photos without labels", error.problems
        ) from error
    tell_notes(photos.notes)
    require_clean(photos, skip_bad=given.skip_bad)
    return photos.samples


def _run(given: argparse.Namespace, predictor: Predictor, samples: tuple[Sample, ...], notes: tuple[str, ...]) -> int:
    from har_core.cli.terminal import ProgressBar
    from har_core.inference.evaluate import evaluate
    from har_core.inference.score import write_scored
    from har_core.runs.run import Run

    unknown, mapping = told_meaning(given, [sample.label for sample in samples], predictor.spec.classes)
    evaluation = evaluate(samples, predictor, unknown=unknown, mapping=mapping, progress=ProgressBar("scoring"))
    name = printable(Path(given.model).name if Path(given.model).exists() else given.model)[:200]
    before = Run.open(Path(given.model)).manifest.model if (Path(given.model) / "run.json").is_file() else None
    made, found = write_scored(
        given.out,
        evaluation,
        predictor,
        title=given.title or printable(given.out.resolve().name)[:100],
        source="; ".join([f"{len(evaluation.predictions):,} photos, predicted by {name}", *map(printable, notes)]),
        photos=given.data[0],
        calibrated_on=before.calibrated_on if before is not None else None,
    )
    scores = made.manifest.scores
    assert scores is not None
    low, high = scores.accuracy_interval
    print(f"{scores.n:,} photos, {len(made.classes)} classes, accuracy {scores.accuracy:.2%} ({low:.2%} to {high:.2%})")
    print(f"{found.count} photos replayed from the run: probabilities differ by at most {found.difference:.1e}")
    print(f"Run: {made.folder}")
    lines = [str(problem) for problem in evaluation.skipped]
    _tell_skipped(lines, len(lines), scores.n + len(lines), _listed(made.folder / "skipped.txt", lines))
    return 0


def _table(given: argparse.Namespace, predictor: Predictor) -> int:
    import numpy as np

    from har_core.cli.predict import photos_below, shown
    from har_core.cli.terminal import ProgressBar
    from har_core.data.samples import Problem
    from har_core.inference.prediction import Prediction
    from har_core.inference.predictor import PHOTO_SIDE
    from har_core.inference.score import write_table
    from har_core.media.images import open_photo
    from har_core.media.layout import photo_folder

    root = photo_folder(given.data[0]) if len(given.data) == 1 and given.data[0].is_dir() else None
    paths = list(dict.fromkeys(photos_below(given.data if root is None else [root])))
    names = {path: shown(path.relative_to(root) if root is not None else path).replace(os.sep, "/") for path in paths}
    bar, kept, rows, skipped = ProgressBar("predicting"), [], [], []
    outcomes = predictor.predict_all(
        paths,
        lambda path: open_photo(path, shown(path)),
        name=lambda path: names[path],
        photo_side=PHOTO_SIDE,
        occlude=False,
    )
    for done, (path, outcome) in enumerate(outcomes, start=1):
        if isinstance(outcome, Prediction):
            kept.append(names[path])
            rows.append(outcome.probabilities)
        else:
            skipped.append(str(Problem.of_photo(names[path], outcome)))
        bar(done, len(paths))
    if not rows:
        raise DataError(f"expected photos that can be read, found none ({'; '.join(skipped[:3])}); name others")
    write_table(given.out, kept, predictor.spec.classes, np.stack(rows))
    print(f"{given.out}: {len(rows):,} photos" + (f", {len(skipped):,} could not be read" if skipped else ""))
    place = _listed(given.out.with_name(f"{given.out.stem}.skipped.txt"), skipped)
    _tell_skipped(skipped, len(skipped), len(paths), place)
    return 1 if skipped else 0


def _tell_unread(given: str) -> None:
    """Of photos that were scored in shards."""
    from har_core.data.samples import Problem
    from har_core.scoring import places
    from har_core.scoring.output import ERROR, FOLDER, open_manifest
    from har_core.scoring.unread import unread

    out = places.absolute(given)
    scored = open_manifest(out)
    first = itertools.islice(unread(out, scored), _NAMED)
    some = [str(Problem.of_photo(name, ImageError(reason))) for name, reason in first]
    place = f"the column {ERROR} of the tables in {places.join(out, FOLDER)}"
    _tell_skipped(some, scored.unreadable, scored.photos, place)


def _tell_skipped(lines: Sequence[str], count: int, total: int, place: str) -> None:
    """What is not in a result, on stderr: how many photos, the first of them with the reason, and where all are listed."""
    if not count:
        return
    print(f"skipped: {count:,} of {total:,} photos", file=sys.stderr)
    for line in lines[:_NAMED]:
        print(printable(f"  {line}"), file=sys.stderr)
    print(printable(f"all of them, with the reasons: {place}"), file=sys.stderr)


def _listed(path: Path, lines: Sequence[str]) -> str:
    """Write the whole list, or remove that of an earlier call; returns where it is."""
    if lines:
        write_text(path, "".join(f"{line}\n" for line in lines))
    else:
        path.unlink(missing_ok=True)
    return str(path)


def _options(given: argparse.Namespace) -> ModelOptions:
    from har_core.models.external.options import ModelOptions

    return ModelOptions(
        classes=told_classes(given.classes) if given.classes else None,
        crop_size=given.crop_size,
        resize=given.resize,
        mean=given.mean,
        std=given.std,
        interpolation=given.interpolation,
        fit=given.fit,
        views=given.views,
    )


def _three(text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(value) for value in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3:
        raise argparse.ArgumentTypeError(f"expected three numbers, as 0.5,0.5,0.5; found {text!r}")
    return values

"""The command line of the library.

python -m har_core download [--data data/]
python -m har_core predict PHOTO… [--run FOLDER] [--out FILE] [--json]
python -m har_core evaluate DATA [--run FOLDER] [--split validation|all] [--out FOLDER] [--json]
python -m har_core twins DATA [--run FOLDER]
python -m har_core soft-labels DATA --out FILE [--run FOLDER]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from har_core import commands, soft_labels
from har_core.analysis import interval, scores
from har_core.data import download, require_clean, scan
from har_core.dataset import default_workers
from har_core.errors import ConfigError, DataError, ImageError
from har_core.files import JsonLines
from har_core.images import open_photo
from har_core.precision import pick_precision
from har_core.recogniser import Recogniser, shipped_run
from har_core.runs import Run
from har_core.scoring import score, write_run
from har_core.twins import find_twins

ROOT = Path(__file__).parent.parent


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    return int(given.command(given))


def _download(given: argparse.Namespace) -> int:
    print(f"The data set (ODbL-1.0) lies in {download(given.data)}")
    return 0


def _predict(given: argparse.Namespace) -> int:
    recogniser = Recogniser.of(_run(given), commands.device_named(given.device))
    done = JsonLines(given.out) if given.out else None
    failed = False
    for path in given.photos:
        if done is not None and str(path) in done.files:
            failed |= "error" in done.files[str(path)]
            continue
        row = _row(recogniser, path)
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


def _row(recogniser: Recogniser, path: Path) -> dict[str, Any]:
    """What is said of one photo."""
    try:
        seen = recogniser.recognise(open_photo(path, str(path)), str(path))
    except ImageError as error:
        return {"file": str(path), "error": str(error)}
    chances = zip(seen.classes, seen.probabilities, strict=True)
    return {
        "file": seen.name,
        "predicted": seen.predicted,
        "confidence": round(seen.confidence, 6),
        "probabilities": {name: round(float(value), 6) for name, value in chances},
    }


def _evaluate(given: argparse.Namespace) -> int:
    if given.flip and given.out:
        raise ConfigError("--flip and --out exclude each other: the heatmaps of a run explain one view; leave out one")
    run = _run(given)
    photos = scan(given.data, verify=False)
    require_clean(photos, skip_bad=given.skip_bad)
    samples = list(photos.samples)
    if given.split == "validation":
        names = set(run.predictions().samples)
        samples = [sample for sample in samples if sample.name in names]
        if not samples:
            raise DataError(
                f"expected some of the {len(names)} validation photos of run {run.name} in {given.data}, found none; "
                "pass --split all to score all labelled photos"
            )
    unknown = sorted({sample.label for sample in samples} - set(run.classes))
    if unknown and not given.unknown:
        raise DataError(
            f"expected the classes {', '.join(run.classes)}; found {', '.join(unknown)} too; pass --unknown skip to leave "
            "these photos out, or --unknown error to count each as an error"
        )
    scored = score(
        samples,
        Recogniser.of(run, commands.device_named(given.device)),
        unknown="counted as errors" if given.unknown == "error" else "left out",
        flip=given.flip,
        progress=commands.Bar("scoring"),
    )
    for problem in scored.left_out:
        print(f"left out {problem}", file=sys.stderr)
    figures = scores(scored.evaluation.predictions)
    print(
        json.dumps(figures) if given.json else "\n".join(f"{name} {_shown(value)}" for name, value in figures.items())
    )
    if given.out:
        print(f"Run: {write_run(given.out, scored, run, title=given.out.name).folder}", file=sys.stderr)
    return 0


def _twins(given: argparse.Namespace) -> int:
    run = _run(given)
    table = run.predictions()
    photos = scan(given.data, verify=False)
    require_clean(photos, skip_bad=given.skip_bad)
    row = {name: number for number, name in enumerate(table.samples)}
    scored = [sample for sample in photos.samples if sample.name in row]
    others = [sample for sample in photos.samples if sample.name not in row]
    if not scored or not others:
        raise DataError(
            f"expected photos that run {run.name} was scored on, and others, in {given.data}; found {len(scored)} and "
            f"{len(others)}; name the whole data set"
        )
    found = find_twins(scored, others, progress=commands.Bar("comparing"))
    print("scored\tother\tdistance\tidentical")
    for pair in found:
        print(f"{pair.scored}\t{pair.other}\t{pair.distance}\t{'yes' if pair.identical else 'no'}")
    right = table.true == table.predicted
    rows = np.array([row[sample.name] for sample in scored])
    twins = {pair.scored for pair in found}
    alone = np.array([row[sample.name] for sample in scored if sample.name not in twins])
    print(f"{len(twins)} of {len(scored):,} scored photos have a twin among {len(others):,} others", file=sys.stderr)
    for what, chosen in (("all scored photos", rows), ("those without a twin", alone)):
        low, high = interval(int(right[chosen].sum()), len(chosen))
        print(
            f"accuracy on {what}: {right[chosen].mean():.4f} ({low:.4f} to {high:.4f}), n {len(chosen)}",
            file=sys.stderr,
        )
    return 0


def _soft_labels(given: argparse.Namespace) -> int:
    photos = soft_labels.unlabelled(given.data)
    model, spec = _run(given).model()
    device = commands.device_named(given.device)
    found = soft_labels.predict(
        model,
        spec,
        given.data,
        photos,
        device=device,
        precision=pick_precision(model.to(device), device, spec.crop_size),
        workers=default_workers(),
        progress=commands.Bar("labelling"),
    )
    found.write(given.out)
    print(
        f"{len(photos):,} photos, mean probability of the likeliest class {found.probabilities.max(axis=1).mean():.3f}"
    )
    return 0


def _run(given: argparse.Namespace) -> Run:
    return Run.open(given.run) if given.run else shipped_run(ROOT)


def _shown(value: float | int | list[float]) -> str:
    if isinstance(value, list):
        return " to ".join(_shown(one) for one in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m har_core", description="Recognise actions, score a model, fetch the data."
    )
    commands_ = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands_.add_parser("download", help="fetch the data set from Kaggle (public, no key; ODbL-1.0)")
    one.add_argument(
        "--data", type=Path, default=Path("data"), metavar="FOLDER", help="where to (default: %(default)s)"
    )
    one.set_defaults(command=_download)

    one = commands_.add_parser("predict", help="name the action in photos, one line each; exit status 1 if any failed")
    one.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    one.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="add each photo's row to FILE (JSON, one object a line); photos that stand in it already are left out, so "
        "that an interrupted prediction goes on where it was",
    )
    _common(one)
    one.set_defaults(command=_predict)

    one = commands_.add_parser("evaluate", help="score a run on labelled photos")
    one.add_argument("data", type=Path, metavar="DATA", help="Training_set.csv with train/, or one folder a class")
    one.add_argument(
        "--split",
        choices=("validation", "all"),
        default="validation",
        help="the run's own validation photos that are found in DATA, or all labelled photos (default: %(default)s)",
    )
    one.add_argument("--skip-bad", action="store_true", help="leave out photos and rows with problems")
    one.add_argument(
        "--unknown",
        choices=("skip", "error"),
        help="photos of classes that the model does not know: skip, or count as errors",
    )
    one.add_argument("--flip", action="store_true", help="average over each photo and its mirror image")
    one.add_argument("--out", type=Path, metavar="FOLDER", help="keep the result as a run folder, for the app")
    _common(one)
    one.set_defaults(command=_evaluate)

    one = commands_.add_parser("twins", help="find scored photos that also stand among the others, as a table")
    one.add_argument("data", type=Path, metavar="DATA", help="the whole data set, in either layout")
    one.add_argument("--skip-bad", action="store_true", help="leave out photos and rows with problems")
    one.add_argument("--run", type=Path, metavar="FOLDER", help="the run folder (default: the shipped run)")
    one.set_defaults(command=_twins)

    one = commands_.add_parser(
        "soft-labels", help="let a model name the photos without labels, for others to learn from"
    )
    one.add_argument("data", type=Path, metavar="DATA", help="Kaggle's layout, with photos in test/")
    one.add_argument("--out", type=Path, metavar="FILE", required=True, help="the table (Parquet)")
    one.add_argument("--run", type=Path, metavar="FOLDER", help="the teacher's run (default: the shipped run)")
    one.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    one.set_defaults(command=_soft_labels)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="the run folder (default: the shipped run)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


if __name__ == "__main__":
    sys.exit(commands.run(main))

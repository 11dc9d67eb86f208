"""`har-lens calibrate`: fit a run's temperature on labeled photos that it has not seen."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from har_core.cli.options import Subparsers, add_data, add_labels, add_run, chosen_run, tell_notes


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "calibrate",
        description="Fit a temperature (Guo et al. 2017) on labeled photos that the run's model was neither trained nor scored "
        "on, store it with the model, and rescale the run's predictions. The predicted actions stay the same.",
    )
    add_data(parser)
    add_labels(parser)
    parser.add_argument("--title", help="what these photos are, for the run's manifest (default: the name of DATA)")
    add_run(parser)


def run(given: argparse.Namespace) -> int:
    from har_core.analysis.calibration import calibration
    from har_core.analysis.known import what_is_known
    from har_core.cli.terminal import ProgressBar
    from har_core.data.scan import require_clean, scan
    from har_core.errors import RunError
    from har_core.inference.calibrate import calibrate

    by = chosen_run(given)
    by.file(by.weights)  # what is missing is found before the work
    predictions = by.predictions()
    if not what_is_known(by.manifest.probabilities, predictions).every_class:
        raise RunError(
            f"expected predictions of run {by.name} with a probability for each class, found some of them filled in; evaluate "
            "the model, then calibrate that run"
        )
    before = calibration(predictions)
    photos = scan(given.data, labels=given.labels, verify=False)
    tell_notes(photos.notes)
    require_clean(photos, skip_bad=given.skip_bad)
    title = given.title or Path(given.data).resolve().name
    written, fit = calibrate(by, photos.samples, title=title, progress=ProgressBar("scoring"))
    for problem in fit.skipped:
        print(f"skipped {problem}", file=sys.stderr)
    after = calibration(written.predictions())
    print(
        f"temperature {fit.temperature:.3f}, fitted on {fit.photos:,} photos (accuracy {fit.accuracy:.4f}, log loss {fit.before:.4f} to {fit.after:.4f})"
    )
    print(
        f"on the run's own photos: expected calibration error {before.ece:.4f} to {after.ece:.4f}, mean confidence "
        f"{before.confidence:.4f} to {after.confidence:.4f}, accuracy {after.accuracy:.4f}"
    )
    return 0

"""`har-lens analyze`: compute once, and store with a run, what its pages show."""

from __future__ import annotations

import argparse
import sys

from har_core.cli.options import Subparsers, add_data, add_device, given_path, tell_notes
from har_core.errors import ConfigError

_STEPS = ("photos", "embeddings", "near-duplicates", "suspects", "map", "faithfulness")


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "analyze",
        description="Store with a run: what its photos are like, the embeddings of its training photos, near-duplicates, labels "
        "that are probably wrong, a map of the embeddings, and how faithful its heatmaps are.",
    )
    parser.add_argument(
        "run", type=given_path, metavar="RUN", help="the run's folder; it has predictions and embeddings"
    )
    add_data(parser)
    parser.add_argument(
        "--only",
        type=lambda text: tuple(text.split(",")),
        default=_STEPS,
        metavar="A,B",
        help=f"some of {', '.join(_STEPS)} (default: all)",
    )
    add_device(parser)


def run(given: argparse.Namespace) -> int:
    if unknown := sorted(set(given.only) - set(_STEPS)):
        raise ConfigError(f"expected --only with some of {', '.join(_STEPS)}; found {', '.join(unknown)}; leave it out")

    from har_core.analysis.known import what_is_known
    from har_core.cli.terminal import ProgressBar, device_named
    from har_core.data.scan import require_clean, scan
    from har_core.inference.analyze import STEPS, Analysis, Photos
    from har_core.runs.file_names import EMBEDDINGS, TRAINING_PHOTOS
    from har_core.runs.run import Run

    found = Run.open(given.run)
    if found.manifest.data.train is None and not found.has(TRAINING_PHOTOS):
        photos = Photos.evaluated(found, given.data)
        if missing := len(found.predictions()) - len(photos.test):
            print(f"not in this folder, and left out: {missing:,} photos of the run", file=sys.stderr)
    else:
        scanned = scan(given.data, verify=False)
        tell_notes(scanned.notes)
        require_clean(scanned, skip_bad=given.skip_bad)
        photos = Photos.of(found, scanned.samples)
    by_own_answers = not found.has(EMBEDDINGS)
    known = what_is_known(found.manifest.probabilities, found.predictions())
    analysis = Analysis(found, photos, device_named(given.device), ProgressBar)
    for name in _STEPS:
        if name == "suspects" and name in given.only and by_own_answers and not known.every_class:
            print("suspects: need embeddings or a probability for each class, and this run has neither: skipped")
        elif name in given.only:
            analysis.run, line = STEPS[name](analysis)
            print(f"{name}: {line}", flush=True)
    return 0

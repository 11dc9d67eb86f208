"""`har-lens soup`: average the weights of several runs."""

from __future__ import annotations

import argparse

from har_core.cli.options import Subparsers, add_data, add_views, given_path, require_apart, tell_notes


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "soup",
        description="Average the weights of runs that were trained on the same photos, and evaluate the outcome.",
    )
    add_data(parser)
    parser.add_argument("runs", type=given_path, nargs="+", metavar="RUN", help="run folders with models")
    add_views(parser)
    parser.add_argument("--out", type=given_path, required=True, metavar="FOLDER", help="the new run's folder")


def run(given: argparse.Namespace) -> int:
    from har_core.cli.terminal import ProgressBar
    from har_core.data.scan import require_clean, scan
    from har_core.runs.run import Run
    from har_core.runs.writing import require_no_run
    from har_core.training.soup import make_soup

    require_apart(given.out, given.data)
    require_no_run(given.out)
    runs = [Run.open(folder) for folder in given.runs]
    photos = scan(given.data, verify=False)
    tell_notes(photos.notes)
    require_clean(photos, skip_bad=given.skip_bad)
    made = make_soup(given.out, runs, photos.samples, views=given.views, progress=ProgressBar("scoring"))
    scores = made.manifest.scores
    assert scores is not None
    print(f"soup of {made.manifest.training.soup_size}: accuracy {scores.accuracy:.4f}, macro F1 {scores.macro_f1:.4f}")
    return 0

"""`har-lens near-duplicates`: find test photos that show the same as a training photo."""

from __future__ import annotations

import argparse
import sys

from har_core.cli.options import Subparsers, add_data, add_run, chosen_run, tell_notes
from har_core.errors import DataError
from har_core.files import printable


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "near-duplicates",
        description="List a run's test photos that show the same as another photo of DATA, and score the others.",
    )
    add_data(parser)
    add_run(parser)


def run(given: argparse.Namespace) -> int:
    import numpy as np

    from har_core.analysis.scores import wilson_interval
    from har_core.cli.terminal import ProgressBar
    from har_core.data.near_duplicates import find_near_duplicates
    from har_core.data.scan import require_clean, scan

    by = chosen_run(given)
    predictions = by.predictions()
    photos = scan(given.data, verify=False)
    tell_notes(photos.notes)
    require_clean(photos, skip_bad=given.skip_bad)
    row = {name: number for number, name in enumerate(predictions.samples)}
    test = [sample for sample in photos.samples if sample.name in row]
    train = [sample for sample in photos.samples if sample.name not in row]
    if not test or not train:
        raise DataError(
            f"expected test photos of run {by.name} and others in {given.data}, found {len(test)} and {len(train)}; name "
            "the whole data set"
        )
    pairs = find_near_duplicates(test, train, progress=ProgressBar("comparing"))
    print("test\ttrain\tdistance\tidentical")
    for pair in pairs:
        print(f"{printable(pair.test)}\t{printable(pair.train)}\t{pair.distance}\t{'yes' if pair.identical else 'no'}")
    duplicated = {pair.test for pair in pairs}
    print(
        f"{len(duplicated):,} of {len(test):,} test photos have a near-duplicate among {len(train):,} others",
        file=sys.stderr,
    )
    for what, chosen in (
        ("all test photos", test),
        ("those without a near-duplicate", [sample for sample in test if sample.name not in duplicated]),
    ):
        correct = predictions.correct[[row[sample.name] for sample in chosen]]
        if not len(correct):
            continue
        low, high = wilson_interval(int(correct.sum()), len(correct))
        print(
            f"accuracy on {what}: {np.mean(correct):.4f} ({low:.4f} to {high:.4f}), n {len(correct)}", file=sys.stderr
        )
    return 0

"""`har-lens evaluate`: score a run's model on labeled photos or clips."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from har_core.cli.options import (
    Subparsers,
    add_data,
    add_device,
    add_json,
    add_meaning,
    add_run,
    add_views,
    chosen_run,
    given_path,
    require_apart,
    tell_notes,
    told_meaning,
    warn_of_newer_library,
)
from har_core.cli.video import rate
from har_core.errors import ConfigError, DataError
from har_core.runs.file_names import CLIP_MODEL, TRAINING_PHOTOS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from har_core.data.samples import Sample
    from har_core.inference.evaluate import Evaluation
    from har_core.runs.run import Run


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "evaluate",
        description="Score a model on labeled photos, or on clips. What cannot be read is skipped, named and counted on stderr; "
        "the exit status is 0 as long as some could be scored.",
    )
    add_data(parser)
    parser.add_argument(
        "--split",
        choices=("test", "all"),
        default="test",
        help="the run's own test photos that are found in DATA, or all labeled photos (default: %(default)s)",
    )
    parser.add_argument(
        "--fps",
        type=rate,
        default=4.0,
        help="of a folder of clips, the frames a second to look at (default: %(default)g)",
    )
    add_meaning(parser)
    add_views(parser)
    parser.add_argument("--out", type=given_path, metavar="FOLDER", help="keep the result as a run folder, for the app")
    add_run(parser)
    add_device(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    from har_core.cli.terminal import ProgressBar, device_named
    from har_core.data.clip_folder import holds_clips
    from har_core.data.scan import require_clean, scan
    from har_core.inference.evaluate import evaluate, write_evaluation
    from har_core.inference.predictor import Predictor
    from har_core.runs.writing import require_no_run

    require_apart(given.out, given.data)
    if given.out:
        require_no_run(given.out)
        given.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is found before the work
    by = chosen_run(given)
    if holds_clips(given.data):
        return _run_on_clips(given, by)
    photos = scan(given.data, classes=[*by.classes, *(label for label, _ in given.map)], verify=False)
    tell_notes(photos.notes)
    require_clean(photos, skip_bad=given.skip_bad)
    samples = _test_samples(photos.samples, by, given.data) if given.split == "test" else list(photos.samples)
    unknown, mapping = told_meaning(given, [sample.label for sample in samples], by.classes)
    predictor = Predictor.from_run(by, device_named(given.device), views=given.views)
    warn_of_newer_library(predictor)
    evaluation = evaluate(
        samples,
        predictor,
        unknown=unknown,
        mapping=mapping,
        progress=ProgressBar("scoring"),
    )
    _print(evaluation, "photo", as_json=given.json)
    if given.out:
        print(
            f"Run: {write_evaluation(given.out, evaluation, by, title=given.out.resolve().name).folder}",
            file=sys.stderr,
        )
    return 0


def _run_on_clips(given: argparse.Namespace, by: Run) -> int:
    """All labeled clips of a folder: a run on photos has no test clips of its own."""
    from har_core.cli.terminal import ProgressBar, device_named
    from har_core.data.clip_folder import scan_clips
    from har_core.inference.answer_rules import frame_rule
    from har_core.inference.evaluate_clips import evaluate_clips, write_clip_evaluation
    from har_core.inference.predictor import Predictor

    samples = scan_clips(given.data, skip_bad=given.skip_bad)
    if by.has(CLIP_MODEL):
        return _run_of_whole_clips(given, by, samples)
    unknown, mapping = told_meaning(given, [sample.label for sample in samples], by.classes)
    predictor = Predictor.from_run(by, device_named(given.device), views=given.views)
    warn_of_newer_library(predictor)
    found = evaluate_clips(
        samples,
        predictor,
        rule=frame_rule(by, predictor),
        fps=given.fps,
        unknown=unknown,
        mapping=mapping,
        progress=ProgressBar("scoring", "clip"),
    )
    _print(found.evaluation, "clip", as_json=given.json)
    if given.out:
        run = write_clip_evaluation(
            given.out, found, by, title=given.out.resolve().name, progress=ProgressBar("keeping frames", "clip")
        )
        print(f"Run: {run.folder}", file=sys.stderr)
    return 0


def _run_of_whole_clips(given: argparse.Namespace, by: Run, samples: Sequence[Sample]) -> int:
    """By a model of clips."""
    from har_core.cli.terminal import ProgressBar, device_named
    from har_core.inference.evaluate import write_evaluation
    from har_core.inference.temporal import TemporalPredictor, evaluate_temporal, keep_frames

    unknown, mapping = told_meaning(given, [sample.label for sample in samples], by.classes)
    if unknown == "error":
        raise ConfigError("expected --unknown skip for a model of clips, found error; skip the clips of other classes")
    predictor = TemporalPredictor.from_run(by, device_named(given.device))
    found = evaluate_temporal(samples, predictor, mapping=mapping, progress=ProgressBar("scoring", "clip"))
    _print(found, "clip", as_json=given.json)
    if given.out:
        run = write_evaluation(given.out, found, by, title=given.out.resolve().name, what="clips")
        by_name = {sample.name: sample for sample in samples}
        keep_frames(run, [by_name[str(name)] for name in found.predictions.samples], predictor)
        print(f"Run: {run.folder}", file=sys.stderr)
    return 0


def _print(evaluation: Evaluation, kind: str, *, as_json: bool) -> None:
    """The figures; on stderr what was skipped, and last of all how much of how much."""
    from har_core.analysis.scores import summarize

    for problem in evaluation.skipped:
        print(f"skipped {problem}", file=sys.stderr)
    figures = dataclasses.asdict(summarize(evaluation.predictions.confusion_matrix()))
    if as_json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name} {_shown(value)}" for name, value in figures.items()))
    if skipped := len(evaluation.skipped):
        print(f"skipped: {skipped:,} of {skipped + len(evaluation.predictions):,} {kind}s", file=sys.stderr)


def _test_samples(samples: tuple[Sample, ...], by: Run, folder: Path) -> list[Sample]:
    """Those that bear the names of the run's own test photos; what is left out besides its training photos is told.

    Raises:
        DataError: if there is none, or so few that others may only bear the same names.
    """
    names = set(by.predictions().samples)
    found = [sample for sample in samples if sample.name in names]
    if not found:
        raise DataError(
            f"expected some of the {len(names):,} test photos of run {by.name} in {folder}, found none; pass --split all to "
            "score all labeled photos"
        )
    others = _others(samples, names, by, all_found=len(found) == len(names))
    if others:
        there = f"{len(found):,} of these names and {others:,} other labeled photo{'' if others == 1 else 's'}"
        expected = f"expected the {len(names):,} test photos of run {by.name} in {folder}, found {there}"
        if len(found) < others and 2 * len(found) < len(names):
            raise DataError(
                f"{expected}; pass --split all to score all labeled photos, or name a folder of the run's data set"
            )
        tell_notes([f"{expected}, which {'is' if others == 1 else 'are'} left out; --split all scores all"])
    return found


def _others(samples: tuple[Sample, ...], tested: set[str], by: Run, *, all_found: bool) -> int:
    """How many samples are neither the run's test photos nor, as far as it says so, those of its training."""
    from har_core.runs.tables import read_table, training_schema

    data = by.manifest.data
    known = {*tested, *data.near_duplicates_dropped}
    if by.has(TRAINING_PHOTOS):
        known |= set(read_table(by, TRAINING_PHOTOS, training_schema(by.classes))["sample"])
    others = sum(sample.name not in known for sample in samples)
    dropped = data.near_duplicates_dropped_count or len(data.near_duplicates_dropped)
    is_whole_set = all_found and len(samples) <= len(tested) + (data.train or 0) + dropped + (data.left_out or 0)
    return 0 if is_whole_set else others


def _shown(value: float | int | tuple[float, ...]) -> str:
    if isinstance(value, tuple):
        return " to ".join(_shown(one) for one in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)

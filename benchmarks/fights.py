#!/usr/bin/env python3
"""Does the model tell fights from other scenes of surveillance cameras, of which it never saw one?

python -m benchmarks.fights CLIPS RUN [RUN …] [--frames 4] [--views A,B] [--soup]

CLIPS holds fight/ and noFight/, 150 clips of two seconds each: the Surveillance Camera Fight Dataset (Aktı, Tataroğlu and
Ekenel 2019, MIT license, https://github.com/seymanurakti/fight-detection-surv-dataset).  Prints the area under the ROC curve of the
mean probability of fighting over evenly spaced frames of a clip, with its 95 % bootstrap interval, and the share of fights whose
likeliest action is fighting.  These clips choose nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from har_core.cli.options import add_views
from har_core.inference.predictor import Predictor
from har_core.media.clips import MAX_SIDE, ClipReader
from har_core.runs.run import Run
from har_core.training.soup import average

SECONDS, RESAMPLES = 2.0, 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=4, help="of each clip")
    add_views(parser)
    parser.add_argument("--soup", action="store_true", help="score the mean of all runs' weights too")
    given = parser.parse_args()
    runs = [Run.open(folder) for folder in given.runs]
    predictors = {run.name: Predictor.from_run(run, views=given.views) for run in runs}
    if given.soup:
        predictors["soup"] = Predictor(*average(runs))
    clips = [
        (path, folder == "fight")
        for folder in ("fight", "noFight")
        for path in sorted((given.clips / folder).iterdir())
    ]
    truth = np.array([fight for _, fight in clips])
    found: dict[str, list[np.ndarray]] = {name: [] for name in predictors}
    for path, _ in tqdm(clips, unit=" clips"):
        frames = stills(path, given.frames)
        for name, predictor in predictors.items():
            outcomes = predictor.predict_all(frames, lambda frame: frame)
            found[name].append(
                np.mean([one.probabilities for _, one in outcomes if not isinstance(one, Exception)], axis=0)
            )
    for name, predictor in predictors.items():
        probabilities, fighting = np.array(found[name]), predictor.spec.classes.index("fighting")
        scores = probabilities[:, fighting]
        low, high = interval(truth, scores)
        named = float((probabilities.argmax(axis=1) == fighting)[truth].mean())
        area = roc_auc_score(truth, scores)
        print(f"{name}: area under the ROC curve {area:.3f} ({low:.3f} to {high:.3f}), {named:.0%} of fights named so")


def stills(clip: Path, count: int) -> list[Image.Image]:
    """Frames of a clip of two seconds, evenly spaced; of one that is a little shorter, its last frame is the last."""
    reader, times = ClipReader(), (np.arange(count) + 0.5) * SECONDS / count
    return [reader.frame(clip, clip.name, float(time), side=MAX_SIDE).photo for time in times]


def interval(truth: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """95 % percentile bootstrap over clips, stratified by their label."""
    random = np.random.default_rng(0)
    kinds = [np.flatnonzero(truth == kind) for kind in (True, False)]
    areas = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([random.choice(kind, len(kind)) for kind in kinds])
        areas.append(roc_auc_score(truth[drawn], scores[drawn]))
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()

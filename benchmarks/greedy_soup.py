#!/usr/bin/env python3
"""Which of several trainings to average: greedily, by photos as they are and as they come from elsewhere.

python -m benchmarks.greedy_soup DATA RUN [RUN …] [--photos 105]

The greedy soup of Wortsman et al. 2022: the best run begins; each further one, in the order of their own values, stays in the
mean of the weights if the value does not fall.  The value is the mean of two accuracies: on all photos that the runs were
evaluated on, and on `--photos` of these after each shift of `har_core.data.shifts`.  Runs of `--eval-split dev` choose: test
photos are refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image
from tqdm import tqdm

from har_core.data.shifts import SHIFTS
from har_core.inference.predictor import PHOTO_SIDE, Predictor
from har_core.media.images import open_photo
from har_core.media.layout import photo_folder
from har_core.runs.predictions import evenly_spaced
from har_core.runs.run import Run
from har_core.training.soup import average

T = TypeVar("T")


class Value(NamedTuple):
    """Accuracies in [0, 1]."""

    home: float
    shifted: float

    @property
    def mean(self) -> float:
        return (self.home + self.shifted) / 2

    def __str__(self) -> str:
        return f"{self.mean:.4f} (home {self.home:.4f}, shifted {self.shifted:.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--photos", type=int, default=105, help="shown after each shift, evenly drawn")
    given = parser.parse_args()
    runs = [Run.open(folder) for folder in given.runs]
    if tested := [run.name for run in runs if run.manifest.data.eval_split != "dev"]:
        parser.error(f"expected runs that were evaluated on dev photos, found others: {', '.join(tested)}")
    photos = photo_folder(given.data)
    values = {run.name: value_of([run], photos, given.photos) for run in runs}
    ranked = sorted(runs, key=lambda run: values[run.name].mean, reverse=True)
    for run in ranked:
        print(f"{run.name:16} {values[run.name]}", flush=True)
    chosen, best = ranked[:1], values[ranked[0].name]
    for run in ranked[1:]:
        found = value_of([*chosen, run], photos, given.photos)
        stays = found.mean >= best.mean
        print(f"with {run.name:16} {found}: {'stays' if stays else 'does not stay'}", flush=True)
        if stays:
            chosen, best = [*chosen, run], found
    print(f"{' + '.join(run.name for run in chosen)}: {best}")


def value_of(runs: Sequence[Run], folder: Path, shifted: int) -> Value:
    """Of the mean of the runs' weights."""
    predictor, table = Predictor(*average(runs)), runs[0].predictions()
    photos = [folder / name for name in table.samples]
    shifts = [shift for group in SHIFTS.values() for shift in group.values()]
    rows = evenly_spaced(len(table), shifted)
    shown = [shift(photo) for photo in (open_photo(photos[row]) for row in rows.tolist()) for shift in shifts]
    true = np.repeat(table.true[rows], len(shifts))
    return Value(accuracy(predictor, photos, open_photo, table.true), accuracy(predictor, shown, _itself, true))


def accuracy(predictor: Predictor, items: Sequence[T], load: Callable[[T], Image.Image], true: np.ndarray) -> float:
    """The share of right answers, 0 to 1.

    Args:
        true: (items,) class indices.
    """
    outcomes = [outcome for _, outcome in predictor.predict_all(tqdm(items), load, photo_side=PHOTO_SIDE)]
    answers = [int(one.probabilities.argmax()) for one in outcomes if not isinstance(one, Exception)]
    return float((np.array(answers) == true).mean())


def _itself(photo: Image.Image) -> Image.Image:
    return photo


if __name__ == "__main__":
    main()

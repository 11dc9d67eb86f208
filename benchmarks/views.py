#!/usr/bin/env python3
"""Which parts of a photo should answer together, at home and elsewhere?

python -m benchmarks.views DATA RUN [--photos 1065] [--shifted 315]

Shows the photos that the run was evaluated on to its model as the evaluation crop, whole, and from nearer (where the crop, or
crop and whole photo together, had their evidence), and prints the accuracy of each and of their means: of the photos
themselves, and of evenly drawn ones after the shifts of scale and shape of `har_core.data.shifts`.  The passes column counts
positions of the network's input in areas of the evaluation crop.

For a run of `train.py DATA --eval-split dev`, so that nothing is chosen on the test photos.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from har_core.analysis.compare import mcnemar
from har_core.cam.class_maps import class_activation_maps
from har_core.data.shifts import SHIFTS
from har_core.inference.predictor import Predictor
from har_core.inference.views import Found, Look, evidence_box, first_looks, look_at
from har_core.media.images import open_photo
from har_core.media.layout import photo_folder
from har_core.runs.predictions import evenly_spaced
from har_core.runs.run import Run
from har_core.training.precision import choose_precision

LOOKS = ("center", "whole", "nearer in the crop", "nearer in the photo", "the same, at 192 pixels", "at 160 pixels")
MEANS: dict[str, tuple[float, ...]] = {
    "center": (1, 0, 0, 0, 0, 0),
    "whole": (0, 1, 0, 0, 0, 0),
    "nearer, found in the crop": (0, 0, 1, 0, 0, 0),
    "nearer, found in the photo": (0, 0, 0, 1, 0, 0),
    "the same, at 192 pixels": (0, 0, 0, 0, 1, 0),
    "the same, at 160 pixels": (0, 0, 0, 0, 0, 1),
    "center + whole": (1, 1, 0, 0, 0, 0),
    "center + nearer in the crop": (1, 0, 1, 0, 0, 0),
    "center + whole + half of nearer in the photo": (1, 1, 0, 0.5, 0, 0),
    "center + whole + nearer in the crop": (1, 1, 1, 0, 0, 0),
    "center + whole + nearer in the photo": (1, 1, 0, 1, 0, 0),
    "center + whole + nearer at 192 pixels": (1, 1, 0, 0, 1, 0),
    "center + whole + nearer at 160 pixels": (1, 1, 0, 0, 0, 1),
    "whole + nearer in the photo": (0, 1, 0, 1, 0, 0),
    "center + both nearer": (1, 0, 1, 1, 0, 0),
}
"""Weights of `LOOKS`."""

BATCH = 16


class Looker:
    """Looks at photos in every way."""

    def __init__(self, predictor: Predictor) -> None:
        self.model = predictor.model
        self.spec = predictor.spec.__class__(**{**vars(predictor.spec), "views": ("center", "whole")})
        self.precision = choose_precision(torch.device("cpu"))

    def logits(self, photos: Sequence[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
        """(N, 6, K) logits of `LOOKS`, and (N, 6) areas in those of the evaluation crop."""
        first = [first_looks(photo, self.spec) for photo in photos]
        found = list(self._find(list(itertools.chain(*first))))
        pairs = [found[2 * number : 2 * number + 2] for number in range(len(photos))]
        nearer = [
            [
                look_at(photo, evidence_box(of[:count], looks[:count], photo.size, self.spec), size)
                for count, size in ((1, self.spec.crop_size), (2, self.spec.crop_size), (2, 192), (2, 160))
            ]
            for photo, of, looks in zip(photos, pairs, first, strict=True)
        ]
        more = list(self._find(list(itertools.chain(*nearer))))
        looks = [[*a, *b] for a, b in zip(first, nearer, strict=True)]
        areas = [[look.image[0].numel() / self.spec.crop_size**2 for look in row] for row in looks]
        rows = [[*pair, *more[4 * number : 4 * number + 4]] for number, pair in enumerate(pairs)]
        return np.array([[one.logits for one in row] for row in rows]), np.array(areas)

    def _find(self, looks: list[Look]) -> Iterator[Found]:
        found: dict[int, Found] = {}
        shapes = [look.image.shape for look in looks]
        for shape in dict.fromkeys(shapes):
            numbers = [number for number, own in enumerate(shapes) if own == shape]
            with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == torch.bfloat16):
                out = class_activation_maps(self.model, torch.stack([looks[number].image for number in numbers]))
            for row, number in enumerate(numbers):
                parts = (out.logits[row], out.class_maps[row], out.embeddings[row])
                found[number] = Found(*(part.float().numpy() for part in parts))
        return (found[number] for number in range(len(looks)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--photos", type=int, default=1065, help="as they are, evenly drawn")
    parser.add_argument("--shifted", type=int, default=315, help="of each shift, evenly drawn")
    given = parser.parse_args()
    run = Run.open(given.run)
    looker, table, folder = Looker(Predictor.from_run(run)), run.predictions(), photo_folder(given.data)
    shifts = {"as they are": lambda photo: photo, **SHIFTS["scale"], **SHIFTS["shape"]}
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    areas: list[np.ndarray] = []
    for name, shift in shifts.items():
        rows = evenly_spaced(len(table), given.photos if name == "as they are" else given.shifted)
        logits = []
        for start in tqdm(range(0, len(rows), BATCH), desc=name):
            photos = [shift(open_photo(folder / table.samples[row])) for row in rows[start : start + BATCH]]
            of_batch, of_area = looker.logits(photos)
            logits.append(of_batch)
            areas.append(of_area)
        found[name] = np.concatenate(logits), table.true[rows]
    report(found, np.concatenate(areas).mean(axis=0))


def report(found: dict[str, tuple[np.ndarray, np.ndarray]], areas: np.ndarray) -> None:
    """Print a line for each mean.

    Args:
        found: of each shift, (N, 6, K) logits and (N,) true classes; the photos as they are come first.
        areas: (6,), of the looks.
    """
    print(f"{'':46} passes   home  shifted  worst  against center at home | " + " | ".join(list(found)[1:]))
    first: np.ndarray | None = None
    for name, weights in MEANS.items():
        right = {
            shift: np.einsum("v,nvk->nk", np.array(weights), logits).argmax(axis=1) == true
            for shift, (logits, true) in found.items()
        }
        home, *away = (float(each.mean()) for each in right.values())
        own = next(iter(right.values()))
        first = own if first is None else first
        test = mcnemar(first, own)
        passes = float(areas @ (np.array(weights) > 0))
        print(
            f"{name:46} {passes:6.2f}  {home:.4f}  {np.mean(away):.4f}  {min(away):.3f}  "
            f"+{test.fixed} -{test.broken}, p = {test.p:.3f} | " + " | ".join(f"{one:.3f}" for one in away),
            flush=True,
        )


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What each measure for speed is worth to `train.py`: photos a second with one of them taken back, or one more taken.

python -m benchmarks.speed_measures DATA --weights FILE [--batches 12] [--rounds 3]

The best recipe at its small crops, decoding included; all ways take turns within one run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor, nn

from benchmarks.time_to_accuracy import measure, ours, parser_of
from har_core.data import dataset
from har_core.data.dataset import Draw, PhotoDataset
from har_core.data.scan import scan
from har_core.media.images import open_photo
from har_core.models.registry import split_frozen
from har_core.training import features, trainer
from har_core.training.config import RECIPES, TrainConfig

Change = Callable[[], AbstractContextManager[object]]


def under(change: Change, make: Callable[[], Iterator[int]]) -> Iterator[int]:
    """Batches of a training that finds something otherwise, while others find it as it is."""
    going = make()
    while True:
        with change():
            photos = next(going)
        yield photos


def undivided(model: nn.Module, trainable: tuple[str, ...]) -> tuple[nn.Sequential, nn.Sequential]:
    """As `split_frozen`, but all stages in the part that learns; those that are frozen still hold no gradient."""
    trunk, head = split_frozen(model, trainable)
    return nn.Sequential(), nn.Sequential(*trunk, *head)


def main() -> None:
    given = parser_of(__doc__).parse_args()
    photos = scan(given.data, verify=False)
    best = RECIPES["best"].replace(weights=given.weights, full_crop_epochs=0)
    kept = {}

    def keeping(path: Path) -> object:
        """Each photo decoded once, and kept."""
        if path not in kept:
            kept[path] = open_photo(path)
        return kept[path]

    def ready(self: PhotoDataset, draw: Draw) -> tuple[Tensor, int, int]:
        side = best.crop_sizes[0]
        return torch.zeros(3, side, side), self.labels[draw.sample], draw.sample

    variants: dict[str, tuple[Change, TrainConfig]] = {
        "as it is": (nullcontext, best),
        "32-bit floats": (nullcontext, best.replace(precision="fp32")),
        "channels first": (lambda: patch.object(torch, "channels_last", torch.contiguous_format), best),
        "frozen stages not compiled": (lambda: patch.object(features, "_COMPILE_ABOVE", 10**12), best),
        "frozen stages within the learning pass": (lambda: patch.object(trainer, "split_frozen", undivided), best),
        "more: photos decoded before": (lambda: patch.object(dataset, "open_photo", keeping), best),
        "more: photos cost nothing": (lambda: patch.object(PhotoDataset, "__getitem__", ready), best),
    }
    for sample in photos.samples:
        keeping(sample.path)  # before the workers are forked, which then share them
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            name: (lambda change=change, config=config: under(change, lambda: ours(photos, config, Path(folder))))
            for name, (change, config) in variants.items()
        }
        speeds, _ = measure(ways, batches=given.batches, rounds=given.rounds)
    for name, speed in zip(ways, speeds, strict=True):
        print(f"{name:40} {speed:6.1f} photos/s   {speed / speeds[0]:5.2f} times the first")


if __name__ == "__main__":
    main()

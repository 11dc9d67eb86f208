"""A trained model + photos without labels → what it makes of them, which other models can learn from.

Self-training with soft labels, as in Xie et al. 2020 (Noisy Student) and Hinton et al. 2015 (distillation, temperature
1): the student's cross-entropy on such a photo is taken against the teacher's probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch import nn

from har_core.data import PHOTO_SUFFIXES, UNLABELLED_FOLDER, Progress, Sample
from har_core.dataset import PhotoDataset
from har_core.errors import DataError
from har_core.evaluation import probabilities
from har_core.files import atomic_path
from har_core.model import ModelSpec
from har_core.predictions import PROBABILITY, SAMPLE
from har_core.transforms import evaluation_transform


@dataclass(frozen=True)
class SoftLabels:
    """N photos, K classes.

    `photos`: (N,) paths below the data folder, with '/', unique.  `probabilities`: (N, K) float32, rows sum to 1.

    Raises:
        DataError: if that does not hold.
    """

    classes: tuple[str, ...]
    photos: tuple[str, ...]
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        if self.probabilities.shape != (len(self.photos), len(self.classes)):
            raise DataError(
                f"expected soft labels ({len(self.photos)}, {len(self.classes)}), found {self.probabilities.shape}"
            )
        sums = self.probabilities.sum(axis=1, dtype=np.float64)
        if not (np.abs(sums - 1) < 1e-3).all() or (self.probabilities < 0).any():
            raise DataError("expected soft labels of 0 or more that sum to 1, found others; write the file again")
        if len(set(self.photos)) < len(self.photos):
            raise DataError("expected a soft label a photo, found photos with several; write the file again")
        for photo in self.photos:
            if not isinstance(photo, str) or Path(photo).is_absolute() or ".." in Path(photo).parts:
                raise DataError(f"expected photos below the data folder, found {photo!r}; write the file again")

    def write(self, path: Path) -> None:
        """Store the table as `Predictions` are, without the true classes."""
        columns = {PROBABILITY + name: self.probabilities[:, index] for index, name in enumerate(self.classes)}
        with atomic_path(path) as partial:
            pd.DataFrame({SAMPLE: self.photos, **columns}).to_parquet(partial, index=False)

    @classmethod
    def read(cls, path: Path) -> SoftLabels:
        """Read and check a stored table.

        Raises:
            DataError: if the file is missing or damaged, or holds something else.
        """
        try:
            table = pd.read_parquet(path)
            photos = tuple(table.pop(SAMPLE))
            classes = tuple(name.removeprefix(PROBABILITY) for name in table.columns)
            return cls(classes, photos, table.to_numpy(np.float32))
        except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
            raise DataError(f"{path}: expected a table of soft labels, found none ({error}); write it again") from error
        except DataError as error:
            raise DataError(f"{path}: {error}") from error


class Taught(NamedTuple):
    """N photos, their likeliest classes as labels, and `probabilities` (N, K) float32, which they are to be given."""

    samples: list[Sample]
    probabilities: np.ndarray


def unlabelled(data: Path) -> list[Path]:
    """The photos without labels of a data folder in Kaggle's layout, sorted.

    Raises:
        DataError: if there are none.
    """
    folder = data / UNLABELLED_FOLDER
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    if not found:
        raise DataError(f"expected photos without labels in {folder}, found none; put them there")
    return found


def predict(
    model: nn.Module,
    spec: ModelSpec,
    data: Path,
    photos: Sequence[Path],
    *,
    device: torch.device,
    precision: torch.dtype,
    workers: int,
    progress: Progress | None = None,
) -> SoftLabels:
    """What a model makes of photos below a data folder: its probabilities, averaged over each photo and its mirror image.

    Raises:
        ImageError: if a photo cannot be read.
    """
    names = [path.relative_to(data).as_posix() for path in photos]
    dataset = PhotoDataset(photos, names, [-1] * len(photos), evaluation_transform(spec.crop_size, spec.resize))
    _, chances = probabilities(
        model, dataset, device=device, precision=precision, workers=workers, progress=progress
    )  # fmt: skip
    return SoftLabels(spec.classes, tuple(names), chances)


def taught(path: Path, data: Path, classes: tuple[str, ...]) -> Taught:
    """The photos of a data folder that a table gives soft labels to.

    Raises:
        DataError: if the table is damaged, photos are missing, or the labels are of other classes.
    """
    found = SoftLabels.read(path)
    missing = [photo for photo in found.photos if not (data / photo).is_file()]
    if missing:
        raise DataError(
            f"expected the {len(found.photos):,} photos of {path} below {data}, found all but {len(missing):,}, the "
            f"first of which is {missing[0]}; complete them, or train without --soft-labels"
        )
    if found.classes != classes:
        raise DataError(
            f"expected soft labels of the classes {', '.join(classes)}; found {', '.join(found.classes)} in {path}; "
            "write them with a model of these classes, or train without --soft-labels"
        )
    likeliest = found.probabilities.argmax(axis=1)
    samples = [
        Sample(photo, data / photo, classes[index]) for photo, index in zip(found.photos, likeliest, strict=True)
    ]
    return Taught(samples, found.probabilities)

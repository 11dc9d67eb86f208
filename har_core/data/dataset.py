"""Samples + transform → batches, in an order and with an augmentation that only the seed decides."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from har_core.data.samples import Sample
from har_core.data.transforms import Transform, seeded
from har_core.errors import HarError
from har_core.media.images import open_photo


class Batch(NamedTuple):
    """`images` float32 (B, 3, H, W); `labels` int64 (B,), -1 where a photo has none; `indices` int64 (B,).

    `targets`, where photos were mixed: float32 (B, K), the share of each class.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor
    targets: Tensor | None = None


class Draw(NamedTuple):
    """What a sampler asks for: a sample, augmented as in an epoch, by one of the dataset's transforms."""

    epoch: int
    sample: int
    transform: int = 0


class PhotoDataset(Dataset[tuple[Tensor, int, int]]):
    """Decodes and transforms one photo per call.

    Args:
        labels: class index of each sample.
        num_classes: of which they are some; as many as they name, if it is not given.
        seed: decides, with epoch and sample name, the outcome of a random transform.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        names: Sequence[str],
        labels: Sequence[int],
        *transforms: Transform,
        num_classes: int | None = None,
        seed: int = 0,
    ) -> None:
        self.paths, self.names, self.labels = list(paths), list(names), list(labels)
        self.transforms, self.seed = transforms, seed
        self.num_classes = max(self.labels, default=-1) + 1 if num_classes is None else num_classes

    @classmethod
    def of(
        cls, samples: Sequence[Sample], classes: Sequence[str], *transforms: Transform, seed: int = 0
    ) -> PhotoDataset:
        """A dataset of labeled samples; a label's index is its place in `classes`."""
        number = {label: index for index, label in enumerate(classes)}
        return cls(
            [s.path for s in samples],
            [s.name for s in samples],
            [number[s.label] for s in samples],
            *transforms,
            num_classes=len(classes),
            seed=seed,
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, int, int]:
        photo = open_photo(self.paths[draw.sample])
        image = seeded(self.transforms[draw.transform], photo, self.seed, draw.epoch, self.names[draw.sample])
        return image, self.labels[draw.sample], draw.sample


class EpochSampler(Sampler[list[Draw]]):
    """The batches of one epoch; `set` chooses the epoch, and the batch to begin with after an interruption.

    Every epoch visits every sample once, in an order that depends on (seed, epoch) alone.  A last batch of a
    single photo is dropped, since batch norms cannot train on it; `dropped` says how many photos an epoch leaves out.

    Of every batch a process draws its share.  Where that is empty it draws the batch's first photo, which is not its
    own, so that all processes make the same steps.
    """

    def __init__(self, size: int, batch_size: int, *, seed: int, rank: int = 0, world_size: int = 1) -> None:
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.rank, self.world_size = rank, world_size
        self.dropped = 1 if size % batch_size == 1 else 0
        self.epoch = 1
        self.first_batch = self.transform = 0

    def set(self, *, epoch: int, first_batch: int = 0, transform: int = 0) -> None:
        self.epoch, self.first_batch, self.transform = epoch, first_batch, transform

    def indices(self) -> list[list[int]]:
        """Sample indices of all batches of the epoch, the ones before `first_batch` included, over all processes."""
        order = torch.randperm(
            self.size, generator=torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        ).tolist()
        order = order[: self.size - self.dropped]
        return [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]

    def photos(self, batch: int) -> int:
        """How many photos a batch, counted from 0, has over all processes."""
        return min(self.batch_size, self.size - self.dropped - batch * self.batch_size)

    def __len__(self) -> int:
        return -(-(self.size - self.dropped) // self.batch_size)

    def __iter__(self) -> Iterator[list[Draw]]:
        for batch in self.indices()[self.first_batch :]:
            yield [
                Draw(self.epoch, index, self.transform) for index in batch[self.rank :: self.world_size] or batch[:1]
            ]


class SequentialSampler(Sampler[list[Draw]]):
    """All samples once, in their order, in batches of which a process draws its share."""

    def __init__(self, size: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> None:
        self.size, self.batch_size = size, batch_size
        self._starts = range(0, size, batch_size)[rank::world_size]

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[list[Draw]]:
        for start in self._starts:
            yield [Draw(0, index) for index in range(start, min(start + self.batch_size, self.size))]


def make_loader(dataset: PhotoDataset, batches: Sampler[list[Draw]], *, workers: int) -> Iterable[Batch]:
    """A loader whose workers outlive an epoch.

    Args:
        workers: processes that decode; 0 decodes in the calling process.

    Raises:
        ImageError: while iterating, if a photo cannot be read.
    """
    return _Loader(
        DataLoader(
            dataset,
            batch_sampler=batches,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=_collate,
            pin_memory=torch.cuda.is_available(),
        )
    )


class _Loader:
    """Batches of a DataLoader; what goes wrong in a worker is raised in its own words, without the worker's traceback."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Batch]:
        try:
            yield from self._batches
        except HarError as error:
            kind = type(error)
            raise kind(str(error).rpartition(f"{kind.__name__}: ")[2].strip()) from error


def default_workers() -> int:
    """Decoding processes for this machine: one core in four, so that the model keeps the others; at least 1, at most 8.

    A decoded and transformed photo costs a core about 4 ms, a ResNet-50 step on a CPU core well over 100 ms.
    With a GPU decoding is what is scarce, and every core but one helps.  The processes that torchrun started on this
    machine share its cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = cores - 1 if torch.cuda.is_available() else cores // 4
    return min(8, max(1, free // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))


def _collate(items: list[tuple[Tensor, int, int]]) -> Batch:
    images, labels, indices = zip(*items, strict=True)
    return Batch(torch.stack(images), torch.tensor(labels), torch.tensor(indices))

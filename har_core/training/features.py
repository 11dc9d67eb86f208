"""The frozen stages, computed once a batch without graph or gradient: photos → what the learning stages see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from har_core.data.dataset import Batch, EpochSampler, PhotoDataset, SequentialSampler, make_loader
from har_core.data.mixing import Mixing
from har_core.data.transforms import seed_of
from har_core.training.config import TrainConfig
from har_core.training.distributed import SINGLE, Processes

Forward = Callable[[Tensor], Tensor]

_COMPILE_ABOVE = 2000
"""Photos from which compiling the frozen stages (about half a minute) pays on a CPU."""


def frozen_forward(frozen: nn.Sequential, device: torch.device, precision: torch.dtype) -> Forward:
    """The frozen stages as a function of a batch of images."""

    def forward(images: Tensor) -> Tensor:
        images = images.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16):
            activations: Tensor = frozen(images)
            return activations

    return forward


def compiled(forward: Forward, shapes: set[tuple[int, int, int, int]], *, photos: int) -> Forward:
    """The same function on a CPU, compiled for batches of some shapes when they first come, where that pays.

    Compiling folds the batch norms into the convolutions; what that is worth, `benchmarks/speed_measures.py` prints.
    Where there is no compiler, too few photos to repay the half minute it takes, or a batch of another shape, the
    function runs as it is.

    Args:
        photos: how many will pass through it.
    """
    if photos < _COMPILE_ABOVE:
        return forward
    fast: Forward | None = torch.compile(forward, dynamic=False, options={"freezing": True})

    def run(images: Tensor) -> Tensor:
        nonlocal fast
        if fast is not None and tuple(images.shape) in shapes:
            try:
                return fast(images)
            except Exception:  # no C++ compiler, or one that torch cannot use
                fast = None
        return forward(images)

    return run


class FeatureLoader:
    """Batches of what the learning stages see: activations behind the frozen stages, or images where none is frozen.

    Args:
        frozen: of `split_frozen`.
        precision: of the frozen stages, float32 or bfloat16; the activations are float32.
        workers: processes that decode photos.
    """

    def __init__(
        self,
        train: PhotoDataset,
        evaluation: PhotoDataset,
        config: TrainConfig,
        frozen: nn.Sequential,
        *,
        device: torch.device,
        precision: torch.dtype,
        workers: int,
        processes: Processes = SINGLE,
    ) -> None:
        self.config, self._rank = config, processes.rank
        self._mixing = Mixing(mixup=config.mixup, cutmix=config.cutmix, num_classes=train.num_classes)
        share = {"rank": processes.rank, "world_size": processes.world_size}
        self.order = EpochSampler(len(train), config.batch_size, seed=config.seed, **share)
        self.size = len(train) - self.order.dropped
        self._train = make_loader(train, self.order, workers=workers)
        self._evaluation = make_loader(
            evaluation, SequentialSampler(len(evaluation), config.batch_size, **share), workers=workers
        )
        self._forward: Forward | None = frozen_forward(frozen, device, precision) if len(frozen) else None
        if self._forward is not None and device.type == "cpu":
            shapes = {(config.batch_size, 3, size, size) for size in config.crop_sizes}
            self._forward = compiled(self._forward, shapes, photos=config.total_epochs * (len(train) + len(evaluation)))

    def train(self, epoch: int, first_batch: int = 0) -> Iterator[Batch]:
        """This process's share of an epoch's batches, augmented, from `first_batch` (counted from 0)."""
        full_crop = int(self.config.is_full_crop(epoch))
        self.order.set(epoch=self.config.draw_of(epoch), first_batch=first_batch, transform=full_crop)
        yield from self._behind_frozen(self._mixed(self._train, epoch, first_batch) if self._mixing else self._train)

    def _mixed(self, batches: Iterable[Batch], epoch: int, first_batch: int) -> Iterator[Batch]:
        for number, batch in enumerate(batches, first_batch):
            drawn = seed_of(self.config.seed, self.config.draw_of(epoch), f"batch {number} of process {self._rank}")
            images, targets = self._mixing(batch.images, batch.labels, seed=drawn)
            yield batch._replace(images=images, targets=targets)

    def evaluation(self) -> Iterator[Batch]:
        """This process's share of the evaluation photos, in their order."""
        yield from self._behind_frozen(self._evaluation)

    def _behind_frozen(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            yield batch if self._forward is None else batch._replace(images=self._forward(batch.images).float())

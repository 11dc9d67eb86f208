"""Activations behind the frozen stages, kept on disk for a few augmented views of every photo.

While the first stages are frozen, a photo that is cropped in the same way gives the same activations in every
epoch.  Computed once and read back, they leave only the trainable stages to run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from har_core.config import TrainConfig
from har_core.data import Progress
from har_core.dataset import Batch, EpochBatches, InOrder, PhotoDataset, loader
from har_core.files import atomic_path
from har_core.parallel import ALONE, Processes

Forward = Callable[[Tensor], Tensor]

_COMPILE_ABOVE = 2000
"""Photos from which compiling the frozen stages (about half a minute) pays on a CPU."""


class ActivationCache:
    """Memory-mapped files `view-V.npy` (N, C, h, w) float16, one a view, in a folder that names what they depend on.

    Args:
        folder: may hold caches of other models and data; each has a subfolder of its own.
        key: everything that the activations depend on besides the view; JSON values.
    """

    def __init__(self, folder: Path, key: dict[str, object]) -> None:
        text = json.dumps(key, sort_keys=True)
        self.folder = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        self._key_text = text

    def path(self, view: int) -> Path:
        return self.folder / f"view-{view}.npy"

    def get(self, view: int) -> np.ndarray | None:
        """The view's activations, read-only and memory-mapped; None if they have not been computed."""
        return np.load(self.path(view), mmap_mode="r") if self.path(view).is_file() else None

    def fill(
        self,
        view: int,
        dataset: PhotoDataset,
        trunk: Forward,
        *,
        batch_size: int,
        workers: int,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Compute a view, write it under its name when it is complete, and return it as `get` does.

        Raises:
            OSError: if the disk has no room for it (checked before the first photo).
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "key.json").write_text(self._key_text, encoding="utf-8")
        store: np.memmap | None = None
        with atomic_path(self.path(view)) as partial:
            for batch in loader(dataset, InOrder(len(dataset), batch_size, view=view), workers=workers):
                values = trunk(batch.images).to(torch.float16).contiguous().cpu().numpy()
                if store is None:
                    shape = (len(dataset), *values.shape[1:])
                    _require_room(self.folder, int(np.prod(shape)) * 2)
                    store = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
                indices = batch.indices.numpy()
                store[indices] = values
                if progress is not None:
                    progress(int(indices[-1]) + 1, len(dataset))
            if store is not None:
                store.flush()
        result = self.get(view)
        assert result is not None
        return result


def cached_batches(store: np.ndarray, labels: Tensor, batches: list[list[int]]) -> Iterator[Batch]:
    """Batches of stored activations in place of images: float32 (B, C, h, w), channels-last."""
    for batch in batches:
        order = np.sort(batch)  # neighbours on disk are read together
        values = torch.from_numpy(np.asarray(store[order])).float().contiguous(memory_format=torch.channels_last)
        indices = torch.from_numpy(order)
        yield Batch(values, labels[indices], indices)


def frozen_forward(trunk: nn.Sequential, device: torch.device, precision: torch.dtype) -> Forward:
    """The frozen stages as a function of a batch of images, without graph or gradient."""

    def forward(images: Tensor) -> Tensor:
        images = images.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16):
            activations: Tensor = trunk(images)
            return activations

    return forward


def compiled(forward: Forward, shapes: set[tuple[int, int, int, int]], *, photos: int) -> Forward:
    """The same function on a CPU, compiled for batches of some shapes when they first come, where that pays.

    Compiling folds the batch norms into the convolutions; what that is worth, `benchmarks/speed_measures.py` prints.  Where
    there is no compiler, too few photos to repay the half minute it takes, or a batch of another shape, the function
    runs as it is.

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


class Feed:
    """What the trainable stages learn from: images where nothing is frozen, otherwise activations behind the frozen stages.

    Validation photos are always cropped alike, so behind frozen stages a single process computes their activations once.
    """

    def __init__(
        self,
        training: PhotoDataset,
        validation: PhotoDataset,
        config: TrainConfig,
        frozen: Forward | None,
        cache: ActivationCache,
        workers: int,
        progress: Progress | None,
        processes: Processes = ALONE,
    ) -> None:
        self.training_set, self.validation_set, self.config = training, validation, config
        self.cache, self.workers, self.progress, self.processes = cache, workers, progress, processes
        self.order = EpochBatches(len(training), config.batch_size, seed=config.seed, processes=processes)
        self.size = len(training) - self.order.dropped
        self.frozen = frozen
        self._loader = loader(training, self.order, workers=workers)
        self._labels = torch.tensor(training.labels), torch.tensor(validation.labels)

    def training(self, epoch: int, first_batch: int) -> Iterator[Batch]:
        views = self.config.views
        view = (epoch - 1) % views + 1 if views else epoch
        full_size = int(self.config.full_size(epoch))
        self.order.set(epoch=epoch, view=view, first_batch=first_batch, transform=full_size)
        if self.frozen is not None and views:
            store = self._stored(view, self.training_set)
            yield from cached_batches(store, self._labels[0], self.order.indices()[first_batch:])
            return
        yield from self._behind_frozen(self._loader)

    def validation(self) -> Iterator[Batch]:
        size, step = len(self.validation_set), self.config.batch_size
        chunks = [list(range(start, min(start + step, size))) for start in range(0, size, step)]
        if self.frozen is not None and self.processes.count == 1:
            yield from cached_batches(self._stored(0, self.validation_set), self._labels[1], chunks)
            return
        order = InOrder(size, step, processes=self.processes)
        yield from self._behind_frozen(loader(self.validation_set, order, workers=self.workers))

    def _behind_frozen(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            yield batch if self.frozen is None else batch._replace(images=self.frozen(batch.images).float())

    def _stored(self, view: int, dataset: PhotoDataset) -> np.ndarray:
        stored = self.cache.get(view)
        if stored is None:
            assert self.frozen is not None
            stored = self.cache.fill(
                view,
                dataset,
                self.frozen,
                batch_size=self.config.batch_size,
                workers=self.workers,
                progress=self.progress,
            )
        return stored


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed * 1.05:
        raise OSError(
            f"expected {needed / 1e9:.1f} GB free in {folder} for one view of activations, found {free / 1e9:.1f} GB; "
            "make room, choose another --cache folder, or train with --views 0"
        )

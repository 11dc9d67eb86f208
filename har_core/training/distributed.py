"""One training in several processes, as torchrun starts them: each has its own device and its share of every batch."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from har_core.errors import HarError

T = TypeVar("T")

_TIMEOUT = timedelta(days=1)
"""How long processes wait for the first, which alone decodes all photos once and looks for near-duplicates.

That takes hours for millions of photos.  Where a process has died, torchrun ends the others at once.
"""


@dataclass(frozen=True)
class Processes:
    """This process among those of a training.  Only the one with `rank` 0 writes files and reports."""

    rank: int = 0
    world_size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, items: Sequence[T]) -> list[T]:
        """This process's part of a sequence; together the parts are the whole, each item once."""
        return list(items[self.rank :: self.world_size])

    def sum(self, *values: float) -> list[float]:
        """Each value summed over the processes, in 64-bit arithmetic."""
        if self.world_size == 1:
            return list(values)
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        sums = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.all_reduce(sums)
        return sums.tolist()

    def from_first(self, make: Callable[[], T]) -> T:
        """What `make` returns in the first process, or the error it raises there, in all of them."""
        if self.world_size == 1:
            return make()
        found: list[T | HarError | None] = [None]
        if self.first:
            try:
                found = [make()]
            except HarError as error:
                found = [error]
        distributed.broadcast_object_list(found, src=0)
        if isinstance(found[0], HarError):
            raise found[0]
        return found[0]  # type: ignore[return-value]

    def synchronized(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The module, with gradients that `backward` averages over the processes."""
        if self.world_size == 1:
            return module
        return DistributedDataParallel(module, device_ids=[device.index] if device.type == "cuda" else None)


SINGLE = Processes()


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[Processes, torch.device]]:
    """Join the other processes that torchrun started, if it did, for the time of a `with` block.

    Gradients travel by NCCL between CUDA devices, of which each process of a machine takes its own, otherwise by Gloo.

    Yields:
        (this process among all, its device).
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield SINGLE, device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    try:
        yield Processes(distributed.get_rank(), world_size), device
    finally:
        gc.collect()  # a model in a reference cycle would keep the group's threads until the interpreter ends, and abort it
        distributed.destroy_process_group()

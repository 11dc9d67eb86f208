"""Model + loader → predictions, class maps, embeddings; and the one figure that training needs after an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.data import Progress
from har_core.dataset import Batch, InOrder, PhotoDataset, loader
from har_core.explain import explain
from har_core.parallel import ALONE, Processes
from har_core.predictions import Predictions


@dataclass(frozen=True)
class Evaluation:
    """Of N photos and K classes: `maps` (N, K, h, w) float16, the raw signed class maps; `embeddings` (N, D) float16."""

    predictions: Predictions
    maps: np.ndarray
    embeddings: np.ndarray


def evaluate(
    model: nn.Module,
    dataset: PhotoDataset,
    classes: tuple[str, ...],
    *,
    device: torch.device,
    workers: int,
    batch_size: int = 32,
    progress: Progress | None = None,
) -> Evaluation:
    """Predict every photo of a labelled dataset, in 32-bit arithmetic, in the dataset's order."""
    probabilities, maps, embeddings = [], [], []
    done = 0
    for batch in loader(dataset, InOrder(len(dataset), batch_size), workers=workers):
        explained = explain(model, batch.images.to(device))
        probabilities.append(explained.logits.softmax(dim=1).cpu().numpy())
        maps.append(explained.maps.half().cpu().numpy())
        embeddings.append(explained.embeddings.half().cpu().numpy())
        done += len(batch.labels)
        if progress is not None:
            progress(done, len(dataset))
    predictions = Predictions(
        classes,
        np.array(dataset.names, dtype=object),
        np.array(dataset.labels, dtype=np.int64),
        np.concatenate(probabilities),
    )
    return Evaluation(predictions, np.concatenate(maps), np.concatenate(embeddings))


def probabilities(
    model: nn.Module,
    dataset: PhotoDataset,
    *,
    device: torch.device,
    precision: torch.dtype,
    workers: int,
    batch_size: int = 32,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(N, K) float32 of every photo, and of its mean with its mirror image.

    Args:
        precision: of the forward pass, float32 or bfloat16.

    Raises:
        ImageError: if a photo cannot be read.
    """
    model = model.to(device).eval()
    once, both = [], []
    for batch in loader(dataset, InOrder(len(dataset), batch_size), workers=workers):
        images = batch.images.to(device).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16):
            plain, mirrored = (model(view).float().softmax(dim=1).cpu().numpy() for view in (images, images.flip(3)))
        once.append(plain)
        both.append((plain + mirrored) / 2)
        if progress is not None:
            progress(int(batch.indices[-1]) + 1, len(dataset))
    return np.concatenate(once), np.concatenate(both)


def loss_and_accuracy(
    forward: Callable[[Tensor], Tensor],
    batches: Iterable[Batch],
    device: torch.device,
    processes: Processes = ALONE,
) -> tuple[float, float]:
    """Mean cross-entropy (nats) and share of right answers, in [0, 1], over the `batches` of all processes."""
    loss, right, seen = 0.0, 0.0, 0.0
    for batch in batches:
        labels = batch.labels.to(device)
        with torch.no_grad():
            logits = forward(batch.images.to(device)).float()
        loss += functional.cross_entropy(logits, labels, reduction="sum").item()
        right += int((logits.argmax(dim=1) == labels).sum())
        seen += len(labels)
    loss, right, seen = processes.sum(loss, right, seen)
    return loss / seen, right / seen

"""Model + photos → what each shows, how sure the model is, and where it found the evidence."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from har_core.cam.closed_form import CamOutput, class_activation_maps
from har_core.data.transforms import Box, center_crop_box, eval_transform
from har_core.errors import Cancelled, CheckpointError, ImageError
from har_core.models.checkpoint import load_checkpoint
from har_core.models.numerics import exact_fp32
from har_core.models.spec import ModelSpec
from har_core.runs.manifest import MODEL
from har_core.runs.run import Run

T = TypeVar("T")


@dataclass(frozen=True)
class Prediction:
    """A photo and what the model says of it.  K classes, D features.

    `photo`: upright, RGB.  `probabilities`: (K,) float32, sum 1, in the order of `classes`.  `class_maps`: (K, h, w)
    float32, raw and signed.  `embedding`: (D,) float32, pooled features.  `crop`: the part of the photo that the network
    saw, in the photo's pixels.  `input`: (3, H, W) float32, that part resized and normalized.
    """

    name: str
    photo: Image.Image
    classes: tuple[str, ...]
    probabilities: np.ndarray
    class_maps: np.ndarray
    embedding: np.ndarray
    crop: Box
    input: Tensor

    @property
    def ranking(self) -> list[int]:
        """Class indices, the most probable first."""
        return [int(index) for index in np.argsort(-self.probabilities, kind="stable")]

    @property
    def predicted(self) -> str:
        return self.classes[self.ranking[0]]

    @property
    def confidence(self) -> float:
        """The probability of the predicted class, in [0, 1]."""
        return float(self.probabilities[self.ranking[0]])

    @cached_property
    def key(self) -> str:
        """A digest of the input, which tells photos of the same name apart: a camera has one name for all of its photos."""
        return hashlib.blake2b(self.input.numpy().tobytes(), digest_size=16).hexdigest()

    def shrunk(self, side: int) -> Prediction:
        """The same with a photo whose longer side has at most `side` pixels."""
        photo, crop = _shrunk(self.photo, self.crop, side)
        return replace(self, photo=photo, crop=crop)


Outcome = Prediction | ImageError | OSError
"""A prediction, or why the photo could not be read."""


class Predictor:
    """A model with the transform that feeds it.  Holds no state between calls: threads may share one.

    One thread of its own runs the network for all callers.  Each forward pass uses all cores, so that they are served one
    after the other, and the memory of one pass is used again by the next instead of being kept for every thread.
    """

    def __init__(self, model: nn.Module, spec: ModelSpec, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.model, self.spec = model.to(self.device), spec
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._transform = eval_transform(spec.crop_size, spec.resize)

    @classmethod
    def from_run(cls, run: Run, device: torch.device | None = None) -> Predictor:
        """The predictor of a run folder.

        Raises:
            RunError: if the run has no model, or not the one that its manifest lists.
            CheckpointError: if the model file is damaged, or of other classes than the manifest.
        """
        model, spec = load_checkpoint(run.file(MODEL))
        if spec.classes != run.classes:
            raise CheckpointError(
                f"{run.folder / MODEL}: expected the classes of the manifest, found {len(spec.classes)} others; "
                "copy the run again"
            )
        return cls(model, spec, device)

    def preprocess(self, photo: Image.Image) -> Tensor:
        """What the network sees of an upright RGB photo: (3, crop_size, crop_size) float32, normalized."""
        return self._transform(photo)

    def forward(self, images: Tensor) -> CamOutput:
        """Predict normalized images (B, 3, crop_size, crop_size) in 32-bit arithmetic."""
        return self._network.submit(self._forward, images).result()

    def predict(self, photo: Image.Image, name: str) -> Prediction:
        """Predict one upright RGB photo."""
        ((_, outcome),) = self.predict_all([photo], lambda photo: photo, name=lambda _: name)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def predict_all(
        self,
        items: Iterable[T],
        load: Callable[[T], Image.Image],
        *,
        name: Callable[[T], str] = str,
        batch_size: int = 16,
        flip: bool = False,
        photo_side: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[T, Outcome]]:
        """Predict photos in batches, while threads decode the next ones.

        Args:
            items: what stands for a photo: a path, a sample, an upload.  They are taken as they are needed.
            load: an item → an upright RGB photo; called in several threads.
            name: an item → the name of its prediction.
            flip: average the probabilities of each photo and its mirror image; class maps and embedding remain those of
                the photo itself.
            photo_side: shrink the photo of each prediction to so many pixels, to save memory (see `Prediction.shrunk`).
            cancelled: asked before every batch.

        Yields:
            (item, outcome), one for each item and in their order.  The outcome of an item whose `load` raised an
            ImageError or OSError is that error.

        Raises:
            Cancelled: as soon as `cancelled` returns true.
        """

        def prepare(item: T) -> _Prepared | ImageError | OSError:
            try:
                photo = load(item)
            except (ImageError, OSError) as error:
                return error
            crop = center_crop_box(*photo.size, crop_size=self.spec.crop_size, resize=self.spec.resize)
            image = self.preprocess(photo)
            if photo_side is not None:
                photo, crop = _shrunk(photo, crop, photo_side)
            return _Prepared(name(item), photo, crop, image)

        source = iter(items)
        ahead: deque[tuple[T, Future[_Prepared | ImageError | OSError]]] = deque()
        pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="decode")
        try:
            while True:
                if cancelled():
                    raise Cancelled("predicting was stopped; nothing was kept")
                for item in itertools.islice(source, 2 * batch_size - len(ahead)):
                    ahead.append((item, pool.submit(prepare, item)))
                if not ahead:
                    return
                batch = [ahead.popleft() for _ in range(min(batch_size, len(ahead)))]
                yield from self._predict_batch([(item, prepared.result()) for item, prepared in batch], flip=flip)
        finally:
            pool.shutdown(cancel_futures=True)

    def _predict_batch(
        self, batch: list[tuple[T, _Prepared | ImageError | OSError]], *, flip: bool
    ) -> Iterator[tuple[T, Outcome]]:
        images = [prepared.image for _, prepared in batch if isinstance(prepared, _Prepared)]
        if images:
            stacked = torch.stack(images)
            found = self.forward(stacked)
            probabilities = found.logits.softmax(dim=1)
            if flip:
                probabilities = (probabilities + self.forward(stacked.flip(3)).logits.softmax(dim=1)) / 2
            arrays = [tensor.cpu().numpy() for tensor in (probabilities, found.class_maps, found.embeddings)]
        row = 0
        for item, prepared in batch:
            if not isinstance(prepared, _Prepared):
                yield item, prepared
                continue
            # Copies: a view would keep the whole batch in memory.
            own, class_maps, embedding = (array[row].copy() for array in arrays)
            row += 1
            yield (
                item,
                Prediction(
                    name=prepared.name,
                    photo=prepared.photo,
                    classes=self.spec.classes,
                    probabilities=own,
                    class_maps=class_maps,
                    embedding=embedding,
                    crop=prepared.crop,
                    input=prepared.image,
                ),
            )

    def _forward(self, images: Tensor) -> CamOutput:
        with exact_fp32():
            return class_activation_maps(self.model, images.to(self.device))


@dataclass(frozen=True)
class _Prepared:
    """A decoded photo, and the network's input made of it."""

    name: str
    photo: Image.Image
    crop: Box
    image: Tensor


def _shrunk(photo: Image.Image, crop: Box, side: int) -> tuple[Image.Image, Box]:
    small = photo.copy()
    small.thumbnail((side, side))
    across, down = small.width / photo.width, small.height / photo.height
    return small, Box(crop.left * across, crop.top * down, crop.right * across, crop.bottom * down)

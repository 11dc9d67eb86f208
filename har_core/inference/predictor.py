"""Model + photos → what each shows, how sure the model is, and where it found the evidence."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from har_core.analysis.unknown import known_score
from har_core.cam.class_maps import CamOutput, class_activation_maps
from har_core.data.transforms import Box, eval_transform
from har_core.errors import Cancelled, CheckpointError, ImageError
from har_core.inference import views
from har_core.inference.engines import Engine, load
from har_core.inference.prediction import Outcome, Prediction
from har_core.inference.views import Found, Look
from har_core.models.anatomy import WholeNetwork
from har_core.models.numerics import exact_fp32
from har_core.models.registry import anatomy_of, head
from har_core.models.spec import ModelSpec
from har_core.runs.manifest import CENTER_ALONE, Explanation, View
from har_core.runs.run import Run

T = TypeVar("T")

PHOTO_SIDE = 64
"""Pixels of the photos of predictions whose photos are not needed after decoding."""


class Predictor:
    """A model with the transform that feeds it.  Holds no state between calls: threads may share one.

    One thread of its own runs the network for all callers.  Each forward pass uses all cores, so that they are served one
    after the other, and the memory of one pass is used again by the next instead of being kept for every thread.

    Raises:
        CheckpointError: if the network cannot look at the parts of a photo that the spec names.
    """

    def __init__(self, model: nn.Module, spec: ModelSpec, device: torch.device | None = None) -> None:
        if "evidence" in spec.views and anatomy_of(model).explanation == "occlusion":
            raise CheckpointError(
                "expected views without evidence for a network that is explained by occlusion, found "
                f"{','.join(spec.views)}; pass --views center"
            )
        if spec.views != CENTER_ALONE and not spec.any_size:
            raise CheckpointError(
                f"expected the view center alone for a network that takes {spec.crop_size} × {spec.crop_size} pixels only, "
                f"found {','.join(spec.views)}; pass --views center"
            )
        self.device = device or torch.device("cpu")
        self.model, self.spec = model.to(self.device), spec
        self._runner = self.model
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")

    @classmethod
    def from_run(
        cls,
        run: Run,
        device: torch.device | None = None,
        *,
        views: tuple[View, ...] | None = None,
        engine: Engine = "torch",
        engines: Path | None = None,
    ) -> Predictor:
        """The predictor of a run folder.

        Args:
            views: the parts of a photo that answer, if not those that are stored with the model.
            engine: what runs the network; "auto": the faster one on this machine's processor, as `engines.choose` finds.  With
                onnxruntime the last maps cannot be reached (`has_last_maps`); it runs on processors alone.
            engines: where exported files lie, if not in `engines.engines_folder()`.

        Raises:
            RunError: if the run has no model, or not the one that its manifest lists.
            CheckpointError: if the model file is damaged, or of other classes than the manifest; with the engine "onnx", if it
                has not been exported.
        """
        on_processor = device is None or device.type == "cpu"
        model, spec = load(run, engine if on_processor or engine != "auto" else "torch", engines)
        if spec.classes != run.classes[: len(spec.classes)]:  # labels that the model does not know may follow
            raise CheckpointError(
                f"{run.folder / run.weights}: expected the classes of the manifest, found {len(spec.classes)} others; "
                "copy the run again"
            )
        return cls(model, spec if views is None else replace(spec, views=views), device)

    def run_by(self, network: nn.Module) -> None:
        """Let another engine's copy of the network answer from now on.  The model stays for what only it can: `logits`, and other
        methods of explanation.
        """
        self._runner = network

    @property
    def explanation(self) -> Explanation:
        """How the class maps are made."""
        return anatomy_of(self.model).explanation

    @property
    def has_last_maps(self) -> bool:
        """Whether other methods can get at the network's last maps."""
        return not isinstance(anatomy_of(self.model), WholeNetwork)

    def preprocess(self, photo: Image.Image) -> Tensor:
        """The evaluation crop of an upright RGB photo: (3, crop_size, crop_size) float32, normalized."""
        return eval_transform(self.spec.crop_size, self.spec.resize, self.spec.preprocessing)(photo)

    def forward(self, images: Tensor, *, occlude: bool = True) -> CamOutput:
        """Predict normalized images (B, 3, H, W) in 32-bit arithmetic.

        Args:
            occlude: as in `class_activation_maps`.
        """
        return self._network.submit(self._forward, images, occlude).result()

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        """(N, D) pooled features → (N, K) float32, as the last layer makes them, not divided by the temperature.

        Raises:
            ValueError: if the last layer cannot be reached, or takes others.
        """
        last = head(self.model)
        weight, bias = (part.detach().float().cpu().numpy() for part in (last.weight, last.bias))
        return np.asarray(np.asarray(embeddings, dtype=np.float32) @ weight.T + bias)

    def predict(
        self,
        photo: Image.Image,
        name: str,
        box: Box | None = None,
        *,
        photo_side: int | None = None,
        occlude: bool = True,
    ) -> Prediction:
        """Predict one upright RGB photo, or what is in a box of it, in its pixels.

        Args:
            photo_side, occlude: as of `predict_all`.
        """
        ((_, outcome),) = self.predict_all(
            [photo], lambda photo: photo, name=lambda _: name, photo_side=photo_side, box=box, occlude=occlude
        )
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
        photo_side: int | None = None,
        box: Box | None = None,
        occlude: bool = True,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[T, Outcome]]:
        """Predict photos in batches, while threads decode the next ones.

        Args:
            items: what stands for a photo: a path, a sample, an upload.  They are taken as they are needed.
            load: an item → an upright RGB photo; called in several threads.
            name: an item → the name of its prediction.
            photo_side: shrink the photo of each prediction to so many pixels, to save memory (see `Prediction.shrunk`).
            box: the part of every photo, in its pixels, that the model looks at in place of its own views.
            occlude: false for maps of (K, 1, 1) zeros from networks that are explained by occlusion: 49 passes a photo less.
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
            return _prepared(name(item), photo, self.spec, box, photo_side)

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
                yield from self._predict_batch([(item, prepared.result()) for item, prepared in batch], occlude)
        finally:
            pool.shutdown(cancel_futures=True)

    def _predict_batch(
        self, batch: list[tuple[T, _Prepared | ImageError | OSError]], occlude: bool
    ) -> Iterator[tuple[T, Outcome]]:
        photos = [prepared for _, prepared in batch if isinstance(prepared, _Prepared)]
        found = self._look([look.image for prepared in photos for look in prepared.looks], occlude)
        for prepared in photos:
            prepared.found = [next(found) for _ in prepared.looks]
        if photos and "evidence" in self.spec.views and not photos[0].boxed:
            for prepared in photos:
                prepared.nearer = views.nearer_look(
                    prepared.kept, prepared.size, prepared.found, prepared.looks, self.spec
                )
            found = self._look([prepared.nearer.image for prepared in photos if prepared.nearer is not None], occlude)
            for prepared in photos:
                prepared.found.append(next(found))
        for item, outcome in batch:
            yield item, self._prediction(outcome) if isinstance(outcome, _Prepared) else outcome

    def _prediction(self, prepared: _Prepared) -> Prediction:
        looks, found, own = prepared.looks, prepared.found, self.spec.views
        region = looks[-1]
        if prepared.nearer is not None:
            looks = [*looks, prepared.nearer]
            if own == ("evidence",):
                looks, found = looks[-1:], found[-1:]
        alone = prepared.boxed or own == CENTER_ALONE
        answer = found[0] if alone else views.combine(found, looks, region.box)
        size = prepared.photo.width / prepared.size[0], prepared.photo.height / prepared.size[1]
        return Prediction(
            name=prepared.name,
            photo=prepared.photo,
            classes=self.spec.classes,
            probabilities=views.softmax(answer.logits / np.float32(self.spec.temperature)),
            class_maps=answer.class_maps,
            embedding=answer.embedding,
            crop=region.box.scaled(*size),
            input=region.image,
            nearer=prepared.nearer.box.scaled(*size) if prepared.nearer is not None else None,
            known=float(known_score(answer.logits[None])[0]),
        )

    def _look(self, images: Sequence[Tensor], occlude: bool) -> Iterator[Found]:
        """What the network finds in each of the images, in their order; those of one size go through it together."""
        found: list[Found | None] = [None] * len(images)
        sizes = [tuple(image.shape) for image in images]
        for size in dict.fromkeys(sizes):
            numbers = [number for number, own in enumerate(sizes) if own == size]
            outcome = self.forward(torch.stack([images[number] for number in numbers]), occlude=occlude)
            arrays = [tensor.cpu().numpy() for tensor in (outcome.logits, outcome.class_maps, outcome.embeddings)]
            for row, number in enumerate(numbers):
                # Copies: a view would keep the whole batch in memory.
                found[number] = Found(*(array[row].copy() for array in arrays))
        return (one for one in found if one is not None)

    def _forward(self, images: Tensor, occlude: bool) -> CamOutput:
        with exact_fp32():
            return class_activation_maps(self._runner, images.to(self.device), occlude=occlude)


@dataclass
class _Prepared:
    """A decoded photo of that `size` in pixels, the looks at it, and what is found in them.

    `photo` and `kept` may be smaller than the photo was: the one is shown, the other looked at from nearer.
    """

    name: str
    photo: Image.Image
    kept: Image.Image
    size: tuple[int, int]
    boxed: bool
    looks: list[Look]
    found: list[Found] = field(default_factory=list)
    nearer: Look | None = None


def _prepared(name: str, photo: Image.Image, spec: ModelSpec, box: Box | None, photo_side: int | None) -> _Prepared:
    looks = views.first_looks(photo, spec, box)
    shown = photo
    if photo_side is not None:
        shown = photo.copy()
        shown.thumbnail((photo_side, photo_side))
    needed = box is None and "evidence" in spec.views
    kept = views.kept_for_nearer_look(photo, spec) if needed else shown
    return _Prepared(name, shown, kept, photo.size, box is not None, looks)

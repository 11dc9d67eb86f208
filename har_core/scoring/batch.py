"""A model → the one function that scores photos.  Engines carry it, and change nothing of what it answers.

Photos go through the network sixteen at a time, counted from the start of their shard, on a processor in one thread: how many share a
batch, and how many threads share a sum, would change the last digits.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from har_core.inference.answer_rules import least_known_of
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import PHOTO_SIDE, Predictor
from har_core.inference.score import model_info
from har_core.models.external.load import load_model, notes_of
from har_core.models.external.options import ModelOptions
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import HF_CONFIG, HF_MODEL, HF_PREPROCESSOR, MANIFEST, MODEL_SPEC, WEIGHTS
from har_core.runs.manifest import ModelInfo
from har_core.runs.run import Run, checksum
from har_core.scoring.output import Row, table_of
from har_core.scoring.photos import Photo, decoded
from har_core.scoring.work import Decode, Scorer

BATCH = 16


@dataclass(frozen=True)
class ModelRequest:
    """A model, and what is kept of its answers.  A call of it loads the model.

    `model`: as `models.external.load` names it.    `device`: as torch names it.  `threshold`: of the "none" score (see `facts_of`).
    """

    model: str
    options: ModelOptions | None = None
    device: str = "cpu"
    embeddings: bool = False
    maps: bool = False
    threshold: float | None = None

    def __call__(self) -> Scorer:
        return ModelScorer(self)


@dataclass(frozen=True)
class PackedRequest:
    """The same for machines that do not have the model: `files` are its files, by their names below its folder."""

    request: ModelRequest
    files: dict[str, bytes]

    def __call__(self) -> Scorer:
        with tempfile.TemporaryDirectory() as folder:
            for name, data in self.files.items():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / name).write_bytes(data)
            place = Path(folder, *self.files) if len(self.files) == 1 else Path(folder)
            return ModelScorer(replace(self.request, model=str(place) if self.files else self.request.model))


def packed(request: ModelRequest) -> PackedRequest:
    """A request with its model inside.

    Raises:
        OSError: if the model's files cannot be read.
    """
    return PackedRequest(request, {name: path.read_bytes() for name, path in model_files(request.model).items()})


class ModelScorer:
    """Scores photos by a `Predictor` of its own.

    Raises:
        CheckpointError, RunError: if the model cannot be loaded.
    """

    def __init__(self, request: ModelRequest) -> None:
        device = torch.device(request.device)
        if device.type != "cpu":
            torch.backends.cudnn.benchmark = False
            torch.backends.cudnn.deterministic = True
        model, spec = load_model(request.model, request.options)
        self.request, self.predictor = request, Predictor(model, spec, device)
        self.wants_decoded = device.type != "cpu"

    def __call__(self, photos: Iterable[Photo], decode: Decode) -> pa.Table:
        asked = self.request
        with _one_thread():
            return table_of(
                score_photos(self.predictor, photos, decode, maps=asked.maps),
                self.predictor.spec.classes,
                threshold=asked.threshold,
                embeddings=asked.embeddings,
                maps=asked.maps,
            )


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch computes in one thread of the processor: several round sums otherwise, and each process has a core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def score_photos(predictor: Predictor, photos: Iterable[Photo], decode: Decode, *, maps: bool = False) -> Iterator[Row]:
    """The answers to photos, in their order, in batches of `BATCH`; a photo that cannot be read has the reason for one.

    Args:
        photos: encoded or decoded; taken as they are needed.
        maps: also for networks that are explained by occlusion: 49 passes a photo more.
    """

    def load(photo: Photo) -> Image.Image:
        content = decoded(photo, decode).content
        if isinstance(content, Exception):
            raise content
        assert isinstance(content, Image.Image)
        return content

    outcomes = predictor.predict_all(
        photos,
        load,
        name=lambda photo: photo.name,
        batch_size=BATCH,
        photo_side=PHOTO_SIDE,
        occlude=maps,
    )
    with closing(outcomes):  # type: ignore[type-var]
        for photo, outcome in outcomes:
            if isinstance(outcome, Prediction):
                yield Row(
                    photo.name,
                    photo.true,
                    outcome.probabilities.astype(np.float32),
                    outcome.known,
                    outcome.embedding.astype(np.float16),
                    outcome.class_maps.astype(np.float16) if maps else None,
                )
            else:
                yield Row(photo.name, photo.true, error=str(outcome))


@dataclass(frozen=True)
class ModelFacts:
    """What is to be known of a model before it scores.

    `identity`: a digest of all that its answers depend on.  `notes`: how its outputs are read, a sentence each.
    """

    spec: ModelSpec
    identity: str
    threshold: float | None
    network: ModelInfo
    notes: tuple[str, ...] = ()


def facts_of(request: ModelRequest) -> ModelFacts:
    """Load a model once, so that what is missing is found before the work.

    Raises:
        CheckpointError, RunError: if it cannot be loaded.
    """
    model, spec = load_model(request.model, request.options)
    predictor = Predictor(model, spec)
    files = {name: checksum(path) for name, path in model_files(request.model).items() if name != MANIFEST}
    threshold = _threshold(request.model, predictor)
    kept = [request.embeddings, request.maps, threshold]
    told = json.dumps([asdict(spec), files or request.model, kept], sort_keys=True)
    return ModelFacts(
        spec, hashlib.sha256(told.encode()).hexdigest(), threshold, model_info(predictor), notes_of(model)
    )


def model_files(model: str) -> dict[str, Path]:
    """The files that a model is loaded from, by their names below its folder; none of one that a library fetches by its name."""
    path = Path(model)
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        return {}
    if (path / MANIFEST).is_file():
        names = (MANIFEST, *WEIGHTS, MODEL_SPEC, HF_CONFIG, HF_PREPROCESSOR, HF_MODEL)
        return {name: path / name for name in dict.fromkeys(names) if (path / name).is_file()}
    return {str(file.relative_to(path)): file for file in sorted(path.rglob("*")) if file.is_file()}


def _threshold(model: str, predictor: Predictor) -> float | None:
    """The "none" threshold that the run's own test photos give, where it has their embeddings."""
    folder = Path(model)
    return least_known_of(Run.open(folder), predictor) if (folder / MANIFEST).is_file() else None

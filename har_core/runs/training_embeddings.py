"""The embeddings of the photos that a run's model learned from ↔ training_embeddings.npz.

Principal components stand for the whole embedding: nearly all neighbors stay neighbors, at a third of the size.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from har_core.errors import RunError
from har_core.files import atomic_path, reason_of
from har_core.runs.file_names import TRAINING_EMBEDDINGS
from har_core.runs.predictions import evenly_spaced
from har_core.runs.run import Run
from har_core.runs.writing import add_file

COMPONENTS = 576
"""Of 2,048 features, as many keep 95 % of the ten nearest neighbors of the shipped run's training photos; 256 keep 89 %."""

_KINDS = {"samples": "U", "labels": "i", "embeddings": "f", "mean": "f", "components": "f"}


@dataclass(frozen=True)
class TrainingEmbeddings:
    """Of M photos and D features: principal components of the embeddings at length 1, whose directions tell what is alike.

    `samples`: (M,) names, unique.  `labels`: (M,) int64 class indices.  `embeddings`: (M, d) float16.  `mean`: (D,) and
    `components`: (d, D) float16, orthonormal rows: `project` puts other embeddings beside them.
    """

    samples: np.ndarray
    labels: np.ndarray
    embeddings: np.ndarray
    mean: np.ndarray
    components: np.ndarray

    def __len__(self) -> int:
        return len(self.samples)

    def project(self, embeddings: np.ndarray) -> np.ndarray:
        """(N, D) pooled features → (N, d) float32."""
        centered = unit_rows(embeddings) - self.mean.astype(np.float32)
        return np.asarray(centered @ self.components.astype(np.float32).T)

    @cached_property
    def directions(self) -> np.ndarray:
        """(M, d + 1) float32: what to compare with `direction_of` by cosine similarity, as if by the restored embeddings."""
        found = self.embeddings.astype(np.float32) + self._center
        return np.column_stack([found, np.full(len(found), self._rest, dtype=np.float32)])

    def direction_of(self, embedding: np.ndarray) -> np.ndarray:
        """(D,) pooled features → (d + 1,) float32."""
        return np.append(self.project(embedding[None])[0] + self._center, self._rest).astype(np.float32)

    @cached_property
    def _center(self) -> np.ndarray:
        return np.asarray(self.components.astype(np.float32) @ self.mean.astype(np.float32))

    @cached_property
    def _rest(self) -> np.float32:
        """Length of the part of the mean that no component tells: all embeddings share it."""
        mean = self.mean.astype(np.float32)
        return np.float32(np.linalg.norm(mean - self._center @ self.components.astype(np.float32)))

    def restore(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """(M, D) float32, or those of some rows: the embeddings at length 1, as far as the components tell them."""
        found = self.embeddings[rows].astype(np.float32) @ self.components.astype(np.float32)
        return np.asarray(found + self.mean.astype(np.float32))

    def neighbors_kept(self, embeddings: np.ndarray, *, count: int = 10, most: int = 500) -> float:
        """Share of the nearest neighbors by (M, D) whole embeddings that are still among the nearest, in [0, 1].

        By cosine similarity, of the whole embeddings and of the restored ones, for at most `most` photos.
        """
        count = min(count, len(self) - 1)
        if count < 1:
            return 1.0
        rows = evenly_spaced(len(self), most)
        found = []
        for values in (embeddings, self.restore()):
            unit = unit_rows(values)
            similarity = unit[rows] @ unit.T
            similarity[np.arange(len(rows)), rows] = -np.inf
            found.append(np.argpartition(-similarity, count - 1, axis=1)[:, :count])
        return float(np.mean([len(np.intersect1d(*pair)) / count for pair in zip(*found, strict=True)]))


def reduce_embeddings(samples: Sequence[str], labels: np.ndarray, embeddings: np.ndarray) -> TrainingEmbeddings:
    """Keep the first `COMPONENTS` principal components (as many as there are, of fewer photos or features).

    Args:
        labels: (M,) class indices.
        embeddings: (M, D) pooled features.
    """
    from sklearn.decomposition import PCA

    values = unit_rows(embeddings)
    count = min(COMPONENTS, *values.shape)
    fitted = PCA(count, svd_solver="randomized" if count < min(values.shape) else "full", random_state=0).fit(values)
    components, mean = fitted.components_.astype(np.float16), fitted.mean_.astype(np.float16)
    reduced = (values - mean.astype(np.float32)) @ components.astype(np.float32).T
    return TrainingEmbeddings(
        np.array(samples, dtype=str), labels.astype(np.int64), reduced.astype(np.float16), mean, components
    )


def unit_rows(embeddings: np.ndarray) -> np.ndarray:
    """(N, D) of any float type → float32 rows of length 1, so that direction alone counts.

    A row of zeros stays one; a value that is not finite counts as zero.
    """
    rows = np.nan_to_num(np.asarray(embeddings, dtype=np.float32), posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


def write_training_embeddings(run: Run, found: TrainingEmbeddings) -> Run:
    """Store them, and list the file in the run's manifest.

    Raises:
        RunError: if they could not be read back; nothing is written then.
        OSError: if the folder cannot be written.
    """
    _check(run, found)
    with atomic_path(run.folder / TRAINING_EMBEDDINGS) as partial, partial.open("wb") as file:
        np.savez(
            file,
            samples=found.samples,
            labels=found.labels,
            embeddings=found.embeddings,
            mean=found.mean,
            components=found.components,
        )
    return add_file(run, TRAINING_EMBEDDINGS)


def read_training_embeddings(run: Run) -> TrainingEmbeddings:
    """What `write_training_embeddings` stored.

    Raises:
        RunError: if the run has none, or damaged ones.
    """
    path = run.file(TRAINING_EMBEDDINGS)
    try:
        with np.load(path, allow_pickle=False) as file:
            found = TrainingEmbeddings(**{name: file[name] for name in _KINDS})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{run.name}/{TRAINING_EMBEDDINGS} is missing or damaged ({reason_of(error)}); copy the run again"
        ) from error
    _check(run, found)
    return found


def _check(run: Run, found: TrainingEmbeddings) -> None:
    count, features = len(found.samples), len(found.mean)
    shapes = {
        "samples": (count,),
        "labels": (count,),
        "embeddings": (count, len(found.components)),
        "mean": (features,),
        "components": (len(found.components), features),
    }
    for name, shape in shapes.items():
        array = getattr(found, name)
        if array.shape != shape or array.dtype.kind != _KINDS[name]:
            raise RunError(
                f"{run.name}/{TRAINING_EMBEDDINGS}: expected {name} of shape {shape}, found {array.dtype} {array.shape}; "
                "analyze the run again"
            )
    if count and not 0 <= found.labels.min() <= found.labels.max() < len(run.classes):
        raise RunError(
            f"{run.name}/{TRAINING_EMBEDDINGS}: expected labels of {len(run.classes)} classes, found others; analyze the run "
            "again"
        )
    if not all(np.isfinite(array).all() for array in (found.embeddings, found.mean, found.components)):
        raise RunError(
            f"{run.name}/{TRAINING_EMBEDDINGS}: expected finite numbers, found others; analyze the run again"
        )

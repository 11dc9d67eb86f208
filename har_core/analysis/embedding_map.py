"""Embeddings → a map on which photos lie near each other that look alike to the model, and where its errors gather on it.

Principal components, then UMAP (McInnes et al. 2018) by the package umap-learn; the first two components alone where that is
not installed.  The map of a run's scored photos, and of those that it learned from, is computed once and stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from har_core.errors import RunError
from har_core.runs.file_names import EMBEDDING_MAP
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.tables import TEST, TRAINING, Number, OneOf, Schema, Text, read_table
from har_core.runs.training_embeddings import unit_rows

COMPONENTS = 50
NEIGHBORS, MIN_DISTANCE, METRIC = 15, 0.1, "euclidean"
"""Of UMAP.  The rows have length 1 before their principal components are taken: the distance is that of the cosine."""

UMAP_METHOD, PCA_METHOD = "UMAP", "PCA"
SCHEMA: Schema = {
    "sample": Text(4096),
    "split": OneOf((TEST, TRAINING)),
    "true": Text(),
    "predicted": Text(empty=True),
    "x": Number(),
    "y": Number(),
}
"""The stored map: class names, `predicted` empty for training photos, and the place on the map."""

_FITTED = 20_000  # photos whose principal components stand for those of more
_ROWS = 10_000  # at a time: 80 MB of float32 for 2,048 features
_JUDGED = 2_000  # photos by which a map is judged
_AROUND = 20  # photos around an error
_FEWEST = 5  # errors that gather


@dataclass(frozen=True)
class EmbeddingMap:
    """M photos on a map.

    `positions`: (M, 2) float32.  `samples`: (M,) names.  `true`: (M,) int64 class indices.  `rows`: (M,) int64, which of the
    predictions is the photo's; -1 for photos of the training.
    """

    positions: np.ndarray
    samples: np.ndarray
    true: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def scored(self) -> np.ndarray:
        """(M,) bool: whether the photo has a prediction."""
        return np.asarray(self.rows >= 0)

    def subset(self, points: np.ndarray) -> EmbeddingMap:
        """These photos alone.  `points`: (m,) indices or (M,) bool."""
        return EmbeddingMap(self.positions[points], self.samples[points], self.true[points], self.rows[points])


def map_embeddings(embeddings: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, str]:
    """Places on a map, and the method that found them, `UMAP_METHOD` or `PCA_METHOD`.

    The same seed gives the same map.  Photos that are too few or too much alike for UMAP get their principal components.

    Args:
        embeddings: (M, D), of any float type; may be memory-mapped.

    Returns:
        (M, 2) float32.
    """
    reduced = _principal_components(embeddings, COMPONENTS, seed)
    umap = _umap()
    distinct = len(np.unique(reduced[: 2 * _JUDGED], axis=0))
    if umap is None or reduced.shape[1] < 2 or distinct <= 2 * NEIGHBORS:
        return _two_columns(reduced), PCA_METHOD
    method = umap.UMAP(
        n_neighbors=NEIGHBORS, min_dist=MIN_DISTANCE, metric=METRIC, init="pca", random_state=seed, n_jobs=1
    )
    return np.asarray(method.fit_transform(reduced), dtype=np.float32), UMAP_METHOD


def principal_map(embeddings: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """(M, 2) float32: the first two principal components, which are quick to find."""
    return _two_columns(_principal_components(embeddings, 2, seed))


def trust_in_map(
    embeddings: np.ndarray, positions: np.ndarray, *, rows: np.ndarray | None = None, seed: int = 0
) -> float:
    """Trustworthiness (Venna and Kaski 2001): whether photos that lie near each other on the map also do for the model.

    In [0, 1], higher is better, about 0.5 for places drawn at random; NaN for fewer than three photos.  Of more than 2,000
    photos, as many are drawn.

    Args:
        embeddings: (N, D); may be memory-mapped.
        positions: (M, 2).
        rows: (M,) of the embeddings, for each position; all of them in order by default.
    """
    drawn = drawn_points(len(positions), _JUDGED, seed=seed)
    neighbors = min(NEIGHBORS, (len(drawn) - 1) // 2)
    if neighbors < 1:
        return float("nan")
    values = unit_rows(embeddings[drawn if rows is None else rows[drawn]])
    return float(trustworthiness(values, positions[drawn], n_neighbors=neighbors))


def map_table(
    predictions: Predictions,
    embeddings: np.ndarray,
    training: tuple[np.ndarray, np.ndarray] | None = None,
    *,
    seed: int = 0,
) -> tuple[pd.DataFrame, str]:
    """The map of a run as it is stored (`SCHEMA`), and its method.

    Args:
        predictions: of N photos.
        embeddings: (N + T, D), those of the predictions first, then those of the training photos in the same space.
        training: names and class indices, both (T,), of the training photos.
    """
    names = np.array(predictions.classes, dtype=object)
    samples, labels = training if training is not None else (np.empty(0, object), np.empty(0, np.int64))
    positions, method = map_embeddings(embeddings, seed=seed)
    table = pd.DataFrame(
        {
            "sample": np.concatenate([predictions.samples, np.asarray(samples, dtype=object)]),
            "split": np.repeat([TEST, TRAINING], [len(predictions), len(samples)]),
            "true": np.concatenate([names[predictions.true], names[labels]]),
            "predicted": np.concatenate([names[predictions.predicted], np.full(len(samples), "", dtype=object)]),
            "x": positions[:, 0],
            "y": positions[:, 1],
        }
    )
    return table, method


def read_map(run: Run, predictions: Predictions) -> EmbeddingMap:
    """The stored map: the scored photos in the order of the predictions, then those of the training.

    Raises:
        RunError: if the run has none, a damaged one, or one of other photos or classes.
    """
    table = read_table(run, EMBEDDING_MAP, SCHEMA)
    test = (table["split"] == TEST).to_numpy()
    scored = pd.Index(table["sample"][test])
    places = scored.get_indexer(pd.Index(predictions.samples)) if scored.is_unique else np.full(1, -1)
    true = pd.Index(predictions.classes).get_indexer(pd.Index(table["true"]))
    if len(scored) != len(predictions) or (places < 0).any() or (true < 0).any():
        raise RunError(
            f"{run.name}/{EMBEDDING_MAP}: expected the {len(predictions):,} photos and the classes of the predictions, found "
            "others; analyze the run again"
        )
    order = np.concatenate([np.flatnonzero(test)[places], np.flatnonzero(~test)])
    rows = np.concatenate([np.arange(len(predictions)), np.full(int((~test).sum()), -1)])
    positions = table[["x", "y"]].to_numpy(dtype=np.float32)[order]
    true = np.concatenate([predictions.true, true[order][len(predictions) :]])
    return EmbeddingMap(positions, table["sample"].to_numpy(dtype=object)[order], true.astype(np.int64), rows)


def quick_map(predictions: Predictions, embeddings: np.ndarray, *, most: int, seed: int = 0) -> EmbeddingMap:
    """A map of the scored photos by principal components alone; of more than `most`, of as many drawn at random.

    Args:
        embeddings: (N, D) of the predictions.
    """
    rows = drawn_points(len(predictions), most, seed=seed)
    positions = principal_map(embeddings if len(rows) == len(predictions) else embeddings[rows], seed=seed)
    return EmbeddingMap(positions, predictions.samples[rows], predictions.true[rows], rows)


def drawn_points(count: int, most: int, *, seed: int = 0) -> np.ndarray:
    """(min(count, most),) indices in order, drawn at random, always the same ones."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


@dataclass(frozen=True)
class Gathering:
    """Two classes whose confusions lie where errors are dense.

    `first`, `second`: class indices, true and predicted of the more frequent direction.  `photos`: that are confused between
    them.  `density`: the mean share of errors among the photos around them; `overall`: that among all photos; in [0, 1].
    """

    first: int
    second: int
    photos: int
    density: float
    overall: float


def densest_errors(positions: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> Gathering | None:
    """The pair of classes with the highest share of errors around its errors, among the 20 nearest photos on the map.

    Pairs of fewer than five photos, or of fewer than 2 % of the errors, do not count.  None if there is no other, or if the
    odds of an error around it are less than twice those of all photos: then errors lie everywhere.

    Args:
        positions: (N, 2).
        true, predicted: (N,) class indices.
    """
    wrong = true != predicted
    errors, count = np.flatnonzero(wrong), len(wrong)
    around = min(_AROUND, count - 1)
    if len(errors) < _FEWEST or around < 1:
        return None
    near = cKDTree(positions).query(positions[errors], k=around + 1)[1]
    itself = near == errors[:, None]
    itself[~itself.any(axis=1), -1] = (
        True  # of many at one place, it may not be among the nearest: the last one gives way
    )
    local = (wrong[near] & ~itself).sum(axis=1) / around
    low, high = np.minimum(true, predicted)[errors], np.maximum(true, predicted)[errors]
    pairs, pair = np.unique(np.column_stack([low, high]), axis=0, return_inverse=True)
    photos = np.bincount(pair.ravel())
    density = np.bincount(pair.ravel(), weights=local) / photos
    density[photos < max(_FEWEST, 0.02 * len(errors))] = -1
    best = int(density.argmax())
    found, overall = float(density[best]), len(errors) / count
    if found < 0 or found * (1 - overall) < 2 * overall * (1 - found):
        return None
    one, other = (int(index) for index in pairs[best])
    forward = int(((true == one) & (predicted == other)).sum())
    first, second = (one, other) if 2 * forward >= photos[best] else (other, one)
    return Gathering(first, second, int(photos[best]), found, overall)


def _umap() -> Any | None:
    try:
        return import_module("umap")
    except ImportError:  # an optional extra
        return None


def _principal_components(embeddings: np.ndarray, most: int, seed: int) -> np.ndarray:
    """(M, d) float32, d at most `most`, fewer of few photos or features."""
    count = len(embeddings)
    fitted = unit_rows(embeddings[drawn_points(count, _FITTED, seed=seed)])
    size = min(most, *fitted.shape)
    if count < 2 or not size:
        return np.zeros((count, size), dtype=np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):  # photos that are all alike have no variance to be explained
        pca = PCA(size, random_state=seed).fit(fitted)
    reduced = np.empty((count, size), dtype=np.float32)
    for start in range(0, count, _ROWS):
        reduced[start : start + _ROWS] = pca.transform(unit_rows(embeddings[start : start + _ROWS]))
    return reduced


def _two_columns(reduced: np.ndarray) -> np.ndarray:
    places = np.zeros((len(reduced), 2), dtype=np.float32)
    places[:, : reduced.shape[1]] = reduced[:, :2]
    return places

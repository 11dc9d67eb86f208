"""Places on the map, held against scikit-learn; what is stored; and where errors gather."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from har_core.analysis import embedding_map as maps
from har_core.errors import RunError
from har_core.runs.file_names import EMBEDDING_MAP
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run
from har_core.runs.tables import TRAINING, write_table
from har_core.runs.writing import write_results
from tests.helpers import random_predictions


@pytest.fixture
def without_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)


def clusters(count: int, features: int = 12, seed: int = 0) -> np.ndarray:
    """Photos of three kinds, one after the other."""
    random = np.random.default_rng(seed)
    centers = random.normal(scale=5, size=(3, features))
    return (centers[np.arange(count) % 3] + random.normal(size=(count, features))).astype(np.float16)


@pytest.mark.parametrize("rows", [7, 1000])
def test_principal_map_is_scikit_learns(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Of rows of length 1, however many are transformed at a time."""
    monkeypatch.setattr(maps, "_ROWS", rows)
    embeddings = clusters(60)
    expected = PCA(2).fit_transform(normalize(embeddings.astype(np.float32)))
    places = maps.principal_map(embeddings)
    assert places.dtype == np.float32
    assert np.allclose(np.abs(places), np.abs(expected), atol=1e-4)


@pytest.mark.parametrize(
    "embeddings",
    [np.ones((1, 8)), clusters(2), clusters(3), np.ones((40, 8)), np.zeros((40, 8)), clusters(40)[:, :1],
     np.full((40, 8), np.inf), np.repeat(clusters(3), 30, axis=0), np.ones((0, 8))],
    ids=["one", "two", "three", "equal", "zero", "one feature", "infinite", "three places", "none"],
)  # fmt: skip
@pytest.mark.usefixtures("without_umap")
def test_few_or_equal_photos_have_places(embeddings: np.ndarray) -> None:
    places, method = maps.map_embeddings(embeddings.astype(np.float16))
    assert places.shape == (len(embeddings), 2) and places.dtype == np.float32 and np.isfinite(places).all()
    assert method == maps.PCA_METHOD


def stand_in(calls: list[dict[str, Any]]) -> SimpleNamespace:
    class Method:
        def __init__(self, **options: Any) -> None:
            calls.append(options)

        def fit_transform(self, values: np.ndarray) -> np.ndarray:
            calls.append({"shape": values.shape})
            return values[:, :2].astype(np.float64)

    return SimpleNamespace(UMAP=Method)


def test_umap_gets_the_components_and_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setitem(sys.modules, "umap", stand_in(calls))
    places, method = maps.map_embeddings(clusters(200, features=80), seed=3)
    assert method == maps.UMAP_METHOD and places.dtype == np.float32
    assert calls[0]["random_state"] == 3 and calls[0]["n_neighbors"] == maps.NEIGHBORS
    assert calls[1]["shape"] == (200, maps.COMPONENTS)
    calls.clear()
    assert maps.map_embeddings(np.repeat(clusters(3), 90, axis=0))[1] == maps.PCA_METHOD and not calls


@pytest.mark.slow
def test_umap_keeps_neighbors_and_the_seed_gives_the_same_map() -> None:
    pytest.importorskip("umap")
    embeddings = clusters(150)
    (first, method), (second, _) = maps.map_embeddings(embeddings), maps.map_embeddings(embeddings)
    assert method == maps.UMAP_METHOD and np.array_equal(first, second)
    nearest = NearestNeighbors(n_neighbors=6).fit(first).kneighbors(return_distance=False)
    assert (nearest % 3 == np.arange(150)[:, None] % 3).mean() > 0.95


def test_trust_is_scikit_learns() -> None:
    embeddings = clusters(90)
    places = maps.principal_map(embeddings)
    expected = trustworthiness(embeddings.astype(np.float32), places, n_neighbors=maps.NEIGHBORS, metric="cosine")
    assert maps.trust_in_map(embeddings, places) == pytest.approx(expected, abs=0.01)
    some = np.array([4, 1, 70, 33, 8, 20])
    alone = maps.trust_in_map(embeddings[some], places[some])
    assert maps.trust_in_map(embeddings, places[some], rows=some) == pytest.approx(alone)
    random = np.random.default_rng(0).normal(size=(90, 2))
    assert maps.trust_in_map(embeddings, random) == pytest.approx(0.5, abs=0.1)
    assert np.isnan(maps.trust_in_map(embeddings[:2], places[:2]))


def test_a_large_map_is_drawn_in_part() -> None:
    predictions = random_predictions(50)
    quick = maps.quick_map(predictions, clusters(50), most=20)
    assert len(quick) == 20 and len(np.unique(quick.rows)) == 20 and quick.scored.all()
    assert (quick.samples == predictions.samples[quick.rows]).all()
    assert (quick.true == predictions.true[quick.rows]).all()
    assert (maps.quick_map(predictions, clusters(50), most=50).rows == np.arange(50)).all()


def write_run(folder: Path, classes: tuple[str, ...] = ("None", "NA", "a,b")) -> Run:
    predictions = random_predictions(30, classes)
    maps_of_classes = np.zeros((30, len(classes), 1, 1), np.float16)
    manifest = Manifest(status=COMPLETE, classes=classes)
    return write_results(folder, predictions, maps_of_classes, clusters(30), manifest)


@pytest.mark.usefixtures("without_umap")
def test_what_is_stored_is_read_back(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    predictions = run.predictions()
    training = np.array(["=1+1.jpg", "nul", "b.jpg", "c.jpg"], dtype=object), np.array([2, 0, 1, 1])
    table, method = maps.map_table(predictions, clusters(34), training)
    shuffled = table.sample(frac=1, random_state=0)
    found = maps.read_map(write_table(run, EMBEDDING_MAP, shuffled, maps.SCHEMA), predictions)
    assert method == maps.PCA_METHOD and len(found) == 34 and found.scored.sum() == 30
    assert (found.rows[:30] == np.arange(30)).all() and (found.samples[:30] == predictions.samples).all()
    assert dict(zip(found.samples[30:], found.true[30:], strict=True)) == dict(zip(*training, strict=True))
    places = dict(zip(table["sample"], table[["x", "y"]].to_numpy(), strict=True))
    assert all(np.allclose(places[name], place) for name, place in zip(found.samples, found.positions, strict=True))


@pytest.mark.usefixtures("without_umap")
@pytest.mark.parametrize("column", ["sample", "true", "split"])
def test_a_map_of_something_else_is_refused(tmp_path: Path, column: str) -> None:
    run = write_run(tmp_path / "run")
    predictions = run.predictions()
    table, _ = maps.map_table(predictions, clusters(30))
    table.loc[0, column] = {"sample": "other.jpg", "true": "other", "split": TRAINING}[column]
    with pytest.raises(RunError, match="analyze the run again"):
        maps.read_map(write_table(run, EMBEDDING_MAP, table, maps.SCHEMA), predictions)


def test_errors_gather_where_two_classes_meet() -> None:
    """Four classes in a row; those in the middle overlap, and are confused there alone."""
    random = np.random.default_rng(0)
    true = np.repeat(np.arange(4), 50)
    positions = np.column_stack([true * 10.0, np.zeros(200)]) + random.normal(size=(200, 2))
    predicted = true.copy()
    border = np.arange(80, 100)
    positions[border] = np.array([15, 0]) + random.normal(scale=0.1, size=(20, 2))
    predicted[border[::2]] = 2
    predicted[[0, 30, 60, 160]] = [3, 3, 0, 0]
    found = maps.densest_errors(positions, true, predicted)
    assert found is not None and (found.first, found.second, found.photos) == (1, 2, 10)
    wrong = true != predicted
    nearest = NearestNeighbors(n_neighbors=20).fit(positions).kneighbors(return_distance=False)
    assert found.density == pytest.approx(wrong[nearest[border[::2]]].mean()) and found.overall == wrong.mean()


@pytest.mark.parametrize("count", [1, 2, 4, 40, 2000])
def test_errors_that_lie_anywhere_gather_nowhere(count: int) -> None:
    random = np.random.default_rng(count)
    true, predicted = random.integers(0, 5, (2, count))
    assert maps.densest_errors(random.normal(size=(count, 2)), true, predicted) is None
    assert maps.densest_errors(np.zeros((count, 2)), true, predicted) is None
    assert maps.densest_errors(np.zeros((count, 2)), true, true) is None

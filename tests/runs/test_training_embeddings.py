"""Embeddings of the training photos: few numbers that keep the neighbors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from har_core.errors import RunError
from har_core.runs.file_names import TRAINING_EMBEDDINGS
from har_core.runs.run import Run, shipped_run
from har_core.runs.training_embeddings import (
    TrainingEmbeddings,
    read_training_embeddings,
    reduce_embeddings,
    write_training_embeddings,
)


def made(count: int = 60, features: int = 20, classes: int = 3) -> tuple[TrainingEmbeddings, np.ndarray]:
    random = np.random.default_rng(0)
    values = random.normal(1, 1, (count, features)).astype(np.float32)
    names = [f"Bild_{number}_ü.jpg" for number in range(count)]
    return reduce_embeddings(names, np.arange(count) % classes, values), values


def test_there_and_back(folder: Path) -> None:
    found, values = made()
    written = write_training_embeddings(Run.open(folder), found)
    again = read_training_embeddings(written)
    for name in ("samples", "labels", "embeddings", "mean", "components"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    assert np.allclose(again.restore(), unit, atol=2e-3) and np.allclose(
        again.restore(np.array([3])), unit[[3]], atol=2e-3
    )
    assert np.allclose(again.project(values * 7), again.embeddings.astype(np.float32), atol=2e-3)
    assert again.neighbors_kept(values) > 0.97


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_photos(count: int, folder: Path) -> None:
    found, values = made(count, classes=1)
    assert len(read_training_embeddings(write_training_embeddings(Run.open(folder), found))) == count
    assert found.neighbors_kept(values) == 1.0 or count > 2


@pytest.mark.parametrize(
    "change",
    [{"labels": np.full(60, 3)}, {"labels": np.zeros(59, np.int64)}, {"mean": np.full(20, np.nan, np.float16)},
     {"embeddings": np.zeros((60, 3), np.float16)}, {"samples": np.arange(60)}],
)  # fmt: skip
def test_what_could_not_be_read_back_is_not_written(change: dict[str, np.ndarray], folder: Path) -> None:
    run, (found, _) = Run.open(folder), made()
    with pytest.raises(RunError, match="expected"):
        write_training_embeddings(run, replace(found, **change))
    assert not (folder / TRAINING_EMBEDDINGS).exists()


def test_a_file_that_is_none(folder: Path) -> None:
    written = write_training_embeddings(Run.open(folder), made()[0])
    for content in (b"", b"PK\x03\x04 no zip", b"\x93NUMPY"):
        (folder / TRAINING_EMBEDDINGS).write_bytes(content)
        with pytest.raises(RunError, match=TRAINING_EMBEDDINGS.replace(".", r"\.")):
            read_training_embeddings(written)


def test_those_of_the_shipped_run_keep_the_neighbors() -> None:
    """Of test photos that stand for others: 95 % were measured on the training photos' whole embeddings."""
    run = shipped_run()
    found, whole = read_training_embeddings(run), np.asarray(run.embeddings())
    assert len(found) == run.manifest.data.train and not set(found.samples) & set(run.predictions().samples)
    again = replace(
        found, samples=run.predictions().samples.astype(str), embeddings=found.project(whole).astype(np.float16)
    )
    assert again.neighbors_kept(whole) > 0.92


def test_directions_compare_as_restored_embeddings_do() -> None:
    found, values = made(60, 700)
    assert found.components.shape == (60, 700)
    directions, restored = found.directions, found.restore()
    assert np.allclose(directions @ directions.T, restored @ restored.T, atol=0.01)
    assert np.allclose(found.direction_of(values[5]), directions[5], atol=0.01)

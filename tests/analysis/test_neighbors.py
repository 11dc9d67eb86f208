"""The most similar embeddings, against scikit-learn."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from har_core.analysis import neighbors as module
from har_core.analysis.neighbors import nearest_neighbors


@pytest.mark.parametrize("chunk", [7, 5000])
def test_nearest_neighbors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chunk: int) -> None:
    monkeypatch.setattr(module, "_EMBEDDINGS_CHUNK", chunk)
    values = np.random.default_rng(3).normal(size=(400, 16)).astype(np.float16)
    np.save(tmp_path / "e.npy", values)
    embeddings = np.load(tmp_path / "e.npy", mmap_mode="r")
    expected = cosine_similarity(values[7:8].astype(np.float32), values.astype(np.float32))[0]
    found = nearest_neighbors(embeddings, 7)
    assert [row for row, _ in found] == [row for row in np.argsort(-expected) if row != 7][:5]
    assert [cosine for _, cosine in found] == pytest.approx([expected[row] for row, _ in found], abs=1e-5)
    assert nearest_neighbors(embeddings[:1], 0) == [] and len(nearest_neighbors(embeddings[:3], 0)) == 2


def test_embeddings_that_are_no_numbers_come_last() -> None:
    embeddings = np.ones((5, 3), np.float16)
    embeddings[1], embeddings[2, 0], embeddings[3] = np.nan, np.inf, 0
    assert [row for row, _ in nearest_neighbors(embeddings, 0)][:2] == [4, 3]
    assert len(nearest_neighbors(embeddings, 1)) == 4


def test_embeddings_are_read_in_chunks() -> None:
    """However many there are, no copy of all of them is made."""
    embeddings = np.ones((60_000, 64), np.float16)
    nearest_neighbors(embeddings[:10], 0)
    tracemalloc.start()
    nearest_neighbors(embeddings, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < embeddings.nbytes

"""A complete run whose model file is not looked into, so that nothing here needs torch."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from har_core.runs.file_names import MODEL
from har_core.runs.manifest import TRAINING, Manifest, TrainingInfo
from har_core.runs.run import HISTORY_COLUMNS
from har_core.runs.writing import write_history, write_results
from tests.helpers import random_predictions


@pytest.fixture(scope="session")
def complete_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do not write into it: see `folder`."""
    path = tmp_path_factory.mktemp("runs") / "one"
    path.mkdir()
    (path / MODEL).write_bytes(b"weights" * 100)
    write_history(path, [dict.fromkeys(HISTORY_COLUMNS, 1.0) | {"epoch": epoch} for epoch in (1, 2)])
    manifest = Manifest(
        status=TRAINING, classes=("blue", "green", "red"), training=TrainingInfo(epochs=2), config={"epochs": 2}
    )
    class_maps, embeddings = np.zeros((40, 3, 2, 2), np.float16), np.ones((40, 8), np.float16)
    write_results(path, random_predictions(), class_maps, embeddings, manifest)
    return path


@pytest.fixture
def folder(complete_run: Path, tmp_path: Path) -> Path:
    """A copy of the complete run."""
    return Path(shutil.copytree(complete_run, tmp_path / "runs" / "one"))

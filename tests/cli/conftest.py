"""A run with a tiny model, for commands in a process of their own and in this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import save_checkpoint
from har_core.runs.file_names import MODEL
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.writing import write_manifest


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny: Predictor) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    save_checkpoint(tiny.model, tiny.spec, folder / MODEL)
    write_manifest(folder, Manifest(status=COMPLETE, classes=tiny.spec.classes))
    return folder

"""A run with a tiny network, and its exported file, made once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import save_checkpoint
from har_core.runs.file_names import MODEL, PREDICTIONS
from har_core.runs.manifest import COMPLETE, Manifest, View
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest
from tests.conftest import COLORS, picture

if TYPE_CHECKING:
    from torch import nn

    from har_core.models.spec import ModelSpec

CLASSES = tuple(sorted(COLORS))


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory, tiny: Predictor) -> Callable[..., Run]:
    """A run of a predictor's model; with `tested`, it has predictions of photos of these names and classes."""

    def make(
        predictor: Predictor = tiny,
        *,
        views: tuple[View, ...] = ("center",),
        tested: dict[str, str] | None = None,
    ) -> Run:
        folder = tmp_path_factory.mktemp("run")
        save_checkpoint(predictor.model, replace(predictor.spec, views=views), folder / MODEL, half=False)
        if tested:
            true = np.array([CLASSES.index(label) for label in tested.values()])
            names = np.array(list(tested), dtype=object)
            Predictions(CLASSES, names, true, np.eye(3, dtype=np.float32)[true]).write(folder / PREDICTIONS)
        write_manifest(folder, Manifest(status=COMPLETE, classes=predictor.spec.classes))
        return Run.open(folder)

    return make


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 photos, a folder for each class."""
    root = tmp_path_factory.mktemp("data")
    for number in range(240):
        label = CLASSES[number % 3]
        (root / label).mkdir(exist_ok=True)
        picture(COLORS[label], (40 + number % 30, 48), seed=number).save(root / label / f"{number:03}.png")
    return root


@pytest.fixture
def quick_graph(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny network's graph is written once, and copied with other metadata: torch takes ten seconds."""

    def copied(model: nn.Module, spec: ModelSpec, path: Path, *, more: Mapping[str, Any]) -> ModelSpec:
        import onnx

        stored = onnx.load(exported)
        told = {one.key: one.value for one in stored.metadata_props}
        told |= {"views": json.dumps(spec.views), **{key: json.dumps(value) for key, value in more.items()}}
        del stored.metadata_props[:]
        onnx.helper.set_model_props(stored, told)
        onnx.save(stored, path)
        return spec

    monkeypatch.setattr("har_core.export.onnx_export.write_graph", copied)


@pytest.fixture(scope="session")
def exported(make_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network, which answers by all views, as ONNX."""
    pytest.importorskip("onnxscript")
    from har_core.export.onnx_export import export_onnx

    path = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    export_onnx(make_run(views=("center", "whole", "evidence")), path)
    return path

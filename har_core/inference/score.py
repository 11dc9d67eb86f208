"""A model that comes from elsewhere + photos → a run that carries it, or a table of predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from har_core.analysis.scores import scores_of
from har_core.errors import CheckpointError
from har_core.files import atomic_path, csv_bytes, printable
from har_core.inference.evaluate import Evaluation
from har_core.inference.predictor import Predictor
from har_core.inference.replay import Replayed, replay
from har_core.models.external.carried import carry
from har_core.models.registry import anatomy_of
from har_core.models.spec import ModelSpec
from har_core.runs.manifest import COMPLETE, DataInfo, Manifest, ModelInfo
from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE
from har_core.runs.run import Run
from har_core.runs.writing import new_run_folder, require_no_run, write_results

TOLERANCE = 1e-3
"""The largest difference of a probability between a scored photo and the same photo replayed from the written run."""

_LISTED = 100  # skipped photos that the manifest names


def write_scored(
    folder: Path,
    evaluation: Evaluation,
    predictor: Predictor,
    *,
    title: str,
    source: str,
    photos: Path,
    calibrated_on: str | None = None,
) -> tuple[Run, Replayed]:
    """Keep an evaluation as a run that carries its model, once some photos have been replayed from what was written.

    Args:
        folder: is created; it holds no run yet.  After an error it is as it was.
        source: where the predictions come from.
        photos: the data folder.
        calibrated_on: what the model's temperature was fitted on.

    Raises:
        RunError: if the folder holds a run.
        CheckpointError: if the written run answers otherwise than the model did.
        OSError: if the folder cannot be written.
    """
    require_no_run(folder)
    spec, predictions = predictor.spec, evaluation.predictions
    skipped = tuple(str(problem)[:1000] for problem in evaluation.skipped)
    manifest = Manifest(
        status=COMPLETE,
        title=title,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=source,
        classes=predictions.classes,
        model=model_info(predictor, calibrated_on=calibrated_on),
        scores=scores_of(predictions),
        data=DataInfo(
            test=len(predictions),
            skipped=skipped[:_LISTED],
            skipped_count=len(skipped) if len(skipped) > _LISTED else None,
        ),
        versions={"torch": torch.__version__, **({"timm": spec.library} if spec.library else {})},
    )
    with new_run_folder(folder) as making:
        carry(predictor.model, spec, making)
        written = write_results(making, predictions, evaluation.class_maps, evaluation.embeddings, manifest)
        found = _replayed(written, spec, photos, predictor.device)
    return Run.open(folder), found


def model_info(predictor: Predictor, *, calibrated_on: str | None = None) -> ModelInfo:
    """What a manifest says of a model."""
    spec = predictor.spec
    return ModelInfo(
        architecture=spec.architecture,
        stride_placement=spec.stride_placement
        if "/" not in spec.architecture and spec.architecture != "onnx"
        else None,
        crop_size=spec.crop_size,
        resize=spec.resize,
        fit=spec.preprocessing.fit,
        views=spec.views,
        explanation=anatomy_of(predictor.model).explanation,
        temperature=spec.temperature,
        calibrated_on=calibrated_on,
    )


def _replayed(run: Run, spec: ModelSpec, photos: Path, device: torch.device) -> Replayed:
    own, predictions = len(spec.classes), run.predictions()
    known = replace(
        predictions,
        classes=spec.classes,
        probabilities=predictions.probabilities[:, :own],
        true=np.minimum(predictions.true, own - 1),  # not looked at
    )
    found = replay(known, photos, Predictor.from_run(run, device))
    if found.difference > TOLERANCE:
        raise CheckpointError(
            f"expected the written run to answer as the model did, within {TOLERANCE:g}, on {found.count} replayed photos, found a "
            f"difference of {found.difference:.4f} for {printable(found.name)[:80]}; call model.eval() "
            "before the export, export in 32-bit floats, and report it if it is so"
        )
    return found


def write_table(path: Path, names: Sequence[str], classes: tuple[str, ...], probabilities: np.ndarray) -> None:
    """Predictions of photos without labels, in the form that `har-lens import` reads once a column `true` is added.

    Columns `sample`, `predicted`, and `p:CLASS` with the probability of each class.

    Args:
        path: Parquet if it ends so, else CSV (UTF-8); an older one is replaced.
        probabilities: (N, K) float32.
    """
    columns: dict[str, object] = {
        SAMPLE: np.array(names, dtype=object),
        PREDICTED: np.array(classes, dtype=object)[probabilities.argmax(axis=1)],
    }
    columns |= {PROBABILITY + name: probabilities[:, number] for number, name in enumerate(classes)}
    table = pd.DataFrame(columns)
    with atomic_path(path) as partial:
        if path.suffix == ".parquet":
            table.to_parquet(partial, index=False)
        else:
            partial.write_bytes(csv_bytes([list(columns), *_rows(table)]))


def _rows(table: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    # as NumPy's scalars, 32-bit numbers are written with as few digits as tell them apart
    return zip(*(list(table[name].to_numpy()) for name in table.columns), strict=True)

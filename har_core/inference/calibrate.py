"""A run's model + labeled photos that it has not seen → probabilities that are right as often as they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from har_core.analysis.temperature import FEWEST, fit_temperature, log_loss, rescale
from har_core.data.samples import Problem, Sample
from har_core.data.scan import Progress
from har_core.errors import DataError, RunError
from har_core.files import atomic_path
from har_core.inference.evaluate import evaluate
from har_core.inference.predictor import Predictor
from har_core.models.external.carried import copy_spec, load_carried
from har_core.runs.file_names import MODEL, MODEL_SPEC, PREDICTIONS, TRAINING_EMBEDDINGS
from har_core.runs.manifest import Manifest
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.training_embeddings import read_training_embeddings
from har_core.runs.writing import write_manifest

_SAME = 0.5
"""Share of the photos with names of the run's own whose labels agree, from which on they are taken for the same photos."""


@dataclass(frozen=True)
class Fit:
    """A temperature, the number of photos it was fitted on, the accuracy on them, their log loss in nats without and with it, and the photos that could
    not be used.
    """

    temperature: float
    photos: int
    accuracy: float
    before: float
    after: float
    skipped: tuple[Problem, ...] = ()


def fit(predictor: Predictor, samples: Sequence[Sample], *, progress: Progress | None = None) -> Fit:
    """The temperature for a model, from labeled photos that it was neither trained nor is scored on.

    Raises:
        DataError: if there are fewer than `FEWEST` that can be used.
    """
    plain = Predictor(predictor.model, replace(predictor.spec, temperature=1.0), predictor.device)
    evaluation = evaluate(samples, plain, progress=progress)
    found = evaluation.predictions
    if len(found) < FEWEST:
        raise DataError(f"expected {FEWEST} labeled photos or more to calibrate on, found {len(found)}; add some")
    temperature = fit_temperature(found.probabilities, found.true)
    after = rescale(found.probabilities, temperature)
    return Fit(
        temperature,
        len(found),
        float(found.correct.mean()),
        log_loss(found.probabilities, found.true),
        log_loss(after, found.true),
        evaluation.skipped,
    )


def calibrate(run: Run, samples: Sequence[Sample], *, title: str, progress: Progress | None = None) -> tuple[Run, Fit]:
    """Fit a temperature, store it with the run's model, and rescale the run's predictions.

    Args:
        samples: neither trained nor scored on.
        title: of these photos, for the manifest.

    Raises:
        RunError: if the run has no model or no predictions.
        DataError: if they are photos of the run's own evaluation or training, as far as names and labels tell, or too few.
        OSError: if the run cannot be written.
    """
    predictions = run.predictions()
    require_unseen(run, samples)
    found = fit(Predictor(*load_carried(run)), samples, progress=progress)
    return store_temperature(run, predictions, found, title=title), found


def store_temperature(run: Run, predictions: Predictions, found: Fit, *, title: str) -> Run:
    """Give a run's model a temperature, in place of the one that its predictions were made with.

    Both files are complete before either is replaced.

    Raises:
        RunError: if model and manifest tell different temperatures: then it is not certain what the predictions were made with.
        OSError: if the run cannot be written.
    """
    spec, told = load_carried(run)[1], run.manifest.model.temperature
    path = run.file(MODEL if run.has(MODEL) else MODEL_SPEC)
    if abs(spec.temperature - told) > 1e-6 * told:
        raise RunError(
            f"{run.name}: expected one temperature, found {spec.temperature:g} in the model and {told:g} in the manifest; evaluate "
            "the model again"
        )
    rescaled = replace(
        predictions, probabilities=rescale(predictions.probabilities, found.temperature / spec.temperature)
    )
    with atomic_path(path) as model, atomic_path(run.folder / PREDICTIONS) as table:
        copy_spec(path, replace(spec, temperature=found.temperature), model)
        rescaled.frame().to_parquet(table, index=False)
    return write_manifest(run.folder, with_temperature(run.manifest, found, title=title))


def with_temperature(manifest: Manifest, found: Fit, *, title: str) -> Manifest:
    """A manifest that tells of a temperature and of the photos it was fitted on."""
    told = {"temperature": found.temperature, "calibrated_on": f"{found.photos:,} photos: {title}"}
    return manifest.model_copy(update={"model": manifest.model.model_copy(update=told)})


def require_unseen(run: Run, samples: Sequence[Sample]) -> None:
    """Stop if these are photos that the run was scored or trained on, as far as names and labels tell.

    Names alone tell nothing: every camera and every data set begins to count at 1.

    Raises:
        DataError: with their number.
    """
    predictions = run.predictions()
    names = np.array(run.classes, dtype=object)
    own = {_base(name): label for name, label in zip(predictions.samples, names[predictions.true], strict=True)}
    if run.has(TRAINING_EMBEDDINGS):
        training = read_training_embeddings(run)
        pairs = zip(training.samples.tolist(), names[training.labels], strict=True)
        own |= {_base(name): label for name, label in pairs}
    shared = [sample for sample in samples if _base(sample.name) in own]
    same = sum(own[_base(sample.name)] == sample.label for sample in shared)
    if shared and same > _SAME * len(shared):
        raise DataError(
            f"expected photos that the run was neither trained nor scored on, found {same:,} with names and labels of those "
            "it was scored or trained on; name others: what is scored must not be fitted"
        )


def _base(name: str) -> str:
    """A file name without its folders: another layout of the same photos has others."""
    return name.rsplit("/", 1)[-1]

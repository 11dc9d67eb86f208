"""Several runs → one: the mean of their weights (a model soup; Wortsman et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from torch import nn
from torch.optim.swa_utils import AveragedModel

from har_core.analysis.scores import scores_of
from har_core.data.samples import Sample
from har_core.data.scan import Progress
from har_core.errors import RunError
from har_core.inference.evaluate import evaluate
from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import load_checkpoint, save_checkpoint
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import HISTORY, MODEL, PREDICTIONS
from har_core.runs.manifest import COMPLETE, TrainingInfo, View
from har_core.runs.run import HISTORY_COLUMNS, Run
from har_core.runs.writing import require_no_run, write_history, write_results


def average(runs: Sequence[Run]) -> tuple[nn.Module, ModelSpec]:
    """The mean of the runs' weights, in which a run that is a soup itself counts as often as it has ingredients.

    The spec is that of the first, without a temperature: that of a part does not fit the mean.  Which parts of a photo the others
    looked at when they were evaluated is no matter.

    Raises:
        RunError: if a run has no model, or they were not trained and evaluated on the same photos.
        CheckpointError: if a model is damaged.
    """
    models: list[tuple[nn.Module, ModelSpec]] = []
    for run in runs:
        model, spec = load_checkpoint(run.file(MODEL))
        if models and replace(spec, views=models[0][1].views, temperature=models[0][1].temperature) != models[0][1]:
            raise RunError(f"expected runs of one kind of network and the same classes, found another in {run.name}")
        models.append((model, spec))
    data = {run.manifest.data.test_names_sha256 for run in runs}
    labels = [
        dict(zip(run.predictions().samples, run.predictions().true, strict=True))
        for run in runs
        if run.has(PREDICTIONS)
    ]
    if len(data) > 1 or None in data or any(each != labels[0] for each in labels):
        raise RunError(
            "expected runs that were evaluated on the same photos, found different ones: what one was evaluated on, another "
            "may have learned from; train with the same --seed and --split"
        )
    mean = AveragedModel(models[0][0], use_buffers=True)
    for run, (model, _) in zip(runs, models, strict=True):
        for _ in range(run.manifest.training.soup_size):
            mean.update_parameters(model)
    return mean.module, replace(models[0][1], temperature=1.0)


def make_soup(
    folder: Path,
    runs: Sequence[Run],
    samples: Sequence[Sample],
    *,
    views: tuple[View, ...] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Average runs and evaluate the outcome.

    Args:
        folder: of the new run; it holds none yet.
        samples: the labeled photos that the runs were evaluated on.
        views: the parts of a photo that answer, if not those of the first run; stored with the model.

    Raises:
        RunError: as `average`, or if the folder holds a run, or a photo of the evaluation is missing.
        OSError: if the folder cannot be written.
    """
    require_no_run(folder)
    model, spec = average(runs)
    spec = spec if views is None else replace(spec, views=views)
    first = runs[0]
    scored = first.predictions()
    labels = {name: first.classes[true] for name, true in zip(scored.samples, scored.true.tolist(), strict=True)}
    names = labels.keys()
    wanted = [replace(sample, label=labels[sample.name]) for sample in samples if sample.name in labels]
    if len(wanted) != len(names):
        raise RunError(f"expected the {len(names):,} photos of the evaluation, found {len(wanted):,} of them")
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint(model, spec, folder / MODEL)
    shipped, _ = load_checkpoint(folder / MODEL)
    found = evaluate(wanted, Predictor(shipped, spec), progress=progress)
    if found.skipped:
        raise RunError(f"expected photos that can be read, found {found.skipped[0]}; put them back, then try again")
    _write_histories(folder, runs)
    infos = [run.manifest.training for run in runs]
    training = TrainingInfo(
        epoch=sum(info.epochs or 0 for info in infos) or None,
        epochs=sum(info.epochs or 0 for info in infos) or None,
        seconds=sum(info.seconds or 0 for info in infos),
        soup_size=sum(info.soup_size for info in infos),
        checkpoint=first.manifest.training.checkpoint,
    )
    manifest = first.manifest.model_copy(
        update={
            "status": COMPLETE,
            "title": f"Soup of {training.soup_size}",
            "note": f"The mean of the weights of: {'; '.join(run.title for run in runs)}.",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": first.manifest.model.model_copy(
                update={"views": spec.views, "temperature": 1.0, "calibrated_on": None}
            ),
            "data": first.manifest.data.model_copy(update={"calibration": None}),
            "training": training,
            "scores": scores_of(found.predictions),
            "ingredients": [run.manifest.config for run in runs],
        }
    )
    return write_results(folder, found.predictions, found.class_maps, found.embeddings, manifest)


def _write_histories(folder: Path, runs: Sequence[Run]) -> None:
    """The epochs of all runs, one after the other."""
    if all(run.has(HISTORY) for run in runs):
        rows = [row for run in runs for row in run.history().to_dict("records")]
        numbered = [
            {**{name: row[name] for name in HISTORY_COLUMNS}, "epoch": number} for number, row in enumerate(rows, 1)
        ]
        write_history(folder, numbered)

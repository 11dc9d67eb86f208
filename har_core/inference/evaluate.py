"""Model + labeled photos → predictions, class maps and embeddings, as a run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from har_core.analysis.scores import scores_of
from har_core.data.samples import Problem, Sample
from har_core.data.scan import Progress
from har_core.errors import ConfigError, DataError
from har_core.files import printable
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.runs.class_names import check_class_names, class_key
from har_core.runs.manifest import CENTER_ALONE, COMPLETE, DataInfo, Manifest, View
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.writing import require_no_run, write_results

Unknown = Literal["skip", "error"]
"""What becomes of a photo whose class the model does not know: it is skipped, or counts as an error."""

_PHOTO_SIDE = 64  # pixels; the photos themselves are not needed after decoding


@dataclass(frozen=True)
class Evaluation:
    """Of N photos, K classes and D features, in the photos' order.

    `class_maps`: (N, K, h, w) float16, raw and signed; None of a network that is explained by occlusion, which would take 49
    passes a photo.  `embeddings`: (N, D) float16; None where they cannot be reached.  `skipped`: the photos that could
    not be scored, with the reason.  `views`: the parts of the photos that answered.
    """

    predictions: Predictions
    class_maps: np.ndarray | None
    embeddings: np.ndarray | None
    skipped: tuple[Problem, ...]
    views: tuple[View, ...] = CENTER_ALONE


@dataclass(frozen=True)
class Row:
    """What a model says of one photo or clip.  K of its classes, D features.

    `probabilities`: (K,) float32.  `class_maps`: (K, h, w) float16, raw and signed; None where there are none.  `embedding`:
    (D,) float16.
    """

    probabilities: np.ndarray
    class_maps: np.ndarray | None
    embedding: np.ndarray


@dataclass(frozen=True)
class Matched:
    """Labeled samples and the classes that they are scored by.

    `classes`: those of the model, then the labels that it does not know and that count as errors.  `index`: label → position
    in `classes`.  `known`: the samples whose label has one, in their order; `skipped`: the others.
    """

    classes: tuple[str, ...]
    index: Mapping[str, int]
    known: tuple[Sample, ...]
    skipped: tuple[Problem, ...]


def match_classes(
    labels: Iterable[str], classes: Sequence[str], mapping: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """Each label → the model's class that it means, None if there is none: the same name, or one of the same `class_key`.

    Args:
        mapping: label → class, which overrules the names; both may be written in any way that `class_key` understands.

    Raises:
        ConfigError: if the mapping names a label or a class that is not there, or a label twice.
    """
    by_key = {class_key(name): name for name in classes}
    found = {label: label if label in classes else by_key.get(class_key(label)) for label in sorted(set(labels))}
    mapped: dict[str, str] = {}
    for label, name in (mapping or {}).items():
        meant = [each for each in found if each == label] or [
            each for each in found if class_key(each) == class_key(label)
        ]
        goal = name if name in classes else by_key.get(class_key(name))
        if not meant or goal is None:
            kind, wanted, known = ("class", name, classes) if meant else ("label", label, tuple(found))
            raise ConfigError(f"expected a {kind} to map, one of {', '.join(known)}; found {printable(wanted)}")
        for each in meant:
            if mapped.setdefault(each, goal) != goal:
                raise ConfigError(f"expected one class for {each}, found {mapped[each]} and {goal}; map it once")
    return found | mapped


def match_samples(
    samples: Sequence[Sample], own: Sequence[str], unknown: Unknown, mapping: Mapping[str, str] | None
) -> Matched:
    """What the labels of samples mean to a model.

    Args:
        own: the model's classes.
        mapping: as of `match_classes`.

    Raises:
        ConfigError: if `mapping` names what is not there.
        RunError: if the classes could not be those of a run.
    """
    meant = match_classes((sample.label for sample in samples), own, mapping)
    strange = [label for label, name in meant.items() if name is None] if unknown == "error" else []
    others: dict[str, str] = {}
    for label in strange:
        others.setdefault(class_key(label), label)  # of several spellings the first
    classes = (*own, *others.values())
    check_class_names(classes)
    number = {name: position for position, name in enumerate(classes)}
    spelled = {label: others[class_key(label)] for label in strange}
    index = {label: number[name or spelled[label]] for label, name in meant.items() if name or label in spelled}
    return Matched(
        classes,
        index,
        tuple(sample for sample in samples if sample.label in index),
        tuple(
            Problem(sample.name, f"the model does not know {sample.label}", "skip it, or count it as an error")
            for sample in samples
            if sample.label not in index
        ),
    )


def require_scored(kept: Sequence[Sample], skipped: Sequence[Problem], what: Literal["photos", "clips"]) -> None:
    """Stop if no sample was kept.

    Raises:
        DataError: with the first reasons.
    """
    if not kept:
        reasons = f" ({'; '.join(str(problem) for problem in skipped[:3])})" if skipped else ""
        raise DataError(f"expected {what} that can be scored, found none{reasons}", skipped)


def evaluation_of(
    kept: Sequence[Sample],
    rows: Sequence[Row],
    matched: Matched,
    skipped: Sequence[Problem],
    views: tuple[View, ...] = CENTER_ALONE,
) -> Evaluation:
    """The evaluation of N ≥ 1 samples; classes that the model does not know get probability 0 and empty class maps.

    Args:
        rows: one per sample, all with class maps or all without.
    """
    added = len(matched.classes) - len(rows[0].probabilities)
    predictions = Predictions(
        matched.classes,
        np.array([sample.name for sample in kept], dtype=object),
        np.array([matched.index[sample.label] for sample in kept], dtype=np.int64),
        np.pad(np.stack([row.probabilities for row in rows]), ((0, 0), (0, added))),
    )
    maps = [row.class_maps for row in rows if row.class_maps is not None]
    embeddings = np.stack([row.embedding for row in rows])
    return Evaluation(
        predictions,
        np.pad(np.stack(maps), ((0, 0), (0, added), (0, 0), (0, 0))) if maps else None,
        embeddings if embeddings.shape[1] else None,
        tuple(skipped),
        views,
    )


def evaluate(
    samples: Sequence[Sample],
    predictor: Predictor,
    *,
    unknown: Unknown = "skip",
    mapping: Mapping[str, str] | None = None,
    decode: Callable[[bytes, str], Image.Image] = open_photo,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Evaluation:
    """Predict labeled photos in 32-bit arithmetic, in their order.

    Args:
        unknown: what becomes of photos whose class the model does not know.  With "error", these classes follow the
            model's own, with probability 0 for every photo.
        mapping: label → class of the model, for labels that `match_classes` does not understand by itself.
        decode: bytes and name → upright RGB photo; `IsolatedDecoder.open` for untrusted files.
        progress: called with (photos done, photos in all).
        cancelled: asked before every batch.

    Raises:
        Cancelled: as soon as `cancelled` returns true.
        ConfigError: if `mapping` names what is not there.
        RunError: if the classes could not be those of a run; nothing is computed then.
        DataError: if no photo is left to be scored.
    """
    matched = match_samples(samples, predictor.spec.classes, unknown, mapping)
    occluded = predictor.explanation == "occlusion"
    kept: list[Sample] = []
    rows: list[Row] = []
    skipped = list(matched.skipped)
    if progress is not None:
        progress(0, len(matched.known))
    outcomes = predictor.predict_all(
        matched.known,
        lambda sample: decode(sample.path.read_bytes(), sample.name),
        name=lambda sample: sample.name,
        photo_side=_PHOTO_SIDE,
        occlude=False,
        cancelled=cancelled,
    )
    for done, (sample, outcome) in enumerate(outcomes, start=1):
        if isinstance(outcome, Prediction):
            kept.append(sample)
            maps = None if occluded else outcome.class_maps.astype(np.float16)
            rows.append(Row(outcome.probabilities, maps, outcome.embedding.astype(np.float16)))
        else:
            skipped.append(Problem.of_photo(sample.name, outcome))
        if progress is not None:
            progress(done, len(matched.known))
    require_scored(kept, skipped, "photos")
    return evaluation_of(kept, rows, matched, skipped, predictor.spec.views)


def write_evaluation(
    folder: Path, evaluation: Evaluation, by: Run, *, title: str, what: Literal["photos", "clips"] = "photos"
) -> Run:
    """Keep an evaluation as a run folder, on which all of the error analysis works.

    Args:
        folder: is created; it holds no run yet.
        by: the run whose model predicted.
        what: was predicted, for the run's source.

    Raises:
        RunError: if the folder holds a run.
        OSError: if the folder cannot be written.
    """
    require_no_run(folder)
    predictions = evaluation.predictions
    manifest = Manifest(
        status=COMPLETE,
        title=title,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=f"{len(predictions):,} {what}, predicted by the model of {by.title}",
        classes=predictions.classes,
        model=by.manifest.model.model_copy(update={"views": evaluation.views}),
        scores=scores_of(predictions),
        data=DataInfo(test=len(predictions), skipped=tuple(str(problem) for problem in evaluation.skipped)),
    )
    return write_results(folder, predictions, evaluation.class_maps, evaluation.embeddings, manifest)

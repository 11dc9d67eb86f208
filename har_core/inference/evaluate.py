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
from har_core.inference.predictor import Prediction, Predictor
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
    own = predictor.spec.classes
    meant = match_classes((sample.label for sample in samples), own, mapping)
    others = [label for label, name in meant.items() if name is None] if unknown == "error" else []
    classes = (*own, *others)
    check_class_names(classes)
    number = {name: position for position, name in enumerate(classes)}
    index = {label: number[name or label] for label, name in meant.items() if name or label in number}
    known = [sample for sample in samples if sample.label in index]
    skipped = [
        Problem(sample.name, f"the model does not know {sample.label}", "skip it, or count it as an error")
        for sample in samples
        if sample.label not in index
    ]
    kept: list[Sample] = []
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    if progress is not None:
        progress(0, len(known))
    outcomes = predictor.predict_all(
        known,
        lambda sample: decode(sample.path.read_bytes(), sample.name),
        name=lambda sample: sample.name,
        photo_side=_PHOTO_SIDE,
        occlude=False,
        cancelled=cancelled,
    )
    for done, (sample, outcome) in enumerate(outcomes, start=1):
        if isinstance(outcome, Prediction):
            kept.append(sample)
            maps, embedding = outcome.class_maps.astype(np.float16), outcome.embedding.astype(np.float16)
            rows.append((outcome.probabilities, maps, embedding))
        else:
            skipped.append(Problem.of_photo(sample.name, outcome))
        if progress is not None:
            progress(done, len(known))
    if not kept:
        reasons = "; ".join(str(problem) for problem in skipped[:3])
        raise DataError(f"expected photos that can be scored, found none ({reasons})", skipped)
    probabilities, class_maps, embeddings = (np.stack(column) for column in zip(*rows, strict=True))
    predictions = Predictions(
        classes,
        np.array([sample.name for sample in kept], dtype=object),
        np.array([index[sample.label] for sample in kept], dtype=np.int64),
        np.pad(probabilities, ((0, 0), (0, len(others)))),
    )
    occluded = predictor.explanation == "occlusion"
    return Evaluation(
        predictions,
        None if occluded else np.pad(class_maps, ((0, 0), (0, len(others)), (0, 0), (0, 0))),
        embeddings if embeddings.shape[1] else None,
        tuple(skipped),
        predictor.spec.views,
    )


def write_evaluation(folder: Path, evaluation: Evaluation, by: Run, *, title: str) -> Run:
    """Keep an evaluation as a run folder, on which all of the error analysis works.

    Args:
        folder: is created; it holds no run yet.
        by: the run whose model predicted.

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
        source=f"{len(predictions):,} photos, predicted by the model of {by.title}",
        classes=predictions.classes,
        model=by.manifest.model.model_copy(update={"views": evaluation.views}),
        scores=scores_of(predictions),
        data=DataInfo(test=len(predictions), skipped=tuple(str(problem) for problem in evaluation.skipped)),
    )
    return write_results(folder, predictions, evaluation.class_maps, evaluation.embeddings, manifest)

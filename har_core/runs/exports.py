"""A run's labels, predictions, suspects, and what a person says of them → files that `train.py`, people and other tools read."""

from __future__ import annotations

import csv
import io
import itertools
import json
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from har_core.errors import RunError
from har_core.files import csv_bytes, printable
from har_core.runs.predictions import Predictions
from har_core.runs.training_embeddings import TrainingEmbeddings
from har_core.runs.verdicts import NO_CLASS, Verdict


class Change(NamedTuple):
    """What a verdict does to a photo's label.  `after`: the new one; None: the photo shows none of the classes."""

    name: str
    before: str
    after: str | None
    verdict: Verdict


def known_labels(predictions: Predictions, training: TrainingEmbeddings | None = None) -> dict[str, str]:
    """File name → label of the photos that a run was evaluated on, and of those that it learned from, if they are stored."""
    parts = [(predictions.samples, predictions.true)]
    if training is not None:
        parts.insert(0, (training.samples, training.labels))
    return {
        str(name): predictions.classes[label]
        for names, labels in parts
        for name, label in zip(names, labels.tolist(), strict=True)
    }


def label_changes(
    labels: Mapping[str, str], verdicts: Mapping[str, Verdict], classes: tuple[str, ...]
) -> Iterator[Change]:
    """The photos whose label is another after the verdicts, or that are to be removed, in the order of `labels`.

    A wrong label stays as long as the right one was not told, as in `analysis.relabel.corrected_labels`.

    Args:
        labels: file name → label.
        verdicts: file name → verdict; photos that have no label do not count.
    """
    for name, label in labels.items():
        verdict = verdicts.get(name)
        if verdict is None or verdict.verdict != "label is wrong" or verdict.label in ("", label):
            continue
        yield Change(name, label, verdict.label if verdict.label in classes else None, verdict)


def removed_bytes(changes: Iterable[Change]) -> bytes:
    """A CSV with a column filename, for `train.py --leave-out`: the photos that show none of the classes.

    Names are as they are, so that they are found again.
    """
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["filename"], *([one.name] for one in changes if one.after is None)])
    return buffer.getvalue().encode()


def diff_bytes(changes: Iterable[Change]) -> bytes:
    """A CSV for people: filename, before, after (`NO_CLASS` where the photo is to be removed), verdict and note."""
    rows = ((one.name, one.before, one.after or NO_CLASS, one.verdict.verdict, one.verdict.note) for one in changes)
    return csv_bytes(itertools.chain([("filename", "before", "after", "verdict", "note")], rows))


def cleanlab_bytes(
    predictions: Predictions, verdicts: Mapping[str, Verdict], suspects: Collection[str] | None = None
) -> bytes:
    """An NPZ (read it with `numpy.load`; nothing in it is pickled) of arrays as cleanlab's functions take them.

    `labels` (N,) int64 and `pred_probs` (N, K) float32, rows sum to 1, in the order of `classes` (K,); `filenames` (N,);
    `is_label_issue` (N,) bool: whether the label is suspected, absent if nobody has looked; `verdict` and `right_label` (N,):
    what a person says of it, empty where nothing.
    """
    given = [verdicts.get(sample) for sample in predictions.samples]
    arrays = {
        "labels": predictions.true.astype(np.int64),
        "pred_probs": predictions.probabilities,
        "classes": np.array(predictions.classes, dtype=np.str_),
        "filenames": predictions.samples.astype(np.str_),
        "verdict": np.array([one.verdict if one else "" for one in given], dtype=np.str_),
        "right_label": np.array([one.label if one else "" for one in given], dtype=np.str_),
    }
    if suspects is not None:
        arrays["is_label_issue"] = pd.Series(predictions.samples).isin(list(suspects)).to_numpy(dtype=bool)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def fiftyone_bytes(
    predictions: Predictions, verdicts: Mapping[str, Verdict], suspects: Collection[str] | None = None
) -> bytes:
    """A `labels.json` of FiftyOne's type `FiftyOneImageClassificationDataset`: the predictions with their confidence.

    Photos are named by their path below the folder of photos, without its ending, as that type wants them.  Attributes:
    `ground_truth`, `ground_truth_probability` and `correct`; `suspect`, if somebody has looked for suspects; `verdict`,
    `right_label` and `note`, where a person said something.  Read it in Python with

        fiftyone.Dataset.from_dir(
            dataset_type=fiftyone.types.FiftyOneImageClassificationDataset, data_path="DATA/train", labels_path="labels.json"
        )

    Raises:
        RunError: if two photos have names that differ in their ending alone: FiftyOne would take them for one.
    """
    found: dict[str, dict[str, object]] = {}
    rows = np.arange(len(predictions))
    suspected = frozenset(suspects or ())
    columns = (
        predictions.predicted.tolist(),
        predictions.confidence.tolist(),
        predictions.true.tolist(),
        predictions.probabilities[rows, predictions.true].tolist(),
    )
    for sample, predicted, confidence, true, probability in zip(predictions.samples, *columns, strict=True):
        attributes: dict[str, object] = {
            "ground_truth": predictions.classes[true],
            "ground_truth_probability": probability,
            "correct": predicted == true,
        }
        if suspects is not None:
            attributes["suspect"] = sample in suspected
        if (given := verdicts.get(sample)) is not None:
            said = {"verdict": given.verdict, "right_label": given.label, "note": given.note}
            attributes |= {name: value for name, value in said.items() if value}
        key = posixpath.splitext(sample)[0]
        if key in found:
            raise RunError(
                f"expected names that differ in more than their ending, found two photos {printable(key)[:80]!r}; FiftyOne's "
                "format cannot tell them apart: rename one and evaluate again"
            )
        found[key] = {"label": predicted, "confidence": confidence, "attributes": attributes}
    return json.dumps({"classes": predictions.classes, "labels": found}, ensure_ascii=False).encode()

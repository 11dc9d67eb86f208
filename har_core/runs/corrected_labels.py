"""Labels + a person's verdicts → corrected labels, as files that `train.py` and people read."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from har_core.files import csv_bytes
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

    A wrong label stays as long as the right one was not told, as in `corrected_labels`.

    Args:
        labels: file name → label.
        verdicts: file name → verdict; photos that have no label do not count.
    """
    for name, label in labels.items():
        verdict = verdicts.get(name)
        if verdict is None or verdict.verdict != "label is wrong" or verdict.label in ("", label):
            continue
        yield Change(name, label, verdict.label if verdict.label in classes else None, verdict)


def corrected_labels(
    labels: Mapping[str, str], verdicts: Mapping[str, Verdict], classes: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """(file name, label) of every photo, corrected; those that show none of the classes are left out.

    Where a label is wrong and the right one was not told, it stays as it is.

    Args:
        labels: file name → label.
    """
    for name, label in labels.items():
        verdict = verdicts.get(name)
        if verdict is None or verdict.verdict != "label is wrong" or not verdict.label:
            yield name, label
        elif verdict.label in classes:
            yield name, verdict.label


def labels_bytes(rows: Iterable[tuple[str, str]]) -> bytes:
    """(file name, label) of each photo → a CSV for `train.py --labels`, every name as it is."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("filename", "label"), *rows])
    return buffer.getvalue().encode()


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

"""A run's labels, predictions, suspects, and what a person says of them → files that `train.py`, people and other tools read."""

from __future__ import annotations

import io
import json
import posixpath
from collections.abc import Collection, Iterator, Mapping
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from har_core.errors import RunError
from har_core.files import csv_bytes, printable
from har_core.runs.manifest import Probabilities
from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE, TRUE, Predictions
from har_core.runs.verdicts import Verdict


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
            dataset_type=fiftyone.types.FiftyOneImageClassificationDataset,
            data_path="DATA/train",
            labels_path="labels.json",
            label_field="predictions",
        )

    Every photo must be in that folder: FiftyOne stops with a KeyError at the first that is not.

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


_ROWS = 20_000  # of a table that are made at once


def write_predictions_csv(predictions: Predictions, known: Probabilities, file: IO[bytes]) -> None:
    """A CSV (UTF-8) that `har-lens import` reads: sample, true, predicted, and what is known of the probabilities.

    Columns `p:CLASS`; or `confidence`; or `top_1_class`, `top_1_probability`, …; or none.  Numbers come back bit for bit.
    Texts that a spreadsheet would take for a formula get an apostrophe before them, which the import takes away.
    """
    names: list[str] | None = None
    for frame in _frames(predictions, known):
        if names is None:
            names = list(frame.columns)
            file.write(csv_bytes([names]))
        # as NumPy's scalars, 32-bit numbers are written with as few digits as tell them apart
        file.write(csv_bytes(zip(*(list(frame[name].to_numpy()) for name in names), strict=True)))
    assert names is not None


def write_predictions_parquet(predictions: Predictions, known: Probabilities, file: IO[bytes]) -> None:
    """The same columns as Parquet, every name as it is."""
    writer = None
    for frame in _frames(predictions, known):
        part = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(file, part.schema)
        writer.write_table(part)
    assert writer is not None
    writer.close()


def write_predictions_jsonl(predictions: Predictions, known: Probabilities, file: IO[bytes]) -> None:
    """The same columns as JSON lines with `file_name`: called metadata.jsonl, in the folder of the photos, it makes them an
    `imagefolder` of Hugging Face's `datasets`.
    """
    for frame in _frames(predictions, known):
        records = frame.rename(columns={SAMPLE: "file_name"}).to_dict(orient="records")
        file.writelines(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def _frames(predictions: Predictions, known: Probabilities) -> Iterator[pd.DataFrame]:
    """The table in pieces; one without rows, if there are none."""
    names = np.array(predictions.classes, dtype=object)
    ranks = _known_ranks(predictions) if known == "top" else 0
    for start in range(0, max(len(predictions), 1), _ROWS):
        rows = slice(start, start + _ROWS)
        values = predictions.probabilities[rows]
        columns: dict[str, object] = {
            SAMPLE: predictions.samples[rows],
            TRUE: names[predictions.true[rows]],
            PREDICTED: names[predictions.predicted[rows]],
        }
        if known == "all":
            columns |= {PROBABILITY + name: values[:, number] for number, name in enumerate(predictions.classes)}
        elif known == "confidence":
            columns["confidence"] = predictions.confidence[rows]
        elif known == "top":
            order = np.argsort(-values, axis=1, kind="stable")[:, :ranks]
            for rank in range(ranks):
                columns[f"top_{rank + 1}_class"] = names[order[:, rank]]
                columns[f"top_{rank + 1}_probability"] = np.take_along_axis(values, order[:, rank : rank + 1], 1)[:, 0]
        yield pd.DataFrame(columns)


def _known_ranks(predictions: Predictions) -> int:
    """How many classes of a row have a probability of their own: those above the lowest, which the others share."""
    values = predictions.probabilities
    above = (values > values.min(axis=1, keepdims=True)).sum(axis=1)
    return int(max(above.max(initial=1), 1))

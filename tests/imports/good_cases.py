"""Tables as tools write them, by what they are: how each is made, what is known of its probabilities, whether names are needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from har_core.runs.manifest import Probabilities
from tests.imports.making import Make, frame, text

CLASSES = ("blue", "green", "red")
FILES = [f"photos/Image_{number}.jpg" for number in range(6)]
TRUE = ["blue", "green", "red", "red", "blue", "green"]
CHANCES = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2], [0.9, 0.05, 0.05], [0.3, 0.4, 0.3]]
)
PREDICTED = [CLASSES[index] for index in CHANCES.argmax(axis=1)]
CONFIDENCE = CHANCES.max(axis=1)
LOGITS = np.log(CHANCES) * 1.0 + 3
INDEX = [CLASSES.index(name) for name in TRUE]
RANKED = np.argsort(-CHANCES, axis=1, kind="stable")[:, :2]


def by_class(prefix: str, values: np.ndarray = CHANCES) -> dict[str, Any]:
    return {prefix + name: values[:, number] for number, name in enumerate(CLASSES)}


def numbered(prefix: str, values: np.ndarray = CHANCES, start: int = 0) -> dict[str, Any]:
    return {f"{prefix}{number + start}": values[:, number] for number in range(values.shape[1])}


def ranks(label: str, value: str, start: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for rank in range(2):
        found[label.replace("#", str(rank + start))] = [CLASSES[one] for one in RANKED[:, rank]]
        found[value.replace("#", str(rank + start))] = np.take_along_axis(CHANCES, RANKED[:, rank : rank + 1], 1)[:, 0]
    return found


def jsonl(records: list[dict[str, Any]], name: str = "table.jsonl") -> Make:
    return text("\n".join(map(json.dumps, records)) + "\n", name)


def npz(**arrays: np.ndarray) -> Make:
    def make(folder: Path) -> Path:
        np.savez(folder / "table.npz", allow_pickle=False, **arrays)
        return folder / "table.npz"

    return make


def files(**columns: Any) -> dict[str, Any]:
    return {"filename": FILES, **columns}


GOOD: dict[str, tuple[Make, Probabilities, bool]] = {
    "filename,label,pred,prob": (frame(files(label=TRUE, pred=PREDICTED, prob=CONFIDENCE)), "confidence", False),
    "image_path,y_true,y_pred": (frame({"image_path": FILES, "y_true": TRUE, "y_pred": PREDICTED}), "none", False),
    "path,target,output": (frame({"path": FILES, "target": TRUE, "output": PREDICTED}), "none", False),
    "other words": (
        frame({"Image Name": FILES, "Ground Truth": TRUE, "Predicted Class": PREDICTED, "Confidence Score": CONFIDENCE}),
        "confidence",
        False,
    ),
    "percent confidences": (frame(files(label=TRUE, pred=PREDICTED, conf=CONFIDENCE * 100)), "confidence", False),
    "indices": (
        frame(files(label=INDEX, pred=CHANCES.argmax(axis=1), prob=CONFIDENCE)),
        "confidence",
        True,
    ),
    "sklearn predict_proba": (frame(files(true=TRUE, **by_class(""))), "all", False),
    "p:": (frame({"sample": FILES, "true": TRUE, "predicted": PREDICTED, **by_class("p:")}), "all", False),
    "prob_": (frame(files(label=TRUE, prediction=PREDICTED, confidence=CONFIDENCE, **by_class("prob_"))), "all", False),
    "proba_": (frame(files(label=TRUE, **by_class("proba_"))), "all", False),
    "P(...)": (frame(files(label=TRUE, **{f"P({name})": CHANCES[:, n] for n, name in enumerate(CLASSES)})), "all", False),
    "percent signs": (
        frame(files(label=TRUE, pred=PREDICTED, conf=[f"{100 * one:.1f}%" for one in CONFIDENCE])),
        "confidence",
        False,
    ),
    "percent signs behind a decimal comma": (
        frame(
            files(label=TRUE, **by_class("p_", np.array([[f"{v:.1f} %".replace(".", ",") for v in row] for row in 100 * CHANCES]))),
            sep=";",
        ),
        "all",
        False,
    ),
    "percentages": (frame(files(label=TRUE, **by_class("p_", CHANCES * 100))), "all", False),
    "logit_": (frame(files(label=TRUE, **by_class("logit_", LOGITS))), "all", False),
    "logits without a name": (frame(files(label=TRUE, **by_class("", LOGITS - 5))), "all", False),
    "numbered": (frame(files(label=INDEX, **numbered("prob_"))), "all", True),
    "numbered from one, labels by name": (frame(files(label=TRUE, **numbered("output_", LOGITS, 1))), "all", True),
    "bare numbers": (frame(files(label=TRUE, **numbered(""))), "all", True),
    "top_1_class": (frame(files(label=TRUE, **ranks("top_#_class", "top_#_probability"))), "top", False),
    "top1, top1_prob": (frame(files(label=TRUE, **ranks("top#", "top#_prob"))), "top", False),
    "timm, separate columns": (
        frame(files(target=TRUE, **ranks("label_#", "prob_#", 0), **{f"index_{n}": RANKED[:, n] for n in (0, 1)})),
        "top",
        False,
    ),
    "timm, lists in cells": (
        frame(
            files(
                target=INDEX,
                index=[str(row) for row in RANKED],
                prob=[str(np.sort(row)[::-1][:2]) for row in CHANCES],
            )
        ),
        "top",
        True,
    ),
    "a list in a cell": (frame(files(label=TRUE, probabilities=[str(row.tolist()) for row in CHANCES])), "all", True),
    "Keras flow_from_directory": (
        frame({"Filename": [f"{label}/{n}.jpg" for n, label in enumerate(TRUE)], "Predictions": PREDICTED}),
        "none",
        False,
    ),
    "TSV": (frame(files(true=TRUE, **by_class("p:")), "t.tsv", sep="\t"), "all", False),
    "semicolons and decimal commas": (frame(files(true=TRUE, **by_class("p:")), sep=";", decimal=","), "all", False),
    "bars": (frame(files(true=TRUE, **by_class("p:")), sep="|"), "all", False),
    "UTF-16": (frame(files(true=TRUE, **by_class("p:")), encoding="utf-16"), "all", False),
    "byte order mark": (frame(files(true=TRUE, **by_class("p:")), encoding="utf-8-sig"), "all", False),
    "sep=": (text("sep=;\nfilename;true;pred\n" + "".join(f"{f};{t};{p}\n" for f, t, p in zip(FILES, TRUE, PREDICTED, strict=True))), "none", False),
    "SEP= of a spreadsheet": (text("SEP=;;;\r\nfilename;true;pred\n" + "".join(f"{f};{t};{p}\n" for f, t, p in zip(FILES, TRUE, PREDICTED, strict=True))), "none", False),
    "Windows line ends": (frame(files(true=TRUE, **by_class("p:")), lineterminator="\r\n"), "all", False),
    "spellings": (frame(files(true=[name.upper() for name in TRUE], **by_class("p:"))), "all", False),
    "Parquet": (frame(files(true=pd.Categorical(TRUE), **by_class("p:")), "t.parquet"), "all", False),
    "Parquet with lists": (frame(files(label=TRUE, probabilities=list(CHANCES)), "t.parquet"), "all", True),
    "Parquet with records": (
        frame(files(label=TRUE, probs=[dict(zip(CLASSES, row, strict=True)) for row in CHANCES.tolist()]), "t.parquet"),
        "all",
        False,
    ),
    "JSON lines": (frame(files(true=TRUE, **by_class("p:")), "t.jsonl"), "all", False),
    "JSON lines with records": (
        jsonl([
            {"file": f, "label": t, "probabilities": dict(zip(CLASSES, row, strict=True))}
            for f, t, row in zip(FILES, TRUE, CHANCES.tolist(), strict=True)
        ]),
        "all",
        False,
    ),
    "Hugging Face pipeline": (
        jsonl([
            {"file_name": f, "label": t, "predictions": [{"label": CLASSES[n], "score": float(row[n])} for n in best]}
            for f, t, row, best in zip(FILES, TRUE, CHANCES, RANKED.tolist(), strict=True)
        ]),
        "top",
        False,
    ),
    "a JSON list": (
        text(json.dumps([{"file": f, "true": t, "predicted": p} for f, t, p in zip(FILES, TRUE, PREDICTED, strict=True)]), "t.json"),
        "none",
        False,
    ),
    "cleanlab": (
        npz(
            labels=np.array(INDEX),
            pred_probs=CHANCES,
            classes=np.array(CLASSES),
            filenames=np.array(FILES),
        ),
        "all",
        False,
    ),
    "NPZ of logits": (npz(y_true=np.array(INDEX), logits=LOGITS.astype(np.float32), filenames=np.array(FILES)), "all", True),
    "FiftyOne samples.json": (
        text(
            json.dumps({"samples": [
                {
                    "_id": {"$oid": f"{n}"},
                    "filepath": f,
                    "ground_truth": {"_cls": "Classification", "label": t, "tags": []},
                    "predictions": {"_cls": "Classification", "label": p, "confidence": c, "logits": row},
                }
                for n, (f, t, p, c, row) in enumerate(zip(FILES, TRUE, PREDICTED, CONFIDENCE.tolist(), LOGITS.tolist(), strict=True))
            ]}),
            "samples.json",
        ),
        "all",
        True,
    ),
}  # fmt: skip

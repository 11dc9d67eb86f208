"""What is exported opens in a spreadsheet as it is meant."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.examples import to_csv
from har_core.analysis.scores import classification_report
from har_core.files import csv_bytes
from tests.helpers import random_predictions
from tests.runs.test_names import ODD


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-A1", "@SUM(1)", "\t=1", "\r=1", "-1+cmd|' /C calc'!A0", "--1"])
def test_no_cell_begins_a_formula(text: str) -> None:
    ((found,),) = csv.reader(io.StringIO(csv_bytes([[text]]).decode(), newline=""))
    assert found == "'" + text


@pytest.mark.parametrize(
    ("value", "cell"),
    [("-1", "-1"), ("+1.5e-3", "+1.5e-3"), (-0.5, "-0.5"), (float("nan"), ""), (3, "3"), ("a=b", "a=b")],
)
def test_numbers_stay_numbers(value: object, cell: str) -> None:
    assert csv_bytes([[value, "x"]]).decode() == f"{cell},x\r\n"


def test_odd_class_names_and_formulas_are_exported() -> None:
    predictions = random_predictions(50, ODD)
    predictions.samples[0] = "=HYPERLINK(1)"
    columns = ["p:" + name for name in ODD]
    table = to_csv(predictions, np.arange(50), {"Image_1.jpg": ("unclear", "@note", "")}).decode()
    found = pd.read_csv(io.StringIO(table), dtype={"true": str}, keep_default_na=False)
    assert [ODD[index] for index in predictions.true] == list(found["true"])
    assert found["sample"][0] == "'=HYPERLINK(1)" and found["note"][1] == "'@note"
    assert list(found.columns) == ["sample", "true", "predicted", *columns, "verdict", "note", "right_label"]
    assert np.allclose(found[columns].to_numpy(float), predictions.probabilities, rtol=1e-5)


def test_classes_called_as_the_reports_own_rows_are_kept() -> None:
    classes = ("accuracy", "macro avg", "weighted avg", "NA", "1")
    _, table = classification_report(random_predictions(60, classes).confusion_matrix(), classes)
    assert list(table["class"])[:5] == list(classes) and len(table) == 8
    assert table["support"][:5].sum() == table["support"][5] == 60

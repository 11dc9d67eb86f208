"""`har-lens export`: files for a training and for other tools."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from har_core.analysis.label_suspects import find_suspects
from har_core.cli import main
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.tables import TEST
from har_core.runs.verdicts import NO_CLASS, Verdict, Verdicts
from har_core.runs.writing import write_manifest
from tests.helpers import random_predictions

PREDICTIONS = random_predictions()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    PREDICTIONS.write(folder / "predictions.parquet")
    write_manifest(folder, Manifest(status=COMPLETE, classes=PREDICTIONS.classes))
    return folder


def exported(run: Path, form: str, *more: str) -> Path:
    out = run.parent / "new" / form
    assert main(["export", str(run), "--to", form, "--out", str(out), *more]) == 0
    return out


@pytest.mark.parametrize("elsewhere", [False, True])
def test_labels_with_a_persons_corrections(run: Path, elsewhere: bool) -> None:
    path = run.parent / "my.sqlite" if elsewhere else run / "verdicts.sqlite"
    other = next(name for name in PREDICTIONS.classes if name != PREDICTIONS.classes[PREDICTIONS.true[0]])
    Verdicts(path).set_all(
        {
            "Image_0.jpg": Verdict("label is wrong", "", other),
            "Image_1.jpg": Verdict("label is wrong", "", NO_CLASS),
        }
    )
    more = ["--verdicts", str(path)] if elsewhere else []
    labels, removed, diff = (
        list(csv.reader(exported(run, form, *more).open(encoding="utf-8"))) for form in ("labels", "removed", "diff")
    )
    assert len(labels) == 40 and labels[1] == ["Image_0.jpg", other] and labels[2][0] == "Image_2.jpg"
    assert removed == [["filename"], ["Image_1.jpg"]]
    assert [row[2] for row in diff[1:]] == [other, NO_CLASS]


def test_what_other_tools_read(run: Path) -> None:
    """A run that nobody has analyzed or judged."""
    splits = np.full(40, TEST, dtype=object)
    suspects = find_suspects(
        PREDICTIONS.samples, splits, PREDICTIONS.true, PREDICTIONS.probabilities, None, PREDICTIONS.classes
    )
    with np.load(exported(run, "cleanlab")) as arrays:
        assert set(arrays["filenames"][arrays["is_label_issue"]]) == set(suspects["sample"]) != set()
    labels = json.loads(exported(run, "fiftyone").read_text(encoding="utf-8"))["labels"]
    assert sum(one["attributes"]["suspect"] for one in labels.values()) == len(suspects)


def test_without_verdicts_there_are_no_corrected_labels(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = run.parent / "labels.csv"
    assert main(["export", str(run), "--to", "labels", "--out", str(out)]) == 1
    missing = str(run.parent / "none.sqlite")
    assert main(["export", str(run), "--to", "fiftyone", "--out", str(out), "--verdicts", missing]) == 1
    assert capsys.readouterr().err.count("verdicts") >= 2 and not out.exists()

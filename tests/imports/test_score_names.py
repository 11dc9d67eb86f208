"""Columns of scores that say the class first, and what they hold behind it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.imports.forms import CHANCES, CLASSES, FILES, TRUE, require
from tests.imports.making import frame, read

BEHIND = {"{} (%)": 100, "{} %": 100, "{}%": 100, "{} [%]": 100, "{}_pct": 100, "{}_percent": 100, "{} in %": 100, "{}_prob (%)": 100,
    "prob_{} (%)": 100, "{}_prob": 1, "{}_score": 1, "{}.proba": 1, "{} probability": 1, "{}_logit": 0, "{}_logits": 0, "{}-logit": 0}  # fmt: skip
"""Form → the sum of a row; 0: logits."""


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("form", "more"),
    [
        *((form, "") for form in BEHIND),
        *(
            (form, more)
            for form in ("{} (%)", "{}_prob", "{}_logit")
            for more in ("max_prob", "prob_max", "entropy", "logits", "extra")
        ),
    ],
)
def test_what_stands_behind_the_class(form: str, more: str, kind: str, tmp_path: Path) -> None:
    scores = np.log(CHANCES) if (whole := BEHIND[form]) == 0 else CHANCES * whole
    columns = {form.format(name): scores[:, place] for place, name in enumerate(CLASSES)}
    if more == "logits" and whole:
        columns |= {f"{name}_logit": np.log(CHANCES)[:, place] for place, name in enumerate(CLASSES)}
    elif more == "extra":  # a class without photos
        columns[form.format("zebra")] = np.full(4, -99.0 if whole == 0 else 0.0)
    elif more:
        columns[more] = np.array([0.7, 0.8, 0.7, 0.6])
    path = frame({"file": FILES, "label": TRUE, **columns}, f"t.{kind}")(tmp_path)
    if more == "extra":
        assert read(path).predictions.classes == (*CLASSES, "zebra")
    else:
        require(path)


@pytest.mark.parametrize("form", ["{} (%)", "{}_prob", "class_{} (%)", "class_{}_prob"])
def test_numbers_before_it(form: str, tmp_path: Path) -> None:
    true = [CLASSES.index(one) for one in TRUE]
    whole = 100 if "%" in form else 1
    columns = {form.format(place): whole * CHANCES[:, place] for place in range(3)}
    found = read(frame({"file": FILES, "label": true, **columns})(tmp_path)).predictions
    assert found.classes == ("0", "1", "2") and found.true.tolist() == true
    np.testing.assert_allclose(found.probabilities, CHANCES, atol=1e-6)


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize(
    "name", ["conf (%)", "Confidence %", "Confidence in %", "score_pct", "prob [%]", "certainty_percent"]
)
def test_confidences_in_percent(name: str, kind: str, tmp_path: Path) -> None:
    found = read(frame({"file": FILES, "label": TRUE, "pred": TRUE, name: [70, 80, 65.5, 90]}, f"t.{kind}")(tmp_path))
    np.testing.assert_allclose(found.predictions.confidence, [0.7, 0.8, 0.655, 0.9], atol=1e-6)


def test_other_numbers_of_a_prediction_are_no_classes(tmp_path: Path) -> None:
    """Their names end alike; a confidence and what is left of 1 add up to it."""
    for columns in ({"pred_conf": [0.7] * 4, "true_conf": [0.2] * 4}, {"uncertainty": [0.3] * 4, "conf": [0.7] * 4}):
        found = read(frame({"file": FILES, "label": TRUE, "pred": TRUE, **columns})(tmp_path))
        assert found.predictions.classes == CLASSES and found.probabilities == "confidence"


@pytest.mark.parametrize("name", ["dog_prob", "dog (%)", "dog_logit"])
def test_one_column_of_two_classes(name: str, tmp_path: Path) -> None:
    chances = np.array([0.905, 0.2, 0.6, 0.45])
    scores = {"%": 100 * chances, "t": np.log(chances / (1 - chances))}.get(name.strip(")")[-1], chances)
    found = read(frame({"file": FILES, "label": ["dog", "cat", "cat", "dog"], name: scores})(tmp_path)).predictions
    assert found.classes == ("cat", "dog")
    np.testing.assert_allclose(found.probabilities[:, 1], chances, atol=1e-6)

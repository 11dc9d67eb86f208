"""A class and its score in one cell, as people and demos write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_core.errors import DataError
from tests.imports.forms import CHANCES, CLASSES, FILES, TRUE, require
from tests.imports.making import KINDS, frame, read

ONE = ["{} {:.2%}", "{} ({:.0%})", "{} [{:.1%}]", "{}: {:.2f}", "{}={:.2f}", "{} {:.3f}", "{} : {:.0%}", "{} ({:.2f})", "{}|{:.2f}", "{1:.2f} {0}", "{1:.1%} {0}", "{1:.2f}|{0}", "({1:.2f}) {0}", "{}({:.2f})", "{} (conf: {:.2f})", "{} -> {:.2f}"]  # fmt: skip
PREDICTED = ["cat", "dog", "cow", "dog"]


@pytest.mark.parametrize(("form", "kind"), [*((form, "csv") for form in ONE), *((ONE[1], kind) for kind in KINDS[1:])])
@pytest.mark.parametrize("column", ["prediction", "top1", "result"])
def test_the_predicted_class(column: str, form: str, kind: str, tmp_path: Path) -> None:
    cells = [form.format(name, chance) for name, chance in zip(PREDICTED, CHANCES.max(axis=1), strict=True)]
    found = read(frame({"file": FILES, "label": TRUE, column: cells}, f"t.{kind}")(tmp_path))
    assert found.probabilities == "confidence" and found.predictions.classes == CLASSES
    assert [CLASSES[n] for n in found.predictions.predicted] == PREDICTED
    np.testing.assert_allclose(found.predictions.confidence, CHANCES.max(axis=1), atol=1e-6)


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("form", ONE[:6:2])
@pytest.mark.parametrize("between", ["columns", "; ", " | ", ", ", "\n"])
def test_all_classes(between: str, form: str, kind: str, tmp_path: Path) -> None:
    rows = [[form.format(CLASSES[n], row[n]) for n in np.argsort(-row)] for row in CHANCES]
    columns = {f"top{n + 1}": [row[n] for row in rows] for n in range(3)}
    if between != "columns":
        columns = {"predictions": [between.join(row) for row in rows]}
    require(frame({"file": FILES, "label": TRUE, **columns}, f"t.{kind}")(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_without_a_score_is_named(kind: str, tmp_path: Path) -> None:
    count = 1500
    columns = {"file": [f"{n}.jpg" for n in range(count)], "label": ["cat", "dog"] * (count // 2)}
    columns["pred"] = [*[f"{one} 90%" for one in columns["label"][:-1]], "dog"]
    with pytest.raises(DataError, match=f"pred of .*dog in row {count:,}"):
        read(frame(columns, f"t.{kind}")(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "names", [("milk 3.5%", "milk 1.5%"), ("v 0.5", "v 1.5"), ("cat 0", "cat 1"), ("a: 10%", "a: 20%")]
)
def test_classes_may_be_called_so(names: tuple[str, str], kind: str, tmp_path: Path) -> None:
    one, other = names
    columns = {"file": FILES, "label": [one, other, one, other], "pred": [one, other, other, other]}
    found = read(frame(columns, f"t.{kind}")(tmp_path)).predictions
    assert set(found.classes) == set(names)
    assert [found.classes[n] for n in found.predicted] == columns["pred"]

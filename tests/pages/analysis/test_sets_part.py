"""Prediction sets, on the Scores page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from har_core.analysis.conformal import ALPHAS, METHODS, reached
from har_core.runs.run import Run, shipped_run
from har_core.viz.set_figures import SHOWN, class_coverage_figure
from tests.helpers import random_predictions
from tests.pages.conftest import HOSTILE, TIMEOUT, write_run


def script(folder: str) -> None:
    from pathlib import Path

    from app_pages.analysis.sets_part import sets_part
    from har_core.runs.run import Run

    sets_part(Run.open(Path(folder)))


def shown(run: Run) -> AppTest:
    app = AppTest.from_function(script, default_timeout=TIMEOUT, kwargs={"folder": str(run.folder)}).run()
    assert not app.exception and len(app.subheader) == 1 and len(app.get("plotly_chart")) == 1
    return app


def test_the_first_line_says_what_sets_reach() -> None:
    run = shipped_run()
    app, found = shown(run), reached(run.predictions(), 0.1)
    assert (
        f"{found.size:.1f} classes" in app.markdown[0].value and f"{found.coverage:.1%}"[:-1] in app.markdown[0].value
    )
    assert run.classes[found.worst].replace("_", " ") in app.markdown[0].value


def test_the_table_holds_every_method_and_coverage() -> None:
    run = shipped_run()
    table, predictions = shown(run).dataframe[0].value, run.predictions()
    assert list(zip(table["sets"], table["stated"].round(), strict=True)) == [
        (method, round(100 - alpha * 100)) for method in METHODS for alpha in ALPHAS
    ]
    for _, row in table.iterrows():
        found = reached(predictions, 1 - row["stated"] / 100, row["sets"])
        assert row["reached"] == pytest.approx(found.coverage * 100)
        assert row["classes in a set"] == pytest.approx(found.size)
        assert abs(row["reached"] - row["stated"]) < (7 if row["stated"] == 80 else 2)  # accuracy alone is 85 %


@pytest.mark.parametrize("made", ["two-classes", "perfect", "one-photo", "without-maps", "hostile"])
def test_runs_of_every_kind(made_runs: Path, made: str) -> None:
    run = Run.open(made_runs / made)
    app = shown(run)
    assert ("cannot tell" in app.markdown[0].value) is (made == "one-photo")
    for name in HOSTILE:
        assert all(name not in element.value for element in (*app.markdown, *app.caption))


def test_of_many_classes_the_least_covered_are_drawn(tmp_path: Path) -> None:
    names = tuple(f"class {number}" for number in range(100))
    predictions = random_predictions(300, names)
    run = Run.open(write_run(tmp_path / "many", predictions, maps=False))
    assert "are in every set" in shown(run).caption[0].value
    together, apart = reached(predictions, 0.1), reached(predictions, 0.1, "LAC per class")
    first, second = class_coverage_figure(together, apart, names).data
    assert len(first.x) == SHOWN and list(first.x) == sorted(first.x) and (second.x == 1).all()

"""The confusion matrix and the photos of its cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_core.runs.predictions import Predictions
from tests.helpers import random_predictions
from tests.pages.conftest import address, click, follow, links, opened, widget, write_run


def test_a_cell_in_the_address_opens_its_photos() -> None:
    app = opened("confusions", "two-classes", true="no", predicted="yes")
    predictions = random_predictions(30, ("no", "yes"))
    number = int(((predictions.true == 0) & (predictions.predicted == 1)).sum())
    assert app.title[0].value.startswith(f"{number} no photos predicted as yes")
    assert len(links(app, "Open")) == number
    click(app, "All confusions")
    assert not links(app, "Open") and "true" not in address(app)


def test_both_directions_of_a_confusion(made_runs: Path) -> None:
    one = random_predictions(40, ("blue", "green", "red"))
    number = int((((one.true == 0) & (one.predicted == 1)) | ((one.true == 1) & (one.predicted == 0))).sum())
    app = opened("confusions", "folders", true="blue", predicted="green", both="True")
    assert app.title[0].value.startswith(f"{number} photos confused between blue and green")
    assert len(links(app, "Open")) == number <= 24
    widget(app, "selectbox", f"cell-true-{made_runs / 'folders'}").set_value(2).run()
    assert "both" not in address(app) and "red photo" in app.title[0].value


def test_long_names_are_short_in_headlines_and_whole_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(f"a person who is {what} something in front of a large window on a sunny day" for what in "abc")
    write_run(tmp_path / "long", random_predictions(40, names), maps=False)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    cell = {"true": names[0], "predicted": names[1]}
    photo = random_predictions(40, names).samples[0]
    for page, query in (
        ("confusions", {}),
        ("confusions", cell),
        ("confusions", cell | {"both": "True"}),
        ("errors", {"show": "all", "photo": photo}),
    ):
        title = opened(page, "long", **query).title[0]
        assert len(title.value) < 160 and not any(name in title.value for name in names), title.value
        assert any(name in title.help for name in names)
    assert not opened("confusions").title[0].help


@pytest.mark.parametrize(("unit", "order"), [("recall", "similarity"), ("precision", "recall")])
def test_unit_and_order_stand_in_the_address(unit: str, order: str) -> None:
    app = opened("confusions", "folders", unit=unit, order=order)
    assert widget(app, "selectbox", "confusions-unit").value == unit
    assert widget(app, "selectbox", "confusions-order").value == order
    assert address(app) == {"run": "folders", "unit": unit, "order": order}
    widget(app, "selectbox", "confusions-unit").set_value("count").run()
    assert address(app) == {"run": "folders", "order": order}


def test_what_the_matrix_and_the_list_show_stands_in_the_address() -> None:
    app = opened("confusions", "folders")
    widget(app, "toggle", "confusions-hide-diagonal").set_value(False).run()
    widget(app, "segmented_control", "confusions-ways").set_value("both directions").run()
    assert address(app) == {"run": "folders", "diagonal": "shown", "list": "both"}
    follow(app, "Scores")
    follow(app, "Confusions")
    assert widget(app, "toggle", "confusions-hide-diagonal").value is False
    again = opened("confusions", "folders", diagonal="shown", list="both")
    assert widget(again, "segmented_control", "confusions-ways").value == "both directions"


def test_an_empty_cell_shows_no_switch_and_no_color_bar() -> None:
    app = opened("confusions", "perfect", true="a", predicted="b")
    assert not app.exception and app.title[0].value.startswith("0 ") and not links(app, "Open")
    assert not any(toggle.label == "Show the difference" for toggle in app.toggle)
    assert not any("linear-gradient" in block.value for block in app.get("html"))


def test_actions_that_do_not_occur_are_shown_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the matrix of somebody's own photos of two of fifteen actions."""
    tables = []
    monkeypatch.setattr("app_pages.components.matrix_panel.matrix_view", lambda table, **_: tables.append(table))
    few = random_predictions(20, ("a", "b"))
    probabilities = np.pad(few.probabilities, ((0, 0), (0, 13)))
    names = ("a", "b", *(f"absent_{number}" for number in range(13)))
    write_run(tmp_path / "few", Predictions(names, few.samples, few.true, probabilities), maps=False)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    app = opened("confusions", "few")
    assert tables[-1].names == ["a", "b", "all"]
    widget(app, "toggle", "confusions-everything").set_value(True).run()
    assert len(tables[-1].names) == 16


def test_a_confusion_is_written_from_the_left_whatever_its_classes_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Canvas tables write a cell in the direction of its first letter; the arrow would then point the other way."""
    write_run(tmp_path / "runs" / "right", random_predictions(40, ("قطة", "dog", "کلب")), maps=False)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("confusions", "right")
    cells = next(frame.value for frame in app.dataframe if "confusion" in frame.value.columns)["confusion"]
    assert len(cells) > 2 and cells.str.startswith("\u200e").all()

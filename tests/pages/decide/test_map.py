"""The map of embeddings: what it answers, what is missing without one, and the photos of a selection."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app_pages.decide.map_selection import SELECTED
from har_core.analysis.embedding_map import SCHEMA, map_table
from har_core.analysis.label_suspects import suspects_schema
from har_core.runs.file_names import EMBEDDING_MAP, SUSPECTS
from har_core.runs.run import SHIPPED, Run, shipped_run
from har_core.runs.tables import write_table
from har_core.runs.verdicts import Verdicts
from tests.conftest import COLORS, picture
from tests.pages.conftest import PAGES, address, click, links, opened, text, widget

PAGE = "app_pages/decide/map.py"


@pytest.fixture(autouse=True)
def _page_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not the app lists it."""
    navigation = st.navigation

    def with_map(pages: list[Any], **options: Any) -> Any:
        listed = any(page.url_path == "map" for page in pages)
        return navigation(pages if listed else [*pages, st.Page(PAGE, url_path="map")], **options)

    monkeypatch.setattr(st, "navigation", with_map)
    monkeypatch.setitem(PAGES, "map", PAGE)


@pytest.fixture
def mapped(made_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run with a stored map, on which 30 training photos lie."""
    folder = tmp_path / "runs" / "mapped"
    shutil.copytree(made_runs / "folders", folder)
    monkeypatch.setenv("HAR_RUNS", str(folder.parent))
    monkeypatch.setitem(sys.modules, "umap", None)
    run = Run.open(folder)
    embeddings = np.concatenate([np.asarray(run.embeddings()), np.random.default_rng(1).normal(size=(30, 8))])
    names = np.array([f"learned_{number}.jpg" for number in range(30)], dtype=object)
    table, _ = map_table(run.predictions(), embeddings, (names, np.arange(30) % 3))
    return write_table(run, EMBEDDING_MAP, table, SCHEMA)


def select(app: AppTest, run: Run, points: list[int]) -> AppTest:
    """Streamlit's test frame cannot draw a lasso."""
    app.session_state[SELECTED] = (run.folder, (run.folder / "run.json").stat().st_mtime_ns), np.array(points)
    return app.run()


@pytest.mark.parametrize("run", [SHIPPED, "two-classes", "perfect", "one-photo", "hostile"])
def test_a_run_with_embeddings_has_a_map(run: str) -> None:
    app = opened("map", run)
    assert not app.exception and not app.error and not app.warning
    assert len(app.title) == 1 and len(app.get("plotly_chart")) == 1 and address(app) == {"run": run}
    better = run == SHIPPED  # which has been analyzed
    assert ("har-lens analyze" in text(app)) != better, "the quick map says that there is a better one"


@pytest.mark.parametrize(
    ("run", "missing"), [("published-report", "matrix only"), ("without-maps", "without embeddings")]
)
def test_a_run_without_says_what_is_missing(run: str, missing: str) -> None:
    app = opened("map", run)
    assert not app.exception and "has no map" in app.title[0].value and missing in app.info[0].value
    assert not app.get("plotly_chart")


def test_color_layer_and_highlight_stand_in_the_address(mapped: Run) -> None:
    app = opened("map", "mapped", color="true", training="shown", highlight="2-0")
    assert not app.exception and not app.warning
    assert widget(app, "multiselect", f"map-highlight-{mapped.folder}").value == [2, 0]
    assert address(app) == {"run": "mapped", "color": "true", "training": "shown", "highlight": "2-0"}
    widget(app, "toggle", "map-training").set_value(False).run()
    widget(app, "segmented_control", f"map-color-{mapped.folder}").set_value("predicted").run()
    assert not app.exception and address(app) == {"run": "mapped", "color": "predicted", "highlight": "2-0"}
    widget(app, "multiselect", f"map-highlight-{mapped.folder}").set_value([]).run()
    assert not app.exception and address(app)["highlight"] == "none"


@pytest.mark.parametrize("highlight", ["9", "1-1", "x", "-1"])
def test_an_address_that_asks_for_odd_actions_is_told(highlight: str) -> None:
    app = opened("map", "folders", color="true", highlight=highlight)
    assert not app.exception and len(app.get("plotly_chart")) == 1 and highlight in app.warning[0].value


def test_a_selection_shows_its_photos_until_it_is_cleared(mapped: Run) -> None:
    predictions = mapped.predictions()
    app = select(opened("map", "mapped"), mapped, [3, 7, 11, 45])
    wrong = int((~predictions.correct[[3, 7, 11]]).sum())
    assert app.subheader[0].value.startswith(f"3 photos selected: {wrong} misclassified")
    assert {link["photo"] for link in links(app, "Open")} == set(predictions.samples[[3, 7, 11]])
    assert all(link["show"] == "all" for link in links(app, "Open"))
    click(app, "Clear the selection")
    assert not app.exception and not app.subheader and not links(app, "Open")


def test_a_selection_survives_another_page_but_not_another_run(mapped: Run) -> None:
    app = select(opened("map", "mapped"), mapped, [3, 7])
    for page in (PAGES["scores"], PAGE):
        app.switch_page(page)
        app.query_params["run"] = "mapped"
        app.run()
    assert not app.exception and len(links(app, "Open")) == 2
    for run in ("baseline", "mapped"):
        widget(app, "selectbox", "run").set_value(run).run()
        assert not app.exception and not links(app, "Open")


def test_training_photos_of_a_selection(mapped: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos" / "train").mkdir(parents=True)
    (tmp_path / "photos" / "Training_set.csv").write_text("filename,label\n")
    picture(COLORS["red"]).save(tmp_path / "photos" / "train" / "learned_5.jpg")
    (tmp_path / "photos" / "train" / "learned_6.jpg").write_bytes(b"no photo")
    monkeypatch.setenv("HAR_DATA", str(tmp_path / "photos"))
    app = select(opened("map", "mapped", training="shown"), mapped, [45, 46, 47])
    assert not app.exception and app.subheader[0].value.startswith("3 training photos selected")
    assert all(f"learned\\_{number}.jpg" in text(app) for number in (5, 6, 7)) and not links(app, "Open")
    assert [one.alt for image in app.get("image") for one in image.proto.imgs] == ["learned_5.jpg: red"]


def test_verdicts_color_the_map_once_there_are_some(tmp_path: Path) -> None:
    app = opened("map", SHIPPED, color="verdict")
    assert not app.exception and "verdict" in app.warning[0].value
    Verdicts(tmp_path / "home" / "verdicts" / f"{SHIPPED}.sqlite").set(
        str(shipped_run().predictions().samples[0]), "both fit"
    )
    app = opened("map", SHIPPED, color="verdict")
    assert not app.exception and not app.warning and address(app)["color"] == "verdict"


def test_label_suspects_color_the_map_where_they_are_stored(mapped: Run) -> None:
    rows = [(str(mapped.predictions().samples[0]), "test", "blue", "green", 0.1, 0.8, 1, 9),
            ("learned_1.jpg", "training", "green", "red", 0.2, 0.7, 0, 8)]  # fmt: skip
    schema = suspects_schema(mapped.classes)
    write_table(mapped, SUSPECTS, pd.DataFrame(rows, columns=list(schema)), schema)
    app = opened("map", "mapped", color="suspect", training="shown")
    assert not app.exception and not app.warning and address(app)["color"] == "suspect"

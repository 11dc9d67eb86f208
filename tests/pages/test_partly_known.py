"""Runs that came from elsewhere: labels alone, the confidence alone, the top few; with and without anything beside them.

No page fails, and none shows what was filled in for a probability.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from har_core.analysis.error_kinds import PREFIX
from har_core.analysis.known import what_is_known
from har_core.runs.file_names import CLASS_MAPS, EMBEDDINGS
from har_core.runs.manifest import COMPLETE, Manifest, Probabilities
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.verdicts import Verdicts
from har_core.runs.writing import write_manifest
from har_core.viz.formats import percent
from tests.helpers import filled_in, random_predictions
from tests.pages.conftest import PAGES, address, opened, widget

KINDS: tuple[Probabilities, ...] = get_args(Probabilities)
SIZES = (2, 15)
TOP = 4
FILLED_IN = (">\u00a099\u00a0%", "&gt;\u00a099\u00a0%", "<\u00a01\u00a0%", "&lt;\u00a01\u00a0%", "nan")
"""How 1, what is left of it, and what is not known would be written."""

CORRECT = 7  # a photo that is predicted correctly, whatever is known


def imported(kind: Probabilities, size: int) -> Predictions:
    """60 photos, half of them predicted correctly by some margin, with names of folders as imports have them."""
    classes = tuple(f"class {number:02d}" for number in range(size))
    found = random_predictions(60, classes, seed=3)
    true = np.where(np.arange(60) % 2, found.predicted, (found.predicted + 1) % size)
    names = np.array([f"{classes[label]}/{number}.jpg" for number, label in enumerate(true)], dtype=object)
    return filled_in(Predictions(classes, names, true, found.probabilities), kind, top=TOP)


def write_imported(folder: Path, kind: Probabilities, size: int, *, arrays: bool = False) -> Path:
    """A run with predictions alone, or with class maps and embeddings beside them; never a model."""
    predictions = imported(kind, size)
    folder.mkdir(parents=True)
    predictions.write(folder / "predictions.parquet")
    if arrays:
        random = np.random.default_rng(0)
        np.save(folder / CLASS_MAPS, random.normal(size=(60, size, 3, 3)).astype(np.float16))
        np.save(folder / EMBEDDINGS, random.normal(size=(60, 8)).astype(np.float16))
    manifest = Manifest(status=COMPLETE, classes=predictions.classes, probabilities=kind, source="a table")
    write_manifest(folder, manifest)
    return folder


@pytest.fixture(scope="module")
def imports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imports")
    for kind in KINDS:
        for size in SIZES:
            write_imported(folder / f"{kind}-{size}", kind, size)
        write_imported(folder / f"{kind}-maps", kind, 15, arrays=True)
    return folder


@pytest.fixture(autouse=True)
def _imported_runs(surroundings: None, imports: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HAR_RUNS", str(imports))
    yield
    for verdicts in imports.glob("*/verdicts.sqlite"):
        verdicts.unlink()


def everything(app: AppTest) -> str:
    """All words of a page, those of its cards too."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning")
    elements: list[Any] = [element for kind in kinds for element in app.get(kind)]
    words = [element.value for element in elements]
    return " ".join([*words, *(element.proto.body for element in app.get("html"))])


def labels(app: AppTest) -> set[str]:
    """Of metrics and of what can be chosen."""
    kinds = ("metric", "selectbox", "slider", "download_button")
    elements: list[Any] = [element for kind in kinds for element in app.get(kind)]
    return {element.label for element in elements}


@pytest.mark.parametrize("arrays", [False, True], ids=["alone", "with-maps"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_page_opens(kind: str, arrays: bool) -> None:
    for run in [f"{kind}-maps"] if arrays else [f"{kind}-{size}" for size in SIZES]:
        app = opened("overview", run)
        for page, file in PAGES.items():
            if page != "overview":
                app.switch_page(file)
                app.query_params["run"] = run
                app.run()
            assert not app.exception and not app.error and len(app.title) == 1, (run, page)
            assert kind != "none" or not any(word in everything(app) for word in FILLED_IN), (run, page)


@pytest.mark.parametrize("run", [f"{kind}-{size}" for kind in KINDS for size in (*SIZES, "maps")])
def test_cards_and_single_photos_show_no_probability_that_is_not_known(run: str, imports: Path) -> None:
    found = Run.open(imports / run)
    kind, predictions = found.manifest.probabilities, found.predictions()
    known = what_is_known(kind, predictions)
    told = {escape(percent(value)) for value in predictions.probabilities[known.mask(predictions.probabilities)]}
    app = opened("confusions", run, true="*", predicted="*")
    for query in (
        {"show": "all"},
        {"show": "all", "view": "grid", "at": str(predictions.samples[CORRECT])},
        {"show": "all", "photo": str(predictions.samples[CORRECT])},
        {"show": "all", "photo": str(predictions.samples[CORRECT + 1])},
    ):
        assert not app.exception and not app.error and not app.warning
        words = everything(app)
        if kind == "none":
            assert not any(word in words for word in FILLED_IN) and not app.get("plotly_chart")
        assert "nan" not in words and set(re.findall(r"\(((?:&[lg]t; )?\d+ %)\)", words)) <= told
        app = opened("errors", run, **query)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("all-15", {"True class in the top 3", "Log loss"}),
        ("top-15", {"True class in the top 3"}),
        ("confidence-15", set()),
        ("none-15", set()),
        ("confidence-2", {"Log loss"}),
        ("none-2", set()),
    ],
)
def test_scores_that_can_be_told(run: str, expected: set[str]) -> None:
    app = opened("scores", run)
    assert {metric.label for metric in app.metric} == {"Accuracy", "Macro F1", "Weighted F1"} | expected
    charts = {element.proto.id.rsplit("-", 1)[-1] for element in app.get("plotly_chart")}
    kind = run.split("-")[0]
    assert ("reliability" in charts) == (kind != "none") == ("coverage" in charts)
    headings = [header.value for header in app.subheader]
    assert ("Sets that contain the truth" in headings) == ("Log loss" in expected)
    assert sum("would show" in caption.value for caption in app.caption) == ("Log loss" not in expected)
    assert "Do the heatmaps show what the model uses?" not in headings
    assert any("class-wise" in caption.value for caption in app.caption) == ("Log loss" in expected)


@pytest.mark.parametrize(
    ("run", "sorts", "slider", "ranks"),
    [
        ("all-15", 4, True, True),
        ("top-15", 4, True, True),
        ("confidence-15", 3, True, False),
        ("confidence-2", 4, True, False),
        ("none-15", 0, False, False),
    ],
)
def test_orders_and_filters_that_mean_something(run: str, sorts: int, slider: bool, ranks: bool) -> None:
    app = opened("errors", run)
    offered = labels(app)
    assert ("Sort by" in offered) == (sorts > 0)
    assert not sorts or len(next(box for box in app.selectbox if box.label == "Sort by").options) == sorts
    assert ("Confidence of the prediction" in offered) == slider and ("True class is" in offered) == ranks


@pytest.mark.parametrize(
    ("run", "query"),
    [
        ("none-15", {"sort": "loss"}),
        ("none-15", {"sort": "margin"}),
        ("none-15", {"confidence": "0.2-0.9"}),
        ("none-15", {"top3": "True"}),
        ("none-15", {"group": "suspects"}),
        ("confidence-15", {"sort": "margin"}),
        ("confidence-15", {"top3": "False"}),
    ],
)
def test_a_link_that_asks_for_them_is_told(run: str, query: dict[str, str]) -> None:
    app = opened("errors", run, **query)
    assert not app.exception and len(app.warning) == 1 and next(iter(query.values())) in app.warning[0].value
    assert app.title[0].value.startswith("30 of 60 photos")
    assert not opened("errors", "all-15", **query).warning


def test_errors_are_not_guessed_to_be_of_a_kind(imports: Path) -> None:
    """Verdicts alone tell; what is not judged is not called a close call or a wrong label."""
    groups = [element.proto.query_string for element in opened("overview", "none-15").get("page_link")]
    assert not any(
        f"group={PREFIX.replace(':', '%3A')}{kind}" in query for query in groups for kind in ("label", "amb")
    )
    wrong = [str(sample) for sample in imported("none", 15).samples[:4:2]]
    store = Verdicts(imports / "none-15" / "verdicts.sqlite")
    store.set(wrong[0], "label is wrong", "", "class 03")
    store.set(wrong[1], "both fit", "")
    app = opened("overview", "none-15")
    assert not app.exception
    cards = " ".join(element.value for element in app.markdown if element.value.startswith("**"))
    assert "Labels that may be wrong**: 1 photo" in cards and "28 photos" in cards
    assert sum("would show" in caption.value for caption in app.caption) == 1


def test_suspects_are_not_sought_in_what_was_filled_in() -> None:
    for kind in KINDS:
        app = opened("data", f"{kind}-15")
        assert not app.exception
        offered = "Suspects as CSV" in labels(app)
        assert offered == (kind == "all") and ("would show" in everything(app)) != offered


def test_points_of_the_map_tell_no_confidence() -> None:
    for kind, told in (("none", False), ("confidence", True)):
        app = opened("map", f"{kind}-maps")
        spec = str(app.get("plotly_chart")[0].proto.spec)
        assert not app.exception and "predicted" in spec and ("%)" in spec) == told


def test_two_runs_are_compared_by_their_labels() -> None:
    app = opened("compare", "none-15", **{"with": "confidence-15"})
    assert not app.exception and not app.error and address(app)["with"] == "confidence-15"
    assert "nan" not in everything(app) and not any("protocol" in frame.value.columns for frame in app.dataframe)


def test_a_photo_of_a_labels_only_run_says_once_what_is_missing() -> None:
    sample = str(imported("none", 15).samples[CORRECT])
    app = opened("errors", "none-15", show="all", photo=sample)
    assert sum("would show" in caption.value for caption in app.caption) == 1
    assert "predicted correctly" in app.title[0].value and "(" not in app.title[0].value
    app = opened("errors", "confidence-15", show="all", photo=str(imported("none", 15).samples[CORRECT]))
    assert "The other 14 classes" in everything(app) and "%)" in app.title[0].value
    assert widget(app, "selectbox", "run") is not None

"""Runs of every awkward kind, and the app opened on them without a browser."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from har_core.runs.file_names import MANIFEST
from har_core.runs.manifest import COMPLETE, TRAINING, Manifest, ModelInfo, TrainingInfo
from har_core.runs.predictions import Predictions
from har_core.runs.run import HISTORY_COLUMNS
from har_core.runs.writing import write_history, write_manifest, write_results
from tests.conftest import ROOT
from tests.helpers import random_predictions

PAGES = {
    "overview": "app_pages/home/overview.py",
    "predict": "app_pages/predict/predict.py",
    "video": "app_pages/video/video.py",
    "live": "app_pages/live/live.py",
    "confusions": "app_pages/analysis/confusions.py",
    "errors": "app_pages/analysis/errors.py",
    "data": "app_pages/decide/data.py",
    "map": "app_pages/decide/map.py",
    "scores": "app_pages/analysis/scores.py",
    "training": "app_pages/analysis/training.py",
    "own": "app_pages/own/your_photos.py",
    "compare": "app_pages/analysis/compare.py",
    "scored": "app_pages/scored/scored.py",
}
"""The last part of a page's address → its file."""

MADE = ("two-classes", "perfect", "one-photo", "without-maps", "training", "folders", "hostile", "damaged")
HOSTILE = ("<script>alert(1)</script>", "[click](javascript:alert(2))", "**$x$** :red[y] `z`")
TIMEOUT = 60


@pytest.fixture(scope="session")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of every awkward kind.  Tests share it: whatever one writes there, it removes."""
    folder = tmp_path_factory.mktemp("made")
    write_run(folder / "two-classes", random_predictions(30, ("no", "yes")))
    true = np.arange(20) % 3
    probabilities = np.full((20, 3), 0.05, np.float32)
    probabilities[np.arange(20), true] = 0.9
    names = np.array([f"folder/{number}.png" for number in range(20)], dtype=object)
    write_run(folder / "perfect", Predictions(("a", "b", "c"), names, true, probabilities))
    write_run(folder / "one-photo", random_predictions(1, ("a", "b", "c")))
    write_run(folder / "without-maps", random_predictions(60, ("a", "b", "c", "d")), maps=False)
    write_run(folder / "folders", random_predictions(40, ("blue", "green", "red")))
    strange = random_predictions(40, HOSTILE)
    strange.samples[:4] = ["../../etc/passwd", "/etc/passwd", "<img src=x onerror=alert(1)>", "**a** [b](javascript:c)"]
    write_run(folder / "hostile", strange)
    (folder / "training").mkdir()
    write_history(folder / "training", [dict.fromkeys(HISTORY_COLUMNS, 1.0)])
    training = Manifest(
        status=TRAINING, classes=("a", "b"), training=TrainingInfo(checkpoint="best"), config={"epochs": 5}
    )
    write_manifest(folder / "training", training)
    shutil.copytree(folder / "folders", folder / "damaged")
    (folder / "damaged" / MANIFEST).write_text("{")
    return folder


def write_run(folder: Path, predictions: Predictions, *, maps: bool = True) -> Path:
    """A complete run, whose folder is returned, with random class maps and embeddings on demand."""
    manifest = Manifest(status=COMPLETE, classes=predictions.classes, model=ModelInfo(crop_size=64, resize=72))
    folder.mkdir(parents=True, exist_ok=True)
    if not maps:
        predictions.write(folder / "predictions.parquet")
        write_manifest(folder, manifest)
        return folder
    count, size = predictions.probabilities.shape
    random = np.random.default_rng(0)
    class_maps, embeddings = random.normal(size=(count, size, 3, 3)), random.normal(size=(count, 8))
    write_results(folder, predictions, class_maps.astype(np.float16), embeddings.astype(np.float16), manifest)
    return folder


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made_runs: Path) -> None:
    """No photos, a home of its own, and the made runs beside the shipped ones."""
    monkeypatch.setenv("HAR_LENS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HAR_DATA", str(tmp_path / "no-photos"))
    monkeypatch.setenv("HAR_RUNS", str(made_runs))


def opened(page: str, run: str | None = None, /, **query: str) -> AppTest:
    """The app as it answers a link to a page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    if page == "own":  # before the first run, Streamlit knows a page by the name of its file alone
        app.run()
    app.switch_page(PAGES[page])
    for name, value in query.items() if run is None else ({"run": run} | query).items():
        app.query_params[name] = value
    return app.run()


def address(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def text(app: AppTest) -> str:
    return " ".join(element.value for kind in (app.title, app.markdown, app.caption, app.subheader) for element in kind)


def click(app: AppTest, label: str) -> AppTest:
    """Press the first button of that label."""
    return next(button for button in app.button if button.label == label).click().run()


def widget(app: AppTest, kind: str, key: str) -> Any:
    """The widget that shows a seeded value, by the key of the value."""
    return next(element for element in app.get(kind) if re.fullmatch(rf"{re.escape(key)}-\d+", element.key or ""))


def stand_in_for_photo_keys(
    *, key: str, first: bool, last: bool, act: Callable[[list[str]], Callable[[], object]], keys: Sequence[str]
) -> None:
    """Streamlit's test frame cannot press what a component draws."""
    st.button("Previous", key=f"{key}-previous", disabled=first, on_click=lambda: act(["previous"])())
    st.button("Next", key=f"{key}-next", disabled=last, on_click=lambda: act(["next"])())


@pytest.fixture(autouse=True)
def _buttons_that_can_be_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app_pages.components.photo_detail.photo_keys", stand_in_for_photo_keys)


def links(app: AppTest, label: str) -> list[dict[str, str]]:
    """Where the links of that label lead: the parameters of their addresses, and the page's file as `page`."""
    protos = [element.proto for element in app.get("page_link") if element.proto.label == label]
    files = PAGES | {"": PAGES["overview"]}
    return [dict(parse_qsl(proto.query_string)) | {"page": files[proto.page]} for proto in protos]


def follow(app: AppTest, label: str) -> AppTest:
    """Press the first link of that label."""
    query = links(app, label)[0]
    app.switch_page(query.pop("page"))
    app.query_params.clear()
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def wait_for_job(app: AppTest, key: str) -> None:
    """Until the computation is done that the session keeps under that key."""
    wait_for(lambda: not app.session_state[key].running)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.1)

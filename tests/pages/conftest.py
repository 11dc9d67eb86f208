"""Runs of every awkward kind, and the app opened on them without a browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from har_core import runs
from har_core.evaluation import Evaluation
from har_core.experiment import write_evaluation
from har_core.predictions import Predictions
from tests.conftest import ROOT
from tests.test_runs import table

PAGES = sorted(path.name for path in (ROOT / "pages").glob("[!_]*.py"))
MADE = ("two-classes", "perfect", "one-photo", "without-maps", "training", "folders", "hostile", "damaged")
HOSTILE = ("<script>alert(1)</script>", "[click](javascript:alert(2))", "**$x$** :red[y] `z`")


@pytest.fixture(scope="module")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of every awkward kind."""
    folder = tmp_path_factory.mktemp("made")

    def write(name: str, predictions: Predictions, *, maps: bool = True) -> None:
        card = {"classes": list(predictions.classes), "model": {"crop_size": 64, "resize": 72}}
        count, size = predictions.probabilities.shape
        random = np.random.default_rng(0)
        arrays = random.normal(size=(count, size, 3, 3)), random.normal(size=(count, 8))
        result = Evaluation(predictions, *(array.astype(np.float16) for array in arrays))
        write_evaluation(folder / name, result, card)
        if not maps:
            for file in (runs.HEATMAPS, runs.EMBEDDINGS):
                (folder / name / file).unlink()
            runs.write_card(folder / name, {"status": runs.COMPLETE, **card})

    write("two-classes", table(30, ("no", "yes")))
    truth = np.arange(20) % 3
    sure = np.full((20, 3), 0.05, np.float32)
    sure[np.arange(20), truth] = 0.9
    names = np.array([f"folder/{number}.png" for number in range(20)], dtype=object)
    write("perfect", Predictions(("a", "b", "c"), names, truth, sure))
    write("one-photo", table(1, ("a", "b", "c")))
    write("without-maps", table(60, ("a", "b", "c", "d")), maps=False)
    write("folders", table(40, ("blue", "green", "red")))
    strange = table(40, HOSTILE)
    strange.samples[:4] = ["../../etc/passwd", "/etc/passwd", "<img src=x onerror=alert(1)>", "**a** [b](javascript:c)"]
    write("hostile", strange)
    training = folder / "training"
    training.mkdir()
    runs.write_card(training, {"status": runs.TRAINING, "classes": ["a", "b"], "config": {"epochs": 5}})
    runs.write_history(training, [dict.fromkeys(runs.HISTORY_COLUMNS, 1.0)])
    shutil.copytree(folder / "folders", folder / "damaged")
    (folder / "damaged" / runs.CARD).write_text("{")
    return folder


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made_runs: Path) -> None:
    """No photos, a home of its own, and the made runs beside the shipped ones."""
    monkeypatch.setenv("HAR_LENS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HAR_DATA", str(tmp_path / "no-photos"))
    monkeypatch.setenv("HAR_RUNS", str(made_runs))


def opened(page: str | None = None, run: str | None = None, /, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if run is not None:
        app.query_params["run"] = run
    app.run()
    if page is not None:
        app.switch_page(f"pages/{page}")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
    return app


def address(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def text(app: AppTest) -> str:
    return " ".join(element.value for kind in (app.title, app.markdown, app.caption, app.subheader) for element in kind)

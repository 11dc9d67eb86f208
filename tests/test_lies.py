"""Run folders may come from anywhere: whatever is in their files, opening them ends well or in a clear error."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from har_core import runs
from har_core.errors import HarError
from har_core.evaluation import Evaluation
from har_core.experiment import write_evaluation
from har_core.model import save_model
from har_core.recogniser import Recogniser
from har_core.runs import Run, checksum
from tests.test_runs import table

FILES = (runs.MODEL, runs.HISTORY, runs.PREDICTIONS, runs.HEATMAPS, runs.EMBEDDINGS, runs.MATRIX)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, tiny: Recogniser) -> Path:
    """A complete run with every kind of file."""
    path = tmp_path_factory.mktemp("good") / "run"
    save_model(tiny.model, tiny.spec, path / runs.MODEL)
    result = Evaluation(table(), np.zeros((40, 3, 2, 2), np.float16), np.ones((40, 512), np.float16))
    runs.write_history(path, [dict.fromkeys(runs.HISTORY_COLUMNS, 1.0)])
    (path / runs.MATRIX).write_text("true,blue,green,red\nblue,1,2,3\ngreen,0,1,0\nred,0,0,9\n")
    write_evaluation(path, result, {"classes": list(tiny.spec.classes)})
    return path


def complaint(folder: Path, file: str) -> str:
    """What is said of a run when one of its files is asked for; nothing if all is well."""
    try:
        run = Run.open(folder)
        {
            runs.MODEL: run.model,
            runs.HISTORY: run.history,
            runs.PREDICTIONS: run.predictions,
            runs.HEATMAPS: run.heatmaps,
            runs.EMBEDDINGS: run.embeddings,
            runs.MATRIX: run.counts,
        }[file]()
    except HarError as error:
        return str(error)
    return ""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_files_with_changed_bytes(good: Path, data: st.DataObject) -> None:
    """The card vouches for the changed file, so that its content is looked at."""
    name = data.draw(st.sampled_from(FILES))
    content = bytearray((good / name).read_bytes())
    # Most of what can go wrong is decided in the first and in the last kilobyte: headers, and Parquet's footer.
    places = st.integers(0, min(1023, len(content) - 1)) | st.integers(max(0, len(content) - 1024), len(content) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(places) :]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        folder.mkdir()
        for path in good.iterdir():
            (folder / path.name).symlink_to(path)
        for changed in (name, runs.CARD):
            (folder / changed).unlink()
        (folder / name).write_bytes(content)
        card = json.loads((good / runs.CARD).read_text())
        if name == runs.MATRIX:  # it is only looked at where there are no predictions
            del card["files"][runs.PREDICTIONS]
        card["files"][name] = {"bytes": len(content), "sha256": checksum(folder / name)}
        (folder / runs.CARD).write_text(json.dumps(card))
        assert len(complaint(folder, name)) < 2000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(("classes", "files", "model", "data", "training", "config", "title", "note")), value=JSON)
def test_cards_with_anything_in_them(good: Path, place: str, value: Any) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        folder.mkdir()
        (folder / runs.HISTORY).symlink_to(good / runs.HISTORY)
        card = json.loads((good / runs.CARD).read_text())
        (folder / runs.CARD).write_text(json.dumps(card | {place: value}))
        said = complaint(folder, runs.HISTORY)
        assert said == "" or runs.CARD in said or runs.HISTORY in said


def test_the_good_run_opens(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "copy")
    run = Run.open(tmp_path / "copy")
    assert len(run.predictions()) == 40 and run.counts().sum() == 40 and run.model()[1].classes == run.classes

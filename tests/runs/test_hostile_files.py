"""Run folders may come from anywhere: whatever is in their files, opening them ends well or in a clear error."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_core.errors import HarError
from har_core.runs.file_names import CLASS_MAPS, EMBEDDINGS, HISTORY, LEGACY_MANIFEST, MANIFEST, MATRIX, PREDICTIONS
from har_core.runs.run import Run, checksum
from tests.runs.test_legacy import CARD

FILES = (HISTORY, PREDICTIONS, CLASS_MAPS, EMBEDDINGS, MATRIX)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    (
        "epochs",
        "soup_size",
        "members",
        "scored",
        "selection",
        "best_epoch",
        "epoch",
        "test",
        "crop_size",
        "accuracy",
        "n",
    )
)
TABLE = st.dictionaries(KEYS, JSON, max_size=3)
PLACES = (
    "status",
    "classes",
    "files",
    "model",
    "data",
    "training",
    "config",
    "scores",
    "machine",
    "title",
    "note",
    "new",
)


def complaint(folder: Path, file: str) -> str:
    """What is said of a run when one of its files is asked for; nothing if all is well."""
    try:
        run = Run.open(folder)
        {
            HISTORY: run.history,
            PREDICTIONS: run.predictions,
            CLASS_MAPS: run.class_maps,
            EMBEDDINGS: run.embeddings,
            MATRIX: run.confusion_matrix,
        }[file]()
    except HarError as error:
        return str(error)
    return ""


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_files_with_changed_bytes(complete_run: Path, data: st.DataObject) -> None:
    """The manifest lists the changed file, so that its content is read."""
    name = data.draw(st.sampled_from(FILES))
    matrix = b"true,blue,green,red\nblue,1,2,3\ngreen,0,1,0\nred,0,0,9\n"
    content = bytearray(matrix if name == MATRIX else (complete_run / name).read_bytes())
    # Most of what can go wrong is decided in the first and in the last kilobyte: headers, and Parquet's footer.
    places = st.integers(0, min(1023, len(content) - 1)) | st.integers(max(0, len(content) - 1024), len(content) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(places) :]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / name).write_bytes(content)
        values = json.loads((complete_run / MANIFEST).read_text())
        values["files"] = {name: {"bytes": len(content), "sha256": checksum(folder / name)}}
        (folder / MANIFEST).write_text(json.dumps(values))
        assert len(complaint(folder, name)) < 2000


@pytest.mark.parametrize("manifest", [MANIFEST, LEGACY_MANIFEST])
@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(PLACES), value=JSON | TABLE)
def test_manifests_with_anything_in_them(complete_run: Path, manifest: str, place: str, value: Any) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / HISTORY).symlink_to(complete_run / HISTORY)
        values = json.loads((complete_run / MANIFEST).read_text())
        if manifest == LEGACY_MANIFEST:
            values = {**CARD, "files": values["files"]}
        (folder / manifest).write_text(json.dumps({**values, place: value}))
        said = complaint(folder, HISTORY)
        assert said == "" or manifest in said or HISTORY in said

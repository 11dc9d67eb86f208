"""Whatever bytes stand in a model file that the manifest lists: it loads, or one clear error says why not."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from har_core.errors import CheckpointError, HarError
from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import save_checkpoint
from har_core.runs.file_names import MODEL
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory, tiny: Predictor) -> bytes:
    path = tmp_path_factory.mktemp("model") / MODEL
    save_checkpoint(tiny.model, tiny.spec, path)
    return path.read_bytes()


def run_with(folder: Path, content: bytes, classes: tuple[str, ...]) -> Run:
    """A run whose manifest lists a model file with this content."""
    (folder / MODEL).write_bytes(content)
    return write_manifest(folder, Manifest(status=COMPLETE, classes=classes))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_changed_bytes(content: bytes, tiny: Predictor, data: st.DataObject) -> None:
    changed = bytearray(content)
    header = int.from_bytes(content[:8], "little")  # it decides what is read how; the rest are weights
    places = st.integers(0, 1023) | st.integers(0, header + 7) | st.integers(len(content) - 1024, len(content) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=6)):
        changed[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del changed[data.draw(places) :]
    with tempfile.TemporaryDirectory() as temporary:
        run = run_with(Path(temporary), bytes(changed), tiny.spec.classes)
        complaint = "fine"
        try:
            Predictor.from_run(run)
        except HarError as error:
            complaint = str(error)
        assert 0 < len(complaint) < 2000


def test_the_unchanged_model_loads(content: bytes, tiny: Predictor, tmp_path: Path) -> None:
    loaded = Predictor.from_run(run_with(tmp_path, content, tiny.spec.classes))
    images = torch.randn(2, 3, 64, 64)
    assert loaded.spec == tiny.spec
    assert torch.allclose(loaded.forward(images).logits, tiny.forward(images).logits, atol=0.05)  # half precision


def test_a_model_of_other_classes_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="classes"):
        Predictor.from_run(run_with(tmp_path, content, ("a", "b", "c")))

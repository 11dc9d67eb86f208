"""Run folders and prediction tables: what was written is read back, what lies is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from har_core import runs
from har_core.analysis import confusion
from har_core.errors import HarError, RunError
from har_core.evaluation import Evaluation
from har_core.experiment import write_evaluation
from har_core.files import atomic_path
from har_core.model import save_model
from har_core.predictions import Predictions
from har_core.recogniser import Recogniser
from har_core.runs import Run, find_runs


def table(count: int = 40, classes: tuple[str, ...] = ("blue", "green", "red"), seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(len(classes)), count).astype(np.float32)
    names = np.array([f"Image_{n}.jpg" for n in range(count)], dtype=object)
    return Predictions(classes, names, random.integers(0, len(classes), count), probabilities)


@pytest.fixture
def folder(tmp_path: Path, tiny: Recogniser) -> Path:
    """A complete run."""
    path = tmp_path / "runs" / "one"
    save_model(tiny.model, tiny.spec, path / runs.MODEL)
    result = Evaluation(table(), np.zeros((40, 3, 2, 2), np.float16), np.ones((40, 512), np.float16))
    runs.write_history(path, [dict.fromkeys(runs.HISTORY_COLUMNS, 1.0)])
    write_evaluation(path, result, {"classes": list(result.predictions.classes)})
    return path


def test_a_run_is_read_back(folder: Path, tiny: Recogniser) -> None:
    run = Run.open(folder)
    assert run.classes == tiny.spec.classes and run.name == "one"
    pd.testing.assert_frame_equal(run.predictions().frame(), table().frame())
    assert run.heatmaps().shape == (40, 3, 2, 2) and isinstance(run.heatmaps(), np.memmap)
    assert run.embeddings().dtype == np.float16 and list(run.history().columns) == list(runs.HISTORY_COLUMNS)
    assert run.model()[1] == tiny.spec


@pytest.mark.parametrize("name", [runs.MODEL, runs.HISTORY, runs.PREDICTIONS, runs.HEATMAPS, runs.EMBEDDINGS])
@pytest.mark.parametrize("damage", ["missing", "cut", "flipped"])
def test_listed_files_are_refused_by_name_when_damaged(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path.write_bytes(content[:-1] if damage == "cut" else flipped)
    with pytest.raises(RunError, match=name.replace(".", r"\.")):
        Run.open(folder).file(name)


def test_an_absent_file_is_said_to_be_absent(folder: Path) -> None:
    (folder / runs.MODEL).unlink()
    card = json.loads((folder / runs.CARD).read_text())
    run = runs.write_card(folder, {key: value for key, value in card.items() if key not in ("format", "files")})
    assert not run.has(runs.MODEL) and run.has(runs.HEATMAPS)
    with pytest.raises(RunError, match="has no model"):
        run.model()


@pytest.mark.parametrize(
    "card",
    ["", "[]", "{}", '{"format": "har-lens-run/9"}', "[" * 100_000, '"' + "x" * 5_000_000 + '"'],
    ids=["empty", "list", "table", "version", "deep", "large"],
)
def test_cards_of_another_kind_are_refused(tmp_path: Path, card: str) -> None:
    (tmp_path / runs.CARD).write_text(card)
    with pytest.raises(RunError, match="expected"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("classes", [1]),
        ("classes", []),
        ("classes", ["a", "a"]),
        ("classes", ["a\u202eb"]),
        ("classes", ["x" * 101]),
        ("classes", [str(number) for number in range(1001)]),
        ("files", []),
        ("files", {runs.MODEL: 3}),
        ("files", {runs.MODEL: {"bytes": 1, "sha256": "../../etc/passwd"}}),
        ("model", "resnet50"),
        ("model", {"crop_size": "224"}),
        ("training", {"best_epoch": -1}),
        ("config", {"epochs": 10**30}),
        ("title", ["a"]),
        ("note", "x" * 3000),
    ],
    ids=lambda value: str(value)[:30],
)
def test_cards_that_lie_are_refused_by_place(folder: Path, place: str, value: object) -> None:
    card = json.loads((folder / runs.CARD).read_text())
    (folder / runs.CARD).write_text(json.dumps(card | {place: value}))
    with pytest.raises(RunError, match=rf"card\.json: expected {place}"):
        Run.open(folder)


def test_a_history_of_other_things_than_numbers_is_refused(tmp_path: Path) -> None:
    run = runs.write_card(tmp_path, {"status": runs.TRAINING, "classes": ["a", "b"]})
    runs.write_history(tmp_path, [dict.fromkeys(runs.HISTORY_COLUMNS, "=1+1")])  # type: ignore[dict-item]
    with pytest.raises(RunError, match="expected numbers"):
        run.history()


def test_runs_are_found_and_a_broken_one_does_not_hide_the_others(folder: Path) -> None:
    broken = folder.parent / "another"
    broken.mkdir()
    (broken / runs.CARD).write_text("{")
    found, refused = find_runs([folder.parent, folder / "nowhere"])
    assert [run.name for run in found] == ["one"] and [path for path, _ in refused] == [broken]
    assert isinstance(refused[0][1], HarError)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"probabilities": np.full((40, 3), 0.5, np.float32)}, "sum to 1"),
        ({"probabilities": np.full((40, 3), np.nan, np.float32)}, "sum to 1"),
        ({"probabilities": np.full((40, 2), 0.5, np.float32)}, r"\(40, 3\)"),
        ({"true": np.full(40, 3)}, "class indices from 0 to 2"),
        ({"samples": np.array(["a"] * 40, dtype=object)}, "39 repeated"),
    ],
)
def test_tables_that_cannot_be_right_are_refused(change: dict[str, np.ndarray], reason: str) -> None:
    good = table()
    values = {"samples": good.samples, "true": good.true, "probabilities": good.probabilities} | change
    with pytest.raises(RunError, match=reason):
        Predictions(good.classes, **values)


def test_a_table_of_other_classes_is_refused(tmp_path: Path) -> None:
    table().write(tmp_path / "p.parquet")
    with pytest.raises(RunError, match="expected columns"):
        Predictions.read(tmp_path / "p.parquet", ("blue", "green", "yellow"))


def test_a_run_may_be_a_matrix_alone(tmp_path: Path) -> None:
    classes = ["calling", "texting"]
    counts = pd.DataFrame([[5, 1], [2, 4]], index=classes, columns=classes)
    counts.to_csv(tmp_path / runs.MATRIX, index_label="true")
    run = runs.write_card(tmp_path, {"status": runs.COMPLETE, "classes": classes, "title": "Published"})
    assert np.array_equal(run.counts(), counts) and run.title == "Published"
    with pytest.raises(RunError, match="no predictions"):
        run.predictions()
    for wrong in (counts.rename(columns={"texting": "text"}), counts - 3):
        wrong.to_csv(tmp_path / runs.MATRIX, index_label="true")
        with pytest.raises(RunError, match="expected counts"):
            runs.write_card(tmp_path, {"status": runs.COMPLETE, "classes": classes}).counts()


def test_the_matrix_follows_from_the_predictions(folder: Path) -> None:
    counts = Run.open(folder).counts()
    assert np.array_equal(counts, confusion(table())) and counts.sum() == 40


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as partial:
        partial.write_text("ne")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with atomic_path(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_half_precision_does_not_overflow_on_folded_input_scales(tiny: Recogniser, tmp_path: Path) -> None:
    """The running variance of a first layer that takes 0..255 inputs exceeds float16's largest number."""
    state = tiny.model.state_dict()
    state["bn1.running_var"] = torch.full_like(state["bn1.running_var"], 1e6)
    from har_core.model import build, load_model

    model = build(tiny.spec)
    model.load_state_dict(state)
    save_model(model, tiny.spec, tmp_path / "m.safetensors")
    assert load_model(tmp_path / "m.safetensors")[0].get_buffer("bn1.running_var").max() == 1e6

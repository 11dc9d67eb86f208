"""The loop: what was judged becomes a training, which says what it was made of; and photos that it is calibrated on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from har_core.data.scan import LabeledPhotos, scan
from har_core.errors import RunError
from har_core.models.checkpoint import load_checkpoint
from har_core.runs.file_names import MODEL, TRAINING_PHOTOS
from har_core.runs.run import Run
from har_core.runs.tables import CALIBRATED, TRAINED, read_table, training_schema
from har_core.training.pipeline import Callbacks
from har_core.training.soup import make_soup
from har_core.training.trainer import Step
from tests.conftest import COLORS, picture
from tests.training.conftest import FLAGS, assert_same_result, baseline, run_command, run_training


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> LabeledPhotos:
    """150 photos of three classes."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(150):
        label = sorted(COLORS)[number % 3]
        (folder / label).mkdir(exist_ok=True)
        picture(COLORS[label], seed=number).save(folder / label / f"{number}.jpg")
    return scan(folder)


def test_a_training_with_corrected_labels_says_what_was_changed(
    reference: Run, kaggle_folder: Path, network_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tested = str(reference.predictions().samples[0])
    trained = read_table(reference, TRAINING_PHOTOS, training_schema(reference.classes))
    first, second = trained["sample"][:2]
    now = {name: next(color for color in sorted(COLORS) if color != label) for name, label in (
        (tested, reference.classes[reference.predictions().true[0]]), (first, trained["label"][0]))}  # fmt: skip
    labels, removed = tmp_path / "corrected.csv", tmp_path / "removed.csv"
    labels.write_text("filename,label\n" + "".join(f"{name},{label}\n" for name, label in now.items()))
    removed.write_text(f"filename\n{second}\n")
    arguments = [kaggle_folder, "--weights", network_weights, "--out", tmp_path / "run", *FLAGS]
    assert run_command(*arguments, "--labels", labels, "--leave-out", removed) == 0
    assert "2 labels changed" in capsys.readouterr().out
    run = Run.open(tmp_path / "run")
    data = run.manifest.data
    assert (data.labels_changed, data.left_out, data.train) == (2, 1, reference.manifest.data.train - 1)  # type: ignore[operator]
    assert data.corrections == tuple(
        f"{path.name}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in (labels, removed)
    )
    changed = pd.read_csv(run.folder / "labels_corrected.csv", keep_default_na=False).set_index("filename")["after"]
    assert changed.to_dict() == now | {second: ""}
    after = run.predictions()
    assert list(after.samples) == list(reference.predictions().samples), "the split follows the labels as they were"
    assert run.classes[after.true[list(after.samples).index(tested)]] == now[tested]
    used = read_table(run, TRAINING_PHOTOS, training_schema(run.classes)).set_index("sample")
    assert second not in used.index and used["label"][first] == now[first] and set(used["used"]) == {TRAINED}


def test_a_soup_of_runs_with_different_labels_is_refused(
    reference: Run, kaggle_folder: Path, photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    """And one of runs with the same corrections is scored under these."""
    tested, true = str(reference.predictions().samples[0]), int(reference.predictions().true[0])
    labels = tmp_path / "corrected.csv"
    labels.write_text(f"filename,label\n{tested},{reference.classes[(true + 1) % 3]}\n")
    arguments = [kaggle_folder, "--weights", network_weights, *FLAGS, "--freeze-bn", "--checkpoint", "last"]
    for name in ("one", "two"):
        run_command(*arguments, "--labels", labels, "--out", tmp_path / name)
    one, two = (Run.open(tmp_path / name) for name in ("one", "two"))
    with pytest.raises(RunError, match="same photos"):
        make_soup(tmp_path / "mixed", [one, reference], photos.samples)
    soup = make_soup(tmp_path / "soup", [one, two], photos.samples)
    assert soup.predictions().true.tolist() == one.predictions().true.tolist()


def test_photos_held_out_give_a_temperature(many: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    config = baseline(network_weights, calibration_fraction=0.45, freeze_bn=True)
    run = run_training(many, config, tmp_path / "run")
    model, data = run.manifest.model, run.manifest.data
    assert data.calibration == 57 and data.train == 150 - 57 - data.test  # type: ignore[operator]
    assert model.temperature != 1 and model.calibrated_on == "57 photos: held out from the training photos"
    assert load_checkpoint(run.file(MODEL))[1].temperature == model.temperature
    table = read_table(run, TRAINING_PHOTOS, training_schema(run.classes))
    assert (table["used"] == CALIBRATED).sum() == 57 and not set(table["sample"]) & set(run.predictions().samples)


def test_an_interrupted_training_is_calibrated_all_the_same(
    many: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    config = baseline(network_weights, calibration_fraction=0.45, freeze_bn=True)
    whole = run_training(many, config, tmp_path / "whole")
    steps: list[Step] = []

    def stop(step: Step) -> None:
        steps.append(step)
        if len(steps) == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(many, config, tmp_path / "run", save_every=0, callbacks=Callbacks(step=stop))
    resumed = run_training(many, config, tmp_path / "run", resume=True)
    assert_same_result(resumed, whole)
    assert resumed.manifest.model.temperature == whole.manifest.model.temperature

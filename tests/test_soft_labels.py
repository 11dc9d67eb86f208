"""Photos without labels learn from what a teacher makes of them, and never score."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import train as command
from har_core import __main__ as cli
from har_core import runs, soft_labels
from har_core.config import RECIPES, TrainConfig
from har_core.data import scan
from har_core.dataset import PhotoDataset
from har_core.errors import CheckpointError, DataError
from har_core.experiment import train as run_training
from har_core.images import open_photo
from har_core.model import from_pretrained, save_model
from har_core.recogniser import Recogniser
from har_core.soft_labels import SoftLabels, taught
from har_core.training import Trainer
from har_core.transforms import evaluation_transform
from tests.conftest import COLOURS, TINY, picture

CPU = torch.device("cpu")
CLASSES = tuple(sorted(COLOURS))


@pytest.fixture
def data(kaggle_folder: Path, tmp_path: Path) -> Path:
    """36 photos with labels and 6 without."""
    folder = Path(shutil.copytree(kaggle_folder, tmp_path / "data"))
    (folder / "test").mkdir()
    for number in range(6):
        picture(COLOURS[CLASSES[number % 3]], seed=100 + number).save(folder / "test" / f"Image_{number}.jpg")
    return folder


def labels(count: int = 6, **changes: Any) -> SoftLabels:
    chances = np.random.default_rng(0).dirichlet(np.ones(3), count).astype(np.float32)
    photos = tuple(f"test/Image_{number}.jpg" for number in range(count))
    return SoftLabels(**({"classes": CLASSES, "photos": photos, "probabilities": chances} | changes))


def settings(weights: Path, **changes: Any) -> TrainConfig:
    small = {"weights": str(weights), "epochs": 2, "batch_size": 4, "precision": "fp32", "train_size": 24,
             "full_size_epochs": 1, "members": 1, "leave_out_twins": False, "validation_fraction": 0.2}  # fmt: skip
    return RECIPES["best"].replace(**(TINY | small | changes))


def test_a_teacher_answers_for_a_photo_and_its_mirror_image(data: Path, tiny: Recogniser) -> None:
    photos = soft_labels.unlabelled(data)
    found = soft_labels.predict(
        tiny.model, tiny.spec, data, photos, device=CPU, precision=torch.float32, workers=0
    )  # fmt: skip
    assert found.photos == tuple(f"test/Image_{number}.jpg" for number in range(6)) and found.classes == CLASSES
    image = evaluation_transform(64, 72)(open_photo(photos[2]))
    with torch.no_grad():
        views = tiny.model(torch.stack([image, image.flip(2)])).softmax(dim=1)
    assert found.probabilities[2] == pytest.approx(views.mean(dim=0).numpy(), abs=1e-5)


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    labels().write(tmp_path / "soft.parquet")
    found = SoftLabels.read(tmp_path / "soft.parquet")
    assert (found.classes, found.photos) == (CLASSES, labels().photos)
    assert np.array_equal(found.probabilities, labels().probabilities)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"photos": ("test/a.jpg", "test/a.jpg")}, "with several"),
        ({"photos": ("test/a.jpg", "../b.jpg")}, "below the data folder"),
        ({"photos": ("test/a.jpg", "/etc/passwd")}, "below the data folder"),
        ({"probabilities": np.full((2, 3), 0.5, np.float32)}, "sum to 1"),
        ({"probabilities": np.array([[1.5, -0.5, 0], [1, 0, 0]], np.float32)}, "0 or more"),
        ({"probabilities": np.full((2, 3), np.nan, np.float32)}, "sum to 1"),
        ({"classes": ("blue", "red")}, r"\(2, 2\)"),
    ],
)
def test_tables_that_lie_are_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        labels(2, **changes)
    honest = labels(2)
    columns = {
        f"p:{name}": values
        for name, values in zip(CLASSES, changes.get("probabilities", honest.probabilities).T, strict=True)
    }
    pd.DataFrame({"sample": changes.get("photos", honest.photos), **columns}).to_parquet(tmp_path / "soft.parquet")
    if "classes" not in changes:  # a table has as many columns as it has
        with pytest.raises(DataError, match=rf"soft\.parquet: .*{said}"):
            SoftLabels.read(tmp_path / "soft.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", None])
def test_damaged_tables_are_named(content: bytes | None, tmp_path: Path) -> None:
    if content is None:
        pd.DataFrame({"other": [1]}).to_parquet(tmp_path / "soft.parquet")
    else:
        (tmp_path / "soft.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"soft\.parquet: expected a table of soft labels"):
        SoftLabels.read(tmp_path / "soft.parquet")


def test_their_photos_are_found_or_missed(data: Path, kaggle_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "soft.parquet"
    labels().write(file)
    found = taught(file, data, CLASSES)
    assert np.array_equal(found.probabilities, labels().probabilities)
    assert [sample.path.is_file() for sample in found.samples] == [True] * 6
    assert [CLASSES.index(sample.label) for sample in found.samples] == labels().probabilities.argmax(axis=1).tolist()

    with pytest.raises(DataError, match="all but 6"):
        taught(file, kaggle_folder, CLASSES)
    (data / "test" / "Image_3.jpg").unlink()
    with pytest.raises(DataError, match=r"all but 1, the first of which is test/Image_3\.jpg"):
        taught(file, data, CLASSES)
    labels(2).write(file)
    with pytest.raises(DataError, match="classes blue, red; found blue, green, red"):
        taught(file, data, ("blue", "red"))


def test_no_photos_without_labels_is_said(kaggle_folder: Path) -> None:
    with pytest.raises(DataError, match=r"expected photos without labels in .*test"):
        soft_labels.unlabelled(kaggle_folder)


def test_the_loss_of_a_soft_label_is_the_teachers_cross_entropy(data: Path, tiny_weights: Path, tmp_path: Path) -> None:
    """Labels are smoothed, soft ones are taken as they are."""
    config = settings(tiny_weights, label_smoothing=0.3, batch_size=42)
    photos, soft = scan(data), labels()
    torch.manual_seed(0)
    model, _, _ = from_pretrained(config.weights, classes=CLASSES, **TINY)  # type: ignore[arg-type]
    file = tmp_path / "soft.parquet"
    soft.write(file)
    found = taught(file, data, CLASSES)
    crop = evaluation_transform(32, 36)
    dataset = PhotoDataset.of([*photos.samples, *found.samples], CLASSES, crop, crop)
    subject = Trainer(
        model, dataset, dataset, config, folder=tmp_path, identity={}, device=CPU, precision=torch.float32, workers=0,
        soft_targets=torch.from_numpy(soft.probabilities),
    )  # fmt: skip
    answer = torch.tensor([2.0, 0.0, -1.0])  # whatever the photo shows
    with torch.no_grad():
        subject.model.get_parameter("fc.weight").zero_()
        subject.model.get_parameter("fc.bias").copy_(answer)
    surprise = -answer.log_softmax(0)
    hard = 0.7 * surprise.mean() + 0.3 * surprise.mean()  # as many photos of each class
    expected = (36 * hard + (torch.from_numpy(soft.probabilities) @ surprise).sum()) / 42
    assert next(subject.steps()).loss == pytest.approx(expected.item(), abs=1e-5)


def test_they_train_and_never_score(data: Path, tiny_weights: Path, tmp_path: Path) -> None:
    """A photo without a label that is also a scored one is left out; another teacher's labels are another training."""
    config = settings(tiny_weights, leave_out_twins=True)
    photos = scan(data)
    labels().write(tmp_path / "soft.parquet")
    plain = run_training(photos, config, tmp_path / "plain", device=CPU, workers=0)
    assert plain is not None and "soft_labels" not in plain.card["data"]
    scored = plain.predictions().samples
    shutil.copyfile(data / "train" / scored[0], data / "test" / "Image_4.jpg")

    def go(**more: Any) -> runs.Run | None:
        found = taught(tmp_path / "soft.parquet", data, CLASSES)
        return run_training(photos, config, tmp_path / "run", device=CPU, workers=0, taught=found, **more)

    run = go()
    assert run is not None and list(run.predictions().samples) == list(scored)
    assert run.card["data"]["soft_labels"] == 5 and run.card["data"]["training"] == plain.card["data"]["training"]
    assert run.card["data"]["left_out_of_training"] == ["test/Image_4.jpg"]
    assert not np.array_equal(run.predictions().probabilities, plain.predictions().probabilities)

    (tmp_path / "run" / runs.CARD).unlink()
    with pytest.raises(KeyboardInterrupt):
        go(reports=_stopping_in_epoch_2())
    labels(probabilities=np.full((6, 3), 1 / 3, np.float32)).write(tmp_path / "soft.parquet")
    with pytest.raises(CheckpointError, match="soft labels differ"):
        go(resume=True)


def _stopping_in_epoch_2() -> Any:
    from har_core.experiment import Reports

    def stop(step: Any) -> None:
        if step.epoch == 2:
            raise KeyboardInterrupt

    return Reports(step=stop)


def test_from_teacher_to_student_on_the_command_line(
    data: Path, tiny: Recogniser, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tiny.model, tiny.spec, tmp_path / "teacher" / runs.MODEL)
    runs.write_card(tmp_path / "teacher", {"status": runs.COMPLETE, "classes": list(CLASSES)})
    file = str(tmp_path / "soft.parquet")
    assert cli.main(["soft-labels", str(data), "--run", str(tmp_path / "teacher"), "--out", file]) == 0
    assert "6 photos" in capsys.readouterr().out
    small = ["--architecture", "resnet18", "--crop-size", "32", "--resize", "36", "--train-size", "24", "--epochs", "1",
             "--full-size-epochs", "0", "--members", "1", "--workers", "0", "--device", "cpu", "--precision", "fp32"]  # fmt: skip
    out = ["--out", str(tmp_path / "run"), "--weights", str(tiny_weights), "--soft-labels", file]
    assert command.main([str(data), *out, *small]) == 0
    assert "6 more with soft labels" in capsys.readouterr().out
    assert runs.Run.open(tmp_path / "run").card["config"]["soft_labels"] == "soft.parquet"

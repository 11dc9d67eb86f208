"""Data as people have it, through a whole training: what trains can be read again, what would not is refused before."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from har_core.cli import main
from har_core.data import dataset
from har_core.data.samples import Problem
from har_core.data.scan import LabeledPhotos, scan
from har_core.errors import DataError, RunError
from har_core.runs.file_names import MANIFEST
from har_core.runs.run import Run
from har_core.training import trainer
from har_core.training.pipeline import Callbacks
from tests.conftest import COLORS, picture
from tests.training.conftest import FLAGS, baseline, make_trainer, run_command, run_training


def test_names_that_cannot_be_printed_train_and_are_read_again(network_weights: Path, tmp_path: Path) -> None:
    for label, color in COLORS.items():
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(4):
            picture(color, seed=number).save(tmp_path / "data" / label / f"Screenshot {number}\u202fAM\xa0\u200f.jpg")
    run = run_training(scan(tmp_path / "data"), baseline(network_weights, epochs=1), tmp_path / "run")
    assert all("\u202fAM" in name for name in Run.open(run.folder).predictions().samples)


@pytest.mark.parametrize(
    ("classes", "said"),
    [(("a_b", "A-B"), ["a_b", "A-B"]), (("x" * 101, "b"), ["100"]), (("a\u202eb", "c"), ["202e"])],
)
def test_class_names_are_checked_before_anything_is_written(
    network_weights: Path, tmp_path: Path, classes: tuple[str, ...], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    for label in classes:
        (data / label).mkdir(parents=True)
        for number in range(4):
            picture((9, 9, 9), seed=number).save(data / label / f"{number}.jpg")
    with pytest.raises(RunError):
        run_training(scan(data), baseline(network_weights), out)
    assert main(["train", str(data), "--weights", str(network_weights), "--out", str(out), *FLAGS]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and all(text in error for text in said) and not out.exists()


def test_a_burst_stops_before_anything_is_written(
    photos: LabeledPhotos, kaggle_folder: Path, network_weights: Path, tmp_path: Path
) -> None:
    data, out = Path(shutil.copytree(kaggle_folder, tmp_path / "data")), tmp_path / "run"
    blue = [sample.name for sample in photos.samples if sample.label == "blue"]
    for name in blue[1:]:
        shutil.copyfile(data / "train" / blue[0], data / "train" / name)
    with pytest.raises(DataError, match=r"blue \(11 of 11\).*--no-drop-near-duplicates"):
        run_training(scan(data), baseline(network_weights, drop_near_duplicates=True), out)
    assert not out.exists()


def test_many_problems_are_counted_and_listed_in_a_file(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    problems = tuple(Problem(f"{'é' * 90}{number}.jpg", "x" * 900, "add it") for number in range(60_000))
    many = LabeledPhotos(photos.samples, photos.classes, problems)
    run = run_training(many, baseline(network_weights, epochs=1), tmp_path / "run")
    data = Run.open(run.folder).manifest.data
    assert len(data.skipped) == 100 and (run.folder / MANIFEST).stat().st_size < 200_000
    assert data.model_dump()["skipped_count"] == 60_000
    lines = (run.folder / "skipped.txt").read_text(encoding="utf-8").splitlines()
    assert lines == [str(problem) for problem in problems]


def test_many_problems_are_a_hundred_lines_on_the_terminal(
    kaggle_folder: Path, network_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(kaggle_folder, tmp_path / "data"))
    with (data / "Training_set.csv").open("a") as file:
        file.writelines(f"gone_{number}.jpg,red\n" for number in range(5000))
    arguments = [data, "--weights", network_weights, "--out", tmp_path / "run", *FLAGS, "--epochs", "1"]
    with pytest.raises(DataError, match="found 5,000 problem") as caught:
        run_command(*arguments)
    assert len(str(caught.value).splitlines()) < 30
    assert run_command(*arguments, "--skip-bad") == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert len(said) == 101 and "4,900 more" in said[-1]


def test_links_train(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    for sample in photos.samples:
        link = tmp_path / "links" / sample.label / sample.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(sample.path)
    (tmp_path / "data").mkdir()
    for label in photos.classes:
        (tmp_path / "data" / label).symlink_to(tmp_path / "links" / label)
    run = run_training(scan(tmp_path / "data"), baseline(network_weights, epochs=1), tmp_path / "run")
    assert (run.manifest.data.train, run.manifest.data.test) == (33, 3)


def test_an_own_split_is_kept_and_said(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, sample in enumerate(photos.samples):
        path = tmp_path / "data" / ("valid" if number < 6 else "train") / sample.label / sample.name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.path, path)
    arguments = [tmp_path / "data", "--weights", network_weights, *FLAGS, "--epochs", "1"]
    assert run_command(*arguments, "--out", tmp_path / "run", "--split", "folders") == 0
    assert "the folders train/ and val/" in capsys.readouterr().out.splitlines()[0]
    run = Run.open(tmp_path / "run")
    data = run.manifest.data
    assert (data.train, data.test, data.eval_split) == (30, 6, "dev") and data.split == "the folders train/ and val/"
    assert all(name.startswith("valid/") for name in run.predictions().samples)
    assert run_command(*arguments, "--out", tmp_path / "random", "--split", "random") == 0
    assert Run.open(tmp_path / "random").manifest.data.test == 3


def test_losses_are_read_seldom_on_an_accelerator(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same training, with an epoch's 9 batches in windows of 4, 4 and 1."""
    often = make_trainer(photos, baseline(network_weights), tmp_path / "often")
    often.run()
    seldom = make_trainer(photos, baseline(network_weights), tmp_path / "seldom")
    monkeypatch.setattr(trainer, "_READ_EVERY", 4)
    monkeypatch.setattr(trainer, "_reads_at_once", lambda device: False)
    seen: list[int] = []
    seldom.on_step = lambda step: seen.append(step.photos)
    seldom.run()
    assert seen == [16, 32, 36] * 2
    for row, expected in zip(seldom.state.history, often.state.history, strict=True):
        assert row | {"seconds": 0} == pytest.approx(expected | {"seconds": 0})


def test_processes_of_one_machine_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(17)), raising=False)
    found = {}
    for processes in ("1", "4", "64"):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
        found[processes] = dataset.default_workers()
    assert found == {"1": 8, "4": 4, "64": 1}


def test_a_resumed_training_finds_its_own_split_again(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    """A state of an earlier version, which knew no `split`, still fits."""

    def stop(row: dict[str, float], is_best: bool) -> None:
        raise KeyboardInterrupt

    config = baseline(network_weights)
    with pytest.raises(KeyboardInterrupt):
        run_training(photos, config, tmp_path / "run", callbacks=Callbacks(epoch=stop))
    resumed = run_training(photos, config.replace(split="random"), tmp_path / "run", resume=True)
    assert len(resumed.history()) == 2

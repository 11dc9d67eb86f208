"""Training survives being killed, stops when it diverges, and leaves a run that anyone can recompute."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import train
from har_core import activations, runs, training
from har_core.config import RECIPES
from har_core.data import scan
from har_core.dataset import EpochBatches, PhotoDataset
from har_core.errors import CheckpointError, ConfigError, DataError, RunError, TrainingDiverged
from har_core.experiment import Reports
from har_core.experiment import train as run_training
from har_core.model import from_pretrained
from har_core.precision import pick_precision
from har_core.predictions import Predictions
from har_core.training import read_state
from har_core.transforms import evaluation_transform, training_transform
from tests.conftest import ROOT, TINY

CPU = torch.device("cpu")
FLAGS = ["--architecture", "resnet18", "--crop-size", "32", "--resize", "36", "--precision", "fp32", "--device", "cpu",
         "--recipe", "report", "--epochs", "2", "--batch-size", "4"]  # fmt: skip


def config(weights: Path, **changes: object):  # type: ignore[no-untyped-def]
    values = TINY | {"weights": str(weights), "epochs": 2, "batch_size": 4, "precision": "fp32"} | changes
    return RECIPES["report"].replace(**values)


def command(data: Path, weights: Path, out: Path, *more: str, workers: int = 0) -> list[str]:
    return [str(data), "--weights", str(weights), "--out", str(out), "--workers", str(workers), *FLAGS, *more]


@pytest.fixture(scope="module")
def reference(kaggle_folder: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of an uninterrupted training."""
    out = tmp_path_factory.mktemp("reference") / "run"
    subprocess.run([sys.executable, "train.py", *command(kaggle_folder, tiny_weights, out)], cwd=ROOT, check=True)
    return out


def test_a_complete_run(reference: Path, kaggle_folder: Path) -> None:
    run = runs.Run.open(reference)
    assert run.card["status"] == runs.COMPLETE
    assert sorted(path.name for path in reference.iterdir()) == sorted([runs.CARD, *run.card["files"]])
    history = run.history()
    assert list(history["epoch"]) == [1, 2] and (history["seconds"] > 0).all()
    table = run.predictions()
    assert len(table) == 3 and run.heatmaps().shape == (3, 3, 1, 1) and run.embeddings().shape == (3, 512)
    assert run.card["scores"]["accuracy"] == (table.true == table.predicted).mean()
    assert run.card["training"]["best_epoch"] == 1 + int(history["validation_accuracy"].argmax())

    model, spec = run.model()
    photos = {sample.name: sample for sample in scan(kaggle_folder).samples}
    dataset = PhotoDataset.of([photos[name] for name in table.samples], run.classes, evaluation_transform(32, 36))
    from har_core.evaluation import evaluate

    again = evaluate(model, dataset, spec.classes, device=CPU, workers=0)
    assert np.allclose(again.predictions.probabilities, table.probabilities, atol=1e-5)


@pytest.mark.parametrize("moment", ["mid-epoch", "mid-save", "between-best-and-state"])
def test_a_killed_training_resumes_to_bit_identical_weights(
    reference: Path, kaggle_folder: Path, tiny_weights: Path, tmp_path: Path, moment: str
) -> None:
    """SIGKILL from within: after some batch, with a state half written, or between the two files of an epoch's end."""
    out = tmp_path / "run"
    kill = textwrap.dedent(
        """
        import os, signal, sys
        import torch
        import train
        from har_core import training

        moment, arguments = sys.argv[1], sys.argv[2:]
        save, calls = torch.save, []

        def saving(value, path):
            calls.append(path)
            if moment == "mid-save" and len(calls) == 6:
                path.write_bytes(b"half a state")
                os.kill(os.getpid(), signal.SIGKILL)
            save(value, path)
            best = ".best.pt" in path.name
            if moment == "mid-epoch" and len(calls) == 12:
                os.kill(os.getpid(), signal.SIGKILL)
            if moment == "between-best-and-state" and best:
                path.replace(path.parent / training.BEST)
                os.kill(os.getpid(), signal.SIGKILL)

        torch.save = saving
        train.main(arguments)
        """
    )
    arguments = command(kaggle_folder, tiny_weights, out, "--save-every", "0", workers=1)
    killed = subprocess.run([sys.executable, "-c", kill, moment, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    progress = read_state(out)["progress"]
    assert progress["batch"] > 0 and not (out / runs.MODEL).exists()

    resumed = [str(kaggle_folder), "--weights", str(tiny_weights), "--resume", "--out", str(out), "--workers", "0"]
    subprocess.run([sys.executable, "train.py", *resumed, "--device", "cpu"], cwd=ROOT, check=True)
    expected, found = load_file(reference / runs.MODEL), load_file(out / runs.MODEL)
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)
    columns = [column for column in runs.HISTORY_COLUMNS if column != "seconds"]
    pd.testing.assert_frame_equal(
        pd.read_csv(reference / runs.HISTORY)[columns], pd.read_csv(out / runs.HISTORY)[columns], rtol=1e-12
    )
    assert not list(out.glob(".*.partial"))


def test_kept_views_are_the_crops_of_the_first_epochs(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    """View V gives the activations of epoch V's fresh crops, but for the half precision of the store."""
    photos = scan(kaggle_folder)
    found: list[dict[int, list[torch.Tensor]]] = []
    for views in (0, 2):
        settings = config(tiny_weights, views=views)
        model, _, _ = from_pretrained(str(tiny_weights), classes=photos.classes, **TINY)  # type: ignore[arg-type]
        dataset = PhotoDataset.of(photos.samples, photos.classes, training_transform(32), seed=settings.seed)
        trainer = training.Trainer(
            model,
            dataset,
            dataset,
            settings,
            folder=tmp_path,
            identity={},
            device=CPU,
            precision=torch.float32,
            workers=0,
        )
        seen: dict[int, list[torch.Tensor]] = {}
        for epoch in (1, 2):
            for batch in trainer.feed.training(epoch, 0):
                for index, values in zip(batch.indices.tolist(), batch.images, strict=True):
                    seen.setdefault(index, []).append(values)
        found.append(seen)
    fresh, kept = found
    assert fresh.keys() == kept.keys() == set(range(36))
    for index in fresh:
        assert not torch.equal(*fresh[index])  # another crop in each epoch
        for one, other in zip(fresh[index], kept[index], strict=True):
            assert torch.allclose(one, other, rtol=2e-3, atol=1e-4)


def test_compiled_stages_compute_the_same_for_any_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "_COMPILE_ABOVE", 1)
    trunk = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU()).eval()
    plain = activations.frozen_forward(trunk, CPU, torch.float32)
    fast = activations.compiled(plain, {(4, 3, 16, 16)}, photos=10)
    for count in (4, 3):
        images = torch.randn(count, 3, 16, 16)
        assert torch.allclose(fast(images), plain(images), atol=1e-5)


def test_kept_views_can_be_interrupted(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    photos, settings = scan(kaggle_folder), config(tiny_weights, views=1, epochs=3)

    def stop(step: training.Step) -> None:
        if step.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(photos, settings, tmp_path / "a", device=CPU, workers=0, reports=Reports(step=stop))
    assert (tmp_path / "a" / "activations").is_dir()
    resumed = run_training(photos, settings, tmp_path / "a", device=CPU, workers=0, resume=True)
    straight = run_training(photos, settings, tmp_path / "b", device=CPU, workers=0)
    columns = [column for column in runs.HISTORY_COLUMNS if column != "seconds"]
    pd.testing.assert_frame_equal(resumed.history()[columns], straight.history()[columns])


def test_it_learns(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    """Three plain colours, random starting weights: a few epochs must do."""
    settings = config(tiny_weights, epochs=6, lr=1e-3, validation_fraction=0.5)
    run = run_training(scan(kaggle_folder), settings, tmp_path / "run", device=CPU, workers=0)
    assert run.card["scores"]["accuracy"] >= 0.9
    history = run.history()
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    assert np.allclose(history["learning_rate"], [1e-3] * 5 + [1e-4])


def test_divergence_stops_with_the_last_good_state_kept(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    loss = training.functional.cross_entropy

    def failing(*arguments: object, **options: object) -> torch.Tensor:
        calls.append(1)
        value: torch.Tensor = loss(*arguments, **options)  # type: ignore[arg-type]
        return value * float("nan") if len(calls) == 10 else value

    monkeypatch.setattr(training.functional, "cross_entropy", failing)
    with pytest.raises(TrainingDiverged, match=r"found nan in epoch 1 at batch 10; no epoch was finished; lower --lr"):
        run_training(
            scan(kaggle_folder),
            config(tiny_weights, batch_size=2),
            tmp_path / "run",
            device=CPU,
            workers=0,
            save_every=0,
        )
    state = read_state(tmp_path / "run")
    assert state["progress"]["batch"] == 9
    assert all(torch.isfinite(tensor).all() for tensor in state["model"].values())


def test_a_state_of_another_training_is_refused(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    photos = scan(kaggle_folder)

    def stop(step: training.Step) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_training(photos, config(tiny_weights), out, device=CPU, workers=0, save_every=0, reports=Reports(step=stop))
    with pytest.raises(RunError, match="pass --resume"):
        run_training(photos, config(tiny_weights), out, device=CPU, workers=0)
    with pytest.raises(CheckpointError, match="another training: configuration differ"):
        run_training(photos, config(tiny_weights, lr=1e-3), out, device=CPU, workers=0, resume=True)
    with pytest.raises(ConfigError, match="found --lr"):
        train.main([str(kaggle_folder), "--resume", "--out", str(out), "--lr", "1"])
    (out / training.STATE).write_bytes((out / training.STATE).read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        read_state(out)


def test_bad_photos_stop_training_unless_skipped_and_then_stand_on_the_card(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    import shutil

    data = Path(shutil.copytree(kaggle_folder, tmp_path / "data"))
    (data / "train" / "Image_7.jpg").write_bytes(b"broken")
    arguments = command(data, tiny_weights, tmp_path / "run", "--epochs", "1")
    with pytest.raises(DataError, match=r"Image_7\.jpg"):
        train.main(arguments)
    assert train.main([*arguments, "--skip-bad"]) == 0
    card = json.loads((tmp_path / "run" / runs.CARD).read_text())
    assert len(card["data"]["skipped"]) == 1 and card["data"]["skipped"][0].startswith("Image_7.jpg")


def test_the_last_interrupted_training_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="found none"):
        train._last_interrupted()
    for age, name in enumerate(["new", "old"]):
        (tmp_path / "runs" / name).mkdir(parents=True)
        path = tmp_path / "runs" / name / training.STATE
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    assert train._last_interrupted() == Path("runs/new")


def test_precision_is_measured(tiny) -> None:  # type: ignore[no-untyped-def]
    class Slow(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            import time

            time.sleep(0.05 if torch.is_autocast_enabled("cpu") is self.slow_with_bf16 else 0.0)
            return images

    for slow_with_bf16, expected in ((True, torch.float32), (False, torch.bfloat16)):
        model = Slow()
        model.slow_with_bf16 = slow_with_bf16  # type: ignore[assignment]
        assert pick_precision(model, CPU, 32) is expected


def test_order_is_seeded() -> None:
    assert EpochBatches(50, 8, seed=1).indices() == EpochBatches(50, 8, seed=1).indices()
    assert EpochBatches(50, 8, seed=1).indices() != EpochBatches(50, 8, seed=2).indices()


def test_predictions_are_of_the_best_epoch(reference: Path) -> None:
    run = runs.Run.open(reference)
    best = run.history()["validation_accuracy"].max()
    assert isinstance(run.predictions(), Predictions)
    assert run.card["scores"]["accuracy"] == pytest.approx(best)

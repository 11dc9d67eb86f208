"""What the options of a recipe do: which photos train and score, the learning rate, and whose weights are shipped."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from har_core import runs, training
from har_core.config import RECIPES, TrainConfig
from har_core.data import scan
from har_core.dataset import PhotoDataset
from har_core.division import divide
from har_core.errors import ConfigError
from har_core.experiment import Reports
from har_core.experiment import train as run_training
from har_core.model import from_pretrained
from har_core.training import Trainer
from har_core.transforms import training_transform
from tests.conftest import TINY

CPU = torch.device("cpu")


def best(weights: Path, **changes: Any) -> TrainConfig:
    """The best recipe, for a tiny network and a few photos."""
    small = {"weights": str(weights), "epochs": 4, "batch_size": 4, "precision": "fp32", "train_size": 24,
             "full_size_epochs": 1, "members": 1, "leave_out_twins": False}  # fmt: skip
    return RECIPES["best"].replace(**(TINY | small | changes))


def trainer(data: Path, settings: TrainConfig, folder: Path) -> Trainer:
    photos = scan(data)
    torch.manual_seed(settings.seed)
    model, _, _ = from_pretrained(settings.weights, classes=photos.classes, **TINY)  # type: ignore[arg-type]
    crops = [training_transform(size, settings.min_area) for size in settings.sizes]
    dataset = PhotoDataset.of(photos.samples, photos.classes, *crops, seed=settings.seed)
    folder.mkdir(exist_ok=True)
    return Trainer(
        model, dataset, dataset, settings,
        folder=folder, identity={}, device=CPU, precision=torch.float32, workers=0,
    )  # fmt: skip


def test_a_recipe_on_trial_is_scored_on_photos_of_the_training_side(kaggle_folder: Path, tiny_weights: Path) -> None:
    photos = scan(kaggle_folder)
    settings = best(tiny_weights, validation_fraction=0.2)
    whole, trial = divide(photos, settings), divide(photos, settings.replace(scored="tuning"))
    training_side, test, rest, tuning = whole.training, whole.scored, trial.training, trial.scored
    assert {s.name for s in rest} | {s.name for s in tuning} == {s.name for s in training_side}
    assert not {s.name for s in tuning} & ({s.name for s in rest} | {s.name for s in test})
    assert Counter(s.label for s in tuning) == {"blue": 1, "green": 1, "red": 1}  # a tenth of 10, of each


def test_twins_of_scored_photos_do_not_train(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(kaggle_folder, tmp_path / "data"))
    settings = best(tiny_weights, leave_out_twins=True)
    without = divide(scan(data), settings)
    before, scored = without.training, without.scored
    assert without.twins == []
    shutil.copyfile(scored[0].path, before[0].path)
    division = divide(scan(data), settings)
    after, twins = division.training, division.twins
    assert [(pair.scored, pair.other, pair.identical) for pair in twins] == [(scored[0].name, before[0].name, True)]
    assert after == before[1:]

    run = run_training(scan(data), settings.replace(epochs=2), tmp_path / "run", device=CPU, workers=0)
    assert run is not None and run.card["data"]["left_out_of_training"] == [before[0].name]
    assert run.card["data"]["training"] == len(before) - 1


def test_the_last_epochs_averaged_weights_are_shipped(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    run = run_training(scan(kaggle_folder), best(tiny_weights), tmp_path / "run", device=CPU, workers=0)
    assert run is not None and run.card["training"]["best_epoch"] == 4
    assert "no epoch was chosen" in run.card["training"]["chosen_on"]
    rate = run.history()["learning_rate"].to_numpy()
    assert rate[0] == pytest.approx(1.5e-4, rel=0.02) and (np.diff(rate) < 0).all() and rate[-1] < 1e-6


def test_the_average_is_what_its_formula_says(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    """After step n the average moves by 1 - min(decay, (1 + n) / (10 + n)) towards the weights; the first is a copy."""
    seen: list[torch.Tensor] = []
    settings = best(tiny_weights, average=0.5, epochs=2)
    subject = trainer(kaggle_folder, settings, tmp_path / "run")
    subject.on_step = lambda step: seen.append(subject.model.get_parameter("fc.weight").detach().clone())
    subject.run()
    expected = seen[0]
    for steps, weights in enumerate(seen[1:], start=1):
        decay = min(0.5, (1 + steps) / (10 + steps))
        expected = decay * expected + (1 - decay) * weights
    assert len(seen) == 18 and not torch.equal(expected, seen[-1])
    assert torch.allclose(subject.best_weights()["fc.weight"], expected, atol=1e-6)


def test_the_learning_rate_rises_and_falls(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    rates: list[tuple[float, ...]] = []
    subject = trainer(kaggle_folder, best(tiny_weights), tmp_path / "run")
    subject.on_step = lambda step: rates.append(tuple(group["lr"] for group in subject.optimizer.param_groups))
    subject.run()
    head, body = np.array(rates).T
    assert np.allclose(head, 7 * body)
    assert body.argmax() == pytest.approx(8, abs=1) and body.max() == pytest.approx(
        1.5e-4, rel=0.02
    )  # 9 batches an epoch
    assert (np.diff(body[:8]) > 0).all() and (np.diff(body[10:]) < 0).all() and body[-1] < 1e-6


def test_crops_have_the_size_of_their_epoch(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    settings = best(tiny_weights, trainable=("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"))
    subject = trainer(kaggle_folder, settings, tmp_path / "run")
    sizes = [{tuple(batch.images.shape[2:]) for batch in subject.feed.training(epoch, 0)} for epoch in range(1, 5)]
    assert sizes == [{(24, 24)}] * 3 + [{(32, 32)}]


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_label_smoothing_spreads_its_share_over_all_classes(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path, smoothing: float
) -> None:
    subject = trainer(kaggle_folder, best(tiny_weights, label_smoothing=smoothing), tmp_path / "run")
    answer = torch.tensor([2.0, 0.0, 0.0])  # whatever the photo shows
    with torch.no_grad():
        subject.model.get_parameter("fc.weight").zero_()
        subject.model.get_parameter("fc.bias").copy_(answer)
    labels = next(iter(subject.feed.training(1, 0))).labels
    first = next(subject.steps())
    surprise = -answer.log_softmax(0)
    expected = (1 - smoothing) * surprise[labels].mean() + smoothing * surprise.mean()
    assert first.loss == pytest.approx(expected.item(), abs=1e-5)


def test_an_interrupted_cosine_goes_on_as_if_nothing_had_happened(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    photos, settings = scan(kaggle_folder), best(tiny_weights)
    straight = run_training(photos, settings, tmp_path / "a", device=CPU, workers=0)

    def stop(step: training.Step) -> None:
        if step.epoch == 3 and step.photos >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(photos, settings, tmp_path / "b", device=CPU, workers=0, save_every=0, reports=Reports(step=stop))
    resumed = run_training(photos, settings, tmp_path / "b", device=CPU, workers=0, resume=True)
    assert straight is not None and resumed is not None
    expected, found = load_file(straight.folder / runs.MODEL), load_file(resumed.folder / runs.MODEL)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_training_of_a_few_steps_has_a_learning_rate(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path, epochs: int
) -> None:
    """One batch an epoch leaves no room for a warm-up."""
    rates: list[float] = []
    settings = best(tiny_weights, epochs=epochs, batch_size=36)
    subject = trainer(kaggle_folder, settings, tmp_path / "run")
    subject.on_step = lambda step: rates.append(subject.optimizer.param_groups[-1]["lr"])
    subject.run()
    assert len(rates) == epochs and all(0 <= rate <= 1.5e-4 for rate in rates) and rates[-1] < 1e-6


def test_the_mean_of_several_trainings_is_shipped(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    """Each begins with the same weights and sees its own order and crops; between them nothing is carried over."""
    settings = best(tiny_weights, members=2)
    both = trainer(kaggle_folder, settings, tmp_path / "both")
    start = both.model.get_parameter("layer3.0.conv1.weight").detach().clone()
    ends: list[dict[str, torch.Tensor]] = []
    first: list[torch.Tensor] = []
    rates: list[float] = []

    def look(step: training.Step) -> None:
        rates.append(both.optimizer.param_groups[-1]["lr"])
        if step.photos == 4 and step.epoch in (1, 5):
            first.append(both.model.get_parameter("layer3.0.conv1.weight").detach().clone())

    def end(row: dict[str, float], better: bool) -> None:
        if row["epoch"] in (4, 8):
            ends.append({name: value.clone() for name, value in both.scored.state_dict().items()})

    both.on_step, both.on_epoch = look, end
    both.run()
    assert [row["epoch"] for row in both.state.history] == list(range(1, 9))
    assert rates[: len(rates) // 2] == pytest.approx(rates[len(rates) // 2 :])
    assert all((weights - start).abs().max() < 1e-4 for weights in first) and not torch.equal(*first)
    shipped = both.best_weights()
    for name, value in shipped.items():
        assert torch.allclose(value.float(), (ends[0][name].float() + ends[1][name].float()) / 2, atol=1e-6), name
    assert not torch.equal(ends[0]["fc.weight"], ends[1]["fc.weight"])

    alone = trainer(kaggle_folder, settings.replace(members=1), tmp_path / "alone")
    alone.run()
    assert all(torch.equal(value, ends[0][name]) for name, value in alone.best_weights().items())


@pytest.mark.parametrize("epoch", [2, 5, 6])
def test_interrupted_members_go_on_as_if_nothing_had_happened(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path, epoch: int
) -> None:
    photos, settings = scan(kaggle_folder), best(tiny_weights, members=2, epochs=4)
    straight = run_training(photos, settings, tmp_path / "a", device=CPU, workers=0)

    def stop(step: training.Step) -> None:
        if step.epoch == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(photos, settings, tmp_path / "b", device=CPU, workers=0, reports=Reports(step=stop))
    resumed = run_training(photos, settings, tmp_path / "b", device=CPU, workers=0, resume=True)
    assert straight is not None and resumed is not None and resumed.card["training"]["members"] == 2
    expected, found = load_file(straight.folder / runs.MODEL), load_file(resumed.folder / runs.MODEL)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize("changes", [{"selection": "best"}, {"frozen_norms": False}, {"members": 0}])
def test_means_that_would_not_be_meant(tiny_weights: Path, changes: dict[str, Any]) -> None:
    """Of epochs that were picked by their score, or of norms whose statistics no longer fit the weights."""
    with pytest.raises(ConfigError, match=next(iter(changes))):
        best(tiny_weights, **({"members": 2} | changes))

"""What a recipe's values do to the weights: loss, averages, soups; and a loss that is no number."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from har_core.data.scan import LabeledPhotos
from har_core.errors import TrainingDiverged
from har_core.models.registry import head
from har_core.training import trainer as module
from har_core.training.state import BEST, read_state
from har_core.training.trainer import Step
from tests.training.conftest import baseline, best, make_trainer


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_label_smoothing_spreads_its_share_over_all_classes(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path, smoothing: float
) -> None:
    subject = make_trainer(photos, best(network_weights, label_smoothing=smoothing), tmp_path)
    logits = torch.tensor([2.0, 0.0, 0.0])  # whatever the photo shows
    with torch.no_grad():
        head(subject.model).weight.zero_()
        head(subject.model).bias.copy_(logits)
    labels = next(iter(subject.features.train(1))).labels
    first = next(subject.steps())
    surprise = -logits.log_softmax(0)
    expected = (1 - smoothing) * surprise[labels].mean() + smoothing * surprise.mean()
    assert first.loss == pytest.approx(expected.item(), abs=1e-5)
    assert first.accuracy == (labels == 0).float().mean()


def test_mixed_photos_teach_the_shares_of_their_labels(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    subject = make_trainer(photos, best(network_weights, label_smoothing=0.0, mixup=1.0), tmp_path)
    logits = torch.tensor([2.0, 0.0, 0.0])  # whatever the photo shows
    with torch.no_grad():
        head(subject.model).weight.zero_()
        head(subject.model).bias.copy_(logits)
    batch = next(iter(subject.features.train(1)))
    first = next(subject.steps())
    assert batch.targets is not None and not torch.equal(batch.targets, batch.targets.round())
    assert first.loss == pytest.approx((-logits.log_softmax(0) * batch.targets).sum(dim=1).mean().item(), abs=1e-5)
    assert first.accuracy == (batch.labels == 0).float().mean()


def test_the_moving_average_is_shipped(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    """A copy of the weights after the first step, which then moves a tenth of the way with each step."""
    subject = make_trainer(photos, best(network_weights, ema_decay=0.9, epochs=2), tmp_path)
    seen: list[torch.Tensor] = []
    subject.on_step = lambda step: seen.append(head(subject.model).weight.detach().clone())
    subject.run()
    expected = seen[0]
    for weights in seen[1:]:
        expected = 0.9 * expected + 0.1 * weights
    assert len(seen) == 18 and not torch.allclose(expected, seen[-1])
    assert torch.allclose(subject.best_weights()["fc.weight"], expected, atol=1e-6)


def test_the_mean_of_several_trainings_is_shipped(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    """Each begins with the same weights and sees its own order and crops; between them nothing is carried over."""
    config = best(network_weights, soup_size=2)
    both = make_trainer(photos, config, tmp_path / "both")
    start = both.model.get_parameter("layer3.0.weight").detach().clone()
    ends: list[dict[str, torch.Tensor]] = []
    first: list[torch.Tensor] = []
    rates: list[float] = []

    def look(step: Step) -> None:
        rates.append(both.state.learning_rate)
        if step.photos == 4 and step.epoch in (1, 5):
            first.append(both.model.get_parameter("layer3.0.weight").detach().clone())

    def end(row: dict[str, float], is_best: bool) -> None:
        assert is_best
        if row["epoch"] in (4, 8):
            ends.append({name: value.clone() for name, value in both.evaluated.state_dict().items()})

    both.on_step, both.on_epoch = look, end
    both.run()
    assert [row["epoch"] for row in both.state.history] == list(range(1, 9))
    assert rates[: len(rates) // 2] == pytest.approx(rates[len(rates) // 2 :])
    assert all((weights - start).abs().max() < 1e-4 for weights in first) and not torch.equal(*first)
    for name, value in both.best_weights().items():
        assert torch.allclose(value.float(), (ends[0][name].float() + ends[1][name].float()) / 2, atol=1e-6), name
    assert not torch.equal(ends[0]["fc.weight"], ends[1]["fc.weight"])

    for offset, expected in enumerate(ends):  # each can be made alone as well
        single = make_trainer(photos, config.replace(soup_size=1, soup_offset=offset), tmp_path / f"single{offset}")
        single.run()
        assert all(torch.equal(value, expected[name]) for name, value in single.best_weights().items())


def test_the_best_epoch_is_kept(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = make_trainer(photos, baseline(network_weights, epochs=4), tmp_path)
    accuracies = iter([0.5, 0.7, 0.7, 0.6])
    monkeypatch.setattr(subject, "evaluate", lambda: (1.0, next(accuracies)))
    kept: list[torch.Tensor] = []
    subject.on_epoch = lambda row, is_best: (
        kept.append(head(subject.model).weight.detach().clone()) if is_best else None
    )
    state = subject.run()
    assert (state.best_epoch, state.best_accuracy, len(kept)) == (2, 0.7, 2)
    assert torch.equal(subject.best_weights()["fc.weight"], kept[-1])


def test_the_evaluation_is_the_mean_over_all_photos(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    subject = make_trainer(photos, baseline(network_weights, batch_size=5), tmp_path)
    loss, accuracy = subject.evaluate()
    dataset = make_trainer(photos, baseline(network_weights, batch_size=36), tmp_path).features
    with torch.no_grad():
        (batch,) = list(dataset.evaluation())
        logits = subject._forward(subject._evaluated_learning, batch.images)
    assert loss == pytest.approx(torch.nn.functional.cross_entropy(logits, batch.labels).item(), abs=1e-5)
    assert accuracy == pytest.approx((logits.argmax(1) == batch.labels).float().mean().item())


def test_divergence_stops_with_the_last_good_state_kept(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    loss = module.functional.cross_entropy

    def failing(*arguments: object, **options: object) -> torch.Tensor:
        calls.append(1)
        value: torch.Tensor = loss(*arguments, **options)  # type: ignore[arg-type]
        return value * float("nan") if len(calls) == 10 else value

    monkeypatch.setattr(module.functional, "cross_entropy", failing)
    subject = make_trainer(photos, baseline(network_weights, batch_size=2), tmp_path)
    subject.save_every = 0
    with pytest.raises(TrainingDiverged, match=r"found nan in epoch 1 by batch 10;.*--lr"):
        subject.run()
    state = read_state(tmp_path)
    assert state["progress"]["batch"] == 9 and not (tmp_path / BEST).exists()
    assert all(torch.isfinite(tensor).all() for tensor in state["model"].values())

"""What the learning stages see: crops of their epoch's size, behind frozen stages that may be compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from har_core.data.scan import LabeledPhotos
from har_core.models.registry import split_frozen
from har_core.models.resnet import STAGES
from har_core.training import features
from tests.training.conftest import CPU, best, make_trainer


@pytest.mark.slow
def test_compiled_stages_compute_the_same_for_any_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_COMPILE_ABOVE", 1)
    frozen = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU()).eval()
    plain = features.frozen_forward(frozen, CPU, torch.float32)
    fast = features.compiled(plain, {(4, 3, 16, 16)}, photos=10)
    assert fast is not plain
    for count in (4, 3):
        images = torch.randn(count, 3, 16, 16)
        assert torch.allclose(fast(images), plain(images), atol=1e-5)


def test_without_a_compiler_they_run_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", lambda forward, **options: broken)
    fast = features.compiled(torch.neg, {(2, 3, 4, 4)}, photos=10_000)
    images = torch.randn(2, 3, 4, 4)
    assert torch.equal(fast(images), -images)
    assert features.compiled(torch.neg, set(), photos=10) is torch.neg


def test_crops_have_the_size_of_their_epoch(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    loader = make_trainer(photos, best(network_weights, unfreeze=STAGES), tmp_path).features
    sizes = [{tuple(batch.images.shape[2:]) for batch in loader.train(epoch)} for epoch in range(1, 5)]
    assert sizes == [{(24, 24)}] * 3 + [{(32, 32)}]
    assert {tuple(batch.images.shape[2:]) for batch in loader.evaluation()} == {(32, 32)}


def test_activations_are_those_of_the_frozen_stages(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    """Another crop of every photo in each epoch, the same in the evaluation; no gradient, no graph."""
    images = make_trainer(photos, best(network_weights, unfreeze=STAGES), tmp_path / "a").features
    trainer = make_trainer(photos, best(network_weights), tmp_path / "b")
    frozen, _ = split_frozen(trainer.model, trainer.config.unfreeze)
    epochs = []
    for number in (1, 2):
        batches = list(trainer.features.train(number))
        for seen, image in zip(batches, images.train(number), strict=True):
            assert seen.indices.tolist() == image.indices.tolist()
            assert torch.allclose(seen.images, frozen(image.images), atol=1e-5) and not seen.images.requires_grad
        epochs.append(
            {int(index): one for batch in batches for index, one in zip(batch.indices, batch.images, strict=True)}
        )
    assert epochs[0].keys() == epochs[1].keys() == set(range(36))
    assert not any(torch.equal(epochs[0][index], epochs[1][index]) for index in range(36))
    for first, second in zip(trainer.features.evaluation(), trainer.features.evaluation(), strict=True):
        assert torch.equal(first.images, second.images)


def test_an_epoch_goes_on_with_any_batch(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    loader = make_trainer(photos, best(network_weights), tmp_path).features
    whole, rest = list(loader.train(2)), list(loader.train(2, 5))
    assert len(whole) == 9 and len(rest) == 4
    assert all(torch.equal(one.images, other.images) for one, other in zip(whole[5:], rest, strict=True))


def test_mixed_batches_are_the_same_wherever_an_epoch_is_taken_up(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    config = best(network_weights, unfreeze=STAGES, mixup=0.4, cutmix=1.0)
    loader = make_trainer(photos, config, tmp_path / "mixed").features
    plain = list(make_trainer(photos, best(network_weights, unfreeze=STAGES), tmp_path / "plain").features.train(2))
    whole = list(loader.train(2))
    assert not any(torch.equal(one.images, other.images) for one, other in zip(whole, plain, strict=True))
    for batch, as_before in zip(whole, plain, strict=True):
        assert as_before.targets is None and batch.targets is not None
        assert batch.targets.shape == (len(batch.labels), len(photos.classes))
        assert torch.equal(batch.labels, as_before.labels)
    for batch, expected in zip(loader.train(2, first_batch=2), whole[2:], strict=True):
        assert torch.equal(batch.images, expected.images) and torch.equal(batch.targets, expected.targets)
    assert all(batch.targets is None for batch in loader.evaluation())

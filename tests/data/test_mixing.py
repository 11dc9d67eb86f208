"""Photos mixed in pairs: what becomes of pixels and labels, and that the seed alone decides."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from har_core.data.mixing import Mixing

LABELS = torch.tensor([0, 2, 1, 2])
IMAGES = torch.arange(4.0)[:, None, None, None].expand(4, 3, 16, 16).contiguous()
"""Each of one value, its number."""


def test_mixup_blends_a_photo_with_the_one_before_it_as_its_label() -> None:
    images, targets = Mixing(mixup=1.0, cutmix=0, num_classes=4)(IMAGES, LABELS, seed=3)
    own, other = (functional.one_hot(labels, 4).float() for labels in (LABELS, LABELS.roll(1)))
    weight = float(images[1, 0, 0, 0])  # of 1 with 0: the share of the photo itself
    assert 0 < weight < 1
    assert torch.allclose(images, weight * IMAGES + (1 - weight) * IMAGES.roll(1, 0))
    assert torch.allclose(targets, weight * own + (1 - weight) * other)


def test_cutmix_pastes_a_rectangle_as_large_as_its_share_of_the_label() -> None:
    mixing = Mixing(mixup=0, cutmix=1.0, num_classes=3)
    shares = []
    for seed in range(20):
        images, targets = mixing(IMAGES, LABELS, seed=seed)
        shares.append(pasted := float((images[1] == 0).float().mean()))
        assert torch.allclose(targets[1], torch.tensor([pasted, 0, 1 - pasted]), atol=1e-6)
        assert torch.allclose(targets.sum(dim=1), torch.ones(4)) and targets.dtype == torch.float32
    assert min(shares) < 0.2 and max(shares) > 0.6


@pytest.mark.parametrize("ways", [{"mixup": 0.2, "cutmix": 0}, {"mixup": 0, "cutmix": 1}, {"mixup": 0.2, "cutmix": 1}])
def test_the_seed_alone_decides(ways: dict[str, float]) -> None:
    mixing = Mixing(**ways, num_classes=3)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    images, targets = mixing(IMAGES, LABELS, seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    again, same = mixing(IMAGES, LABELS, seed=5)
    assert torch.equal(images, again) and torch.equal(targets, same)
    assert any(not torch.equal(mixing(IMAGES, LABELS, seed=seed)[0], images) for seed in range(6, 9))
    assert torch.equal(IMAGES[:, 0, 0, 0], torch.arange(4.0))  # what was given is as it was


def test_both_are_drawn_by_turns() -> None:
    """CutMix leaves a photo's values as they are, mixup blends them."""
    mixing = Mixing(mixup=1.0, cutmix=1.0, num_classes=3)
    blended = {bool(mixing(IMAGES, LABELS, seed=seed)[0].frac().any()) for seed in range(20)}
    assert blended == {True, False}


def test_nothing_is_asked_for() -> None:
    assert not Mixing(mixup=0, cutmix=0, num_classes=3) and Mixing(mixup=0.1, cutmix=0, num_classes=3)

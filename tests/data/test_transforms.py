"""Augmentation that only the seed decides, and where the crop lies in its photo."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image
from torch.nn import functional

from har_core.data.transforms import AUGMENTATIONS, MEAN, STD, center_crop_box, eval_transform, seeded, train_transform


@pytest.mark.parametrize(
    "augmentation",
    [{}, {"zoom_out": 1.0}, {"random_erasing": 1.0}, *({"augmentation": name} for name in AUGMENTATIONS)],
)
def test_augmentation_depends_on_the_key_alone_and_leaves_torchs_stream_alone(augmentation: dict[str, Any]) -> None:
    transform, photo = train_transform(32, 0.08, **augmentation), Image.linear_gradient("L").convert("RGB")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = seeded(transform, photo, 42, 1, "a.jpg")
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(seeded(transform, photo, 42, 1, "a.jpg"), first)
    assert not torch.equal(seeded(transform, photo, 42, 2, "a.jpg"), first)
    assert not torch.equal(seeded(transform, photo, 42, 1, "b.jpg"), first)


def test_values_are_normalized() -> None:
    image = eval_transform(32, 36)(Image.new("RGB", (50, 40), (255, 0, 128)))
    expected = (torch.tensor([1, 0, 128 / 255]) - torch.tensor(MEAN)) / torch.tensor(STD)
    assert image.shape == (3, 32, 32) and image.dtype == torch.float32
    assert torch.allclose(image[:, 7, 9], expected)


def test_crops_show_at_least_the_share_asked_for() -> None:
    """A horizontal ramp: the range that a crop shows is its width."""
    ramp = Image.linear_gradient("L").rotate(90).convert("RGB")
    for epoch in range(20):
        wide = seeded(train_transform(64, 0.9), ramp, epoch)[0] * STD[0]
        assert wide.max() - wide.min() > 0.8


def test_zooming_out_shows_a_whole_photo_on_a_plain_ground() -> None:
    shares = []
    for epoch in range(20):
        image = seeded(train_transform(64, 1.0, zoom_out=1.0), Image.new("RGB", (60, 60), "white"), epoch)
        shares.append(float((image[0] > 1).float().mean()))
    assert min(shares) < 0.5 < max(shares)


def test_erasing_takes_a_rectangle_away() -> None:
    image = seeded(train_transform(64, 1.0, random_erasing=1.0), Image.new("RGB", (64, 64), "white"), 1)
    assert 0.02 < float((image == 0).float().mean()) < 0.34


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (300, 300), (1000, 260), (171, 255)])
def test_the_crop_box_is_what_the_network_sees(size: tuple[int, int]) -> None:
    """A white dot at a place in the box is at the same place in the network's input."""
    box = center_crop_box(*size, crop_size=224, resize=256)
    for across, down in ((0.2, 0.3), (0.5, 0.5), (0.8, 0.75)):
        x, y = box.left + across * (box.right - box.left), box.top + down * (box.bottom - box.top)
        photo = Image.new("RGB", size)
        photo.paste("white", (int(x) - 4, int(y) - 4, int(x) + 4, int(y) + 4))
        seen = functional.avg_pool2d(eval_transform(224, 256)(photo).sum(0)[None], 8)[0]
        row, column = divmod(int(seen.argmax()), 28)
        assert abs((column + 0.5) / 28 - across) < 0.04 and abs((row + 0.5) / 28 - down) < 0.04

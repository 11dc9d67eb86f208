"""Augmentation that only the seed decides, and where the crop lies in its photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from har_core.dataset import EpochBatches
from har_core.pictures import overlay
from har_core.transforms import Box, evaluation_crop, evaluation_transform, seeded, training_transform
from tests.conftest import picture


def test_augmentation_depends_on_the_key_alone_and_leaves_torchs_stream_alone() -> None:
    transform, photo = training_transform(32), picture((90, 120, 40))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = seeded(transform, photo, 42, 1, "a.jpg")
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(seeded(transform, photo, 42, 1, "a.jpg"), first)
    assert not torch.equal(seeded(transform, photo, 42, 2, "a.jpg"), first)
    assert not torch.equal(seeded(transform, photo, 42, 1, "b.jpg"), first)


def test_an_epoch_visits_every_photo_once_in_an_order_of_its_own() -> None:
    batches = EpochBatches(65, 32, seed=3)
    orders = []
    for epoch in (1, 2, 1):
        batches.set(epoch=epoch, view=epoch)
        orders.append([draw for batch in batches for draw in batch])
    assert orders[0] == orders[2] and orders[0] != orders[1]
    assert len({draw.sample for draw in orders[0]}) == 64 and batches.dropped == 1 and len(batches) == 2
    batches.set(epoch=1, view=1, first_batch=1)
    assert [draw for batch in batches for draw in batch] == orders[0][32:]


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (300, 300), (1000, 260), (171, 255)])
def test_a_hot_spot_lands_within_one_grid_cell(size: tuple[int, int]) -> None:
    """A white dot in the photo, found in the network's input, mapped back: it must meet the dot again."""
    crop_size, resize, grid = 224, 256, 7
    box = evaluation_crop(*size, crop_size=crop_size, resize=resize)
    for across, down in ((0.2, 0.3), (0.5, 0.5), (0.8, 0.75)):
        x, y = box.left + across * (box.right - box.left), box.top + down * (box.bottom - box.top)
        photo = Image.new("RGB", size)
        photo.paste("white", (int(x) - 4, int(y) - 4, int(x) + 4, int(y) + 4))
        seen = evaluation_transform(crop_size, resize)(photo).sum(0)
        cells = torch.nn.functional.avg_pool2d(seen[None], crop_size // grid)[0]
        row, column = divmod(int(cells.argmax()), grid)
        heat = np.zeros((grid, grid), np.float32)
        heat[row, column] = 1
        heat = np.asarray(Image.fromarray(heat).resize((crop_size, crop_size), Image.Resampling.NEAREST))
        shown = np.asarray(overlay(Image.new("RGB", size), heat, box, opacity=1.0, side=4000), dtype=float).sum(2)
        outside = np.ones_like(shown, dtype=bool)
        outside[round(box.top) : round(box.bottom), round(box.left) : round(box.right)] = False
        shown[outside] = 0  # the words "not seen"
        rows, columns = np.nonzero(shown > shown.max() * 0.9)
        cell = (box.right - box.left) / grid
        assert abs(columns.mean() - x) <= cell and abs(rows.mean() - y) <= cell


def test_the_overlay_dims_what_was_not_seen_and_keeps_the_photos_size() -> None:
    photo = Image.new("RGB", (400, 200), (200, 200, 200))
    picture_ = np.asarray(overlay(photo, np.zeros((224, 224), np.float32), Box(100, 0, 300, 200), opacity=0.0))
    assert picture_.shape == (200, 400, 3)
    assert (picture_[:, 100:300] == 200).all() and (picture_[:60, :90] < 100).all()

"""Batches visit every photo once, in a seeded order, shared among the processes that train together."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import torch

from har_core.data.dataset import EpochSampler, PhotoDataset, SequentialSampler, default_workers, make_loader
from har_core.data.scan import scan
from har_core.data.transforms import eval_transform
from har_core.errors import ImageError


def test_an_epoch_visits_every_photo_once_in_an_order_of_its_own() -> None:
    sampler = EpochSampler(65, 32, seed=3)
    orders = []
    for epoch in (1, 2, 1):
        sampler.set(epoch=epoch)
        orders.append([draw for batch in sampler for draw in batch])
    assert orders[0] == orders[2] and orders[0] != orders[1]
    assert {draw.epoch for draw in orders[1]} == {2}
    assert len({draw.sample for draw in orders[0]}) == 64 and sampler.dropped == 1 and len(sampler) == 2
    sampler.set(epoch=1, first_batch=1)
    assert [draw for batch in sampler for draw in batch] == orders[0][32:]


def test_the_order_is_seeded() -> None:
    assert EpochSampler(50, 8, seed=1).indices() == EpochSampler(50, 8, seed=1).indices()
    assert EpochSampler(50, 8, seed=1).indices() != EpochSampler(50, 8, seed=2).indices()


@pytest.mark.parametrize(("size", "batch", "count"), [(33, 5, 2), (10, 4, 3), (9, 4, 8), (64, 16, 4)])
def test_shares_are_disjoint_and_complete(size: int, batch: int, count: int) -> None:
    whole = EpochSampler(size, batch, seed=1)
    parts = [list(EpochSampler(size, batch, seed=1, rank=rank, world_size=count)) for rank in range(count)]
    assert {len(part) for part in parts} == {len(whole)}
    for number, indices in enumerate(whole.indices()):
        photos = whole.photos(number)
        assert photos == len(indices)
        own = [
            [draw.sample for draw in part[number]][: len(range(photos)[rank::count])] for rank, part in enumerate(parts)
        ]
        assert sorted(chain.from_iterable(own)) == sorted(indices)
        assert all(part[number] for part in parts)  # no process sits a step out

    ordered = [list(SequentialSampler(size, batch, rank=rank, world_size=count)) for rank in range(count)]
    assert sorted(draw.sample for part in ordered for draws in part for draw in draws) == list(range(size))


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_of_labeled_photos(kaggle_folder: Path, workers: int) -> None:
    photos = scan(kaggle_folder, verify=False)
    dataset = PhotoDataset.of(photos.samples[:5], photos.classes, eval_transform(32, 36))
    batches = list(make_loader(dataset, SequentialSampler(5, 2), workers=workers))
    assert [tuple(batch.images.shape) for batch in batches] == [(2, 3, 32, 32), (2, 3, 32, 32), (1, 3, 32, 32)]
    assert torch.cat([batch.labels for batch in batches]).tolist() == [0, 1, 2, 0, 1]
    assert torch.cat([batch.indices for batch in batches]).tolist() == list(range(5))


def test_a_photo_that_cannot_be_read_is_named_in_one_line(tmp_path: Path) -> None:
    dataset = PhotoDataset([tmp_path / "gone.jpg"], ["gone.jpg"], [0], eval_transform(32, 36))
    with pytest.raises(ImageError, match=r"^gone\.jpg") as caught:
        list(make_loader(dataset, SequentialSampler(1, 1), workers=0))
    assert "\n" not in str(caught.value)


def test_default_workers_leave_cores_to_the_model() -> None:
    assert 1 <= default_workers() <= 8

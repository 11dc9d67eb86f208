"""Heatmaps on photos."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from har_core.data.transforms import Box, center_crop_box, eval_transform
from har_core.viz import overlays


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (300, 300), (1000, 260), (171, 255)])
def test_a_hot_spot_lands_within_one_grid_cell(size: tuple[int, int]) -> None:
    """A white dot in the photo, found in the network's input, mapped back: it must meet the dot again."""
    crop_size, resize, grid = 224, 256, 7
    box = center_crop_box(*size, crop_size=crop_size, resize=resize)
    for across, down in ((0.2, 0.3), (0.5, 0.5), (0.8, 0.75)):
        x, y = box.left + across * (box.right - box.left), box.top + down * (box.bottom - box.top)
        photo = Image.new("RGB", size)
        photo.paste("white", (int(x) - 4, int(y) - 4, int(x) + 4, int(y) + 4))
        seen = eval_transform(crop_size, resize)(photo).sum(0).numpy()
        cells = seen.reshape(grid, crop_size // grid, grid, crop_size // grid).mean(axis=(1, 3))
        row, column = divmod(int(cells.argmax()), grid)
        heatmap = np.zeros((grid, grid), np.float32)
        heatmap[row, column] = 1
        heatmap = np.asarray(Image.fromarray(heatmap).resize((crop_size, crop_size), Image.Resampling.NEAREST))
        picture = overlays.overlay(Image.new("RGB", size), heatmap, box, opacity=1.0, side=4000)
        shown = np.asarray(picture, dtype=float).sum(2)
        rows, columns = np.nonzero(shown > shown.max() * 0.9)
        cell = (box.right - box.left) / grid
        assert abs(columns.mean() - x) <= cell and abs(rows.mean() - y) <= cell


def test_what_the_network_does_not_see_is_dimmed() -> None:
    photo = Image.new("RGB", (400, 200), (200, 200, 200))
    picture = np.asarray(overlays.overlay(photo, np.zeros((224, 224), np.float32), Box(100, 0, 300, 200), opacity=0.0))
    assert picture.shape == (200, 400, 3)
    assert (picture[:, 100:300] == 200).all() and (picture[:, :100] < 100).all() and (picture[:, 300:] < 100).all()


def test_large_photos_are_reduced() -> None:
    photo = Image.new("RGB", (3000, 1500))
    box = center_crop_box(3000, 1500, crop_size=224, resize=256)
    assert overlays.overlay(photo, np.zeros((7, 7)), box, opacity=0.5).size == (1024, 512)


def test_a_difference_of_nothing_is_the_photo_in_gray() -> None:
    photo = Image.new("RGB", (50, 50), (200, 10, 10))
    picture = np.asarray(overlays.difference_overlay(photo, np.zeros((5, 5)), Box(0, 0, 50, 50)))
    assert (picture == picture[0, 0]).all() and len(set(picture[0, 0])) == 1


def test_pictures_side_by_side() -> None:
    picture = overlays.side_by_side([Image.new("RGB", (40, 20), color) for color in ("red", "blue")], height=10)
    assert picture.size == (48, 10)
    assert picture.getpixel((0, 0)) == (255, 0, 0) and picture.getpixel((47, 9)) == (0, 0, 255)


def test_a_heatmap_alone_brightens_with_the_evidence() -> None:
    values = np.asarray(overlays.heatmap_alone(np.linspace(0, 1, 20)[None]), dtype=int).sum(2)[0]
    assert (np.diff(values) > 0).all()


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (20, 1), (1, 1), (3000, 150)])
@pytest.mark.parametrize("part", [(0.0, 1.0), (0.1, 0.18), (0.95, 1.0)])
def test_photos_and_parts_of_any_size(size: tuple[int, int], part: tuple[float, float]) -> None:
    low, high = part
    box = Box(low * size[0], low * size[1], high * size[0], high * size[1])
    photo = Image.new("RGB", size, "white")
    picture = overlays.overlay(photo, np.ones((14, 14)), box, opacity=1.0)
    assert picture.size == overlays.framed(picture, photo, box).size
    assert max(picture.size) <= 1024


def test_a_frame_lies_on_the_edges_of_its_box() -> None:
    photo = Image.new("RGB", (400, 200), "gray")
    picture = np.asarray(overlays.framed(photo.resize((800, 400)), photo, Box(50, 20, 150, 120)))
    changed = (picture != 128).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 239, 100, 299)
    assert not changed[60:220, 120:280].any()
    assert {tuple(picture[40, 200]), tuple(picture[42, 200])} == {(0, 0, 0), (255, 255, 255)}


def test_what_is_not_seen_is_dimmed_unless_it_is_not_to_be() -> None:
    photo = Image.new("RGB", (100, 100), "white")
    for dim in (True, False):
        picture = overlays.overlay(photo, np.zeros((7, 7)), Box(20, 20, 80, 80), opacity=0.0, dim=dim)
        assert (picture.getpixel((5, 5)) == (255, 255, 255)) != dim and picture.getpixel((50, 50)) == (255, 255, 255)

"""Maps of several looks at a photo become one, and nothing is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

from har_core.cam.placing import place
from har_core.media.geometry import Box

PHOTO = Box(0, 0, 300, 200)


def test_the_mean_over_positions_is_that_of_the_looks() -> None:
    random = np.random.default_rng(0)
    boxes = [Box(62.5, 12.5, 237.5, 187.5), PHOTO, Box(201.3, 3.7, 288.8, 91.2)]
    maps = [random.normal(size=(4, *shape)) for shape in ((7, 7), (7, 10), (5, 5))]
    placed = place(maps, boxes, PHOTO)
    assert placed.shape == (4, 14, 14) and placed.dtype == np.float32
    means = np.mean([one.mean(axis=(1, 2)) for one in maps], axis=0)
    assert placed.mean(axis=(1, 2)) == pytest.approx(means, abs=1e-5)


def test_evidence_lies_where_it_was_found() -> None:
    spot = np.zeros((1, 2, 2))
    spot[0, 1, 0] = 8.0  # bottom left of the right half of the photo
    placed = place([spot], [Box(150, 0, 300, 200)], PHOTO, grid=4)[0]
    expected = np.zeros((4, 4))
    expected[2:, 2] = 8.0 * 2  # in half of the area, twice as dense
    assert np.allclose(placed, expected)


def test_one_look_at_everything_stays_as_it_is() -> None:
    maps = np.random.default_rng(1).normal(size=(3, 7, 7))
    assert np.allclose(place([maps], [PHOTO], PHOTO, grid=7), maps, atol=1e-6)
    assert np.allclose(place([maps], [PHOTO], PHOTO, grid=14), maps.repeat(2, 1).repeat(2, 2), atol=1e-6)


def test_what_lies_outside_the_region_is_not_moved_into_it() -> None:
    maps = np.ones((1, 2, 2))
    placed = place([maps], [Box(-100, 0, 100, 200)], Box(0, 0, 200, 200), grid=2)
    assert np.allclose(placed, [[[1, 0], [1, 0]]])

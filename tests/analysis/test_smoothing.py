"""The mean over the last second, against pandas' rolling windows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.smoothing import Recent


def test_the_mean_is_that_of_a_window_by_time() -> None:
    """Frames come irregularly: many at once, then none for longer than the window, then two at the same time."""
    random = np.random.default_rng(0)
    steps = np.concatenate([random.uniform(0.02, 0.4, 60), [2.5, 0.0, 1.0, 0.999]])
    times = np.round(np.cumsum(steps), 3)
    values = random.dirichlet(np.ones(4), len(times))
    index = pd.to_datetime(np.round(times * 1000).astype(np.int64), unit="ms")
    expected = pd.DataFrame(values, index=index).rolling("1s").mean().to_numpy()
    recent, found = Recent(seconds=1000), []  # of milliseconds, which 64 bits hold exactly
    for time, frame in zip(np.round(times * 1000).tolist(), values, strict=True):
        recent = recent.followed_by(time, frame)
        found.append(recent.mean)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert len(recent.times) == 2


def test_a_frame_alone_answers_for_itself() -> None:
    frame = np.array([0.2, 0.8], np.float32)
    recent = Recent().followed_by(5.0, np.array([1.0, 0.0], np.float32)).followed_by(6.0, frame)
    assert recent.times == (6.0,) and recent.mean == pytest.approx(frame)


def test_what_cannot_be_averaged_is_refused() -> None:
    recent = Recent().followed_by(5.0, np.zeros(3))
    with pytest.raises(ValueError, match="frame from 5"):
        recent.followed_by(4.9, np.zeros(3))
    with pytest.raises(ValueError, match="shape"):
        recent.followed_by(5.1, np.zeros(2))
    with pytest.raises(ValueError, match="none"):
        _ = Recent().mean

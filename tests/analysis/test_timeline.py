"""Segments of frames' probabilities, against all paths and a model that is written out."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest

from har_core.analysis.timeline import (
    INDEPENDENT,
    MEAN_LENGTH,
    UNSURE,
    FrameRule,
    frame_labels,
    segments,
)
from har_core.analysis.unknown import KEPT

RULE = FrameRule()
WITH_NONE = FrameRule(least_known=0.0)


def drawn(count: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.05, 1.5, count))
    return times, random.dirichlet(np.full(classes, 0.4), count), random.normal(0.5, 1, count)


def written_out(
    times: np.ndarray, shares: np.ndarray, length: float, independent: float
) -> tuple[np.ndarray, np.ndarray]:
    """(T, S) log evidence, and (T - 1, S, S) log transitions, by the generator of the process in continuous time."""
    states = shares.shape[1]
    gaps = np.diff(times)
    durations = np.append(gaps, gaps[-1] if len(gaps) else independent)
    evidence = np.minimum(1, durations / independent)[:, None] * np.log(np.maximum(shares, 1e-6))
    if states == 1:
        return evidence, np.zeros((len(gaps), 1, 1))
    generator = np.full((states, states), 1 / length / (states - 1))
    np.fill_diagonal(generator, -1 / length)
    values, vectors = np.linalg.eigh(generator)
    steps = [np.log((vectors * np.exp(values * gap)) @ vectors.T) for gap in gaps]
    return evidence, np.array(steps).reshape(-1, states, states)


def shares_of(probabilities: np.ndarray, known: np.ndarray, rule: FrameRule) -> np.ndarray:
    if rule.least_known is None:
        return probabilities
    none = np.where(known < rule.least_known, KEPT, (1 - KEPT) / (probabilities.shape[1] + 1))
    return np.column_stack([probabilities * (1 - none)[:, None], none])


def path_of(times: np.ndarray, probabilities: np.ndarray, known: np.ndarray, **options: Any) -> np.ndarray:
    """(T,) the state of each frame."""
    found = segments(times, probabilities, known, **options)
    return np.repeat([one.label for one in found], [one.last - one.first + 1 for one in found])


@pytest.mark.parametrize("rule", [RULE, WITH_NONE])
@pytest.mark.parametrize(("count", "classes"), [(1, 1), (1, 3), (2, 2), (5, 3), (6, 2)])
def test_against_all_paths(rule: FrameRule, count: int, classes: int) -> None:
    for seed in range(20):
        times, probabilities, known = drawn(count, classes, seed)
        found = path_of(times, probabilities, known, rule=rule)
        evidence, steps = written_out(times, shares_of(probabilities, known, rule), MEAN_LENGTH, INDEPENDENT)
        states = evidence.shape[1]
        paths = np.array(list(itertools.product(range(states), repeat=count)))
        scores = evidence[np.arange(count), paths].sum(axis=1)
        scores += sum(steps[step, paths[:, step], paths[:, step + 1]] for step in range(count - 1))
        own = int(np.flatnonzero((paths == found).all(axis=1))[0])
        assert scores[own] == pytest.approx(scores.max(), abs=1e-9)


@pytest.mark.parametrize(("mean_length", "independent"), [(0.5, 0.2), (3.0, 1.0), (60.0, 5.0)])
def test_against_the_usual_recursions(mean_length: float, independent: float) -> None:
    times, probabilities, known = drawn(150, 7, 3)
    found = path_of(times, probabilities, known, rule=WITH_NONE, mean_length=mean_length, independent=independent)
    evidence, steps = written_out(times, shares_of(probabilities, known, WITH_NONE), mean_length, independent)
    best, came = evidence[0], []
    for step, now in zip(steps, evidence[1:], strict=True):
        came.append((best[:, None] + step).argmax(axis=0))
        best = (best[:, None] + step).max(axis=0) + now
    path = [int(best.argmax())]
    for back in came[::-1]:
        path.append(int(back[path[-1]]))
    assert found.tolist() == path[::-1]


def test_many_frames_of_many_classes_are_quick() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(100, 0.1), 2400)
    began = time.process_time()
    found = path_of(np.arange(2400) / 4, probabilities, np.ones(2400), rule=WITH_NONE)
    assert time.process_time() - began < 5 and found.shape == (2400,)


def one_hot(labels: list[int], classes: int = 3, sure: float = 0.9) -> np.ndarray:
    rows = np.full((len(labels), classes), (1 - sure) / (classes - 1))
    rows[np.arange(len(labels)), labels] = sure
    return rows


def test_segments_touch_and_a_flicker_is_smoothed_away() -> None:
    labels = [0] * 12 + [1] + [0] * 7 + [2] * 20
    found = segments(np.arange(40) / 4, one_hot(labels), rule=RULE, end=10.0)
    assert [(one.start, one.end, one.label, one.named) for one in found] == [(0, 5, 0, (0,)), (5, 10, 2, (2,))]
    assert (found[0].first, found[0].last, found[1].frames) == (0, 19, slice(20, 40))
    assert found[0].confidence == pytest.approx((19 * 0.9 + 0.05) / 20) and found[1].confidence == pytest.approx(0.9)
    finer = segments(np.arange(160) / 16, one_hot(np.repeat(labels, 4).tolist()), rule=RULE, end=10.0)
    assert [(one.start, one.end, one.label) for one in finer] == [(0, 5, 0), (5, 10, 2)]  # at whatever rate
    short = segments(np.arange(40) / 4, one_hot(labels), rule=RULE, mean_length=0.1, independent=0.1)
    assert len(short) == 4


def test_none_and_unsure() -> None:
    probabilities = np.vstack([one_hot([0] * 20), one_hot([1] * 40, sure=0.46), one_hot([2] * 20)])
    known = np.where(np.arange(80) < 60, 1.0, -1.0)
    known[70] = -9.0
    found = segments(np.arange(80) / 4, probabilities, known, rule=WITH_NONE)
    assert [(one.label, one.named) for one in found] == [(0, (0,)), (1, ()), (3, ())]
    assert found[2].confidence == 1.0 and found[2].peak == 70
    labels = frame_labels(probabilities, known, rule=WITH_NONE)
    assert labels.tolist() == [0] * 20 + [UNSURE] * 40 + [3] * 20
    assert frame_labels(probabilities, rule=RULE).tolist() == [0] * 20 + [UNSURE] * 40 + [2] * 20
    assert 3 not in path_of(np.arange(80) / 4, probabilities, known, rule=RULE)
    two = frame_labels(np.array([[0.45, 0.44, 0.11]]), rule=FrameRule(lowest=0.4, threshold=0.8))
    assert two.tolist() == [0]


def test_frames_below_the_least_known_are_none() -> None:
    known = np.array([-1.0, 0.0, np.nan])
    assert WITH_NONE.is_none(known).tolist() == [WITH_NONE.is_none(float(one)) for one in known] == [True, False, False]
    assert RULE.is_none(-1e9) is False and RULE.is_none(known).tolist() == [False] * 3


def test_a_single_frame_says_what_predict_says() -> None:
    for probabilities in (one_hot([1]), np.full((1, 100), 0.01)):
        (found,) = segments(np.zeros(1), probabilities, np.ones(1), rule=WITH_NONE)
        assert found.label == probabilities.argmax() and found.start == found.end == 0 and found.peak == 0
        (found,) = segments(np.zeros(1), probabilities, -np.ones(1), rule=WITH_NONE, end=2.0)
        assert found.label == probabilities.shape[1] and found.end == 2


def test_the_peak_is_a_frame_that_names_the_label() -> None:
    probabilities, known = one_hot([0, 0, 0, 0]), np.array([1.0, 1.0, -1.0, 1.0])
    probabilities[2] = (0.99, 0.005, 0.005)
    (found,) = segments(np.arange(4.0), probabilities, known, rule=WITH_NONE)
    assert found.label == 0 and found.peak == 0


def test_nothing_and_wrong_input() -> None:
    assert segments(np.zeros(0), np.zeros((0, 3)), rule=RULE) == ()
    with pytest.raises(ValueError, match="increase"):
        segments(np.zeros(2), np.full((2, 2), 0.5), rule=RULE)
    with pytest.raises(ValueError, match=r"\(T, K\)"):
        segments(np.zeros(2), np.zeros((3, 2)), rule=RULE)


@pytest.mark.parametrize(("fps", "frames"), [(4, 4), (10, 10), (30, 33)])
def test_how_long_something_lasts_that_becomes_a_segment(fps: int, frames: int) -> None:
    """A definite action between two others; the figures of docs/video.md."""
    for count, expected in ((frames - 1, 1), (frames, 3)):
        shares = np.full((20 * fps, 15), 0.02 / 14)
        shares[:, 0] = 0.98
        shares[10 * fps : 10 * fps + count] = 0.02 / 14
        shares[10 * fps : 10 * fps + count, 1] = 0.98
        assert len(segments(np.arange(20 * fps) / fps, shares, rule=RULE, end=20)) == expected

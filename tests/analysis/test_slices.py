"""Slices against SciPy, pandas and the formulas of the textbooks; what is planted is found, chance is not."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from har_core.analysis.clusters import cluster_names, embedding_clusters
from har_core.analysis.scores import wilson_interval
from har_core.analysis.slices import (
    compare_groups,
    find_slices,
    slice_mask,
    slice_values,
)


def drawn(count: int, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    random = np.random.default_rng(seed)
    values = {"brightness": random.random(count), "size": random.integers(100, 110, count).astype(float)}
    return random.random(count) < 0.8, values, random.integers(0, 4, count)


def test_counts_and_tests_are_those_of_the_masks() -> None:
    correct, values, true = drawn(600)
    clusters = np.random.default_rng(1).integers(0, 3, 600)
    values["brightness"][:40] = np.nan
    found = find_slices(correct, values, clusters, true=true)
    assert len({one.key for one in found}) == len(found) == 5 + 5 + 3
    for one in found:
        mask = slice_mask(one.key, values, clusters)
        known = ~np.isnan(values.get(one.measure, clusters.astype(float)))
        others = known & ~mask
        assert (one.photos, one.correct, one.others) == (mask.sum(), correct[mask].sum(), others.sum())
        assert (one.accuracy, one.others_accuracy) == pytest.approx((correct[mask].mean(), correct[others].mean()))
        assert (one.low, one.high) == wilson_interval(one.correct, one.photos)
        table = pd.crosstab(mask[known], correct[known]).to_numpy()
        assert one.p == pytest.approx(fisher_exact(table).pvalue)
    for family in (found[:10], found[10:]):
        assert [one.q for one in family] == pytest.approx(false_discovery_control([one.p for one in family]))


def test_bins_hold_equally_many_and_are_those_of_pandas() -> None:
    correct, values, _ = drawn(1000)
    expected = pd.qcut(values["brightness"], 4, labels=False)
    for place in range(4):
        assert (slice_mask(f"brightness:{place}", values, bins=4) == (expected == place)).all()
    found = find_slices(correct, values, bins=4)
    assert [one.photos for one in found if one.measure == "brightness"] == [250] * 4


def test_equal_values_stay_together_and_constants_give_nothing() -> None:
    correct = np.arange(100) % 3 > 0
    values = {"x": np.repeat([1.0, 2.0], [90, 10]), "same": np.ones(100), "unknown": np.full(100, np.nan)}
    found = find_slices(correct, values)
    assert [(one.key, one.photos) for one in found] == [("x:0", 90), ("x:1", 10)]


def test_the_adjusted_gap_is_that_of_cochran_mantel_and_haenszel() -> None:
    """R's documentation of mantelhaen.test: UCBAdmissions, without continuity correction 1.5246, p = 0.2169."""
    admitted = {"A": (512, 313, 89, 19), "B": (353, 207, 17, 8), "C": (120, 205, 202, 391),
                "D": (138, 279, 131, 244), "E": (53, 138, 94, 299), "F": (22, 351, 24, 317)}  # fmt: skip
    correct, men, department = [], [], []
    for index, counts in enumerate(admitted.values()):
        for (is_man, is_in), number in zip(((1, 1), (1, 0), (0, 1), (0, 0)), counts, strict=True):
            correct += [bool(is_in)] * number
            men += [bool(is_man)] * number
            department += [index] * number
    (one,) = compare_groups(np.array(correct), {"men": np.array(men)}, true=np.array(department))
    assert one.adjusted_p == pytest.approx(0.2169, abs=1e-4)
    assert one.gap > 0.1 and one.p < 1e-10  # the famous paradox: it is the mix of departments
    recall = pd.Series(correct).groupby(department).mean()
    expected = recall[np.array(department)[np.array(men)]].mean()
    assert one.adjusted_gap == pytest.approx(one.accuracy - expected) and abs(one.adjusted_gap) < 0.02


def test_a_planted_slice_is_found_and_a_hard_class_is_explained() -> None:
    random = np.random.default_rng(3)
    count = 5000
    true, dark, sharp = random.integers(0, 5, count), random.random(count), random.random(count)
    size = np.where(true == 0, 0.0, 1.0) + random.random(count)  # the first class is on small photos, and hard
    chance = np.where(dark < 0.2, 0.6, 0.9) * np.where(true == 0, 0.7, 1.0)
    values = {"brightness": dark, "sharpness": sharp, "size": size}
    found = {one.key: one for one in find_slices(random.random(count) < chance, values, true=true)}
    assert {key for key, one in found.items() if one.significant} == {"brightness:0", "size:0"}
    assert found["brightness:0"].adjusted_gap < -0.15 and found["brightness:0"].adjusted_p < 1e-6
    assert abs(found["size:0"].adjusted_gap) < 0.02 and found["size:0"].gap < -0.15
    assert found["brightness:0"].extra_errors > 150


def test_chance_is_rarely_a_discovery() -> None:
    wrong = 0
    for seed in range(40):
        correct, values, true = drawn(400, seed)
        wrong += any(one.significant for one in find_slices(correct, values, true=true))
    assert wrong <= 4


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_photos(count: int) -> None:
    correct, values, true = drawn(count)
    found = find_slices(correct, values, np.arange(count) % 2, true=true)
    assert all(np.isfinite([one.p, one.q, one.adjusted_gap, one.adjusted_p]).all() for one in found)
    assert not any(one.significant for one in found)


def test_all_or_none_correct() -> None:
    _, values, true = drawn(50)
    for correct in (np.ones(50, bool), np.zeros(50, bool)):
        found = find_slices(correct, values, true=true)
        assert len(found) == 10 and all(
            (one.p, one.q, one.adjusted_gap, one.adjusted_p) == (1, 1, 0, 1) for one in found
        )


def test_unknown_keys() -> None:
    _, values, _ = drawn(50)
    for key in (
        "brightness:7",
        "brightness",
        "brightness:x",
        "cluster:0",
        "",
        "x:0",
        "brightness:" + "9" * 30,
        "size:²",
    ):
        with pytest.raises(ValueError, match="expected a slice"):
            slice_mask(key, values)
    with pytest.raises(ValueError, match="expected 50"):
        find_slices(np.ones(50, bool), {"cluster": np.ones(50)})


def test_groups_of_any_kind() -> None:
    correct, _, true = drawn(200)
    masks = {"none": np.zeros(200, bool), "all": np.ones(200, bool), "wrong": ~correct}
    (one,) = compare_groups(correct, masks, true=true, labels={"wrong": "All errors"})
    assert (one.key, one.label, one.accuracy, one.others_accuracy, one.significant) == (
        "wrong",
        "All errors",
        0,
        1,
        True,
    )


def test_a_million_photos() -> None:
    random = np.random.default_rng(0)
    values = {name: random.random(1_000_000) for name in "abcde"} | {"size": random.integers(1, 900, 1_000_000) * 1.0}
    correct, true = random.random(1_000_000) < 0.85, random.integers(0, 100, 1_000_000)
    started = time.process_time()
    assert len(find_slices(correct, values, true=true)) == 30
    assert time.process_time() - started < 4  # less than two where nothing else runs


def test_clusters_are_those_that_are_there() -> None:
    random = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [300, 200, 100])
    embeddings = np.eye(3, 8)[group] * random.uniform(0.5, 20, (600, 1)) + random.normal(0, 0.01, (600, 8))
    clusters = embedding_clusters(embeddings.astype(np.float16), 3)
    assert (clusters == group).all() and clusters.dtype == np.int64  # the largest first
    assert (clusters == embedding_clusters(embeddings.astype(np.float16), 3)).all()
    true = np.where(np.arange(600) % 3 == 0, 1, group)
    assert cluster_names(clusters, true, ("a", "b", "c")) == ["a and b", "b", "c and b"]


@pytest.mark.parametrize("rows", [0, 1, 15, 60])
def test_clusters_of_odd_embeddings(rows: int) -> None:
    embeddings = np.zeros((rows, 4), np.float16)
    embeddings[: rows // 3] = np.nan
    clusters = embedding_clusters(embeddings)
    assert clusters.shape == (rows,) and (clusters >= 0).all()
    assert len(cluster_names(clusters, np.zeros(rows, np.int64), ("a",))) == clusters.max(initial=-1) + 1


def test_values_of_measured_photos() -> None:
    table = pd.DataFrame({"sample": ["a"], "width": [300.0], "height": [200.0], "brightness": [0.5], "contrast": [0.2],
                          "sharpness": [3.0], "outside_crop": [0.4]})  # fmt: skip
    found = {name: float(column[0]) for name, column in slice_values(table).items()}
    assert found == {
        "brightness": 0.5,
        "contrast": 0.2,
        "sharpness": 3,
        "size": 200,
        "aspect": 1.5,
        "outside_crop": 0.4,
    }

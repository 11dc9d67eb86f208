"""Wrong labels are found where they were put."""

from __future__ import annotations

import numpy as np
import pytest
from cleanlab.filter import find_label_issues
from sklearn.datasets import make_blobs

from har_core.analysis.label_suspects import NEIGHBORS, find_suspects, out_of_sample_probabilities, suspects_schema
from har_core.runs.tables import TEST, TRAINING

CLASSES = ("a", "b", "c", "d")


def blobs(count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    features, labels = make_blobs(count, 8, centers=4, cluster_std=2.0, random_state=1)
    return features.astype(np.float32), labels.astype(np.int64)


def test_flipped_labels_are_found_and_the_right_ones_suggested() -> None:
    features, truth = blobs()
    random = np.random.default_rng(0)
    flipped = random.choice(len(truth), 30, replace=False)
    labels = truth.copy()
    labels[flipped] = (labels[flipped] + random.integers(1, 4, 30)) % 4
    probabilities = out_of_sample_probabilities(features, labels, classes=4)
    samples = np.array([f"{row}.jpg" for row in range(600)], dtype=object)
    splits = np.where(np.arange(600) < 100, TEST, TRAINING)
    found = find_suspects(samples, splits, labels, probabilities, features, CLASSES)
    rows = found["sample"].str.removesuffix(".jpg").astype(int).to_numpy()
    assert set(rows[:25]) <= set(flipped.tolist()) and len(set(rows) & set(flipped)) >= 27
    assert (found["suggested"][:25] == np.array(CLASSES, object)[truth[rows[:25]]]).all()
    assert (found["self_confidence"].diff()[1:] >= 0).all()
    assert (found["neighbors_suggested"][:25] > NEIGHBORS / 2).all() and list(found) == list(suspects_schema(CLASSES))
    reference = find_label_issues(labels, probabilities, filter_by="prune_by_noise_rate")
    assert set(rows) == set(np.flatnonzero(reference))


def test_a_copy_with_the_same_wrong_label_does_not_vouch_for_it() -> None:
    features, truth = blobs(200)
    labels = truth.copy()
    labels[0] = (labels[0] + 1) % 4
    copies = np.concatenate([features, np.repeat(features[:1], 12, axis=0)])
    given = np.concatenate([labels, np.repeat(labels[:1], 12)])
    groups = np.concatenate([np.arange(200), np.zeros(12, dtype=np.int64)])
    apart = out_of_sample_probabilities(copies, given, classes=4, groups=groups)
    together = out_of_sample_probabilities(copies, given, classes=4)
    assert apart[0, labels[0]] < 0.1 < together[0, labels[0]]


@pytest.mark.parametrize("count", [2, 3, 7])
def test_few_photos_and_classes_that_do_not_occur(count: int) -> None:
    features, labels = np.eye(count, 4, dtype=np.float32), np.arange(count) % 2
    probabilities = out_of_sample_probabilities(features, labels, classes=4)
    assert probabilities.shape == (count, 4) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    found = find_suspects(np.arange(count).astype(str), np.full(count, TEST), labels, probabilities, features, CLASSES)
    assert set(found["suggested"]) <= set(CLASSES)


def test_one_class_has_no_suspects() -> None:
    with pytest.raises(ValueError, match="two classes"):
        out_of_sample_probabilities(np.eye(3), np.zeros(3, np.int64), classes=2)
    one = find_suspects(
        np.array(["x"], object), np.array([TEST]), np.zeros(1, np.int64), np.array([[0.2, 0.8]]), None, ("a", "b")
    )
    assert one.empty

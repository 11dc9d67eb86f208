"""Limits of issues, and the evidence outside a box against a sum over single cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.photo_issues import evidence_outside, find_issues, issue_kinds

PLAIN = {"width": 300, "height": 200, "brightness": 0.5, "contrast": 0.2, "sharpness": 3, "outside_crop": 0.4}


@pytest.mark.parametrize(
    ("name", "has", "has_not"),
    [
        ("dark", {"brightness": 0.19}, {"brightness": 0.2}),
        ("bright", {"brightness": 0.91}, {"brightness": 0.9}),
        ("low-contrast", {"contrast": 0.09}, {"contrast": 0.1}),
        ("blurred", {"sharpness": 1.9}, {"sharpness": 2.0}),
        ("tiny", {"height": 111}, {"height": 112}),
        ("extreme-aspect", {"height": 900}, {"height": 850}),
        ("cropped-away", {"outside_crop": 0.61}, {"outside_crop": 0.6}),
    ],
)
def test_limits(name: str, has: dict[str, float], has_not: dict[str, float]) -> None:
    table = pd.DataFrame([PLAIN, PLAIN | has, PLAIN | has_not, dict.fromkeys(PLAIN, np.nan)])
    found = find_issues(table, crop_size=224)
    assert found[name].tolist() == [False, True, False, False]
    assert not np.any([mask for other, mask in found.items() if other != name])


def test_evidence_outside_is_an_issue_only_where_it_is_known() -> None:
    table = pd.DataFrame([PLAIN] * 3)
    assert "evidence-outside" not in find_issues(table, crop_size=224)
    found = find_issues(table, crop_size=224, evidence_outside=np.array([0.6, 0.5, np.nan]))
    assert found["evidence-outside"].tolist() == [True, False, False]
    assert set(found) == {kind.name for kind in issue_kinds(crop_size=224)}


def test_evidence_outside_is_a_sum_over_parts_of_cells(tmp_path: Path) -> None:
    """Each cell is divided into 60 × 60 points; boxes lie on them."""
    random = np.random.default_rng(0)
    maps = random.normal(size=(30, 4, 3, 5)).astype(np.float16)
    predicted = random.integers(0, 4, 30)
    low, high = random.integers(0, 30, (30, 2)) / 60, random.integers(31, 61, (30, 2)) / 60
    boxes = np.concatenate([low, high], axis=1)
    np.save(tmp_path / "maps.npy", maps)
    found = evidence_outside(np.load(tmp_path / "maps.npy", mmap_mode="r"), predicted, boxes)
    for row in range(30):
        fine = np.kron(np.maximum(maps[row, predicted[row]].astype(float), 0), np.ones((20, 12)))  # 60 × 60
        left, top, right, bottom = np.rint(boxes[row] * 60).astype(int)
        assert found[row] == pytest.approx(1 - fine[top:bottom, left:right].sum() / fine.sum(), abs=1e-6)


def test_evidence_that_is_not_there() -> None:
    maps = np.stack([np.full((2, 2, 2), -1.0), np.full((2, 2, 2), np.nan), np.ones((2, 2, 2))]).astype(np.float16)
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5], [np.nan] * 4])
    found = evidence_outside(maps, np.array([0, 1, 0]), boxes)
    assert found[:2].tolist() == [0, 0] and np.isnan(found[2])
    assert evidence_outside(maps[:0], np.empty(0, np.int64), boxes[:0]).shape == (0,)

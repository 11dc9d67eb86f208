"""Hiding and showing what a map marks, held against torchcam and the grad-cam package, and a network known through and through."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor, nn

from har_core.analysis.faithfulness import (
    CENTER,
    CORRELATION,
    DELETION,
    INSERTION,
    MAPS,
    MEASURES,
    OWN,
    RANDOM,
    ROAD,
    SCHEMA,
    SHUFFLED,
    areas,
    compare,
)
from har_core.inference.faithfulness import (
    blurred,
    centered_gaussian,
    importance_ranks,
    impute,
    measure_faithfulness,
)
from har_core.inference.predictor import Predictor
from har_core.models.spec import ModelSpec


class Bright(nn.Module):
    """Says 'bright' as far as any part of a photo is brighter than usual; one channel of features, `cell` pixels a side."""

    def __init__(self, cell: int, weights: tuple[float, float], bias: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 1, 1, bias=False)
        self.bn1, self.maxpool, self.layer1, self.layer2, self.layer3 = (nn.Identity() for _ in range(5))
        self.relu = nn.ReLU() if cell > 1 else nn.Identity()
        self.layer4 = nn.AvgPool2d(cell)
        self.fc = nn.Linear(1, 2)
        with torch.no_grad():
            self.conv1.weight.copy_(torch.tensor([1.0, 0.61803, 0.3717]).reshape(1, 3, 1, 1))  # few ties
            self.fc.weight.copy_(torch.tensor(weights)[:, None])
            self.fc.bias.copy_(torch.tensor([bias, 0.0]))

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.layer4(self.relu(self.conv1(images)))
        logits: Tensor = self.fc(features.mean(dim=(2, 3)))
        return logits


def predictor(cell: int = 4, weights: tuple[float, float] = (30.0, 0.0), bias: float = -2.0) -> Predictor:
    model = Bright(cell, weights, bias).eval().requires_grad_(False)
    return Predictor(model, ModelSpec(("bright", "dark"), "resnet18", "3x3", 32, 32))


def photo(number: int) -> Image.Image:
    """Dark noise with a bright square near one of the corners."""
    random = np.random.default_rng(number)
    values = random.integers(20, 60, (32, 32, 3))
    top, left = ([2, 21][number % 2], [2, 21][number // 2 % 2])
    values[top : top + 9, left : left + 9] += 180
    return Image.fromarray(values.astype(np.uint8))


def curve(table: pd.DataFrame, measure: str, name: str = OWN) -> pd.Series:
    return table[(table["measure"] == measure) & (table["map"] == name)].sort_values("share")["value"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return measure_faithfulness(predictor(), [photo(number) for number in range(8)], steps=8)


def test_a_map_that_marks_the_evidence_beats_those_that_do_not(table: pd.DataFrame) -> None:
    found = {(one.measure, one.other): one.outcome for one in compare(table)}
    assert all(found[measure, other] == "better" for measure in MEASURES for other in (RANDOM, CENTER))


def test_every_photo_has_every_curve(table: pd.DataFrame) -> None:
    assert list(table.columns) == list(SCHEMA) and not table.isna().any(axis=None)
    counts = table.groupby(["photo", "map"])["measure"].value_counts().unstack()
    assert len(counts) == 8 * len(MAPS)
    for measure, expected in ((DELETION, 9), (INSERTION, 9), (ROAD, 7), (CORRELATION, 1)):
        assert (counts[measure] == expected).all()
    for measure in (DELETION, INSERTION):  # nothing and all of the photo is the same in whatever order
        ends = table[(table["measure"] == measure) & table["share"].isin([0, 1])]
        assert (ends.groupby(["photo", "share"])["value"].nunique() == 1).all()


def test_correlations(table: pd.DataFrame) -> None:
    assert (curve(table, CORRELATION) == 1).all()
    assert abs(curve(table, CORRELATION, RANDOM).mean()) < 0.3


def test_the_same_seed_gives_the_same(table: pd.DataFrame) -> None:
    photos = [photo(number) for number in range(2)]
    again, other = (measure_faithfulness(predictor(), photos, steps=8, seed=seed) for seed in (0, 1))
    pd.testing.assert_frame_equal(again, table[table["photo"] < 2])
    assert (curve(other, DELETION, RANDOM).to_numpy() != curve(again, DELETION, RANDOM).to_numpy()).any()


def test_a_constant_network_has_flat_curves() -> None:
    found = measure_faithfulness(predictor(weights=(0.0, 0.0)), [photo(0), photo(1)], steps=4)
    for measure, value in ((DELETION, 1 / (1 + np.exp(-2))), (INSERTION, 1 / (1 + np.exp(-2))), (ROAD, 0)):
        assert np.allclose(found[found["measure"] == measure]["value"], value, atol=1e-5)
    assert {one.outcome for one in compare(found)} == {"unclear"}


def test_equal_maps_get_equal_values() -> None:
    found = measure_faithfulness(predictor(weights=(3.0, 3.0), bias=1.0), [photo(0), photo(3)], steps=4)
    by_map = {name: part.drop(columns="map").reset_index(drop=True) for name, part in found.groupby("map")}
    pd.testing.assert_frame_equal(by_map[SHUFFLED], by_map[OWN])


def test_progress_no_photos_and_too_few_steps() -> None:
    seen: list[tuple[int, int]] = []
    measure_faithfulness(predictor(), [photo(0), photo(1)], steps=2, progress=lambda *done: seen.append(done))
    assert seen == [(1, 2), (2, 2)]
    assert list(measure_faithfulness(predictor(), []).columns) == list(SCHEMA)
    with pytest.raises(ValueError, match="2 steps"):
        measure_faithfulness(predictor(), [photo(0)], steps=1)


def test_a_residual_network(tiny: Predictor) -> None:
    found = measure_faithfulness(tiny, [photo(0), photo(1)], steps=2)
    assert len(found) == 2 * 4 * (3 + 3 + 1 + 1) and found["value"].between(-1, 1).all()
    assert (curve(found, CORRELATION, SHUFFLED) < 1).all()


def test_deletion_and_insertion_are_those_of_torchcam() -> None:
    metrics = pytest.importorskip("torchcam.metrics")
    pixelwise = predictor(cell=1, weights=(1.5, 0.0), bias=4.0)

    class Extractor:
        model = pixelwise.model

        def __call__(self, class_idx: object, scores: object) -> list[Tensor]:
            return [pixelwise.forward(self.images).class_maps[:, 0]]

        def fuse_cams(self, cams: list[Tensor]) -> Tensor:
            return cams[0]

        def _hooks_off(self) -> nullcontext[None]:
            return nullcontext()

    extractor = Extractor()
    extractor.images = torch.stack([pixelwise.preprocess(photo(number)) for number in range(3)])
    found = areas(measure_faithfulness(pixelwise, [photo(number) for number in range(3)], steps=8))
    means = found[found["map"] == OWN].groupby("measure")["area"].mean()
    for measure, key, baseline in (
        (DELETION, "deletion_auc", None),
        (INSERTION, "insertion_auc", lambda images: torch.stack([blurred(image) for image in images])),
    ):
        metric = metrics.DeletionInsertionMetric(
            extractor, lambda logits: logits.softmax(1), steps=8, baseline=baseline
        )
        metric.update(extractor.images, class_idx=0)
        assert means[measure] == pytest.approx(metric.summary()[key], abs=1e-4)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_imputed_pixels_are_those_of_the_grad_cam_package(share: float) -> None:
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer

    image, removed = torch.randn(3, 21, 26), torch.rand(2, 21, 26) < share
    found = impute(image, removed)
    for number in range(2):
        expected = NoisyLinearImputer(noise=0)(image, (~removed[number]).float())
        assert torch.allclose(found[number], expected, atol=1e-5)
        assert torch.equal(found[number][:, ~removed[number]], image[:, ~removed[number]])


def test_road_is_that_of_the_grad_cam_package() -> None:
    from pytorch_grad_cam.metrics.road import ROADCombined
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

    pixelwise = predictor(cell=1, weights=(1.5, 0.0), bias=4.0)
    image = pixelwise.preprocess(photo(0))[None]
    class_map = pixelwise.forward(image).class_maps[:, 0].numpy()
    oracle = ROADCombined(percentiles=list(np.arange(1, 8) * 12.5))
    expected = oracle(image, class_map, [ClassifierOutputSoftmaxTarget(0)], pixelwise.model)
    found = measure_faithfulness(pixelwise, [photo(0)], steps=8)
    assert curve(found, ROAD).mean() == pytest.approx(float(expected[0]), abs=2e-3) and abs(expected[0]) > 0.02


def test_ranks() -> None:
    random = np.random.default_rng(0)
    ties, coarse = random.random((12, 15)), random.random((3, 4))
    ranks = importance_ranks(coarse, ties)
    assert sorted(ranks.ravel()) == list(range(180))
    resized = nn.functional.interpolate(torch.tensor(coarse)[None, None], size=(12, 15), mode="bilinear")[0, 0].numpy()
    assert spearmanr(-ranks.ravel(), resized.ravel()).statistic == pytest.approx(1, abs=1e-2)
    assert (np.diff(resized.ravel()[np.argsort(ranks.ravel())]) <= 0).all()
    assert np.array_equal(importance_ranks(np.zeros((2, 2)), ties).ravel().argsort(), ties.ravel().argsort())


def test_the_center_is_the_middle() -> None:
    values = centered_gaussian(6, 9)
    assert values.shape == (6, 9) and np.allclose(values, values[::-1, ::-1]) and values.argmax() % 9 == 4
    assert values.min() > 0 and values.max() <= 1

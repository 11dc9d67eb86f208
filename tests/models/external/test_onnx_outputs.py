"""What the outputs of a network are taken for: pure functions of what it gave for some images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from har_core.errors import CheckpointError
from har_core.models.external.onnx_outputs import Form, differ, form_of


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def seen(values: np.ndarray, **told: Any) -> Form:
    names = [f"c{number}" for number in range(max(2, values.shape[1]))]
    return form_of(values, **{"sigmoid": False, "place": "m.onnx", "name": "answer", "classes": names, **told})


PRECISIONS = [(1, np.float16), (1, np.float32), (100, np.float16), (255, np.uint8)]
SHARES = [
    (classes, spread, total, as_type)
    for classes in (2, 15, 100, 1000)
    for spread in (0.1, 1.0, 8.0)
    for total, as_type in PRECISIONS
    if not (as_type is np.uint8 and classes == 1000 and spread < 8)  # most are rounded to zero: nobody can tell
]


@pytest.mark.parametrize(("classes", "spread", "total", "as_type"), SHARES)
def test_shares_of_any_precision(classes: int, spread: float, total: int, as_type: type) -> None:
    """Rounded to the type in which they are given: rows sum to their total only nearly."""
    expected = softmax(spread * np.random.default_rng(3).standard_normal((5, classes)))
    given = np.round(expected * total) if as_type is np.uint8 else expected * total
    form = seen(given.astype(as_type))
    assert (form.kind, form.total) == ("shares", total) and (form.note is not None) == (total == 100)
    found = form.logits(torch.from_numpy(given.astype(as_type).astype(np.float32))).softmax(dim=1).numpy()
    assert np.allclose(found, given / given.sum(axis=1, keepdims=True), atol=2e-3)


def test_shares_whose_sum_was_added_up_in_16_bits() -> None:
    for seed in range(20):
        logits = 3 * np.random.default_rng(seed).standard_normal((4, 1000))
        powers = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float16)
        assert seen(powers / powers.sum(axis=1, keepdims=True, dtype=np.float16)).kind == "shares"


@pytest.mark.parametrize("classes", [2, 3, 15, 1000])
def test_logits_are_not_taken_for_shares(classes: int) -> None:
    for seed in range(50):
        logits = np.random.default_rng(seed).standard_normal((5, classes))
        assert seen(logits).kind == "logits"
        assert seen(np.log(softmax(logits))).kind == "logits"
    small = np.abs(logits) / 100
    assert seen(small, name="logits").kind == "logits"
    with pytest.raises(CheckpointError, match="softmax at its end"):
        seen(small)


def test_a_sigmoid_for_each_class() -> None:
    values = (1 / (1 + np.exp(-2 * np.random.default_rng(0).standard_normal((5, 15))))).astype(np.float32)
    form = seen(values, sigmoid=True, name="logits")
    assert form.kind == "shares" and form.note and "independent" in form.note
    found = form.logits(torch.from_numpy(values)).softmax(dim=1).numpy()
    assert np.allclose(found, values / values.sum(axis=1, keepdims=True), atol=1e-6)


def test_one_output_of_two_classes() -> None:
    logits = torch.linspace(-4, 4, 9)[:, None]
    for values, told in ((logits, {}), (logits.sigmoid(), {"sigmoid": True})):
        form = seen(values.numpy(), **told)
        found = form.logits(values).softmax(dim=1)
        assert form.note and "c1" in form.note and torch.allclose(found[:, 1:], logits.sigmoid(), atol=1e-6)
    with pytest.raises(CheckpointError, match="sigmoid at its end"):
        seen(logits.sigmoid().numpy())


def test_whole_numbers_that_are_no_shares() -> None:
    with pytest.raises(CheckpointError, match="DequantizeLinear"):
        seen(np.array([[-5, 100, 3]] * 3, dtype=np.int8))


def test_rounding_is_no_difference() -> None:
    values = 5 * np.random.default_rng(0).standard_normal((3, 15))
    assert not differ(values[1:2], values[1:2].astype(np.float16), values)
    assert differ(values[1:2], values[1:2] * 1.3, values)

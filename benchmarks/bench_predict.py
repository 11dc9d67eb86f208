"""What the heatmaps of all classes cost beside the bare forward pass.

    pytest benchmarks/bench_predict.py --benchmark-only -s

And what sixteen visitors at once gain by taking turns in the network.  Prints ratios, measured alternately in one run:
absolute times say more about the machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from har_core.cam.class_maps import class_activation_maps
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.runs.run import shipped_run

ROOT = Path(__file__).parent.parent
ROUNDS = 30


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.from_run(shipped_run())


@pytest.fixture(scope="module")
def image(predictor: Predictor) -> torch.Tensor:
    photo = predictor.preprocess(open_photo(ROOT / "assets" / "samples" / "astronaut.jpg"))
    return photo[None].contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def bare(model: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = model(image)
    return logits


def test_bare_forward_pass(benchmark: BenchmarkFixture, predictor: Predictor, image: torch.Tensor) -> None:
    benchmark.pedantic(bare, (predictor.model, image), rounds=ROUNDS, warmup_rounds=3)


def test_with_all_class_maps(benchmark: BenchmarkFixture, predictor: Predictor, image: torch.Tensor) -> None:
    benchmark.pedantic(class_activation_maps, (predictor.model, image), rounds=ROUNDS, warmup_rounds=3)


def test_ratio(benchmark: BenchmarkFixture, predictor: Predictor, image: torch.Tensor) -> None:
    def seconds(function: Callable[..., object]) -> float:
        started = time.perf_counter()
        function(predictor.model, image)
        return time.perf_counter() - started

    def measure() -> float:
        pairs = [(seconds(bare), seconds(class_activation_maps)) for _ in range(ROUNDS)]
        return statistics.median(b for _, b in pairs) / statistics.median(a for a, _ in pairs)

    ratio = benchmark.pedantic(measure, rounds=1, warmup_rounds=1)
    print(f"\nprediction with all class maps / bare forward pass: {ratio:.3f}")
    assert ratio <= 1.15


@pytest.mark.parametrize(("size", "most"), [((260, 197), 3.2), ((300, 200), 3.5)])
def test_all_views_of_a_photo(
    benchmark: BenchmarkFixture, predictor: Predictor, image: torch.Tensor, size: tuple[int, int], most: float
) -> None:
    """Of a photo of the data set's mean shape, and of 3:2, whose look as a whole is the largest that there is."""
    photo = open_photo(ROOT / "assets" / "samples" / "astronaut.jpg").resize(size)
    every = Predictor(predictor.model, replace(predictor.spec, views=("center", "whole", "evidence")))

    def seconds(function: Callable[[], object]) -> float:
        started = time.perf_counter()
        function()
        return time.perf_counter() - started

    def measure() -> float:
        pairs = [
            (seconds(partial(bare, predictor.model, image)), seconds(partial(every.predict, photo, "photo")))
            for _ in range(ROUNDS)
        ]
        return statistics.median(b for _, b in pairs) / statistics.median(a for a, _ in pairs)

    ratio = benchmark.pedantic(measure, rounds=1, warmup_rounds=1)
    print(f"\nprediction of {size} with all views and all class maps / bare forward pass: {ratio:.2f}")
    assert ratio <= most


def test_sixteen_visitors_take_turns(benchmark: BenchmarkFixture, predictor: Predictor, image: torch.Tensor) -> None:
    def waits(function: Callable[[torch.Tensor], object]) -> list[float]:
        """Seconds until each of sixteen visitors who come at the same moment has an answer."""
        together = Barrier(16)

        def visit(image: torch.Tensor) -> float:
            together.wait()
            started = time.perf_counter()
            function(image)
            return time.perf_counter() - started

        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(visit, [image] * 16))

    def measure() -> list[float]:
        pairs = [(waits(predictor.forward), waits(partial(class_activation_maps, predictor.model))) for _ in range(9)]
        return [
            statistics.median(wait(at_once) / wait(in_turns) for in_turns, at_once in pairs)
            for wait in (statistics.median, max)
        ]

    middle, last = benchmark.pedantic(measure, rounds=1)
    print(
        f"\n16 visitors, all at once over taking turns: the median waits {middle:.2f} times as long, the last {last:.2f}"
    )
    assert middle > 1.2

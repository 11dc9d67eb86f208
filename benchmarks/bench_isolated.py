"""What decoding in a process of its own costs over decoding in place.

    pytest benchmarks/bench_decoder.py --benchmark-only -s

A photo of 12 megapixels, medians of alternating rounds in one run.
"""

from __future__ import annotations

import io
import statistics
import time

import numpy as np
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from har_core.media.images import open_photo
from har_core.media.isolated import IsolatedDecoder

ROUNDS = 30


def test_isolation_costs_less_than_half_as_much_again(benchmark: BenchmarkFixture) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (750, 1000, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((4000, 3000), Image.Resampling.BICUBIC).save(buffer, format="JPEG", quality=88)
    data, decoder = buffer.getvalue(), IsolatedDecoder()
    decoder.open(data, "warm-up.jpg")

    def milliseconds(call: object) -> float:
        start = time.perf_counter()
        call(data, "photo.jpg")  # type: ignore[operator]
        return (time.perf_counter() - start) * 1000

    pairs = [(milliseconds(open_photo), milliseconds(decoder.open)) for _ in range(ROUNDS)]
    here, there = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"\nin place {here:.0f} ms, in a process of its own {there:.0f} ms: {there / here:.2f} times, {there - here:+.1f} ms"
    )
    benchmark(decoder.open, data, "photo.jpg")
    decoder.close()
    assert there < 1.5 * here

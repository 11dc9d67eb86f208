#!/usr/bin/env python3
"""Ways to put a run's network into 8 bits: what each costs in answers, and how fast it is.

python -m benchmarks.int8_variants FILE.onnx --run RUN --photos DATA [--count 96]

FILE.onnx: of `har-lens export RUN --to onnx`.  Compared, on evaluation crops, are answers to photos of Kaggle's test folder
(DATA/test), which have no labels and which no training has seen; activations are scaled by 64 photos of DATA/train that the run was
not tested on.  *Distance*: mean Kullback-Leibler divergence from the 32-bit probabilities, in nats; it tells the variants apart on
far fewer photos than accuracy would.  *Speed*: processor time of the 32-bit file over that of the variant, one thread, by turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from har_core.export.int8 import Int8Options, quantize
from har_core.export.onnx_export import SCALED, inputs
from har_core.export.photos import FEWEST, choose_photos
from har_core.inference.predictor import Predictor
from har_core.inference.views import softmax
from har_core.media.images import open_photo
from har_core.runs.run import Run

VARIANTS = {
    "as exported": Int8Options(),
    "99.99 % of the activations": Int8Options(percentile=99.99),
    "all of the activations": Int8Options(calibration="minmax"),
    "by entropy": Int8Options(calibration="entropy"),
    "the first convolutions too": Int8Options(float_first=0),
    "one scale for all channels": Int8Options(per_channel=False),
    "8 bits in place of 7": Int8Options(reduce_range=False),
}
ROUNDS = 9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE.onnx")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True, metavar="DATA")
    parser.add_argument("--count", type=int, default=96)
    given = parser.parse_args()
    run = Run.open(given.run)
    predictor = Predictor.from_run(run)
    paths = sorted((given.photos / "test").glob("*.jpg"))
    chosen = np.random.default_rng(0).choice(len(paths), min(given.count, len(paths)), replace=False)
    images = [predictor.preprocess(open_photo(paths[number])).numpy() for number in sorted(chosen)]
    scaling = inputs(choose_photos(run, given.photos, compared=FEWEST, scaling=SCALED).scaling, predictor.spec)
    plain = session(given.file)
    exact = answers(plain, images, predictor.spec.temperature)
    print(f"{run.name}, {len(images)} photos: variant, speed, same answer, distance", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, options in VARIANTS.items():
            path = Path(folder) / "variant.onnx"
            quantize(given.file, scaling, path, options)
            found = session(path)
            own = answers(found, images, predictor.spec.temperature)
            same = float((own.argmax(axis=1) == exact.argmax(axis=1)).mean())
            distance = float((exact * (np.log(exact + 1e-9) - np.log(own + 1e-9))).sum(axis=1).mean())
            print(f"{name}: {speed(plain, found, images[0]):.2f} times, {same:.1%}, {distance:.4f}", flush=True)
    return 0


def session(path: Path) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers(network: Any, images: list[np.ndarray], temperature: float) -> np.ndarray:
    """(N, K) float32 probabilities."""
    name = network.get_inputs()[0].name
    logits = np.concatenate([network.run(["logits"], {name: image[None]})[0] for image in images])
    return np.stack([softmax(row / np.float32(temperature)) for row in logits])


def speed(first: Any, second: Any, image: np.ndarray) -> float:
    """How many times the processor time of the second the first one takes: the medians of turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 2):
        for network, times in zip((first, second), seconds, strict=True):
            started = time.process_time()
            network.run(None, {network.get_inputs()[0].name: image[None]})
            times.append(time.process_time() - started)
    return statistics.median(seconds[0][2:]) / statistics.median(seconds[1][2:])


if __name__ == "__main__":
    raise SystemExit(main())

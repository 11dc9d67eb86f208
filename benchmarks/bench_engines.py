#!/usr/bin/env python3
"""What PyTorch, ONNX in 32 bits and ONNX in 8 bits take for a photo, for both shipped networks, on one thread and on two.

python -m benchmarks.bench_engines FILES [--photos DATA] [--rounds 30] [--threads 1,2] [--runs best,edge]

FILES is a folder for the exported files, RUN.onnx and RUN-int8.onnx; those that are missing are exported first, the latter by
photos of DATA.  All engines take turns within one process: on a machine that is shared only the ratios say something.  Then, each
in a process of its own: memory, cold start (from the start of Python to the first answer), and photos a second from the JPEG to
the answer, as `edge/predict.py` gives it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import memory

ROOT = Path(__file__).parent.parent
ENGINES = ("torch", "onnx", "int8")
PHOTO = ROOT / "assets" / "samples" / "grace_hopper.jpg"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, metavar="FILES")
    parser.add_argument("--photos", type=Path, metavar="DATA")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--runs", default="best,edge")
    parser.add_argument("--alone", nargs=2, metavar=("RUN", "ENGINE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        print(json.dumps(alone(given.files, *given.alone, rounds=given.rounds)))
        return 0
    runs = given.runs.split(",")
    export_missing(given.files, runs, given.photos)
    for threads in map(int, given.threads.split(",")):
        for run in runs:
            milliseconds = by_turns(given.files, run, threads=threads, rounds=given.rounds)
            ratios = ", ".join(f"{name} {milliseconds['torch'] / value:.2f}" for name, value in milliseconds.items())
            times = ", ".join(f"{name} {value:.1f}" for name, value in milliseconds.items())
            print(f"{run}, {threads} thread(s): ms a photo: {times}; times as fast as torch: {ratios}", flush=True)
    for threads in map(int, given.threads.split(",")):
        for run in runs:
            for engine in ENGINES:
                found = in_a_process(given.files, run, engine, threads=threads, rounds=given.rounds)
                print(
                    f"{run}, {engine}, {threads} thread(s): " + ", ".join(f"{k} {v:.1f}" for k, v in found.items()),
                    flush=True,
                )
    return 0


def export_missing(files: Path, runs: list[str], photos: Path | None) -> None:
    from har_core.export.int8 import Int8Options
    from har_core.export.onnx_export import export_onnx
    from har_core.runs.run import Run

    for name in runs:
        run = Run.open(ROOT / "assets" / "runs" / name)
        for path, options in ((files / f"{name}.onnx", None), (files / f"{name}-int8.onnx", Int8Options())):
            if not path.is_file():
                export_onnx(run, path, int8=options, photos=photos)


def by_turns(files: Path, run: str, *, threads: int, rounds: int) -> dict[str, float]:
    """Median milliseconds of one evaluation crop, class maps included."""
    import torch

    torch.set_num_threads(threads)
    ways = {engine: network(files, run, engine, threads=threads) for engine in ENGINES}
    seconds: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for _ in range(rounds + 2):
        for engine, answer in ways.items():
            started = time.perf_counter()
            answer()
            seconds[engine].append(time.perf_counter() - started)
    return {engine: 1000 * statistics.median(values[2:]) for engine, values in seconds.items()}


def network(files: Path, run: str, engine: str, *, threads: int) -> Callable[[], object]:
    """One pass of a network on one image."""
    from har_core.cam.class_maps import class_activation_maps
    from har_core.inference.predictor import Predictor
    from har_core.media.images import open_photo
    from har_core.runs.run import Run

    predictor = Predictor.from_run(Run.open(ROOT / "assets" / "runs" / run))
    image = predictor.preprocess(open_photo(PHOTO))[None]
    if engine == "torch":
        return lambda: class_activation_maps(predictor.model, image)
    found = session(files, run, engine, threads=threads)
    values, name = image.numpy(), found.get_inputs()[0].name
    return lambda: found.run(["logits", "class_maps", "embeddings"], {name: values})


def session(files: Path, run: str, engine: str, *, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    path = files / (f"{run}.onnx" if engine == "onnx" else f"{run}-int8.onnx")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def in_a_process(files: Path, run: str, engine: str, *, threads: int, rounds: int) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.bench_engines",
        str(files),
        "--rounds",
        str(rounds),
        "--alone",
        run,
        engine,
    ]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "BENCH_STARTED": str(time.time())}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=environment)
    values: dict[str, float] = json.loads(done.stdout)
    return values


def alone(files: Path, run: str, engine: str, *, rounds: int) -> dict[str, float]:
    """Seconds until the first answer, megabytes at most, and photos a second from the JPEG on, center view alone."""
    threads = int(os.environ["OMP_NUM_THREADS"])
    if engine == "torch":
        from har_core.inference.predictor import Predictor
        from har_core.media.images import open_photo
        from har_core.runs.run import Run

        predictor = Predictor.from_run(Run.open(ROOT / "assets" / "runs" / run), views=("center",))

        def answer() -> object:
            return predictor.predict(open_photo(PHOTO), "photo").probabilities
    else:
        edge = edge_module()
        path = files / (f"{run}.onnx" if engine == "onnx" else f"{run}-int8.onnx")
        model = edge.Model(path, views=("center",), threads=threads)

        def answer() -> object:
            return model.predict(edge.open_photo(PHOTO)).probabilities

    answer()
    cold = time.time() - float(os.environ["BENCH_STARTED"])
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        answer()
        seconds.append(time.perf_counter() - started)
    return {"cold start s": cold, "memory MB": memory.peak() / 2**20, "photos/s": float(1 / np.median(seconds))}


def edge_module() -> Any:
    spec = importlib.util.spec_from_file_location("edge_predict", ROOT / "edge" / "predict.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    raise SystemExit(main())

#!/usr/bin/env python3
"""How long the error analysis takes: the shipped run, and a run of a million predictions over 100 classes.

python -m benchmarks.bench_big_run [--photos N] [--classes K] [--data DIR]

Prints medians in milliseconds of whole reruns of the confusions page on the server, as a click causes them, and for the
big run the parts as well: reading and checking the table, the matrix, a filter.  Memory is the peak of the process,
Streamlit and PyTorch included.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parent.parent
_CHUNK = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--data", type=Path, help="the photos of the shipped run (default: none, heatmap grids alone)")
    parser.add_argument("--step", choices=["make", "pages", "parts"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step == "make":
        make(given.folder, given.photos, given.classes)
    elif given.step == "pages":
        pages(given.folder)
    elif given.step == "parts":
        parts(given.folder)
    else:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {
                "HAR_RUNS": folder,
                "HAR_LENS_HOME": f"{folder}/home",
                "HAR_DATA": str(given.data or f"{folder}/none"),
            }
            own = [
                sys.executable,
                "-m",
                "benchmarks.bench_big_run",
                "--photos",
                str(given.photos),
                "--classes",
                str(given.classes),
            ]
            for step in ("make", "pages", "parts"):  # each in a process of its own, whose memory is its own
                subprocess.run([*own, "--folder", f"{folder}/big", "--step", step], check=True)


def make(folder: Path, photos: int, classes: int) -> None:
    """A run whose predictions are right in about three of four cases."""
    from har_core.runs.file_names import PREDICTIONS as TABLE
    from har_core.runs.manifest import COMPLETE, Manifest
    from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE, TRUE
    from har_core.runs.writing import write_manifest

    folder.mkdir(parents=True)
    names = [f"class_{index:03d}" for index in range(classes)]
    columns = np.array(names, dtype=object)
    random = np.random.default_rng(0)
    writer = None
    for start in range(0, photos, _CHUNK):
        size = min(_CHUNK, photos - start)
        true = random.integers(0, classes, size)
        chances = random.random((size, classes), dtype=np.float32) ** 4
        liked = np.where(random.random(size) < 0.7, true, (true + random.integers(1, 4, size)) % classes)
        chances[np.arange(size), liked] += random.random(size, dtype=np.float32) * 8
        chances /= chances.sum(axis=1, keepdims=True)
        data = {
            SAMPLE: [f"photos/{number:07d}.jpg" for number in range(start, start + size)],
            TRUE: columns[true],
            PREDICTED: columns[chances.argmax(axis=1)],
            **{PROBABILITY + name: chances[:, index] for index, name in enumerate(names)},
        }
        part = pa.Table.from_pandas(pd.DataFrame(data), preserve_index=False)
        writer = writer or pq.ParquetWriter(folder / TABLE, part.schema)
        writer.write_table(part)
    assert writer is not None
    writer.close()
    write_manifest(folder, Manifest(status=COMPLETE, classes=tuple(names)))


def pages(folder: Path) -> None:
    """Click after click, another cell each time, on the shipped run and on the big one."""
    from har_core.analysis.confusion import confused_pairs
    from har_core.runs.run import Run, shipped_run

    shipped = shipped_run()
    cells = [(one.true, one.predicted) for one in confused_pairs(shipped.confusion_matrix())[:8]]
    importlib.import_module("har_core.inference.predictor")  # what the app imports beside its first page
    app = opened(shipped.name)
    print("click to gallery: medians of whole reruns")
    for what in ("shipped run, pictures made anew", "shipped run, pictures kept"):
        show(what, [click(app, shipped.folder, cell) for cell in cells])
    run = Run.open(folder)
    before = peak()
    app = opened("big")
    cells = [(0, 1), (1, 2), (2, 3), (3, 4)]
    show(f"big run, {len(run.classes)} classes", [click(app, folder, cell) for cell in cells])
    print(f"  peak memory of the process: {peak():.2f} GB, {before:.2f} GB of it before the big run was opened")


def parts(folder: Path) -> None:
    """What a page of the big run is made of."""
    from har_core.analysis import answers, calibration, conformal
    from har_core.analysis.confusion import class_order, normalize
    from har_core.analysis.examples import example_table
    from har_core.analysis.filters import Filters, select
    from har_core.runs.run import Run
    from har_core.viz.matrix_table import confusion_table

    run = Run.open(folder)
    predictions, load = timed(run.predictions)
    table, measures = timed(lambda: example_table(predictions))
    counts, matrix = timed(predictions.confusion_matrix)
    values, order = normalize(counts, "true"), class_order(counts, "similarity")
    _, figure = timed(lambda: json.dumps(confusion_table(counts, values, run.classes, order, as_percent=True)))
    _, chosen = timed(lambda: select(table, Filters("errors", true=3, low=0.2), sort="margin"))
    _, trust = timed(
        lambda: (
            calibration.calibration(predictions),
            calibration.reliability(predictions),
            calibration.coverage_curve(predictions),
            calibration.area_under_coverage(predictions),
        )
    )
    _, sets = timed(lambda: conformal.reached_all(predictions))
    _, rule = timed(lambda: answers.answer_rule(predictions))
    print(f"parts of the big run, {len(predictions):,} photos")
    show("load and check the table, once", [load])
    show("measures of every photo, once", [measures])
    show("matrix, once", [matrix])
    show("calibration, for Scores, once", [trust])
    show("prediction sets, for Scores, once", [sets])
    show("threshold of the answers, for Predict, once", [rule])
    show("table of the matrix", [figure])
    show("filter and sort", [chosen])


def peak() -> float:
    """The most memory that this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def show(what: str, milliseconds: list[float]) -> None:
    worst = f", worst {max(milliseconds):.0f} ms" if len(milliseconds) > 1 else ""
    print(f"  {what}: {median(milliseconds):.0f} ms{worst}")


def opened(run: str):  # type: ignore[no-untyped-def]
    """The confusions page of a run, in Streamlit's own test runner: the server's work without the network."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
    app.query_params["run"] = run
    app.run()
    app.switch_page("app_pages/analysis/confusions.py").run()
    assert not app.exception, app.exception
    return app


def click(app, folder: Path, cell: tuple[int, int]) -> float:  # type: ignore[no-untyped-def]
    """Choose a cell and wait for the whole rerun; milliseconds."""
    for name, value in zip(("true", "predicted"), cell, strict=True):
        box = next(box for box in app.selectbox if (box.key or "").startswith(f"cell-{name}-{folder}-"))
        box.set_value(value)
    _, milliseconds = timed(app.run)
    assert not app.exception, app.exception
    assert any(link.proto.label == "Open" for link in app.get("page_link")), "no photo on the page"
    return milliseconds


def timed(call: Callable[[], object]):  # type: ignore[no-untyped-def]
    start = time.perf_counter()
    result = call()
    return result, (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()

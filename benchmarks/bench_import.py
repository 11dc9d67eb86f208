#!/usr/bin/env python3
"""How long `har-lens import` takes, and how much memory: a million predictions over 100 classes, as CSV and as Parquet.

python -m benchmarks.bench_import [--photos N] [--classes K] [--forms csv,parquet,jsonl]

Each import runs in a fresh process; memory is the peak of that process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

ROOT = Path(__file__).parent.parent
_CHUNK = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--forms", default="csv,parquet", help="some of csv, parquet, jsonl (default: %(default)s)")
    given = parser.parse_args()
    print(f"{given.photos:,} photos, {given.classes} classes")
    for form in given.forms.split(","):
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / f"predictions.{form}"
            make(table, given.photos, given.classes)
            seconds, busy, gigabytes, line = run_import(table, Path(folder) / "run")
            size = table.stat().st_size / 1e9
            print(
                f"  {form} of {size:.2f} GB: {seconds:.1f} s ({busy:.1f} s of processors), {gigabytes:.2f} GB at the most; {line}",
                flush=True,
            )


def make(path: Path, photos: int, classes: int) -> None:
    """A table, file, label and a probability a class, the same for the same numbers."""
    writer: pa_csv.CSVWriter | pq.ParquetWriter | None = None
    if path.suffix == ".jsonl":
        with path.open("w") as file:
            for part in parts(photos, classes):
                part.to_pandas().to_json(file, orient="records", lines=True)
        return
    for part in parts(photos, classes):
        if writer is None:
            kind = pa_csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
            writer = kind(path, part.schema)
        writer.write_table(part)
    assert writer is not None
    writer.close()


def parts(photos: int, classes: int) -> Iterator[pa.Table]:
    random = np.random.default_rng(0)
    names = np.array([f"class_{index:03d}" for index in range(classes)], dtype=object)
    for start in range(0, photos, _CHUNK):
        size = min(_CHUNK, photos - start)
        true = random.integers(0, classes, size)
        chances = random.random((size, classes), dtype=np.float32) ** 4
        chances[np.arange(size), np.where(random.random(size) < 0.7, true, (true + 1) % classes)] += 4
        chances /= chances.sum(axis=1, keepdims=True)
        yield pa.table(
            {
                "filename": [f"photos/{number:07d}.jpg" for number in range(start, start + size)],
                "label": names[true],
                **{f"prob_{name}": chances[:, index] for index, name in enumerate(names)},
            }
        )


def run_import(table: Path, out: Path) -> tuple[float, float, float, str]:
    """(seconds, seconds of processors, peak memory in GB, what it says) of an import in a process of its own."""
    start = time.perf_counter()
    code = (
        "import resource, sys\n"
        "from har_core.cli import main\n"
        "status = main(sys.argv[1:])\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(used.ru_utime + used.ru_stime)\n"
        "print(used.ru_maxrss)\n"
        "sys.exit(status)"
    )
    command = [sys.executable, "-c", code, "import", str(table), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    *lines, busy, peak = done.stdout.splitlines()
    return seconds, float(busy), int(peak) * 1024 / 1e9, next(line for line in lines if "accuracy" in line)


if __name__ == "__main__":
    main()

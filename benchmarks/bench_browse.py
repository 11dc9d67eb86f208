#!/usr/bin/env python3
"""Looking at millions of scored photos: the index, and what a page asks of it.  Linux only.

python -m benchmarks.bench_browse [FOLDER] [--photos 10000000] [--classes 15] [--quick]

FOLDER: where the scored photos are made, and left for the next time; a temporary one without it.  The predictions are those of the
shipped run, each drawn many times with a little noise, with other classes beside them where more are asked for.

index     seconds, and peak memory, of the sorting that follows a scoring
open      the folder, its matrix and its calibration (at most 2 s)
cell      one cell's first fifty photos after a click (at most 1 s), its last page, the probabilities of one photo
filter    matrix and photos after a new filter: confidence, a part of the name, each sort (at most 2 s)
sample    the photos drawn at random, written as a run
memory    peak of the process that answered all this (at most 2 GB)

Exits with 1 if a bound does not hold, unless --quick.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import memory
from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE, TRUE
from har_core.runs.run import shipped_run
from har_core.scoring.browse import MOST, PER_PAGE, Only, ScoredPhotos
from har_core.scoring.index import FOLDER as INDEX_FOLDER
from har_core.scoring.index import make_index
from har_core.scoring.output import ERROR, KNOWN, MANIFEST, NONE, Done, Scored, open_manifest, write_shard
from har_core.scoring.places import write_bytes

SHARD = 1000
BOUNDS = {"open": 2.0, "cell": 1.0, "filter": 2.0, "memory": 2.0}


def make_scored(out: Path, photos: int, classes: int) -> None:
    """A folder as a scoring leaves it, without its plan and its photos."""
    random = np.random.default_rng(0)
    known = shipped_run().predictions()
    names = (*known.classes, *(f"class {number}" for number in range(len(known.classes), classes)))[:classes]
    logits = np.log(np.maximum(known.probabilities[:, :classes], 1e-6))
    keep = known.true < classes
    logits, true = logits[keep], known.true[keep]
    if classes > logits.shape[1]:  # the same confusions once for each further block of classes
        blocks = -(-classes // logits.shape[1])
        wide = np.full((blocks * len(logits), blocks * logits.shape[1]), -12.0)
        for block in range(blocks):
            rows, columns = block * len(logits), block * logits.shape[1]
            wide[rows : rows + len(logits), columns : columns + logits.shape[1]] = logits
        true = np.concatenate([true + block * logits.shape[1] for block in range(blocks)])
        logits, true = wide[true < classes, :classes], true[true < classes]
    done = []
    for number in range(photos // SHARD):
        drawn = random.integers(len(logits), size=SHARD)
        noisy = logits[drawn] + random.normal(0, 0.3, (SHARD, classes))
        values = np.exp(noisy - noisy.max(axis=1, keepdims=True))
        values = (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
        score = random.normal(9, 2, SHARD)
        columns: dict[str, object] = {
            SAMPLE: [f"cameras/{number % 97:02d}/day-{number // 97:03d}/{row:06d}.jpg" for row in range(SHARD)],
            TRUE: [names[index] for index in true[drawn]],
            PREDICTED: [names[index] for index in values.argmax(axis=1)],
            KNOWN: score,
            NONE: score < 5,
            ERROR: pa.nulls(SHARD, pa.string()),
        }
        columns |= {PROBABILITY + name: values[:, index] for index, name in enumerate(names)}
        done.append(write_shard(str(out), "bench", number, pa.table(columns)))
    manifest(out, names, done)


def manifest(out: Path, classes: tuple[str, ...], shards: Sequence[Done]) -> None:
    photos = sum(one.photos for one in shards)
    scored = Scored(
        created="2026-01-01T00:00:00+00:00",
        source="bench",
        plan="bench",
        model="bench",
        classes=classes,
        temperature=1.0,
        threshold=5.0,
        photos=photos,
        unreadable=0,
        labeled=photos,
        left_out=0,
        shards=tuple(shards),
    )
    write_bytes(str(out / MANIFEST), scored.model_dump_json().encode())


def index(out: Path) -> None:
    start = time.perf_counter()
    made = make_index(str(out), open_manifest(str(out)))
    sizes = ", ".join(
        f"{name.removeprefix(INDEX_FOLDER + '/')} {size / 1e6:.1f} MB" for name, size in made.bytes.items()
    )
    print(f"index: {time.perf_counter() - start:.1f} s, peak memory {memory.peak() / 1e9:.2f} GB; {sizes}", flush=True)


def timed(what: str, work: Callable[[], object]) -> tuple[str, float]:
    start = time.perf_counter()
    work()
    took = time.perf_counter() - start
    print(f"  {what}: {took:.2f} s", flush=True)
    return what.split(",")[0], took


def browse(out: Path) -> list[tuple[str, float]]:
    def opened() -> ScoredPhotos:
        photos = ScoredPhotos(out)
        photos.matrix()
        photos.confidences()
        return photos

    start = time.perf_counter()
    photos = opened()
    found = [("open", time.perf_counter() - start)]
    print(f"  open, with matrix and calibration: {found[0][1]:.2f} s", flush=True)
    matrix = photos.matrix()
    errors = matrix - np.diag(np.diag(matrix))
    cell = Only("all", *(photos.classes[index] for index in np.unravel_index(errors.argmax(), errors.shape)))
    right = Only("all", *[photos.classes[int(np.diag(matrix).argmax())]] * 2)
    found.append(timed("cell, the largest off the diagonal", lambda: (photos.count(cell), photos.page(cell))))
    found.append(timed("cell, the largest on the diagonal", lambda: (photos.count(right), photos.page(right))))
    last = MOST // PER_PAGE
    found.append(timed("cell, its last page", lambda: photos.page(right, number=last)))
    one = photos.page(cell)[0]
    found.append(timed("cell, probabilities of one photo", lambda: photos.probabilities(one)))
    for what, only in {
        "confidence": Only("errors", low=0.9),
        "errors alone": Only("errors"),
        "none of the classes": Only("all", none=True),
        "a part of the name": Only("all", name="day-042"),
        "a name that is not there": Only("all", name="nowhere"),
    }.items():
        found.append(
            timed(f"filter, {what}: matrix and count", lambda only=only: (photos.matrix(only), photos.count(only)))
        )  # type: ignore[misc]
        found.append(timed(f"filter, {what}: photos", lambda only=only: photos.page(only)))  # type: ignore[misc]
    for sort in ("surest", "least sure", "loss", "name"):
        found.append(
            timed(f"filter, errors sorted by {sort}", lambda sort=sort: photos.page(Only("errors"), sort=sort))
        )  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as temporary:
        timed("sample as a run", lambda: photos.write_sample(Path(temporary, "run")))
    peak = memory.peak() / 1e9
    print(f"  peak memory {peak:.2f} GB", flush=True)
    return [*found, ("memory", peak)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--photos", type=int, default=10_000_000)
    parser.add_argument("--classes", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="see that it runs; its figures mean nothing")
    parser.add_argument("--part", choices=("make", "index", "browse"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    photos = 20_000 if given.quick else given.photos
    if given.part == "make":
        make_scored(given.folder, photos, given.classes)
    elif given.part == "index":
        index(given.folder)
    elif given.part == "browse":
        missed = [what for what, value in browse(given.folder) if value > BOUNDS[what]]
        if missed and not given.quick:
            print(f"does not hold: {', '.join(sorted(set(missed)))}")
            return 1
    else:
        with tempfile.TemporaryDirectory() as temporary:
            folder = given.folder or Path(temporary)
            parts = ["index", "browse"] if (folder / MANIFEST).exists() else ["make", "index", "browse"]
            for part in parts:  # each in a process of its own, whose memory is its own
                options = [str(folder), "--part", part, "--photos", str(photos), "--classes", str(given.classes)]
                options += ["--quick"] if given.quick else []
                if code := subprocess.run([sys.executable, "-m", "benchmarks.bench_browse", *options]).returncode:
                    return code
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""`python -m har_core predict` over many photos: memory, bad files, interruption.  Linux only.

python -m benchmarks.predict_many FOLDER [--count 20000]

Names the photos below FOLDER again and again until there are COUNT files, one in 1,000 of them damaged, and predicts
them with an untrained ResNet-18.  The command is interrupted (Ctrl-C) half-way and started again.  Prints its memory and
exits with 1 unless each file has exactly one row, each damaged one a reason, and memory stays flat.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from har_core.models.checkpoint import save_checkpoint
from har_core.models.registry import create_model
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import MODEL
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.writing import write_manifest

ROOT = Path(__file__).parent.parent
FLAT = 50  # MB


def tiny_run(folder: Path) -> Path:
    """A run that holds nothing but a small model."""
    torch.manual_seed(0)
    spec = ModelSpec(("no", "yes"), "resnet18", "3x3", 32, 36)
    folder.mkdir()
    save_checkpoint(create_model(spec), spec, folder / MODEL)
    write_manifest(folder, Manifest(status=COMPLETE, classes=spec.classes))
    return folder


def links(photos: list[Path], folder: Path, count: int) -> tuple[list[str], set[str]]:
    """Names of `count` files, relative to `folder`, and those among them that are damaged."""
    names, damaged = [], set()
    for number, photo in zip(range(count), itertools.cycle(photos), strict=False):
        path = folder / f"{number}{photo.suffix}"
        if number % 1000 == 500:
            path.write_bytes(photo.read_bytes()[:200])
            damaged.add(path.name)
        else:
            path.symlink_to(photo.resolve())
        names.append(path.name)
    return names, damaged


def megabytes(process: int) -> float:
    """Memory of a process that belongs to it alone."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    given = parser.parse_args()
    photos = sorted(path for path in given.folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not photos:
        print(f"error: expected photos below {given.folder}, found none; name a folder of photos", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names, damaged = links(photos, folder, given.count)
        run, rows = tiny_run(folder / "run"), folder / "rows.jsonl"
        command = [sys.executable, "-m", "har_core", "predict", *names, "--run", str(run), "--out", str(rows)]
        memory: list[tuple[int, float]] = []
        for interrupt in (True, False):
            process = subprocess.Popen(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
            while process.poll() is None:
                time.sleep(0.5)
                done = rows.read_bytes().count(b"\n") if rows.exists() else 0
                if done and process.poll() is None:
                    memory.append((done, megabytes(process.pid)))
                if interrupt and done > given.count // 2:
                    process.send_signal(signal.SIGINT)
                    interrupt = process.wait() != 130
            print(f"{len(rows.read_bytes().splitlines()):,} rows, status {process.returncode}", flush=True)
        found = [json.loads(line) for line in rows.read_text().splitlines()]
    counts = Counter(row["file"] for row in found)
    refused = {row["file"] for row in found if "error" in row}
    early = max(size for done, size in memory if done <= given.count // 5)
    late = max(size for done, size in memory if done <= given.count // 2)
    again = [size for done, size in memory if done > given.count // 2]
    print(f"{early:.0f} MB at most in the first fifth, {late:.0f} MB in the first half, {max(again):.0f} MB after it")
    print(f"{len(counts):,} files with a row, {len(refused)} with a reason instead of an answer")
    holds = set(counts.values()) == {1} and counts.keys() == set(names) and refused == damaged
    return 0 if holds and max(late, *again) < early + FLAT else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Kill training, prediction and the writing of verdicts at random moments, and see that nothing that was kept is lost.

python -m benchmarks.kills [--kills 50] [--seed 0]

Photos are made, the network is a ResNet-18 with random weights.  After every SIGKILL what lies on the disk is opened:

training     the state is whole and at most one batch behind; the run that ends it has the weights of an undisturbed one
prediction   the command goes on where it was; in the end every photo has exactly one row
verdicts     each one that was acknowledged is there

Exits with 1 if any of this does not hold.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file

from har_core.runs.file_names import MANIFEST, MODEL
from har_core.runs.manifest import COMPLETE
from har_core.runs.run import Run
from har_core.runs.verdicts import Verdicts
from har_core.training.state import STATE, read_state

ROOT = Path(__file__).parent.parent
FLAGS = ["--architecture", "resnet18", "--crop-size", "32", "--resize", "36", "--precision", "fp32", "--device", "cpu",
         "--recipe", "best", "--train-crop-size", "24", "--epochs", "3", "--full-crop-epochs", "1", "--batch-size", "4",
         "--no-drop-near-duplicates"]  # fmt: skip
TRAIN = """
import sys
from har_core.cli import main, train
log = open(sys.argv[1], "a")
reported = train._Terminal.step
def step(self, step):
    print(step.epoch, step.photos, file=log, flush=True)
    reported(self, step)
train._Terminal.step = step
sys.exit(main(["train", *sys.argv[2:]]))
"""
JUDGE = """
import sys
from pathlib import Path
from har_core.runs.verdicts import Verdicts
verdicts = Verdicts(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**6):
    verdicts.set(f"Image_{number}.jpg", "unclear", "note " * 20)
    print(number, flush=True)
"""


def killed(command: list[str], after: float, output: Path) -> bool:
    """Run a command and kill it; False if it ended, well, before that."""
    complaint = output.with_name("complaint")
    with output.open("ab") as file, complaint.open("wb") as errors:
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=file, stderr=errors)
        try:
            status = process.wait(timeout=after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
    if status != 0:
        said = complaint.read_text().splitlines()[-1:]
        raise SystemExit(f"expected {command[-2:]} to end well, found status {status}: {said}")
    return False


def photos(folder: Path, count: int) -> Path:
    """A folder of noisy photos of three colors, one folder a class."""
    for number in range(count):
        name, color = [("blue", (30, 40, 200)), ("green", (40, 190, 60)), ("red", (210, 50, 40))][number % 3]
        noise = np.random.default_rng(number).integers(-40, 40, (48, 60, 3))
        (folder / name).mkdir(parents=True, exist_ok=True)
        pixels = (np.array(color) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name / f"{number}.jpg", quality=95)
    return folder


def check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"does not hold: {what}")


def kill_training(count: int, stream: random.Random, folder: Path) -> str:
    data, weights = photos(folder / "photos", 60), folder / "weights.safetensors"
    torch.manual_seed(1)
    save_file(torchvision.models.resnet18().state_dict(), weights)
    base = [str(data), "--weights", str(weights), "--workers", "1", "--save-every", "0"]
    started = time.monotonic()
    undisturbed = folder / "undisturbed"
    killed(["train.py", *base, *FLAGS, "--out", str(undisturbed)], 600, folder / "log")
    whole, expected = time.monotonic() - started, load_file(undisturbed / MODEL)
    done = trainings = most_lost = 0
    while done < count:
        out, log = folder / f"run{trainings}", folder / f"steps{trainings}"
        while True:
            resume = (out / STATE).exists()
            command = ["-c", TRAIN, str(log), *base, *(["--resume", "--device", "cpu"] if resume else FLAGS)]
            if not killed([*command, "--out", str(out)], stream.uniform(0.3 * whole, 0.9 * whole), folder / "log"):
                break
            done += 1
            if (out / MANIFEST).exists() and Run.open(out).manifest.status == COMPLETE:
                break  # it was killed on its way out
            if (out / STATE).exists():
                progress, steps = read_state(out)["progress"], log.read_text().split("\n")[-2:]
                epoch, seen = map(int, steps[0].split()) if steps[0] else (1, 0)
                behind = seen - progress["seen"] if progress["epoch"] == epoch else 0
                most_lost = max(most_lost, behind)
                check(progress["epoch"] >= epoch and behind <= 4, f"{out}: a state at most a batch behind")
        found = load_file(out / MODEL)
        check(all(torch.equal(found[name], expected[name]) for name in expected), f"{out}: the undisturbed weights")
        check(not [*out.glob(".*.partial")], f"{out}: no half files left")
        trainings += 1
    return f"{done} kills in {trainings} trainings: weights bit-identical, at most {most_lost} photos learnt again"


def kill_prediction(count: int, stream: random.Random, folder: Path) -> str:
    files = sorted(photos(folder / "many", 90).rglob("*.jpg"))
    run, rows = str(folder / "undisturbed"), folder / "rows.jsonl"
    command = ["-m", "har_core", "predict", *map(str, files), "--run", run, "--out", str(rows)]
    started = time.monotonic()
    killed([*command[:-1], str(folder / "first.jsonl")], 600, folder / "log")
    whole, done, times = time.monotonic() - started, 0, 0
    while done < count:
        rows.unlink(missing_ok=True)
        while killed(command, stream.uniform(0.4 * whole, whole), folder / "log"):
            done += 1
        names = Counter(json.loads(line)["file"] for line in rows.read_text().splitlines())
        check(set(names.values()) == {1} and len(names) == len(files), "one row a photo")
        times += 1
    return f"{done} kills in {times} predictions of {len(files)} photos: one row each"


def kill_verdicts(count: int, stream: random.Random, folder: Path) -> str:
    path, output, first = folder / "verdicts.sqlite", folder / "acknowledged", 0
    for _ in range(count):
        killed(["-c", JUDGE, str(path), str(first)], stream.uniform(0.5, 2.0), output)
        stored = Verdicts(path).all()
        given = [int(line) for line in output.read_text().split("\n")[:-1]]
        check(all(f"Image_{number}.jpg" in stored for number in given), "each acknowledged verdict is there")
        first = len(stored)
    return f"{count} kills: {len(given):,} verdicts acknowledged, all there"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    stream = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder, share = Path(name), given.kills // 3
        print("training    ", kill_training(given.kills - 2 * share, stream, folder), flush=True)
        print("prediction  ", kill_prediction(share, stream, folder), flush=True)
        print("verdicts    ", kill_verdicts(share, stream, folder), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What scoring in shards costs, in ratios of one run, and what 50 million photos would take.  Linux only.

python -m benchmarks.bench_scoring [--photos FOLDER] [--run RUN] [--quick] [--no-ray] [--machine-price 0.40] [--cores 16]

parts         photos a second of one core: reading and decoding, the network, writing the results
local         one worker over a bare loop of `Predictor.predict_all` (at most 1.1 times), two workers over one
ray           Ray on this machine, one actor, over one local worker (at most 1.25 times)
nodes         4 and 8 simulated nodes of one core each, with a network that only waits: share of the time that they wait (at least 90 %)
memory        of the driver and of its worker, for 10,000 and for 1,000,000 names, with photos that are not there
estimate      hours and cost for 50 million photos on 1, 8 and 64 machines, from the parts, and what would break it

The time in which processes start and load the model is taken out: it is there once, however many photos there are.
--quick: few photos, names and nodes, to see that it runs; its figures mean nothing.  Exits with 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from har_core.scoring.local import LocalEngine
from har_core.scoring.shards import Asked, Plan, make_plan
from har_core.scoring.sources import Source
from har_core.scoring.work import Engine, Scorer, Work
from tests.scoring.ray_nodes import Nodes
from tests.scoring.stub import Stub

BOUNDS = {"local / bare loop": 1.1, "ray / local": 1.25}
FLAT = 50  # MB
PHOTOS = 50_000_000
_failed: list[str] = []


def judge(what: str, value: float, holds: bool, quick: bool) -> None:
    print(f"  {what}: {value:.2f}{'' if holds else '  (does not hold)'}", flush=True)
    if not holds and not quick:
        _failed.append(what)


def planned(source: Path, out: Path, size: int) -> Plan:
    asked = Asked(source=str(source), column=None, labels=None, shard_size=size, model="bench")
    return make_plan(asked, Source(str(source)), str(out))


def seconds(source: Path, folder: Path, engine: Engine, load: Callable[[], Scorer], size: int, lanes: int) -> float:
    """From the moment at which each lane has finished a shard to the end, per photo of what was scored in it."""
    plan = planned(source, folder, size)
    work, stamps = Work(str(folder), plan, plan.id, load), []
    for done in engine(work, range(plan.shards)):
        stamps.append((time.perf_counter(), done.photos))
    warm = stamps[lanes - 1][0]
    return (stamps[-1][0] - warm) / sum(count for _, count in stamps[lanes:])


def parts(source: Path, run: str, folder: Path) -> tuple[dict[str, float], float]:
    """Photos a second of one core for each part; seconds a photo of a bare loop."""
    from har_core.inference.predictor import Predictor
    from har_core.media.images import open_photo
    from har_core.runs.run import Run
    from har_core.scoring.batch import ModelRequest, score_photos
    from har_core.scoring.output import table_of, write_shard
    from har_core.scoring.photos import decoded

    scorer = ModelRequest(run)()
    predictor: Predictor = scorer.predictor  # type: ignore[attr-defined]
    plan = planned(source, folder, 10**6)
    work = Work(str(folder), plan, plan.id, ModelRequest(run))
    start = time.perf_counter()
    pictures = [decoded(photo) for photo in work.photos(0)]
    decode = time.perf_counter() - start
    list(score_photos(predictor, pictures[:16], open_photo))  # the first batch allocates
    start = time.perf_counter()
    rows = list(score_photos(predictor, pictures, open_photo))
    network = time.perf_counter() - start
    start = time.perf_counter()
    write_shard(str(folder), plan.id, 0, table_of(rows, Run.open(Path(run)).classes))
    write = time.perf_counter() - start
    names = [path for path in sorted(source.rglob("*")) if path.is_file()]
    start = time.perf_counter()
    outcomes = predictor.predict_all(names, open_photo, photo_side=64, occlude=False)
    bare = len(list(outcomes))
    loop = (time.perf_counter() - start) / bare
    counts = {"reading and decoding": decode, "network": network, "writing": write}
    return {name: len(rows) / took for name, took in counts.items()}, loop


def nodes(count: int, source: Path, folder: Path, wait: float) -> float:
    """The share of the nodes' time that their network had, from the first result of each to the end."""
    import ray

    from har_core.scoring.ray_engine import RayEngine

    made = Nodes(count)
    try:
        ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
        spent = seconds(source, folder, RayEngine(), Stub(seconds=wait), 20, count)
        return wait / count / spent
    finally:
        ray.shutdown()
        made.close()


MEMORY = """
import resource, sys
from benchmarks.memory import peak
from har_core.scoring.local import LocalEngine
from tests.scoring.conftest import score
from tests.scoring.stub import Stub
scored = score(sys.argv[1], sys.argv[2], LocalEngine(1), size=1000, stub=Stub())
assert scored.unreadable == scored.photos
print(peak() / 2**20, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def memory(count: int, folder: Path) -> list[float]:
    """Peak memory of the driver and of its worker, in MB."""
    names = folder / f"{count}.txt"
    names.write_text("".join(f"none/{number:09d}.jpg\n" for number in range(count)))
    command = [sys.executable, "-c", MEMORY, str(names), str(folder / f"names{count}")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    return [float(one) for one in done.stdout.split()]


def estimate(rates: dict[str, float], efficiency: float, cores: int, price: float) -> None:
    """hours = photos × Σ 1/rate ÷ (machines × cores × efficiency) ÷ 3600;  cost = hours × machines × price."""
    core_seconds = sum(1 / rate for rate in rates.values())
    print(
        f"estimate: {PHOTOS:,} photos, {core_seconds * 1000:.1f} ms of a core each, {cores} cores a machine, {price:g} an hour"
    )
    for machines in (1, 8, 64):
        hours = PHOTOS * core_seconds / (machines * cores * efficiency) / 3600
        each = PHOTOS / hours / 3600 / machines
        print(
            f"  {machines:2} machines: {hours:,.1f} hours, cost {hours * machines * price:,.0f}, {each:,.0f} photos/s from the bucket each"
        )
    print(
        "  it breaks where the bucket or the network does not deliver so many photos a second to each machine, where cores are threads "
        "that share one (a machine's 16 are then 8), or where photos are larger than these: decoding grows with their pixels"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of real photos (default: made ones of 400 × 300 pixels)")
    parser.add_argument("--run", help="the model (default: the shipped run)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--machine-price", type=float, default=0.40, help="of a machine, an hour")
    parser.add_argument("--cores", type=int, default=16, help="of a machine")
    given = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    from har_core.runs.run import shipped_run
    from har_core.scoring.batch import ModelRequest
    from har_core.scoring.ray_engine import RayEngine

    run, quick = given.run or str(shipped_run().folder), given.quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = given.photos or made(folder / "photos", 24 if quick else 600)
        load, size = ModelRequest(run), 8 if quick else 50
        rates, loop = parts(source, run, folder / "parts")
        print("parts: photos a second of one core")
        for what, rate in rates.items():
            print(f"  {what}: {rate:,.1f}", flush=True)
        print("engines")
        one = statistics.median(
            seconds(source, folder / f"one{n}", LocalEngine(1), load, size, 1) for n in range(1 if quick else 3)
        )
        judge("local / bare loop", one / loop, one / loop <= BOUNDS["local / bare loop"], quick)
        two = seconds(source, folder / "two", LocalEngine(2), load, size, 2)
        judge("efficiency of two workers, of one", one / two / 2, True, quick)
        efficiency = 0.9
        if not given.no_ray:
            by_ray = seconds(source, folder / "ray", RayEngine(1), load, size, 1)
            judge("ray / local", by_ray / one, by_ray / one <= BOUNDS["ray / local"], quick)
            print("nodes: share of their time that the network had")
            names = folder / "names.txt"
            for count in (2,) if quick else (4, 8):
                names.write_text("".join(f"{number}.jpg\n" for number in range(count * (60 if quick else 400))))
                share = nodes(count, names, folder / f"nodes{count}", 0.02)
                judge(f"{count} nodes", share, share >= 0.9, quick)
                efficiency = min(efficiency, share)
        print("memory: driver, worker (MB)")
        few, many = (1_000, 10_000) if quick else (10_000, 1_000_000)
        found = {count: memory(count, folder) for count in (few, many)}
        for count, sizes in found.items():
            print(f"  {count:,} names: {sizes[0]:,.0f}, {sizes[1]:,.0f}", flush=True)
        grown = max(after - before for before, after in zip(found[few], found[many], strict=True))
        judge("growth (MB)", grown, grown <= FLAT, quick)
        estimate(rates, efficiency, given.cores, given.machine_price)
    return 1 if _failed else 0


def made(folder: Path, count: int) -> Path:
    import numpy as np
    from PIL import Image

    folder.mkdir(parents=True)
    for number in range(count):
        rough = np.random.default_rng(number).integers(0, 256, (30, 40, 3)).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(rough).resize((400, 300), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        (folder / f"{number:05d}.jpg").write_bytes(buffer.getvalue())
    return folder


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Kill the drivers and workers of a scoring at random moments, in both engines, and see that every photo has one row.  Linux only.

python -m benchmarks.scoring_kills [--kills 30] [--seed 0] [--engines local,ray]

Photos are made, the network is a stub.  Each time it is the driver or one of its workers in turn that gets a SIGKILL.  After every
kill what had been scored is still there, with the bytes it had, and nobody of the killed one's is left; at the end the bytes are those of an
undisturbed scoring.  The drivers of Ray join one cluster of a head and two nodes; after every tenth kill a node is lost, and another joins.

Exits with 1 if any of this does not hold.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.kills import check, photos
from har_core.scoring.local import LocalEngine
from tests.scoring.conftest import files, rows, score
from tests.scoring.ray_nodes import Nodes

ROOT = Path(__file__).parent.parent
COUNT, SHARD = 240, 6
DRIVER = """
import sys
from har_core.scoring.local import LocalEngine
from har_core.scoring.ray_engine import RayEngine
from tests.scoring.conftest import score
from tests.scoring.stub import Stub
engine = RayEngine() if sys.argv[4] == "ray" else LocalEngine(2)
score(sys.argv[1], sys.argv[2], engine, size=int(sys.argv[5]), stub=Stub(seconds=0.03, marks=sys.argv[3]))
"""


def kill(engine: str, count: int, stream: random.Random, source: Path, folder: Path, lose: Callable[[], None]) -> str:
    """Scorings, one after the other, until there were so many kills."""
    undisturbed = folder / "undisturbed"
    scored = score(source, undisturbed, LocalEngine(0), size=SHARD)
    expected, done, scorings = files(undisturbed), 0, 0
    while done < count:
        out, seen = folder / f"{engine}{scorings}", {}
        while True:
            marks = Path(tempfile.mkdtemp(dir=folder))
            command = [sys.executable, "-c", DRIVER, str(source), str(out), str(marks), engine, str(SHARD)]
            driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            while driver.poll() is None and not list(marks.iterdir()):
                time.sleep(0.02)
            time.sleep(stream.uniform(0, 1.5))
            whose = "driver" if done % 2 == 0 else "worker"
            victims = [driver.pid] if whose == "driver" else [int(mark.name) for mark in marks.iterdir()]
            if done < count and driver.poll() is None and is_alive(victim := stream.choice(victims)):
                os.kill(victim, signal.SIGKILL)
                done += 1
                if done % 10 == 0:
                    lose()
            _, complaint = driver.communicate()
            whole = {path.name: path.read_bytes() for path in out.glob("predictions/shard-*")}
            check(seen.items() <= whole.items(), f"{out}: what was scored stays")
            seen = whole
            check(all(ended(int(mark.name)) for mark in marks.iterdir()), f"{out}: no worker outlives its driver")
            if driver.returncode == 0:
                break
            check(driver.returncode == -signal.SIGKILL, f"{out}: {complaint.decode()[-500:]}")
        check(files(out) == expected, f"{out}: the bytes of an undisturbed scoring")
        names = [row["sample"] for row in rows(out, scored)]
        check(len(names) == COUNT == len(set(names)), f"{out}: one row a photo")
        check(not [*out.rglob("*.partial")], f"{out}: no half files left")
        scorings += 1
    return f"{done} kills in {scorings} scorings of {COUNT} photos in {len(expected)} shards: same bytes, one row each"


def is_alive(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def ended(process: int) -> bool:
    """Whether a process has ended, or does so within ten seconds."""
    deadline = time.monotonic() + 10
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(process)


def _nothing() -> None:
    pass


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="in each engine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engines", default="local,ray")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        source = photos(folder / "photos", COUNT)
        for engine in given.engines.split(","):
            lose: Callable[[], None] = _nothing
            if engine == "ray":
                nodes = Nodes(2)
                stack.callback(nodes.close)
                os.environ["RAY_ADDRESS"] = nodes.address

                def lose(nodes: Nodes = nodes) -> None:
                    nodes.lose_oldest()
                    nodes.add()

            (folder / engine).mkdir()
            print(
                engine, kill(engine, given.kills, random.Random(given.seed), source, folder / engine, lose), flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The same shards on a Ray cluster of several node processes on this machine, to which one comes and from which one goes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from har_core.scoring.local import LocalEngine
from har_core.scoring.ray_engine import RayEngine
from tests.scoring.conftest import files, score
from tests.scoring.ray_nodes import Nodes
from tests.scoring.stub import Stub

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    made = Nodes(1)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.close()


def test_the_same_bytes_as_on_one_machine(nodes: Nodes, photos: Path, tmp_path: Path) -> None:
    """Also where tasks decode, as they do for graphics cards."""
    score(photos, tmp_path / "here", LocalEngine(0))
    score(photos, tmp_path / "ray", RayEngine())
    score(photos, tmp_path / "tasks", RayEngine(workers=1), stub=Stub(wants_decoded=True))
    assert files(tmp_path / "here") == files(tmp_path / "ray") == files(tmp_path / "tasks")


def test_a_node_comes_and_a_worker_and_a_node_go(nodes: Nodes, photos: Path, tmp_path: Path) -> None:
    """The first worker is killed, a node is added, and then the node that it ran on is taken away."""
    marks, hold = tmp_path / "marks", tmp_path / "hold"
    marks.mkdir()
    hold.touch()
    stub = Stub(marks=str(marks), hold=str(hold))
    with ThreadPoolExecutor(1) as pool:  # Ray starts nodes from the main thread alone
        scoring = pool.submit(score, photos, tmp_path / "ray", RayEngine(), size=1, stub=stub)
        try:
            _wait_for(lambda: len(list(marks.iterdir())) == 1)
            os.kill(int(next(marks.iterdir()).name), signal.SIGKILL)
            nodes.add()
            _wait_for(lambda: len(list(marks.iterdir())) == 3)  # the killed one, the one after it, one on the new node
            nodes.lose_oldest()
        finally:
            hold.unlink()
        scoring.result()
    score(photos, tmp_path / "here", LocalEngine(0), size=1)
    assert files(tmp_path / "here") == files(tmp_path / "ray")


def _wait_for(holds: Any) -> None:
    deadline = time.monotonic() + 200
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)

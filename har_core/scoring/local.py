"""The shards of a plan on all cores of this machine: each worker process scores whole shards, one after the other.

On a processor a worker reads, decodes and computes by itself, its network in one thread, so that n cores do n times the work of one.
With graphics cards there is a worker for each, and processes beside it decode.  A worker holds a few batches and the answers of one
shard.  All of them end with this process, however that ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import ModuleType

from har_core.errors import DataError, HarError
from har_core.scoring.output import Done
from har_core.scoring.photos import Photo, ahead, in_parts
from har_core.scoring.work import ATTEMPTS, Work, decode_part, gives_up, score_shard

_PART = 16  # photos that a process decodes at once


@dataclass(frozen=True)
class LocalEngine:
    """`workers`: processes; 0: no other than this one.  `cards`: graphics cards, one for each worker.  `decoders`: processes beside
    each of these."""

    workers: int
    cards: int = 0
    decoders: int = 0

    def __call__(self, work: Work, numbers: Sequence[int]) -> Iterator[Done]:
        """What becomes of the shards, as they are finished.

        Raises:
            DataError: if a shard ends every process that scores it.
            HarError, OSError: what a worker met.
        """
        if not self.workers:
            return _here(work, numbers)
        return _Lanes(self, work, numbers).results()


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _here(work: Work, numbers: Sequence[int]) -> Iterator[Done]:
    scorer = work.load()
    for number in numbers:
        yield score_shard(work, scorer, number)


@dataclass
class _Lane:
    process: multiprocessing.process.BaseProcess
    index: int
    shard: tuple[int, int] | None = None  # with the attempt
    is_ready: bool = False


class _Lanes:
    def __init__(self, engine: LocalEngine, work: Work, numbers: Sequence[int]) -> None:
        self.engine, self.work = engine, work
        self.todo = deque((number, 1) for number in numbers)
        self.lanes: dict[Connection, _Lane] = {}
        self.stillborn = 0

    def results(self) -> Iterator[Done]:
        try:
            for index in range(min(self.engine.workers, len(self.todo))):
                self._start(index)
            while self.todo or any(lane.shard for lane in self.lanes.values()):
                for connection in wait(list(self.lanes)):
                    assert isinstance(connection, Connection)
                    if (done := self._heard(connection)) is not None:
                        yield done
        finally:
            for lane in self.lanes.values():
                lane.process.kill()
            for lane in self.lanes.values():
                lane.process.join()

    def _heard(self, connection: Connection) -> Done | None:
        lane = self.lanes[connection]
        try:
            answer = connection.recv()
        except (EOFError, OSError):
            self._died(connection, lane)
            return None
        if isinstance(answer, Exception):
            raise answer
        lane.shard, lane.is_ready, self.stillborn = None, True, 0
        if self.todo:
            lane.shard = self.todo.popleft()
            with suppress(OSError):  # it has just died: the next `recv` tells
                connection.send(lane.shard)
        return answer if isinstance(answer, Done) else None

    def _died(self, connection: Connection, lane: _Lane) -> None:
        del self.lanes[connection]
        connection.close()
        lane.process.join()
        if lane.shard is not None:
            number, attempt = lane.shard
            if attempt >= ATTEMPTS:
                raise gives_up(number)
            self.todo.appendleft((number, attempt + 1))
        self.stillborn += not lane.is_ready
        if self.stillborn > ATTEMPTS:
            raise DataError("expected worker processes, found that they end as they start; start with fewer workers")
        if self.todo:
            self._start(lane.index)

    def _start(self, index: int) -> None:
        spawning = multiprocessing.get_context("spawn")  # a copy of this process would copy threads and locks of torch
        ours, theirs = spawning.Pipe()
        process = spawning.Process(target=_serve, args=(theirs, self.work, self.engine, index), name=f"score-{index}")
        with _nameless_main():
            process.start()
        theirs.close()
        self.lanes[ours] = _Lane(process, index)


def end_with_parent() -> None:
    """End this process when its parent does, also when that is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def _serve(connection: Connection, work: Work, engine: LocalEngine, index: int) -> None:
    """A worker: answers (shard, attempt) by `Done`, or by what prevents it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and ends this
    end_with_parent()
    if engine.cards:
        cards = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(engine.cards)))).split(",")
        os.environ["CUDA_VISIBLE_DEVICES"] = cards[index % len(cards)]
    pool = None
    try:
        scorer = work.load()
        if engine.decoders:
            spawning = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(engine.decoders, mp_context=spawning, initializer=end_with_parent)
        connection.send(None)
        while True:
            number, attempt = connection.recv()
            look_ahead = None if pool is None else _Decoding(work, pool, engine.decoders)
            connection.send(score_shard(work, scorer, number, attempt=attempt, ahead=look_ahead))
    except (EOFError, BrokenProcessPool):
        pass  # the parent has gone, or a photo has ended a decoder: the next attempt isolates it
    except (HarError, OSError) as error:
        connection.send(error)
    except Exception:
        connection.send(RuntimeError(traceback.format_exc()))
    os._exit(1)


@dataclass(frozen=True)
class _Decoding:
    work: Work
    pool: ProcessPoolExecutor
    decoders: int

    def __call__(self, number: int) -> Iterator[Photo]:
        parts = in_parts(self.work.photos(number), _PART)
        for photos in ahead(parts, lambda part: self.pool.submit(decode_part, part), 2 * self.decoders):
            yield from photos


@contextmanager
def _nameless_main() -> Iterator[None]:
    """A process that is started meanwhile does not run the caller's script again, which may have no guard, or be a page of the app."""
    own = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = own

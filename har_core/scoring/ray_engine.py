"""The shards of a plan on a Ray cluster: an actor for each core or graphics card scores whole shards, one after the other.

These are plain actors and not `ray.data`'s `map_batches`: there the rows of a shard are computed wherever there is room, are computed again
when a block is lost, and would have to be brought together before they can be stored once.  Here whoever scores a shard stores it, and
the driver hears no more than its size.  Where graphics cards do the computing, tasks on any node read and decode the photos; on processors an
actor does it in threads of its own, on the core that it has.

Nodes may come and go: actors are started where there is room, and the shard of one that is lost is scored again.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from har_core.errors import ConfigError, DataError
from har_core.scoring.output import Done
from har_core.scoring.photos import Entry, Kind, Photo, in_parts, photos_of
from har_core.scoring.work import ATTEMPTS, Work, decode_part, gives_up, score_shard

_PART, _UNDER_WAY = 16, 8  # photos of a decoding task; tasks of an actor
_LOOK_AROUND = 1.0  # seconds between two looks at what the cluster has


def require_ray() -> Any:
    """The package.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError("expected the package ray for --engine ray, found none; pip install ray") from error
    return ray


def cluster_has_cards() -> bool:
    """Whether there are graphics cards in the cluster that `RayEngine` uses.

    Raises:
        ConfigError: if Ray is not installed.
    """
    ray = require_ray()
    _join(ray)
    return bool(ray.cluster_resources().get("GPU", 0) >= 1)


def _join(ray: Any) -> bool:
    """Join the cluster; false if this process had done so."""
    if ray.is_initialized():
        return False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told of it
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    return True


@dataclass(frozen=True)
class RayEngine:
    """`workers`: actors at most; None: as many as the cluster has cores, or graphics cards.  `on_cards`: whether it is these.

    The cluster is the one that RAY_ADDRESS names, or that this process has joined, or else this machine.
    """

    workers: int | None = None
    on_cards: bool = False

    def __call__(self, work: Work, numbers: Sequence[int]) -> Iterator[Done]:
        """What becomes of the shards, as they are finished.

        Raises:
            ConfigError: if Ray is not installed.
            DataError: if a shard ends every process that scores it.
            HarError, OSError: what an actor met.
        """
        ray = require_ray()
        joined = _join(ray)
        try:
            yield from _Actors(self, ray, work, numbers).results()
        finally:
            if joined:
                ray.shutdown()


@dataclass
class _Lane:
    actor: Any
    shard: tuple[int, int] | None = None  # with the attempt; None: it is still starting


class _Actors:
    def __init__(self, engine: RayEngine, ray: Any, work: Work, numbers: Sequence[int]) -> None:
        self.engine, self.ray = engine, ray
        self.todo = deque((number, 1) for number in numbers)
        self.lanes: dict[Any, _Lane] = {}
        self.stillborn = 0
        self.work = ray.put(work)
        resources = {"num_cpus": 0, "num_gpus": 1} if engine.on_cards else {"num_cpus": 1}
        self.kind = ray.remote(max_restarts=0, max_task_retries=0, **resources)(_Actor)

    def results(self) -> Iterator[Done]:
        looked, room = 0.0, 0
        while self.todo or any(lane.shard for lane in self.lanes.values()):
            if time.monotonic() > looked + _LOOK_AROUND:
                looked, room = time.monotonic(), self._room()
            starting = sum(lane.shard is None for lane in self.lanes.values())
            while len(self.lanes) < room and starting < len(self.todo):
                self._start()
                starting += 1
            if not self.lanes:
                time.sleep(_LOOK_AROUND / 10)
                continue
            heard, _ = self.ray.wait(list(self.lanes), num_returns=1, timeout=_LOOK_AROUND)
            for reference in heard:
                if (done := self._heard(reference)) is not None:
                    yield done

    def _room(self) -> int:
        """Actors that the cluster has room for now, however many there are."""
        has = int(self.ray.cluster_resources().get("GPU" if self.engine.on_cards else "CPU", 0))
        return has if self.engine.workers is None else min(has, self.engine.workers)

    def _start(self) -> None:
        actor = self.kind.remote(self.work, self.engine.on_cards)
        self.lanes[actor.ready.remote()] = _Lane(actor)

    def _heard(self, reference: Any) -> Done | None:
        lane = self.lanes.pop(reference)
        try:
            answer = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        except self.ray.exceptions.RayError:  # the actor or its node has gone
            self._died(lane)
            return None
        self.stillborn = 0
        if isinstance(answer, Exception):
            raise answer
        if self.todo:
            lane.shard = self.todo.popleft()
            self.lanes[lane.actor.score.remote(*lane.shard)] = lane
        return answer if isinstance(answer, Done) else None

    def _died(self, lane: _Lane) -> None:
        if lane.shard is None:
            self.stillborn += 1
            if self.stillborn > ATTEMPTS + self._room():
                raise DataError("expected actors, found that they end as they start; give them more memory")
            return
        number, attempt = lane.shard
        if attempt >= ATTEMPTS:
            raise gives_up(number)
        self.todo.appendleft((number, attempt + 1))


class _Actor:
    """Scores shards, one after the other."""

    def __init__(self, work: Work, on_cards: bool) -> None:
        import ray

        self.work, self.scorer = work, work.load()
        # cores are taken up by the actors where these compute on them: what waits for one would wait for ever
        self.decode = ray.remote(num_cpus=1 if on_cards else 0)(_decode)

    def ready(self) -> None:
        """Returns once the model is loaded."""

    def score(self, number: int, attempt: int) -> Done:
        return score_shard(self.work, self.scorer, number, attempt=attempt, ahead=self._ahead)

    def _ahead(self, number: int) -> Iterator[Photo]:
        import ray

        kind, column = self.work.plan.kind, self.work.plan.column
        if kind == "bytes":  # a row group is read once, from its start
            parts = (self.decode.remote(part, None, None) for part in in_parts(self.work.photos(number), _PART))
        else:
            entries = self.work.plan.shard(self.work.out, number)
            parts = (self.decode.remote(part, kind, column) for part in in_parts(entries, _PART))
        waiting: deque[Any] = deque()
        for reference in parts:
            waiting.append(reference)
            if len(waiting) > _UNDER_WAY:
                yield from ray.get(waiting.popleft())
        while waiting:
            yield from ray.get(waiting.popleft())


def _decode(part: Sequence[Any], kind: Kind | None, column: str | None) -> list[Photo]:
    """Photos, or entries of a plan that are read first, decoded."""
    if kind is None:
        return decode_part(part)
    entries: Sequence[Entry] = part
    return decode_part(list(photos_of(entries, kind, column)))

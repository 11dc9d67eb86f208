"""What every engine does with a shard, and what a scoring is from its plan to its manifest; how shards are carried is theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from filelock import FileLock, Timeout
from PIL import Image

from har_core.errors import ConfigError, DataError
from har_core.media.images import open_photo
from har_core.media.isolated import IsolatedDecoder
from har_core.scoring import places
from har_core.scoring.output import Done, finished, read_done, remove_older_manifest, write_shard
from har_core.scoring.photos import Photo, decoded, photos_of
from har_core.scoring.shards import PARTS, PLAN, Plan, missing

LOCK = "scoring.lock"
ATTEMPTS = 4
"""How often a shard may end the process that scores it, before the scoring gives up on it."""

Decode = Callable[[bytes, str], Image.Image]
Progress = Callable[[int, int], None]
"""Called with (photos done, photos in all)."""


class Scorer(Protocol):
    """A model: the photos of a shard, in order → their rows, in that order.  See `batch.ModelScorer`.

    `decode`: for photos that are still encoded.  `wants_decoded`: whether decoding is to be left to other processes, because a
    graphics card does the rest.
    """

    wants_decoded: bool

    def __call__(self, photos: Iterable[Photo], decode: Decode) -> pa.Table: ...


@dataclass(frozen=True)
class Work:
    """A plan, where it lies, and how a process gets the model.  It can be sent to other processes and machines."""

    out: str
    plan: Plan
    plan_id: str
    load: Callable[[], Scorer]

    def photos(self, number: int) -> Iterator[Photo]:
        """The encoded photos of a shard."""
        return photos_of(self.plan.shard(self.out, number), self.plan.kind, self.plan.column)


Ahead = Callable[[int], Iterator[Photo]]
"""The number of a shard → its photos, decoded by others while the network is busy."""


class Engine(Protocol):
    """Carries shards to processes: calls `score_shard` for each, in any order, and yields what becomes of them."""

    def __call__(self, work: Work, numbers: Sequence[int]) -> Iterator[Done]: ...


def score_shard(work: Work, scorer: Scorer, number: int, *, attempt: int = 1, ahead: Ahead | None = None) -> Done:
    """Read, decode and score the photos of a shard, and store its results.

    Args:
        attempt: from the second on photos are decoded in processes of their own, because one of them may have ended the
            process that decoded it; it then becomes a row with a reason.
        ahead: how photos are decoded elsewhere; None: they are decoded here.

    Raises:
        OSError: if the source or the results cannot be reached.
    """
    if attempt > 1:
        isolated = IsolatedDecoder()
        try:
            table = scorer(work.photos(number), isolated.open)
        finally:
            isolated.close()
    else:
        photos = work.photos(number) if ahead is None or not scorer.wants_decoded else ahead(number)
        table = scorer(photos, open_photo)
    return write_shard(work.out, work.plan_id, number, table)


def decode_part(photos: Sequence[Photo]) -> list[Photo]:
    """Some photos, decoded: what a process that decodes is asked for."""
    return [decoded(photo) for photo in photos]


def score_missing(work: Work, engine: Engine, *, progress: Progress | None = None) -> list[Done]:
    """Score the shards that have no results yet.

    Returns:
        What became of every shard, in order, those of earlier calls as well.

    Raises:
        ConfigError: if earlier results are damaged or of another plan.
        DataError: if a shard ends every process that scores it.
        OSError: if the source or the results cannot be reached.
    """
    plan = work.plan
    before = {number for number in finished(work.out) if number < plan.shards}
    numbers = list(missing(plan, before))
    if numbers:
        remove_older_manifest(work.out)
    done: dict[int, Done] = {}
    counted = min(plan.photos, len(before) * plan.asked.shard_size)
    if progress is not None:
        progress(counted, plan.photos)
    for one in engine(work, numbers):
        if one.shard in done:
            raise DataError(f"expected every shard once, found shard {one.shard} twice; report this")
        done[one.shard] = one
        counted = min(plan.photos, counted + one.photos)
        if progress is not None:
            progress(counted if len(done) < len(numbers) else plan.photos, plan.photos)
    return [done[number] if number in done else read_done(work.out, plan, number) for number in range(plan.shards)]


def gives_up(number: int) -> DataError:
    return DataError(
        f"expected shard {number} to be scored, found that it ended {ATTEMPTS} processes, perhaps for want of memory; start the "
        "command again with fewer workers"
    )


@contextmanager
def locked(out: str) -> Iterator[None]:
    """Keep others from scoring into the same folder at the same time.  In a bucket nobody can be kept from it: both write the same.

    Raises:
        ConfigError: if somebody does, or the folder holds something else.
    """
    if places.is_url(out):
        yield
        return
    folder = Path(out)
    if folder.is_file() or (folder.is_dir() and not (folder / PLAN).exists() and _strangers(folder)):
        raise ConfigError("expected a new or empty folder as --out, found other files in it; choose another")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, blocking=False):
            yield
    except Timeout as error:
        raise ConfigError("expected nobody else to score into --out, found somebody who does; wait for them") from error
    (folder / LOCK).unlink(missing_ok=True)


def _strangers(folder: Path) -> bool:
    """Whether there is anything that a scoring that was killed before its plan was written would not leave."""
    return any(path.name not in (LOCK, PARTS) and not path.name.startswith(".") for path in folder.iterdir())

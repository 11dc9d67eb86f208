"""What a shard says of its photos → the photos themselves, each read at most once and held no longer than it is needed."""

from __future__ import annotations

import errno
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from har_core.errors import ImageError
from har_core.files import reason_of
from har_core.media.images import ACCEPTED, MAX_BYTES, open_photo
from har_core.scoring import places

Kind = Literal["files", "tar", "bytes"]
"""What the places of a plan are: photos; tar files; Parquet files with a column of photos."""

_AT_ONCE = 16  # requests to a bucket under way

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Entry:
    """A photo as a plan names it.

    `place`: of the file that it is, or that it is in.  `start`: its first byte in a tar file, its row in a Parquet file.  `size`:
    in bytes, -1 if that is not known.  `true`: its label.  `problem`: why it cannot be read, where that is known beforehand.
    """

    name: str
    place: str
    start: int = 0
    size: int = -1
    true: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Photo:
    """`content`: an encoded photo, a decoded one (upright, RGB), or why it could not be read."""

    name: str
    content: bytes | Image.Image | ImageError | OSError
    true: str | None = None


def photos_of(shard: Sequence[Entry], kind: Kind, column: str | None) -> Iterator[Photo]:
    """The encoded photos of a shard, in its order.  What cannot be read has the reason in place of its content.

    Raises:
        OSError: if a tar or Parquet file is not there any more, or has changed.
    """
    contents = _from_tables(shard, column) if kind == "bytes" else _from_files(shard, kind)
    for entry, content in zip(shard, contents, strict=True):
        yield Photo(entry.name, content, entry.true)


def decoded(photo: Photo, decode: Callable[[bytes, str], Image.Image] = open_photo) -> Photo:
    """The same with its picture, or why there is none."""
    if not isinstance(photo.content, bytes):
        return photo
    try:
        return replace(photo, content=decode(photo.content, photo.name))
    except (ImageError, OSError) as error:
        return replace(photo, content=error)


def ahead(items: Iterable[T], submit: Callable[[T], Future[R]], count: int) -> Iterator[R]:
    """What becomes of the items, in their order, while `count` more of them are under way."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(submit(item))
        if len(waiting) > count:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of `size`; the last may be shorter."""
    source = iter(items)
    while part := list(itertools.islice(source, size)):
        yield part


def _from_files(shard: Sequence[Entry], kind: Kind) -> Iterator[bytes | ImageError | OSError]:
    if not any(places.is_url(place) for place in {entry.place for entry in shard}):
        yield from (_content(entry, kind) for entry in shard)
        return
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch") as pool:
        try:
            yield from ahead(shard, lambda entry: pool.submit(_content, entry, kind), _AT_ONCE)
        finally:
            pool.shutdown(cancel_futures=True)


def _content(entry: Entry, kind: Kind) -> bytes | ImageError | OSError:
    if entry.problem is not None:
        return ImageError(entry.problem)
    if entry.size > MAX_BYTES:
        return too_large(entry.name, entry.size)
    try:
        if kind == "tar":
            data = places.read_bytes(entry.place, entry.start, entry.size)
        else:
            data = places.read_bytes(entry.place, size=MAX_BYTES + 1)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        if kind == "tar" and gone:
            raise _changed(entry.place) from error
        if kind == "tar" or (places.is_url(entry.place) and not gone):
            raise  # not the fault of this photo, and may pass: the shard is scored when it has
        reason = os.strerror(errno.ENOENT) if gone else reason_of(error)
        return ImageError(f"{entry.name} cannot be read ({reason}). Check the path. {ACCEPTED}")
    if kind == "tar" and len(data) < entry.size:
        raise _changed(entry.place)
    return data


def _from_tables(shard: Sequence[Entry], column: str | None) -> Iterator[bytes | ImageError]:
    """Rows of Parquet files, in their order; row groups that hold none of them are not read."""
    place = ""
    rows: Iterator[tuple[int, Any]] = iter(())
    wanted = deque(shard)
    while wanted:
        if wanted[0].place != place:
            place = wanted[0].place
            rows = _rows(place, wanted[0].start, column)
        entry = wanted.popleft()
        value = next((value for row, value in rows if row == entry.start), None)
        if isinstance(value, dict):
            value = value.get("bytes")
        if value is None:
            yield ImageError(f"{entry.name} has no bytes in its row. {ACCEPTED}")
        elif len(value) > MAX_BYTES:
            yield too_large(entry.name, len(value))
        else:
            yield bytes(value)


def _rows(place: str, first: int, column: str | None) -> Iterator[tuple[int, Any]]:
    with closing(places.open_file(place)) as opened:
        file = pq.ParquetFile(opened, buffer_size=2**20)
        start = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if start + count > first:
                row = start
                for batch in file.iter_batches(16, row_groups=[group], columns=[column], use_threads=False):
                    for value in batch.column(0):
                        yield row, value.as_py()
                        row += 1
            start += count
    raise _changed(place)


def too_large(name: str, size: int) -> ImageError:
    return ImageError(f"{name} has {size / 1e6:.1f} MB. Save a smaller copy. {ACCEPTED}")


def _changed(place: str) -> OSError:
    return OSError(f"expected {places.base_name(place)} as it was planned, found less in it; choose a new --out")


ARROW_ERRORS = (OSError, ValueError, TypeError, MemoryError, pa.ArrowException)
"""What a damaged Parquet file may raise."""

"""A source → shards of so many photos, written down before any work begins: whoever goes on later has the same shards.

    plan.json           what is scored by which model in how many shards; written last, it makes the plan valid
    plan/part-00000.parquet  the photos of the first hundred shards, one row group each; part-00001 of the next hundred, …

What is in a shard, and in which order, decides which photos go through the network together.  So it decides the last digits of
the results, whoever computes them.
"""

from __future__ import annotations

import array
import hashlib
import io
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from har_core.errors import ConfigError, DataError
from har_core.files import printable
from har_core.scoring import places
from har_core.scoring.lists import is_there
from har_core.scoring.photos import Entry, Kind
from har_core.scoring.sources import Source

FORMAT = "har-lens-plan/1"
PLAN, PARTS = "plan.json", "plan"
SHARDS_A_PART = 100
"""So that neither the memory of a part nor the number of parts grows with the photos."""

_LOOKED_FOR = 100  # photos

_SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("place", pa.binary(), nullable=False),  # paths may be other than UTF-8
        pa.field("start", pa.int64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("true", pa.string()),
        pa.field("problem", pa.string()),
    ]
)


class Part(BaseModel):
    """A file of the plan."""

    model_config = ConfigDict(frozen=True)
    bytes: int
    sha256: str


class Asked(BaseModel):
    """What somebody asked for.  Another answer to any of it makes other results, and needs another folder.

    `model`: a digest of the weights, of how photos are fed, and of what is kept (see `batch.facts_of`).  `labels`: where they come
    from, with a digest.  `shard_size`: photos of a shard, at least 1.
    """

    model_config = ConfigDict(frozen=True)
    source: str
    column: str | None
    labels: str | None
    shard_size: int = Field(ge=1, le=10**6)
    model: str


class Plan(BaseModel):
    """`files`: tar and Parquet files that photos are in, with their sizes in bytes.  `left_out`: files that are no photos."""

    model_config = ConfigDict(frozen=True)
    format: str = FORMAT
    asked: Asked
    kind: Kind
    column: str | None
    photos: int
    labeled: int
    shards: int
    left_out: int
    files: dict[str, int]
    parts: tuple[Part, ...]

    @property
    def id(self) -> str:
        """A digest of the whole plan, which every file of results carries."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def shard(self, out: str, number: int) -> list[Entry]:
        """The photos of a shard, from the folder that the plan lies in.

        Raises:
            OSError: if the plan cannot be read.
        """
        with places.open_file(_part(out, number // SHARDS_A_PART)) as opened:
            table = pq.ParquetFile(opened).read_row_group(number % SHARDS_A_PART, use_threads=False)
        columns = [table.column(name).to_pylist() for name in _SCHEMA.names]
        return [
            Entry(name, place.decode("utf-8", "surrogateescape"), start, size, true, problem)
            for name, place, start, size, true, problem in zip(*columns, strict=True)
        ]


def make_plan(
    asked: Asked,
    source: Source,
    out: str,
    *,
    label: Callable[[str], str | None] | None = None,
    meaning: Callable[[str], str | None] = str,
    here: bool = True,
    progress: Callable[[int], None] = lambda photos: None,
) -> Plan:
    """Go through a source and write its plan.  Memory stays the same, but for 8 bytes a photo.

    Args:
        label: the name of a photo → its label; None: those that the source has.
        meaning: a label → the class that it means, None if it is none (see `meaning.Meaning`).
        here: whether photos that lie in no bucket are to be on this machine.

    Raises:
        DataError: if there are no photos, the first hundred that a list names are not there, two have one name, or no label fits one.
        OSError: if the plan cannot be written.
    """
    writer, names = _Writer(out), array.array("Q")
    labeled, waiting = 0, []
    groups = source.groups()
    for group in _some_there(groups, asked.source) if here and source.kind == "files" else groups:
        for entry in group:
            given = entry.true if label is None else label(entry.name)
            true = meaning(given) if given else None
            labeled += true is not None
            names.append(int.from_bytes(hashlib.blake2b(entry.name.encode(), digest_size=8).digest(), "big"))
            waiting.append((entry.name, entry.place, entry.start, entry.size, true, entry.problem))
        if len(waiting) >= asked.shard_size:
            writer.add(waiting)
            waiting = []
            progress(len(names))
    if waiting:
        writer.add(waiting)
    writer.end_part()
    if not names:
        raise DataError(f"expected photos in {printable(asked.source)[:200]}, found none; name others")
    if label is not None and not labeled:
        raise DataError(
            f"expected labels of these photos, found none that fits; name them in {asked.labels} as they are named in the source"
        )
    plan = Plan(
        asked=asked,
        kind=source.kind,
        column=source.column,
        photos=len(names),
        labeled=labeled,
        shards=writer.shards,
        left_out=source.left_out,
        files=source.containers(),
        parts=tuple(writer.parts),
    )
    _require_once(names, plan, out)
    places.write_bytes(places.join(out, PLAN), plan.model_dump_json(indent=1).encode())
    return plan


def _some_there(groups: Iterator[list[Entry]], source: str) -> Iterator[list[Entry]]:
    """The same groups, after a look at the first: a table that is read amiss has names of no photos.

    Raises:
        DataError: if none of them is there.
    """
    first = list(itertools.islice(groups, _LOOKED_FOR))
    entries = [entry for group in first for entry in group]
    if entries and not any(
        places.is_url(entry.place) or is_there(entry.place) for entry in entries if not entry.problem
    ):
        raise DataError(
            f"expected photos of the names in {printable(places.base_name(source))[:80]}, found none of the first {len(entries):,}, such "
            f"as {printable(entries[0].name)[:80]}; write them relative to the folder that the list lies in, or name another column"
        )
    yield from itertools.chain(first, groups)


def read_plan(out: str, asked: Asked | None = None) -> Plan | None:
    """The plan of a folder, checked; None if it has none yet.

    Args:
        asked: what is asked for now; None: what was asked for then.

    Raises:
        ConfigError: if it is damaged, or of something else than is asked for, or a file that photos are in has changed.
    """
    place = places.join(out, PLAN)
    if places.size_of(place) is None:
        return None
    try:
        plan = places.read_record(place, Plan)
    except ValueError as error:
        raise ConfigError(f"expected a plan in {PLAN} of --out, found something else; choose a new --out") from error
    if asked is None:
        return plan
    for name, then in plan.asked:
        now = getattr(asked, name)
        if then != now:
            if name == "model":
                raise ConfigError(
                    "expected the model, --embeddings and --maps that --out was begun with, found others; choose a new --out"
                )
            words = [printable(str(value))[:80] for value in (then, now)]
            raise ConfigError(
                f"expected the {name.replace('_', ' ')} that --out was begun with, {words[0]}; found {words[1]}; choose a new --out"
            )
    for number, part in enumerate(plan.parts):
        data = places.read_bytes(_part(out, number)) if places.size_of(_part(out, number)) == part.bytes else b""
        if hashlib.sha256(data).hexdigest() != part.sha256:
            raise ConfigError(f"expected the plan as it was written, found part {number} changed; choose a new --out")
    for file, size in plan.files.items():
        if places.size_of(file) != size:
            raise ConfigError(
                f"expected {printable(places.base_name(file))[:80]} as it was planned, found it changed; choose a new --out"
            )
    return plan


class _Writer:
    def __init__(self, out: str) -> None:
        self.out, self.shards = out, 0
        self.parts: list[Part] = []
        self._buffer = io.BytesIO()
        self._writer: pq.ParquetWriter | None = None

    def add(self, rows: Sequence[tuple[str, str, int, int, str | None, str | None]]) -> None:
        name, place, start, size, true, problem = zip(*rows, strict=True)
        encoded = [each.encode("utf-8", "surrogateescape") for each in place]
        table = pa.table([list(name), encoded, list(start), list(size), list(true), list(problem)], schema=_SCHEMA)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._buffer, _SCHEMA, compression="zstd")
        self._writer.write_table(table, row_group_size=len(rows))
        self.shards += 1
        if self.shards % SHARDS_A_PART == 0:
            self.end_part()

    def end_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        data = self._buffer.getvalue()
        places.write_bytes(_part(self.out, len(self.parts)), data)
        self.parts.append(Part(bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
        self._buffer, self._writer = io.BytesIO(), None


def _require_once(names: array.array[int], plan: Plan, out: str) -> None:
    digests = np.sort(np.frombuffer(names, dtype=np.uint64))
    repeated = set(digests[1:][digests[1:] == digests[:-1]][:1000].tolist())
    if not repeated:
        return
    seen: set[str] = set()
    for name in (entry.name for number in range(plan.shards) for entry in plan.shard(out, number)):
        if int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") in repeated:
            if name in seen:
                raise DataError(
                    f"expected every photo once, found {printable(name)[:200]} twice; remove it from the source"
                )
            seen.add(name)


def _part(out: str, number: int) -> str:
    return places.join(places.join(out, PARTS), f"part-{number:05d}.parquet")


def missing(plan: Plan, done: set[int]) -> Iterator[int]:
    """The numbers of the shards that are not done yet, in order."""
    return (number for number in range(plan.shards) if number not in done)

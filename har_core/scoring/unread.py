"""Which photos of a scoring could not be read, and why."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow.parquet as pq

from har_core.runs.predictions import SAMPLE
from har_core.scoring import places
from har_core.scoring.output import ERROR, Scored


def unread(out: str, scored: Scored) -> Iterator[tuple[str, str]]:
    """(name, reason) of each, in the order of the plan; a shard is read when one of its photos is asked for.

    Raises:
        OSError: if a shard cannot be read.
    """
    for shard in scored.shards:
        if shard.unreadable:
            data = places.read_bytes(places.join(out, shard.file))
            table = pq.read_table(io.BytesIO(data), columns=[SAMPLE, ERROR])
            for name, reason in zip(table[SAMPLE].to_pylist(), table[ERROR].to_pylist(), strict=True):
                if reason is not None:
                    yield name, reason

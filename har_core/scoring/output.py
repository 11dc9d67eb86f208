"""What a shard's photos show → one Parquet file, whose bytes depend on nothing else; and the manifest of them all.

    predictions/shard-0000000.parquet   one row a photo, in the order of the plan; there as a whole, or not at all
    scored.json                         what was scored by which model; every file with its size and SHA-256; written last

Columns, of K classes and D features:

    sample      the photo's name
    true        its label, in the model's spelling where it means one of its classes; null without
    predicted   the most probable class; null for a photo that could not be read
    known       log Σ exp z of the logits: higher is more like a known class (see `analysis.unknown`); null as above
    none        whether `known` is below the manifest's threshold; null where there is none
    error       why a photo could not be read
    p:CLASS     float32, the probability of each class, calibrated where the model is; null as above
    embedding   float16, D values, on demand
    maps        float16, the raw signed class maps, K × h × w values one class after the other, and maps_shape: K, h, w; on demand
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from har_core.errors import ConfigError
from har_core.files import printable, reason_of
from har_core.runs.file_names import SCORED_MANIFEST
from har_core.runs.manifest import ModelInfo
from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE, TRUE
from har_core.scoring import places
from har_core.scoring.photos import ARROW_ERRORS
from har_core.scoring.shards import Plan

FORMAT = "har-lens-scored/1"
MANIFEST, FOLDER = SCORED_MANIFEST, "predictions"
KNOWN, NONE, ERROR, EMBEDDING, MAPS, MAPS_SHAPE = "known", "none", "error", "embedding", "maps", "maps_shape"
SHARD = "shard"
"""Of tables that are made of several shards: the number of the one that a row is of."""


@dataclass(frozen=True)
class Row:
    """A photo's answer: `probabilities` (K,) float32, `known` a float, `embedding` (D,), `maps` (K, h, w); or `error`."""

    name: str
    true: str | None = None
    probabilities: np.ndarray | None = None
    known: float | None = None
    embedding: np.ndarray | None = None
    maps: np.ndarray | None = None
    error: str | None = None


class Done(BaseModel):
    """A finished shard."""

    model_config = ConfigDict(frozen=True)
    shard: int
    file: str
    photos: int
    unreadable: int
    bytes: int
    sha256: str


class Scored(BaseModel):
    """The manifest.  `threshold`: of `known`, below which a photo shows none of the classes; None: not known.  `network`: as a run's
    manifest has it; None in those written before it was kept.
    """

    model_config = ConfigDict(frozen=True)
    format: str = FORMAT
    created: str
    source: str
    plan: str
    model: str
    classes: tuple[str, ...]
    temperature: float
    threshold: float | None
    network: ModelInfo | None = None
    photos: int
    unreadable: int
    labeled: int
    left_out: int
    shards: tuple[Done, ...]


def table_of(
    rows: Iterable[Row],
    classes: Sequence[str],
    *,
    threshold: float | None = None,
    embeddings: bool = False,
    maps: bool = False,
) -> pa.Table:
    """The rows of a shard as a table."""
    kept = list(rows)
    absent = np.array([row.probabilities is None for row in kept], dtype=bool)
    blank = np.zeros(len(classes), dtype=np.float32)
    values = np.array([blank if row.probabilities is None else row.probabilities for row in kept], dtype=np.float32)
    values = values.reshape(len(kept), len(classes))
    best = values.argmax(axis=1) if len(classes) else np.zeros(len(kept), dtype=int)
    known = np.array([np.nan if row.known is None else row.known for row in kept], dtype=np.float64)
    no_score = absent | ~np.isfinite(known)
    below = pa.nulls(len(kept), pa.bool_()) if threshold is None else pa.array(known < threshold, mask=no_score)
    columns: dict[str, pa.Array] = {
        SAMPLE: pa.array([row.name for row in kept], pa.string()),
        TRUE: pa.array([row.true for row in kept], pa.string()),
        PREDICTED: pa.array(
            [None if gone else classes[place] for gone, place in zip(absent, best, strict=True)], pa.string()
        ),
        KNOWN: pa.array(known, mask=no_score),
        NONE: below,
        ERROR: pa.array([row.error for row in kept], pa.string()),
    }
    for number, name in enumerate(classes):
        columns[PROBABILITY + name] = pa.array(np.ascontiguousarray(values[:, number]), mask=absent)
    if embeddings:
        columns[EMBEDDING] = _halves([row.embedding for row in kept])
    if maps:
        columns[MAPS] = _halves([None if row.maps is None else row.maps.reshape(-1) for row in kept])
        shapes = [None if row.maps is None else list(row.maps.shape) for row in kept]
        columns[MAPS_SHAPE] = pa.array(shapes, pa.list_(pa.int32()))
    return pa.table(columns)


def write_shard(out: str, plan_id: str, number: int, table: pa.Table) -> Done:
    """Store the results of a shard under their final name, in one step.

    Raises:
        OSError: if they cannot be written.
    """
    unreadable = len(table) - int(pa.compute.sum(pa.compute.is_null(table[ERROR])).as_py() or 0)
    marked = table.replace_schema_metadata({"plan": plan_id, "unreadable": str(unreadable)})
    buffer = io.BytesIO()
    pq.write_table(
        marked,
        buffer,
        compression="zstd",
        row_group_size=max(1, len(table)),
        use_dictionary=[TRUE, PREDICTED, ERROR],
        data_page_version="1.0",
    )
    data = buffer.getvalue()
    places.write_bytes(_place(out, number), data)
    return Done(
        shard=number,
        file=_file(number),
        photos=len(table),
        unreadable=unreadable,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def finished(out: str) -> set[int]:
    """The numbers of the shards whose results are there.

    Raises:
        OSError: if the folder cannot be listed.
    """
    names = {name for name, is_directory, _ in places.entries(places.join(out, FOLDER)) if not is_directory}
    digits = [name.removeprefix("shard-").removesuffix(".parquet") for name in names]
    return {int(one) for one in digits if one.isascii() and one.isdecimal() and f"shard-{one}.parquet" in names}


def remove_older_manifest(out: str) -> None:
    """A manifest lists everything: while there is more to do, there is none.

    Raises:
        OSError: if it cannot be removed.
    """
    places.remove(places.join(out, MANIFEST))
    places.remove_partials(out)
    places.remove_partials(places.join(out, FOLDER))


def read_done(out: str, plan: Plan, number: int) -> Done:
    """What is to be known of a shard that was finished before.

    Raises:
        ConfigError: if its file is damaged, or of another plan.
    """
    name = _file(number)
    try:
        data = places.read_bytes(_place(out, number))
        file = pq.ParquetFile(io.BytesIO(data))
        marks = file.schema_arrow.metadata or {}
        same, unreadable = marks.get(b"plan") == plan.id.encode(), int(marks.get(b"unreadable", b"-1"))
    except ARROW_ERRORS as error:
        reason = reason_of(error) if isinstance(error, Exception) else "damaged"
        raise ConfigError(
            f"expected results in {name} of --out, found {printable(reason)[:80]}; remove that file and start again"
        ) from error
    if not same or unreadable < 0:
        raise ConfigError(f"expected results of this plan in {name} of --out, found others; choose a new --out")
    return Done(
        shard=number,
        file=name,
        photos=file.metadata.num_rows,
        unreadable=unreadable,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def read_manifest(out: str, plan: Plan) -> Scored | None:
    """The manifest, if all of a plan was scored.

    Raises:
        ConfigError: if it is damaged, or of another plan.
    """
    if places.size_of(places.join(out, MANIFEST)) is None:
        return None
    scored = open_manifest(out)
    if scored.plan != plan.id:
        raise ConfigError(f"expected results of this plan in {MANIFEST} of --out, found others; choose a new --out")
    return scored


def open_manifest(out: str) -> Scored:
    """The manifest of a folder that was scored.

    Raises:
        ConfigError: if it is damaged, or of another version.
        OSError: if there is none.
    """
    try:
        return places.read_record(places.join(out, MANIFEST), Scored)
    except ValueError as error:
        raise ConfigError(f"expected a manifest in {MANIFEST} of --out, found something else; remove it") from error


def write_manifest(
    out: str,
    plan: Plan,
    shards: Sequence[Done],
    *,
    classes: tuple[str, ...],
    temperature: float = 1.0,
    threshold: float | None = None,
    network: ModelInfo | None = None,
) -> Scored:
    """List what was scored; only then it is complete.

    Raises:
        ConfigError: if the shards do not hold every photo of the plan once.
        OSError: if it cannot be written.
    """
    photos = sum(one.photos for one in shards)
    if [one.shard for one in shards] != list(range(plan.shards)) or photos != plan.photos:
        raise ConfigError(
            f"expected {plan.photos:,} rows in {plan.shards:,} shards, found {photos:,} in {len(shards):,}; start the command again"
        )
    scored = Scored(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=plan.asked.source,
        plan=plan.id,
        model=plan.asked.model,
        classes=classes,
        temperature=temperature,
        threshold=threshold,
        network=network,
        photos=photos,
        unreadable=sum(one.unreadable for one in shards),
        labeled=plan.labeled,
        left_out=plan.left_out,
        shards=tuple(shards),
    )
    places.write_bytes(places.join(out, MANIFEST), scored.model_dump_json(indent=1).encode())
    return scored


def _file(number: int) -> str:
    return f"{FOLDER}/shard-{number:07d}.parquet"


def _place(out: str, number: int) -> str:
    return places.join(out, _file(number))


def _halves(arrays: Sequence[np.ndarray | None]) -> pa.Array:
    """Rows of float16 of any lengths, and of none."""
    halves = [None if one is None else one.astype(np.float16) for one in arrays]
    lengths = np.array([0 if one is None else len(one) for one in halves], dtype=np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    there = [one for one in halves if one is not None]
    values = pa.array(np.concatenate(there) if there else np.empty(0, np.float16), pa.float16())
    gone = pa.array([one is None for one in halves], pa.bool_())
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values, mask=gone)

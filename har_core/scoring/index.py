"""A folder of shards → one table to look at it with, made once, when the scoring is complete.

    index/photos.parquet   one row a photo, sorted by label, prediction and confidence, the surest first
    index/counts.parquet   of every label, prediction and bin of confidence: how many photos, and what calibration needs of them
    index/sample.parquet   some of the photos, drawn at random (`scoring.sampling`)
    index.json             which scoring they are of; written last

The order is what makes it fast: the photos of a cell of the confusion matrix lie together, so that few row groups are read of
many.  DuckDB sorts what does not fit into memory on the disk.

Columns of photos.parquet, of K classes:

    sample, true, predicted, known, none, error   as in the shards (see `scoring.output`)
    confidence          float32, the probability of `predicted`
    true_probability    float32, that of `true`; null where it is no class of the model's
    probabilities       K float32 values, in the order of the manifest's classes
    shard               int32
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from har_core.errors import ConfigError
from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE, TRUE
from har_core.scoring import places
from har_core.scoring.local import cores
from har_core.scoring.output import ERROR, KNOWN, MANIFEST, NONE, SHARD, Scored
from har_core.scoring.photos import ARROW_ERRORS, ahead
from har_core.scoring.sampling import Drawing

FORMAT = "har-lens-index/1"
INDEX, FOLDER = "index.json", "index"
PHOTOS, COUNTS, DRAWN = (f"{FOLDER}/{name}.parquet" for name in ("photos", "counts", "sample"))
CONFIDENCE, TRUE_PROBABILITY, PROBABILITIES = "confidence", "true_probability", "probabilities"
LABEL = f'"{TRUE}"'
"""The column of labels in a query: without quotes it is a word of SQL."""
BINS = 300
"""Of confidence, of equal width: the fifteen of a calibration error and the hundred of a slider are whole numbers of them."""

_ROW_GROUP = 50_000  # rows: what is read at least for a page of photos
_SORTING = ".sorting-"
_MEMORY = "1GB"  # of DuckDB; beyond it, it sorts on the disk
_AHEAD = 8  # shards that are being read

_SCHEMA = pa.schema(
    [
        (SAMPLE, pa.string()),
        (TRUE, pa.string()),
        (PREDICTED, pa.string()),
        (CONFIDENCE, pa.float32()),
        (TRUE_PROBABILITY, pa.float32()),
        (KNOWN, pa.float64()),
        (NONE, pa.bool_()),
        (ERROR, pa.string()),
        (SHARD, pa.int32()),
        (PROBABILITIES, pa.list_(pa.float32())),  # of a fixed length, DuckDB writes nulls that others cannot read
    ]
)

_COUNTS = f"""
    SELECT {LABEL}, {PREDICTED}, {NONE},
        CASE WHEN {CONFIDENCE} IS NOT NULL THEN least(floor({CONFIDENCE}::DOUBLE * {BINS}), {BINS - 1})::INTEGER END AS bin,
        count(*) AS photos, sum({CONFIDENCE}::DOUBLE) AS confidence,
        sum({CONFIDENCE}::DOUBLE * (1 - {CONFIDENCE}::DOUBLE)) AS variance
    FROM read_parquet(?) GROUP BY ALL ORDER BY ALL"""


class Index(BaseModel):
    """`plan`: the id of the plan whose results it is of.  `bytes`: of each file."""

    model_config = ConfigDict(frozen=True)
    format: str = FORMAT
    plan: str
    photos: int
    bytes: dict[str, int]


def read_index(out: str) -> Index | None:
    """What is there of an index; None if there is none that is complete.

    Raises:
        ConfigError: if it is damaged.
        OSError: if it cannot be read.
    """
    place = places.join(out, INDEX)
    if places.size_of(place) is None:
        return None
    try:
        index = places.read_record(place, Index)
    except ValueError as error:
        raise ConfigError(
            f"expected an index in {INDEX}, found something else; remove that file and score again, which only makes it anew"
        ) from error
    whole = all(places.size_of(places.join(out, name)) == size for name, size in index.bytes.items())
    return index if whole and set(index.bytes) == {PHOTOS, COUNTS, DRAWN} else None


def make_index(out: str, scored: Scored, *, progress: Callable[[int, int], None] | None = None) -> Index:
    """Sort what was scored, unless that was done before.

    Args:
        out: the folder of the shards, here or in a bucket.
        progress: called with (photos read, photos in all).

    Raises:
        ConfigError: if a shard is not what the manifest lists.
        OSError: if something cannot be read or written.
    """
    there = read_index(out)
    if there is not None and there.plan == scored.plan:
        return there
    places.remove(places.join(out, INDEX))
    places.remove_partials(out)
    local = None if places.is_url(out) else Path(out)
    for left in local.glob(f"{_SORTING}*") if local is not None else []:  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SORTING, dir=local) as space:
        files = {name: Path(space, Path(name).name) for name in (PHOTOS, COUNTS, DRAWN)}
        drawing = Drawing(scored)
        with _sorter(Path(space)) as database:
            met: list[Exception] = []
            batches = _noting(_batches(out, scored, drawing, progress), met)
            database.register("rows", pa.RecordBatchReader.from_batches(_SCHEMA, batches))
            database.execute(
                f"CREATE VIEW sorted AS SELECT * FROM rows ORDER BY {LABEL}, {PREDICTED}, {CONFIDENCE} DESC"
            )
            try:
                _copy(database, "SELECT * FROM sorted", files[PHOTOS])
            except (duckdb.Error, OSError):
                if met:
                    raise met[0] from None
                raise
            _copy(database, _COUNTS.replace("?", _text(files[PHOTOS])), files[COUNTS])
        drawing.write(files[DRAWN])
        index = Index(
            plan=scored.plan,
            photos=scored.photos,
            bytes={name: path.stat().st_size for name, path in files.items()},
        )
        for name, path in files.items():
            places.put_file(path, places.join(out, name))
    places.write_bytes(places.join(out, INDEX), index.model_dump_json(indent=1).encode())
    return index


def connect(*, memory: str = _MEMORY) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, that loads no extension and takes its settings from nobody else."""
    return duckdb.connect(
        config={
            "memory_limit": memory,
            "threads": str(cores()),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )


def _sorter(space: Path) -> duckdb.DuckDBPyConnection:
    database = connect()
    database.execute(f"SET temp_directory={_text(space / 'spill')}")
    return database


def _copy(database: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    try:
        database.execute(
            f"COPY ({query}) TO {_text(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
        )
    except duckdb.IOException as error:
        raise OSError(
            f"the results cannot be sorted ({str(error).splitlines()[0][:120]}); make room and start again"
        ) from error


def _text(path: Path) -> str:
    """A path as SQL has it: such statements take no parameters."""
    return "'" + str(path).replace("'", "''") + "'"


def _noting(batches: Iterator[pa.RecordBatch], met: list[Exception]) -> Iterator[pa.RecordBatch]:
    """DuckDB tells what a source raises in words alone: the exception itself is kept in `met`."""
    try:
        yield from batches
    except Exception as error:
        met.append(error)
        raise


def _batches(
    out: str, scored: Scored, drawing: Drawing, progress: Callable[[int, int], None] | None
) -> Iterator[pa.RecordBatch]:
    done = 0
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="shards") as pool:
        try:
            contents = ahead(
                scored.shards, lambda one: pool.submit(places.read_bytes, places.join(out, one.file)), _AHEAD
            )
            for number, data in enumerate(contents):
                batch = _batch(data, number, scored, drawing)
                done += len(batch)
                if progress is not None:
                    progress(done, scored.photos)
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)


def _batch(data: bytes, number: int, scored: Scored, drawing: Drawing) -> pa.RecordBatch:
    listed, classes = scored.shards[number], scored.classes
    columns = [SAMPLE, TRUE, PREDICTED, KNOWN, NONE, ERROR, *(PROBABILITY + name for name in classes)]
    try:
        if hashlib.sha256(data).hexdigest() != listed.sha256:
            raise ValueError("other bytes")
        file = pq.ParquetFile(io.BytesIO(data))
        table = file.read(columns, use_threads=False)
        drawing.take(number, file)
    except ARROW_ERRORS as error:
        raise ConfigError(
            f"expected {listed.photos:,} rows in {listed.file}, found it changed; remove that file and {MANIFEST}, and start again"
        ) from error
    values = np.empty((len(table), len(classes)), dtype=np.float32)
    for column, name in enumerate(classes):
        values[:, column] = table[PROBABILITY + name].to_numpy()
    absent = table[PREDICTED].is_null().to_numpy()
    places_of_true = pa.compute.index_in(table[TRUE], pa.array(classes, pa.string())).to_numpy()
    no_class = absent | np.isnan(places_of_true)
    true = np.where(no_class, 0, np.nan_to_num(places_of_true)).astype(np.int64)
    rows = np.arange(len(table))
    ends = np.concatenate([[0], np.cumsum(~absent) * len(classes)])
    lists = pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()), pa.array(values[~absent].ravel()), mask=pa.array(absent)
    )
    arrays = [
        *(table[name] for name in (SAMPLE, TRUE, PREDICTED)),
        pa.array(values.max(axis=1, initial=0), mask=absent),
        pa.array(values[rows, true] if len(classes) else np.zeros(len(rows), np.float32), mask=no_class),
        *(table[name] for name in (KNOWN, NONE, ERROR)),
        pa.array(np.full(len(table), number, dtype=np.int32)),
        lists,
    ]
    flat = [array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array for array in arrays]
    return pa.RecordBatch.from_arrays(flat, schema=_SCHEMA)

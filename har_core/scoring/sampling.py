"""Some photos of a scoring, drawn at random → a run, for what needs all of its photos in memory: the map, similar photos, suspects.

index/sample.parquet   rows of the shards as they are, with embeddings and class maps where those were kept, and the number of the shard
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from har_core.analysis.scores import scores_of
from har_core.errors import RunError
from har_core.files import reason_of
from har_core.runs.manifest import COMPLETE, DataInfo, Manifest, ModelInfo
from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE, TRUE, Predictions
from har_core.runs.run import Run
from har_core.runs.writing import new_run_folder, require_no_run, write_results
from har_core.scoring.output import EMBEDDING, MAPS, MAPS_SHAPE, SHARD, Scored
from har_core.scoring.photos import ARROW_ERRORS

SIZE = 10_000
"""Photos that are drawn, nearly; all, where there are no more."""


class Drawing:
    """Every photo that has an answer, and a label of the model's classes, is drawn with the same probability, whatever the others are.

    The same scoring gives the same photos.
    """

    def __init__(self, scored: Scored) -> None:
        self.classes = pa.array(scored.classes, pa.string())
        self.share = min(1.0, SIZE / max(1, scored.labeled))
        self._drawn: list[pa.Table] = []

    def take(self, number: int, file: pq.ParquetFile) -> None:
        """Draw from a shard.

        Raises:
            ARROW_ERRORS: if it is damaged.
        """
        ends = file.read([TRUE, PREDICTED], use_threads=False)
        usable = pa.compute.and_(pa.compute.is_in(ends[TRUE], self.classes), pa.compute.is_valid(ends[PREDICTED]))
        lots = np.random.default_rng([0, number]).random(len(ends))
        rows = np.flatnonzero(usable.to_numpy() & (lots < self.share))
        if len(rows):
            table = file.read(use_threads=False).replace_schema_metadata(None).take(rows)
            shards = pa.array(np.full(len(rows), number, dtype=np.int32))
            self._drawn.append(table.append_column(SHARD, shards))

    def write(self, path: Path) -> None:
        table = pa.concat_tables(self._drawn) if self._drawn else pa.table({SAMPLE: pa.array([], pa.string())})
        pq.write_table(table, path, compression="zstd")


def write_sample_run(folder: Path, data: bytes, scored: Scored) -> Run:
    """Keep the drawn photos as a run, which says that it is a sample, and of what.

    Args:
        folder: is created; it holds no run yet.
        data: of the file that a `Drawing` wrote.

    Raises:
        RunError: if no photo was drawn, or the sample is damaged.
        OSError: if the folder cannot be written.
    """
    require_no_run(folder)
    try:
        table = pq.read_table(io.BytesIO(data), use_threads=False)
        if not len(table):
            raise RunError("expected photos with a label, found none; score them with --labels")
        names = pa.array(scored.classes, pa.string())
        predictions = Predictions(
            scored.classes,
            np.array(table[SAMPLE].to_pylist(), dtype=object),
            pa.compute.index_in(table[TRUE], names).to_numpy().astype(np.int64),
            np.stack([table[PROBABILITY + name].to_numpy() for name in scored.classes], axis=1),
        )
        embeddings, maps = _rows(table, EMBEDDING), _maps(table)
    except (KeyError, *ARROW_ERRORS) as error:
        reason = reason_of(error) if isinstance(error, Exception) else "damaged"
        raise RunError(
            f"expected a sample of the scored photos, found it damaged ({reason[:80]}); score again"
        ) from error
    manifest = Manifest(
        status=COMPLETE,
        title=f"Sample: {len(predictions):,} of {scored.photos:,} photos",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=f"{len(predictions):,} of {scored.photos:,} scored photos, drawn at random",
        classes=scored.classes,
        model=scored.network or ModelInfo(views=("whole",), explanation="gradient"),
        scores=scores_of(predictions),
        data=DataInfo(test=len(predictions)),
    )
    with new_run_folder(folder) as making:
        write_results(making, predictions, maps, embeddings, manifest)
    return Run.open(folder)


def _rows(table: pa.Table, column: str) -> np.ndarray | None:
    """(N, D) float16 of a column of lists; None without, or where they are not of one length."""
    if column not in table.column_names:
        return None
    values = table[column].combine_chunks()
    flat = np.asarray(values.flatten().to_numpy(zero_copy_only=False))
    lengths = pa.compute.list_value_length(values).unique()
    return flat.reshape(len(table), -1) if len(lengths) == 1 and lengths[0].as_py() else None


def _maps(table: pa.Table) -> np.ndarray | None:
    """(N, K, h, w) float16; None without, or where they are not of one shape."""
    flat, shapes = _rows(table, MAPS), _rows(table, MAPS_SHAPE)
    if flat is None or shapes is None or (shapes != shapes[0]).any():
        return None
    return flat.reshape(len(table), *map(int, shapes[0]))

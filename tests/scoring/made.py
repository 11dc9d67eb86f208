"""Folders as a scoring leaves them: of answers drawn at random, without photos, or of photos and the stub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from har_core.scoring import places
from har_core.scoring.index import make_index
from har_core.scoring.local import LocalEngine
from har_core.scoring.output import MANIFEST, Done, Row, Scored, table_of, write_manifest, write_shard
from har_core.scoring.shards import Asked, make_plan
from har_core.scoring.sources import Source
from har_core.scoring.work import Work, score_missing
from tests.scoring.stub import CLASSES, Stub

THRESHOLD = 0.0
FOREIGN = "none of the model's"


def random_rows(
    count: int = 60, classes: tuple[str, ...] = ("a", "b", "c"), *, seed: int = 0, kept: bool = False
) -> list[Row]:
    """Photos with ties of confidence, some unreadable, some without a label, some with a label that is no class.

    Args:
        kept: with embeddings (4,) and class maps (K, 2, 2).
    """
    random = np.random.default_rng(seed)
    values = random.dirichlet(np.full(len(classes), 0.5), count).astype(np.float32)
    values[::5] = values[0]  # ties
    labels = [*classes, *classes, *classes, FOREIGN, None]
    rows = []
    for number in range(count):
        name, true = f"Dir_{number % 3}/50%-{number:04d}.JPG", labels[int(random.integers(len(labels)))]
        if number % 11 == 10:
            rows.append(Row(name, true, error="cut off"))
            continue
        extra = random.normal(size=(1 + len(classes), 4)).astype(np.float16)
        maps = extra[1:].reshape(len(classes), 2, 2)
        known = float(random.normal()) if number % 13 else None
        rows.append(Row(name, true, values[number], known, extra[0] if kept else None, maps if kept else None))
    return rows


def oracle(rows: Sequence[Row], classes: tuple[str, ...], *, threshold: float | None = THRESHOLD) -> Any:
    """What an index must say of the photos, one row each: as the rows say, without Parquet and SQL."""
    found = []
    for row in rows:
        line: dict[str, object] = dict.fromkeys(("predicted", "confidence", "true_probability", "known", "none"))
        line |= {"sample": row.name, "true": row.true, "error": row.error, "probabilities": row.probabilities}
        if row.probabilities is not None:
            best = int(row.probabilities.argmax())
            line |= {"predicted": classes[best], "confidence": float(row.probabilities[best]), "known": row.known}
            if row.true in classes:
                line["true_probability"] = float(row.probabilities[classes.index(row.true)])
            if threshold is not None and row.known is not None:
                line["none"] = row.known < threshold
        found.append(line)
    return pd.DataFrame(found).astype(object).where(lambda table: table.notna(), None)


def write_scored(
    out: str | Path,
    rows: Sequence[Row],
    classes: tuple[str, ...] = ("a", "b", "c"),
    *,
    size: int = 7,
    plan: str = "plan",
    threshold: float | None = THRESHOLD,
    kept: bool = False,
) -> Scored:
    """Shards of `size` photos and their manifest, without plan, photos and index."""
    done: list[Done] = []
    for start in range(0, len(rows), size):
        table = table_of(rows[start : start + size], classes, threshold=threshold, embeddings=kept, maps=kept)
        done.append(write_shard(str(out), plan, len(done), table))
    scored = Scored(
        created="2026-01-01T00:00:00+00:00",
        source="/srv/secret/photos",
        plan=plan,
        model="model",
        classes=classes,
        temperature=1.0,
        threshold=threshold,
        photos=len(rows),
        unreadable=sum(row.error is not None for row in rows),
        labeled=sum(row.true is not None for row in rows),
        left_out=0,
        shards=tuple(done),
    )
    places.write_bytes(places.join(str(out), MANIFEST), scored.model_dump_json().encode())
    return scored


def indexed(out: Path, rows: Sequence[Row], classes: tuple[str, ...] = ("a", "b", "c"), **named: object) -> Scored:
    """The same with its index."""
    scored = write_scored(out, rows, classes, **named)  # type: ignore[arg-type]
    make_index(str(out), scored)
    return scored


def score_photos(source: str | Path, out: str | Path, *, labeled: bool = True, size: int = 5) -> Scored:
    """Plan, shards, manifest and index of real photos, answered by the stub; a photo's label is its folder's name."""
    asked = Asked(source=str(source), column=None, labels="folders", shard_size=size, model="stub")
    label = (lambda name: name.split("/")[-2] if "/" in name else None) if labeled else None
    plan = make_plan(asked, Source(str(source)), str(out), label=label)
    done = score_missing(Work(str(out), plan, plan.id, Stub()), LocalEngine(0))
    scored = write_manifest(str(out), plan, done, classes=CLASSES, threshold=THRESHOLD)
    make_index(str(out), scored)
    return scored

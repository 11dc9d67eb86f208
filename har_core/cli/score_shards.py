"""`har-lens score` of more photos than one machine holds: shards of Parquet, on all cores or on a Ray cluster."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from har_core.cli.options import tell_notes
from har_core.errors import ConfigError, DataError
from har_core.files import printable

if TYPE_CHECKING:
    from har_core.models.external.options import ModelOptions
    from har_core.scoring.batch import ModelRequest
    from har_core.scoring.shards import Plan
    from har_core.scoring.work import Engine

FOLDERS = "folders"
"""In place of a CSV: a photo's label is the name of the folder that it lies in."""

_SHARD_SIZE = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "more photos than one machine holds",
        "DATA is a folder, a list of files (.txt, .csv), a .parquet with a column of photos or paths, or a .tar, here or in a bucket "
        "(s3://, gs://); --out a folder, here or there. Started again, the command goes on where it was. This is what happens where "
        "one of the flags below is given, where DATA is a list, table, tar or bucket, and where --out is a bucket.  Here --labels folders "
        "takes the names of the folders for labels.",
    )
    group.add_argument("--engine", choices=("local", "ray"), help="all cores of this machine, or a Ray cluster")
    group.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that compute (default: one a core, or one a graphics card)",
    )
    group.add_argument(
        "--shard-size",
        type=_count,
        metavar="N",
        help=f"photos in a shard: what a crash costs (default: {_SHARD_SIZE:,})",
    )
    group.add_argument("--column", metavar="NAME", help="of a .parquet, if several could be meant")
    group.add_argument("--embeddings", action="store_true", help="keep the pooled features too")
    group.add_argument("--maps", action="store_true", help="keep the class maps too")


def is_sharded(given: argparse.Namespace) -> bool:
    """Whether shards are to be written: an engine is named, or what is read or written is nothing that makes a run or a table."""
    from har_core.scoring.places import is_url
    from har_core.scoring.sources import LISTS, PARQUET, TAR

    if given.engine or given.workers or given.shard_size or given.column or given.embeddings or given.maps:
        return True
    return is_url(given.out) or any(is_url(one) or one.lower().endswith((*LISTS, PARQUET, TAR)) for one in given.data)


def run(given: argparse.Namespace, options: ModelOptions) -> int:
    from har_core.cli.terminal import ProgressBar, device_named
    from har_core.runs.run import shipped_run
    from har_core.scoring import places
    from har_core.scoring.batch import ModelRequest, facts_of, packed
    from har_core.scoring.index import make_index
    from har_core.scoring.output import read_manifest, write_manifest
    from har_core.scoring.ray_engine import cluster_has_cards, require_ray
    from har_core.scoring.work import Work, locked, score_missing

    _require_fitting(given)
    if given.engine == "ray":
        require_ray()
    source, out = places.absolute(given.data[0]), places.absolute(given.out)
    if given.engine == "ray":  # its nodes may have what this machine has not
        device = given.device if given.device != "auto" else "cuda" if cluster_has_cards() else "cpu"
    else:
        device = device_named(given.device).type
    request = ModelRequest(
        given.model or str(shipped_run().folder), options, device, embeddings=given.embeddings, maps=given.maps
    )
    facts = facts_of(request)
    tell_notes(facts.notes)
    request = replace(request, threshold=facts.threshold)
    with locked(out):
        plan = _planned(given, source, out, facts.identity, facts.spec.classes)
        print(f"{plan.photos:,} photos in {plan.shards:,} shard{'s' if plan.shards != 1 else ''}", file=sys.stderr)
        scored = read_manifest(out, plan)
        if scored is None:
            load = packed(request) if given.engine == "ray" else request
            work = Work(out, plan, plan.id, load)
            done = score_missing(work, _engine(given, request), progress=ProgressBar("scoring"))
            spec = facts.spec
            scored = write_manifest(
                out,
                plan,
                done,
                classes=spec.classes,
                temperature=spec.temperature,
                threshold=facts.threshold,
                network=facts.network,
            )
        make_index(out, scored, progress=ProgressBar("sorting"))
    unread = f", {scored.unreadable:,} could not be read (column error)" if scored.unreadable else ""
    print(f"{scored.photos:,} photos, {scored.labeled:,} with a label{unread}: {printable(out)}")
    return 0


def _require_fitting(given: argparse.Namespace) -> None:
    if len(given.data) > 1:
        raise ConfigError(
            f"expected one DATA to score in shards, found {len(given.data)}; put them into a list of files"
        )
    wrong = [
        flag
        for flag, value in (
            ("--title", given.title),
            ("--unknown", given.unknown),
            ("--map", given.map),
            ("--skip-bad", given.skip_bad),
        )
        if value
    ]
    if wrong:
        raise ConfigError(
            f"expected no {wrong[0]} where shards are written, found it; unreadable photos and other labels are kept as they are"
        )
    if given.out.lower().endswith((".csv", ".parquet")):
        raise ConfigError("expected a folder or a bucket as --out of shards, found the name of a table; name a folder")


def _planned(given: argparse.Namespace, source: str, out: str, identity: str, classes: tuple[str, ...]) -> Plan:
    from har_core.scoring.meaning import Meaning
    from har_core.scoring.shards import Asked, make_plan, read_plan
    from har_core.scoring.sources import Source

    label, called = _labels(given)
    asked = Asked(
        source=source,
        column=given.column,
        labels=called,
        shard_size=given.shard_size or _SHARD_SIZE,
        model=identity,
    )
    plan = read_plan(out, asked)
    if plan is not None:
        return plan
    found = Source(source, given.column)
    plan = make_plan(
        asked,
        found,
        out,
        label=label,
        meaning=Meaning(classes, places=called != FOLDERS),
        here=given.engine != "ray",  # the nodes of a cluster may have what this machine has not
        progress=_tell,
    )
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if plan.left_out:
        print(f"left out, no photos: {plan.left_out:,} other files", file=sys.stderr)
    return plan


def _tell(photos: int) -> None:
    if sys.stderr.isatty():
        print(f"\rplanning: {photos:,} photos", end="", file=sys.stderr, flush=True)


def _labels(given: argparse.Namespace) -> tuple[Callable[[str], str | None] | None, str | None]:
    """Name → label, and where labels come from."""
    from har_core.data.labels_file import read_labels

    if given.labels is None:
        return None, None
    if str(given.labels) == FOLDERS:
        return (lambda name: name.split("/")[-2] if "/" in name else None), FOLDERS
    known: dict[str, str] = {}
    for line, name, text in read_labels(given.labels):
        if known.setdefault(name, text) != text:
            raise DataError(
                f"expected one label for {printable(name)[:80]}, found another in line {line:,} of {given.labels.name}; remove one"
            )
    digest = hashlib.sha256(given.labels.read_bytes()).hexdigest()[:12]
    return known.get, f"{given.labels.name} ({digest})"


def _engine(given: argparse.Namespace, request: ModelRequest) -> Engine:
    from har_core.scoring.local import LocalEngine, cores
    from har_core.scoring.ray_engine import RayEngine

    on_cards = request.device != "cpu"
    if given.engine == "ray":
        return RayEngine(given.workers, on_cards=on_cards)
    if not on_cards:
        return LocalEngine(given.workers or cores())
    import torch

    cards = max(1, torch.cuda.device_count())
    workers = min(given.workers or cards, cards)
    return LocalEngine(workers, cards=cards, decoders=max(1, cores() // workers - 1))


def _count(text: str) -> int:
    value = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= value <= 10**6:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000000, found {text!r}")
    return value

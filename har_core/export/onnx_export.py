"""A run → one ONNX file, compared with the run's model before it is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from har_core.errors import CheckpointError
from har_core.export.comparison import LARGEST_FALL, Compared, compare, require_as_good, require_same, speed_ratio
from har_core.export.graph import exported_spec, write_graph
from har_core.export.int8 import Int8Options, quantize
from har_core.export.photos import Photo, choose_photos, readable
from har_core.files import atomic_path
from har_core.inference.answer_rules import frame_rule
from har_core.inference.predictor import Predictor
from har_core.inference.views import first_looks
from har_core.models.external.onnx_file import load_onnx
from har_core.models.external.options import ModelOptions
from har_core.models.spec import ModelSpec
from har_core.runs.manifest import View, in_order
from har_core.runs.run import Run

COMPARED, COMPARED_INT8 = 96, 400
"""Photos that a file is compared on, at most; where 8-bit arithmetic seems to be worse on these, all of the run's test photos that
are there decide."""

SCALED = 64
"""Photos that 8-bit arithmetic is scaled by."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    `same`: the 32-bit file against the model; `int8`: the 8-bit file against it, or None.  `source`: what they were compared
    on.  `bytes`: of the file.  `has_maps`: whether the class maps are in it.  `views`: the parts of a photo that it answers by,
    `fewer_views` if the run answers by more.  `speed`: how many times as fast the 8-bit file is
    as the 32-bit one on this machine; None of a 32-bit file.
    """

    path: Path
    same: Compared
    int8: Compared | None
    source: str
    bytes: int
    has_maps: bool
    views: tuple[View, ...]
    fewer_views: bool
    speed: float | None


def export_onnx(
    run: Run,
    out: Path,
    *,
    int8: Int8Options | None = None,
    photos: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Write the model of a run as an ONNX file, once it has been compared.

    Args:
        out: the file; an older one is replaced, or kept as it was after an error.
        int8: how the 8-bit file is made; None for 32-bit arithmetic.
        photos: a folder to compare on, and to scale 8-bit arithmetic by.
        progress: called with what is done next.

    Raises:
        RunError: if the run has no model.
        CheckpointError: if the model cannot be exported, or the file answers otherwise.
        ConfigError, DataError: if there are too few photos.
    """
    chosen = choose_photos(
        run, photos, compared=COMPARED if int8 is None else COMPARED_INT8, scaling=0 if int8 is None else SCALED
    )
    by = Predictor.from_run(run)
    model, own = by.model, by.spec
    with tempfile.TemporaryDirectory() as folder, atomic_path(out) as partial:
        plain = Path(folder) / "float.onnx"
        progress("writing the graph")
        spec = write_graph(model, exported_spec(model, own), plain, more=_more(run, by))
        reference = Predictor(model, spec)
        plainly = _loaded(plain, spec)
        progress(f"comparing on {chosen.source}")
        same = compare(reference, plainly, chosen.compared[:: max(1, len(chosen.compared) // COMPARED)], labeled=False)
        require_same(same)
        rounded, speed = None, None
        if int8 is None:
            partial.write_bytes(plain.read_bytes())
        else:
            progress(f"scaling 8-bit arithmetic by {len(chosen.scaling)} photos")
            eight = Path(folder) / "int8.onnx"
            quantize(plain, inputs(chosen.scaling, spec), eight, int8)
            answering = _loaded(eight, spec)
            progress(f"comparing 8-bit arithmetic on {chosen.source}")
            rounded = compare(reference, answering, chosen.compared, labeled=chosen.unseen)
            if rounded.measured and rounded.fall > LARGEST_FALL and chosen.more:  # by chance, perhaps
                progress(f"comparing 8-bit arithmetic on {len(chosen.more)} more")
                rounded = compare(reference, answering, chosen.compared + chosen.more, labeled=chosen.unseen)
            require_as_good(rounded)
            speed = speed_ratio(plainly, answering)
            partial.write_bytes(eight.read_bytes())
        partial.chmod(0o644)
    return Exported(
        path=out,
        same=same,
        int8=rounded,
        source=chosen.source,
        bytes=out.stat().st_size,
        has_maps=plainly.explanation != "occlusion",
        views=spec.views,
        fewer_views=spec.views != own.views,
        speed=speed,
    )


def inputs(photos: tuple[Photo, ...], spec: ModelSpec) -> list[np.ndarray]:
    """What the network is fed of photos: one look at each, by turns at each of its views."""
    found = []
    first = replace(spec, views=in_order(view for view in spec.views if view != "evidence"))
    for number, (_, photo) in enumerate(readable(photos)):
        looks = first_looks(photo, first)
        found.append(looks[number % len(looks)].image.numpy())
    return found


def _loaded(path: Path, spec: ModelSpec) -> Predictor:
    """The file as anyone reads it.

    Raises:
        CheckpointError: if it says otherwise of itself than it was told, or takes one batch or size only.
    """
    network, read = load_onnx(path, ModelOptions())
    if (
        replace(read, architecture=spec.architecture, library=spec.library, stride_placement=spec.stride_placement)
        != spec
    ):
        raise CheckpointError(
            "expected the exported file to be fed as the model is, found other metadata; update torch and onnx, and report it"
        )
    if network.batch is not None:
        raise CheckpointError(
            f"expected an exported file that takes any number of photos, found one that takes {network.batch}; update torch, "
            "and report it"
        )
    return Predictor(network, read)


def _more(run: Run, predictor: Predictor) -> dict[str, Any]:
    """What else the file says: the model's checksum, when an answer names a class, and from which score on a photo shows one."""
    rule = frame_rule(run, predictor)
    lowest = float(rule.lowest) if np.isfinite(rule.lowest) else None  # JSON has no infinity
    more: dict[str, Any] = {
        "model_sha256": run.manifest.files[run.weights].sha256,
        "title": run.title,
        "answer_rule": {"lowest": lowest, "threshold": rule.threshold},
    }
    return more if rule.least_known is None else more | {"least_known": rule.least_known}

"""Named sets of a run's photos, for the filter `group` of the errors page: a slice, a photo issue, a kind of error,
the label suspects.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from app_pages.state import own_runs, runs
from app_pages.state.suspects import is_stored, suspects
from har_core.analysis.error_kinds import ERROR_KINDS, ErrorKind, error_kinds
from har_core.analysis.error_kinds import PREFIX as ERRORS
from har_core.analysis.photo_issues import PREFIX as ISSUE
from har_core.analysis.slices import PREFIX as SLICE
from har_core.runs.run import Run

SUSPECTS = "suspects"
FEW = 20_000
"""Photos of a run whose suspects are looked for without being asked."""

_ERRORS = {
    "label": "errors with suspected labels",
    "ambiguous": "errors too close to call",
    "model": "errors of the model",
}


def known(run: Run, name: str) -> str:
    """The name, if there is such a group.

    Raises:
        ValueError: otherwise.
    """
    mask(run, name)
    return name


def mask(run: Run, name: str) -> np.ndarray:
    """(N,) bool: the photos of a group.

    Raises:
        ValueError: if there is no such group.
    """
    # these parts draw with what this package offers
    from app_pages.decide.photo_issues_part import issue_photos
    from app_pages.decide.slices_part import slice_photos

    if name.startswith(SLICE):
        return slice_photos(run, name.removeprefix(SLICE))
    if name.startswith(ISSUE):
        return issue_photos(run, name.removeprefix(ISSUE))
    if name.removeprefix(ERRORS) in ERROR_KINDS and name.startswith(ERRORS):
        return error_kinds_of(run)[cast("ErrorKind", name.removeprefix(ERRORS))]
    table = suspects(run) if name == SUSPECTS else None
    if table is None:
        raise ValueError(f"expected a slice, an issue or {SUSPECTS}, found {name[:80]!r}")
    return np.asarray(runs.examples(run)["sample"].isin(table["sample"]).to_numpy())


def error_kinds_of(run: Run) -> dict[ErrorKind, np.ndarray]:
    """(N,) bool for each kind of error."""
    examples = runs.examples(run)
    table = suspects(run) if is_stored(run) or len(examples) <= FEW else None
    suspected = table["sample"].tolist() if table is not None else []
    return error_kinds(examples, suspected, own_runs.verdicts(run).all())


def label(run: Run, name: str) -> str:
    """What a group is called."""
    from app_pages.decide.slices_part import slice_table

    if name.startswith(SLICE):
        return next((one.label for one in slice_table(run).slices if one.key == name.removeprefix(SLICE)), name)
    names = {SUSPECTS: "label suspects"} | {ERRORS + kind: words for kind, words in _ERRORS.items()}
    return names.get(name, name.removeprefix(ISSUE))

"""Properties of photos → what may make a photo hard; class maps → evidence that a center crop does not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

PREFIX = "issue:"
"""Of the keys of issues, as in "issue:dark", where they stand beside those of slices."""

_ROWS = 20_000  # photos at a time: bounds the memory for a million of them


@dataclass(frozen=True)
class Issue:
    """What may make a photo hard.

    A photo has it where its `column` is below `limit`, or above it.  `why`: the reason for this limit, in a sentence.
    """

    name: str
    label: str
    column: str
    limit: float
    below: bool
    why: str


SHORTER_SIDE, ASPECT, EVIDENCE_OUTSIDE = "shorter_side", "aspect", "evidence_outside"

_ISSUES = (
    Issue("dark", "dark", "brightness", 0.2, True, "The mean brightness is below a fifth of white: most of it is black."),
    Issue("bright", "very bright", "brightness", 0.9, False, "The mean brightness is above nine tenths of white: most of it is white."),
    Issue("low-contrast", "low contrast", "contrast", 0.1, True, "Brightness varies by less than a tenth of its range (standard deviation), less than half of what is common."),
    Issue("blurred", "blurred", "sharpness", 2.0, True, "Even its sharpest part has a variance of the Laplacian below 100, the usual limit."),
    Issue("extreme-aspect", "extreme aspect", ASPECT, 1 / 0.35, False, "The longer side is more than 2.86 times the shorter, the limit of the package cleanvision."),
    Issue("cropped-away", "cropped away", "outside_crop", 0.6, False, "The center crop shows less than two fifths of it; of photos of 16:9 it shows more."),
    Issue("evidence-outside", "evidence outside the crop", EVIDENCE_OUTSIDE, 0.5, False, "More than half of the evidence for the answer lies where the center crop does not reach: the person may be cut."),
)  # fmt: skip


def issue_kinds(*, crop_size: int) -> tuple[Issue, ...]:
    """All issues, with their limits for a network that sees squares of `crop_size` pixels."""
    why = "It is enlarged to more than twice its size for the network."
    tiny = Issue("tiny", "tiny", SHORTER_SIDE, crop_size / 2, True, why)
    return (*_ISSUES[:4], tiny, *_ISSUES[4:])


def find_issues(
    table: pd.DataFrame, *, crop_size: int, evidence_outside: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """(N,) bool for each issue by its name: the photos that have it.  A photo that was not measured has none.

    Args:
        table: of `data.photo_properties.read_photo_properties`, one row for each of N photos.
        crop_size: side of the square that the network sees, in pixels.
        evidence_outside: (N,) of `evidence_outside`; without it, that issue is left out.
    """
    values = measures(table, evidence_outside)
    found = {}
    for issue in issue_kinds(crop_size=crop_size):
        if issue.column in values:
            column = values[issue.column]
            found[issue.name] = column < issue.limit if issue.below else column > issue.limit
    return found


def measures(table: pd.DataFrame, evidence_outside: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """(N,) float64 for each column that an `Issue` names; arguments as of `find_issues`."""
    names = ("brightness", "contrast", "sharpness", "outside_crop")
    values = {name: table[name].to_numpy(dtype=np.float64) for name in names}
    width, height = (table[name].to_numpy(dtype=np.float64) for name in ("width", "height"))
    values |= {SHORTER_SIDE: np.minimum(width, height), ASPECT: np.maximum(width, height) / np.minimum(width, height)}
    if evidence_outside is not None:
        values[EVIDENCE_OUTSIDE] = evidence_outside
    return values


def evidence_outside(class_maps: np.ndarray, predicted: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N,) float64 in [0, 1]: which share of the positive evidence for the predicted class lies outside a box.

    The evidence of a cell that the box cuts counts as far as its area lies outside.  0 where there is no positive evidence, NaN
    where the box is not known.

    Args:
        class_maps: (N, K, h, w), signed, of whole photos; may be memory-mapped, and is read in parts.
        predicted: (N,) class indices.
        boxes: (N, 4) left, top, right, bottom in shares of the photo, in [0, 1] (`data.photo_properties.crop_boxes`).
    """
    outside = np.empty(len(predicted))
    for start in range(0, len(predicted), _ROWS):
        part = slice(start, start + _ROWS)
        chosen = class_maps[np.arange(start, start + len(predicted[part])), predicted[part]]
        evidence = np.maximum(np.nan_to_num(chosen.astype(np.float64), posinf=0.0, neginf=0.0), 0)
        left, top, right, bottom = boxes[part].T
        across, down = _covered(left, right, evidence.shape[2]), _covered(top, bottom, evidence.shape[1])
        total, inside = evidence.sum(axis=(1, 2)), np.einsum("nh,nhw,nw->n", down, evidence, across)
        share = np.where(total > 0, (1 - inside / np.where(total > 0, total, 1)).clip(0, 1), 0.0)
        outside[part] = np.where(np.isnan(boxes[part]).any(axis=1), np.nan, share)
    return outside


def _covered(low: np.ndarray, high: np.ndarray, cells: int) -> np.ndarray:
    """(N, cells): which share of each of `cells` equal parts of [0, 1] lies between (N,) `low` and `high`."""
    edges = np.linspace(0, 1, cells + 1)
    overlap = np.minimum(edges[1:], high[:, None]) - np.maximum(edges[:-1], low[:, None])
    return np.asarray(overlap.clip(0) * cells)

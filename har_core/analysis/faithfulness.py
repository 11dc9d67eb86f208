"""How probable a class stays while a photo is hidden or shown step by step → whether class maps show what the model uses.

Three measures, each a curve over the share of the photo in the order of a map:

    deletion     the most important share is replaced by the mean color (Petsiuk et al. 2018, RISE); lower is better
    insertion    the most important share is shown on the blurred photo (the same); higher is better
    road         pixels are imputed from their neighbors; half of what the probability is higher after the least important
                 share than after the most important one (Rong et al. 2022, ROAD, as the grad-cam package combines both
                 orders); higher is better, 0 for a map that knows nothing

and `correlation`, of the ranks of a map's pixels with those of the class map: near 0 for maps that have nothing in common.
With the map of a shuffled last layer this is the randomization check of Adebayo et al. (2018): a map that stays the same when
the weights are drawn anew does not show what the model has learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from scipy.stats import t

from har_core.runs.tables import Number, OneOf, Schema

OWN: Final = "class map"
RANDOM, CENTER, SHUFFLED = "random", "center", "shuffled head"
MAPS = (OWN, RANDOM, CENTER, SHUFFLED)
"""The class map of the predicted class, and what it is compared with."""

DELETION, INSERTION, ROAD, CORRELATION = "deletion", "insertion", "road", "correlation"
MEASURES = (DELETION, INSERTION, ROAD)
HIGHER_IS_BETTER = {DELETION: False, INSERTION: True, ROAD: True}

SCHEMA: Schema = {
    "photo": Number(0, whole=True),
    "map": OneOf(MAPS),
    "measure": OneOf((*MEASURES, CORRELATION)),
    "share": Number(0, 1),
    "value": Number(-1, 1),
}
"""One row for each photo, map, measure and share of the photo; a correlation has one row, of share 1."""

Outcome = Literal["better", "worse", "unclear"]


@dataclass(frozen=True)
class Comparison:
    """The class map against another map by one measure, over photos that both were measured on.

    `gain`: mean difference, above 0 where the class map is better, with its 95 % interval from `low` to `high`.  The
    interval is that of Student's t for paired photos; of one photo it is all that is possible, -1 to 1.
    """

    measure: str
    other: str
    gain: float
    low: float
    high: float
    photos: int

    @property
    def outcome(self) -> Outcome:
        """Better or worse only where the interval leaves out 0: never for a map compared with itself."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "unclear"


def areas(table: pd.DataFrame) -> pd.DataFrame:
    """One value for each curve.

    Args:
        table: of `SCHEMA`.

    Returns:
        Columns `photo`, `map`, `measure`, `area`.  Of deletion and insertion: the area under the curve (trapezoids, as RISE
        has it), in [0, 1]; of ROAD: the mean over shares, in [-0.5, 0.5]; of the correlation: itself.
    """
    keys = ["photo", "map", "measure"]
    rows = table.sort_values([*keys, "share"], kind="stable", ignore_index=True)
    value, share = (rows[name].to_numpy(dtype=np.float64) for name in ("value", "share"))
    curve = rows.groupby(keys, sort=True).ngroup().to_numpy()
    same = curve[1:] == curve[:-1]
    count = int(curve[-1]) + 1 if len(curve) else 0
    slabs = np.where(same, (value[1:] + value[:-1]) / 2 * np.diff(share), 0.0)
    trapezoids = np.bincount(curve[1:], weights=slabs, minlength=count)
    means = np.bincount(curve, weights=value, minlength=count) / np.bincount(curve, minlength=count)
    first = rows.loc[np.append(True, ~same)[: len(rows)], keys].reset_index(drop=True)
    return first.assign(area=np.where(first["measure"].isin([DELETION, INSERTION]), trapezoids, means))


def mean_areas(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over photos of every measure and map, in the order of `MEASURES` (then the correlation) and `MAPS`.

    Args:
        table: of `SCHEMA`.

    Returns:
        Columns `measure`, `map`, `mean`, `low`, `high` (95 %, Student's t over photos) and `photos`.
    """
    found = {key: part["area"].to_numpy() for key, part in areas(table).groupby(["measure", "map"])}
    rows = [
        (measure, name, *mean_interval(found[measure, name], *bounds(measure)), len(found[measure, name]))
        for measure in (*MEASURES, CORRELATION)
        for name in MAPS
        if (measure, name) in found
    ]
    return pd.DataFrame(rows, columns=["measure", "map", "mean", "low", "high", "photos"])


def mean_curves(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over photos: columns `measure`, `map`, `share`, `value`, ordered by share, without the correlation."""
    rows = table[table["measure"] != CORRELATION]
    return rows.groupby(["measure", "map", "share"], sort=True)["value"].mean().reset_index()


def compare(table: pd.DataFrame) -> list[Comparison]:
    """The class map against each other map by each measure.

    Args:
        table: of `SCHEMA`.

    Returns:
        In the order of `MEASURES` and, within, of `MAPS`; without those that have no photo in common.
    """
    wide = areas(table).pivot(index="photo", columns=["measure", "map"], values="area")
    found = []
    for measure in MEASURES:
        for other in MAPS[1:]:
            if (measure, OWN) not in wide or (measure, other) not in wide:
                continue
            gains = (wide[measure, OWN] - wide[measure, other]).dropna().to_numpy(dtype=np.float64)
            gains = gains if HIGHER_IS_BETTER[measure] else -gains
            if len(gains):
                found.append(Comparison(measure, other, *mean_interval(gains, -1, 1), len(gains)))
    return found


def mean_interval(values: np.ndarray, least: float, most: float) -> tuple[float, float, float]:
    """Mean, and its 95 % interval by Student's t, within what is possible; of one value all that is possible.

    Args:
        values: (N,), one for each photo.
    """
    mean = float(values.mean())
    if len(values) < 2:
        return mean, least, most
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, max(least, mean - half), min(most, mean + half)


def bounds(measure: str) -> tuple[float, float]:
    """The least and the greatest that a measure can be."""
    return {ROAD: (-0.5, 0.5), CORRELATION: (-1.0, 1.0)}.get(measure, (0.0, 1.0))

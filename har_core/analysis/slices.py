"""Groups of photos that are alike → where accuracy is significantly lower than elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import chi2, false_discovery_control, fisher_exact

from har_core.analysis.scores import wilson_interval

BINS, FDR = 5, 0.05
PREFIX = "slice:"
"""Of the keys of slices, as in "slice:brightness:0", where they stand beside those of photo issues."""

CLUSTER = "cluster"
"""Stands for a property in keys and slices: the group of similar embeddings that a photo belongs to."""

_WORDS = {
    "brightness": ("darkest", "brightest", "brightness"),
    "contrast": ("flattest", "most contrasting", "contrast"),
    "sharpness": ("most blurred", "sharpest", "sharpness"),
    "size": ("smallest", "largest", "pixels of the shorter side"),
    "aspect": ("tallest", "widest", "width over height"),
    "outside_crop": ("least cropped", "most cropped", "share outside the center crop"),
}
"""Of each property: what its lowest and its highest group are called, and what it is."""

_FRACTIONS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 10: "tenth"}


@dataclass(frozen=True)
class Slice:
    """A group of photos against the others.

    `key`: names the group for `slice_mask`; `label`: for people; `measure`: the property (or "cluster") whose values they
    share; `place`: in the order of that property, from 0.  `photos` and `others`: how many there are, of those for which the property
    is known.  `accuracy` with `low` and `high` (95 %, Wilson) and `others_accuracy`: in [0, 1], higher is better.

    `p`: of Fisher's exact test, two-sided, that the accuracy is that of the others; `q`: the same corrected for many
    tests (Benjamini and Hochberg 1995), all properties together, clusters by themselves: as a rule these differ, which would
    make a discovery of any property.  `significant`: lower than the others, with q at most the wanted
    rate of false discoveries.

    `adjusted_gap`, in [-1, 1], negative is worse: accuracy minus what it would be if each true class had its recall over slice
    and others.  So what the slice only owes to classes that are hard everywhere does not count.  `adjusted_p`: that there is
    no such gap, of the Cochran–Mantel–Haenszel test over true classes (without continuity correction).
    """

    key: str
    label: str
    measure: str
    place: int
    photos: int
    correct: int
    accuracy: float
    low: float
    high: float
    others: int
    others_accuracy: float
    p: float
    q: float
    significant: bool
    adjusted_gap: float
    adjusted_p: float

    @property
    def gap(self) -> float:
        """In [-1, 1]: accuracy minus that of the others, negative is worse."""
        return self.accuracy - self.others_accuracy

    @property
    def extra_errors(self) -> float:
        """Photos: errors beyond those that its mix of true classes explains; negative if there are fewer."""
        return -self.adjusted_gap * self.photos


@dataclass(frozen=True)
class _Group:
    """Counts by true class (K,) of a group, and of all photos that could be in it; one class where none are known."""

    key: str
    label: str
    measure: str
    place: int
    photos: np.ndarray
    correct: np.ndarray
    all_photos: np.ndarray
    all_correct: np.ndarray


def find_slices(
    correct: np.ndarray,
    values: Mapping[str, np.ndarray],
    clusters: np.ndarray | None = None,
    *,
    true: np.ndarray | None = None,
    cluster_names: Sequence[str] | None = None,
    bins: int = BINS,
    fdr: float = FDR,
) -> list[Slice]:
    """Groups of photos by property, and by cluster: each against all others.

    The groups of a property hold about equally many photos; equal values stay together, so there may be fewer groups than
    `bins`.  A property that is the same everywhere gives none.

    Args:
        correct: (N,) bool.
        values: of each property (N,) float, NaN where it is not known: such photos are in none of its groups.
        clusters: (N,) whole numbers from 0, of `embedding_clusters`.
        true: (N,) class indices, for the adjusted gap; without them it is the gap to the accuracy of all photos.
        cluster_names: of `cluster_names`.
        fdr: wanted rate of false discoveries among the significant slices.

    Returns:
        By property in the order of `values`, then by place; clusters last.

    Raises:
        ValueError: if arrays differ in length, or a property is called "cluster".
    """
    if wrong := [name for name, column in values.items() if len(column) != len(correct) or name == CLUSTER]:
        raise ValueError(
            f"expected {len(correct)} values of properties not called {CLUSTER!r}, found others: {wrong[0]}"
        )
    classes = np.zeros(len(correct), dtype=np.int64) if true is None else np.asarray(true, dtype=np.int64)
    groups: list[_Group] = []
    for name, column in values.items():
        place, bounds = _bins(np.asarray(column, dtype=np.float64), bins)
        groups += _groups(name, place, _labels(name, place, bounds, bins), correct, classes)
    if clusters is None:
        return _compared(groups, fdr)
    names = cluster_names or [""] * (int(clusters.max(initial=-1)) + 1)
    labels = [f"cluster {index + 1}" + (f": mostly {name}" if name else "") for index, name in enumerate(names)]
    return _compared(groups, fdr) + _compared(_groups(CLUSTER, np.asarray(clusters), labels, correct, classes), fdr)


def compare_groups(
    correct: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    true: np.ndarray | None = None,
    labels: Mapping[str, str] | None = None,
    fdr: float = FDR,
) -> list[Slice]:
    """As `find_slices`, for any groups (N,) bool by key, which may overlap; those of no photo, or of all, give none."""
    classes = np.zeros(len(correct), dtype=np.int64) if true is None else np.asarray(true, dtype=np.int64)
    found: list[_Group] = []
    for place, (key, mask) in enumerate(groups.items()):
        label = (labels or {}).get(key, key)
        first = _groups(key, np.where(mask, 0, 1), [label, ""], correct, classes)[0]
        found.append(replace(first, key=key, place=place))
    return _compared(found, fdr)


def slice_mask(
    key: str, values: Mapping[str, np.ndarray], clusters: np.ndarray | None = None, *, bins: int = BINS
) -> np.ndarray:
    """(N,) bool: the photos of a slice, given what `find_slices` was given.

    Raises:
        ValueError: if there is no slice of that key.
    """
    name, _, place = key.rpartition(":")
    if name == CLUSTER and clusters is not None:
        places = np.asarray(clusters)
    elif name in values:
        places, _ = _bins(np.asarray(values[name], dtype=np.float64), bins)
    else:
        raise ValueError(f"expected a slice of {', '.join(values)} or {CLUSTER}, found {key[:80]!r}")
    mask = np.asarray(places == int(place) if re.fullmatch("[0-9]{1,9}", place) else np.zeros(len(places), dtype=bool))
    if not mask.any():
        raise ValueError(f"expected a slice with photos, found {key[:80]!r}")
    return mask


def slice_values(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """(N,) float64 for each property that slices are made of, of `data.photo_properties.read_photo_properties`.

    `size`: the shorter side in pixels; `aspect`: width over height; the others as in the table.
    """
    width, height = (table[name].to_numpy(dtype=np.float64) for name in ("width", "height"))
    names = ("brightness", "contrast", "sharpness", "outside_crop")
    values = {name: table[name].to_numpy(dtype=np.float64) for name in names}
    values |= {"size": np.minimum(width, height), "aspect": width / height}
    return {name: values[name] for name in _WORDS}


def _bins(column: np.ndarray, bins: int) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """(N,) the bin of each value, -1 if it is not known, and the lowest and highest value of each bin."""
    known = np.isfinite(column)
    inside = column[known]
    place = np.full(len(column), -1, dtype=np.int64)
    if not len(inside):
        return place, []
    edges = np.unique(np.quantile(inside, np.linspace(0, 1, bins + 1)[1:-1]))
    numbers = np.searchsorted(edges, inside, side="left")
    filled = np.bincount(numbers, minlength=len(edges) + 1) > 0
    numbers = (np.cumsum(filled) - 1)[numbers]
    place[known] = numbers
    low, high = np.full(filled.sum(), np.inf), np.full(filled.sum(), -np.inf)
    np.minimum.at(low, numbers, inside)
    np.maximum.at(high, numbers, inside)
    return place, list(zip(low.tolist(), high.tolist(), strict=True))


def _labels(name: str, place: np.ndarray, bounds: list[tuple[float, float]], bins: int) -> list[str]:
    lowest, highest, words = _WORDS.get(name, ("lowest", "highest", name))
    photos = np.bincount(place[place >= 0], minlength=len(bounds))
    labels = []
    for index, (low, high) in enumerate(bounds):
        share, (first, last) = photos[index] / photos.sum(), (f"{bound:.3g}" for bound in (low, high))
        part = _FRACTIONS[bins] if bins in _FRACTIONS and abs(share - 1 / bins) < 0.02 else f"{share * 100:.0f} %"
        if index == 0:
            labels.append(f"{lowest} {part} ({words} up to {last})")
        elif index == len(bounds) - 1:
            labels.append(f"{highest} {part} ({words} from {first})")
        else:
            labels.append(f"{words} {first}" + (f" to {last}" if last != first else ""))
    return labels


def _groups(
    measure: str, place: np.ndarray, labels: Sequence[str], correct: np.ndarray, classes: np.ndarray
) -> list[_Group]:
    """The groups of one property, also empty ones.

    Args:
        place: (N,) index of the group, -1 for none.
    """
    known, size = place >= 0, int(classes.max(initial=0)) + 1
    cell = place[known] * size + classes[known]
    counts = [np.bincount(part, minlength=len(labels) * size) for part in (cell, cell[correct[known]])]
    photos, right = (part.reshape(len(labels), size) for part in counts)
    totals = photos.sum(axis=0), right.sum(axis=0)
    return [
        _Group(f"{measure}:{index}", label, measure, index, photos[index], right[index], *totals)
        for index, label in enumerate(labels)
    ]


def _compared(groups: Sequence[_Group], fdr: float) -> list[Slice]:
    """Those groups that have photos, and others to be compared with."""
    groups = [group for group in groups if 0 < group.photos.sum() < group.all_photos.sum()]
    tables = [np.array([group.correct.sum(), group.photos.sum()]) for group in groups]
    others = [
        np.array([group.all_correct.sum(), group.all_photos.sum()]) - own
        for group, own in zip(groups, tables, strict=True)
    ]
    pairs = list(zip(tables, others, strict=True))
    p = np.array([fisher_exact(np.array([[c, n - c] for c, n in pair])).pvalue for pair in pairs]).clip(0, 1)
    q = false_discovery_control(p) if len(p) else p
    slices = []
    for group, ((c, n), (other_c, other_n)), p_one, q_one in zip(groups, pairs, p.tolist(), q.tolist(), strict=True):
        correct, photos, accuracy, elsewhere = int(c), int(n), float(c / n), float(other_c / other_n)
        counted = (photos, correct, accuracy, *wilson_interval(correct, photos), int(other_n), elsewhere)
        tested = (p_one, q_one, q_one <= fdr and accuracy < elsewhere)
        slices.append(Slice(group.key, group.label, group.measure, group.place, *counted, *tested, *_adjusted(group)))
    return slices


def _adjusted(group: _Group) -> tuple[float, float]:
    """The gap to the recall of each class, and the probability of one as large by chance (Mantel and Haenszel 1959)."""
    counts = np.array([group.photos, group.correct, group.all_photos, group.all_correct], dtype=np.float64)
    n, c, all_n, all_c = counts[:, group.all_photos > 0]
    difference = float((c - n * all_c / all_n).sum())
    variance = float((n / all_n * (all_n - n) * all_c / all_n * (all_n - all_c) / np.maximum(all_n - 1, 1)).sum())
    p = float(chi2.sf(difference**2 / variance, 1)) if variance > 0 else 1.0
    return difference / float(n.sum()), p

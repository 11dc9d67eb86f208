"""Columns of numbers that tables of predictions have beside the scores: what they are called."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from har_core.imports import headers
from har_core.runs.class_names import class_key

_COUNTS = frozenset(
    (
        "fold", "split", "index", "idx", "row", "epoch", "step", "iteration", "seed", "rank", "group", "cluster", "clusterid", "batch",
        "width", "height", "channels", "size", "filesize", "bytes", "pixels", "area", "count", "num", "year", "age", "id", "frame",
    )
)  # fmt: skip
_MEASURES = frozenset(
    (
        "latency", "time", "seconds", "secs", "sec", "ms", "duration", "runtime", "inferencetime", "timestamp", "fps", "lr",
        "loss", "entropy", "margin", "uncertainty", "confidence", "conf", "certainty", "score", "prob", "proba", "probability",
        "logit", "maxlogit", "maxprob", "maxscore", "maxsoftmax", "max", "min", "mean", "avg", "average", "median", "std", "stdev",
        "stddev", "var", "variance", "sum", "total", "norm", "energy", "msp", "odds", "gap", "nll", "crossentropy", "ce", "bce", "kl",
        "perplexity", "ppl", "variationratio", "mutualinformation", "mi", "bald", "gini", "hardness", "difficulty", "influence",
        "outlierscore", "oodscore", "anomalyscore", "labelquality", "quality", "weight", "sampleweight", "temperature", "threshold",
        "distance", "dist", "knndist", "similarity", "iou", "accuracy", "acc", "error", "correct", "iscorrect", "brier", "mse", "mae",
        "brightness", "contrast", "sharpness", "blur", "saturation", "aspectratio", "ratio",
        "lat", "lon", "lng", "latitude", "longitude", "altitude", "top1", "ytrue", "ypred", "xmin", "ymin", "xmax", "ymax",
    )
)  # fmt: skip
_LETTERS = frozenset(("x", "y", "z", "w", "h", "n"))  # which may be classes, where letters are told
_LAST = frozenset(
    (
        "loss", "entropy", "margin", "uncertainty", "confidence", "conf", "probability", "prob", "logit", "latency", "seconds",
        "distance", "dist", "energy", "variance", "std", "nll",
    )
)  # fmt: skip
_FIRST = frozenset(("max", "min", "mean", "avg", "std", "var", "sum", "total", "median"))
_SERIES = frozenset(
    (
        "umap", "tsne", "pca", "pc", "lda", "mds", "ica", "svd", "emb", "embed", "embedding", "embeddings", "feat", "feature", "features",
        "dim", "latent", "hidden", "component", "comp", "vector", "vec", "proj", "projection", "coord", "x", "y", "z", "v", "f", "d", "e",
    )
)  # fmt: skip


def others_among(names: Sequence[str], keys: Collection[str]) -> frozenset[str]:
    """Those that are called like numbers that are no scores of a class: loss, confidence, fold, umap_x, tsne_1.

    Args:
        keys: `class_key` of the labels and classes that are known: what is called so is none of those found, nor are numbered
            columns where a class is called by the same word and a number.
    """
    stems = {series[1] for key in keys if (series := _numbered(key)) is not None}
    found: set[str] = set()
    for name in names:
        numbered = _numbered(name)
        is_series = numbered is not None and numbered[1] in _SERIES and numbered[1] not in stems
        if class_key(name) not in keys and (is_series or _is_known(name)):
            found.add(name)
    return frozenset(found)


def _is_known(name: str) -> bool:
    plain = headers.plain(name)
    if plain in _COUNTS or plain in _MEASURES or plain in _LETTERS or plain in headers.CONFIDENCE:
        return True
    words = [word.casefold() for word in re.split(r"[\s_.-]+|(?<=[a-z])(?=[A-Z])", name) if word]
    return len(words) > 1 and (words[-1] in _LAST or words[0] in _FIRST)


def _numbered(name: str) -> re.Match[str] | None:
    return re.fullmatch(r"([a-z]+?)(?:2d|3d)?(\d+|[xyz])", headers.plain(name))


def classes_of_family(columns: Sequence[str], names: Sequence[str], keys: Collection[str]) -> list[str]:
    """Columns of one prefix without those that are called like other numbers behind it, as prob_max; all, if fewer than two are left.

    Args:
        names: what is behind the prefix; single letters are classes there.
        keys: see `others_among`.
    """
    others = others_among([name for name in names if len(name) > 1], keys)
    kept = [column for column, name in zip(columns, names, strict=True) if name not in others]
    return kept if len(kept) > 1 else list(columns)

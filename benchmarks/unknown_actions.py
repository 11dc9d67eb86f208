#!/usr/bin/env python3
"""Which score tells photos of unknown actions from known ones?

python -m benchmarks.unknown_actions [RUN]

Leaves three classes out at a time, five times (each class once): the last layer loses their rows, the others' test photos are
known, theirs unknown.  Prints, per score, the mean area under the ROC curve and the share of unknown photos that pass at the
threshold which 95 % of known ones reach (lower is better).  The network below the last layer has learned from all classes:
classes that it has never seen will be told apart less well.

Then what the portraits of the app get, which show no action: the share of the run's test photos with a lower score.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.special import softmax
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize

from har_core.analysis.unknown import known_score
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.models.registry import head
from har_core.runs.run import Run, assets_folder, shipped_run
from har_core.runs.training_embeddings import read_training_embeddings

LEFT_OUT, NEIGHBOR, SUBSPACE = 3, 10, 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    given = parser.parse_args()
    run = Run.open(given.run) if given.run else shipped_run()
    predictor = Predictor.from_run(run)
    last = head(predictor.model)
    weight, bias = last.weight.numpy(), last.bias.numpy()
    predictions, training = run.predictions(), read_training_embeddings(run)
    embeddings = np.asarray(run.embeddings(), dtype=np.float32)
    learned = normalize(training.restore())
    order = np.random.default_rng(0).permutation(len(run.classes))
    found: dict[str, list[tuple[float, float]]] = {}
    for start in range(0, len(order) - LEFT_OUT + 1, LEFT_OUT):
        unknown = np.isin(predictions.true, order[start : start + LEFT_OUT])
        rows = np.setdiff1d(np.arange(len(order)), order[start : start + LEFT_OUT])
        seen = learned[np.isin(training.labels, rows)]
        for name, score in scores(embeddings, weight[rows], bias[rows], seen, unknown).items():
            judged = np.isfinite(score)
            passes = score >= np.quantile(score[judged & ~unknown], 0.05)
            area = roc_auc_score(~unknown[judged], score[judged])
            found.setdefault(name, []).append((area, passes[judged & unknown].mean()))
    for name, values in found.items():
        area, share = np.mean(values, axis=0)
        print(f"{name:<32} AUROC {area:.3f}   FPR at 95 % {share:.3f}")
    known = known_score(predictor.logits(embeddings))
    for path in sorted(path for path in (assets_folder() / "samples").iterdir() if path.suffix in (".jpg", ".png")):
        answer = predictor.predict(open_photo(path), path.name)
        print(f"{path.name}: {answer.predicted} {answer.confidence:.2f}, {(known < answer.known).mean():.3f} are lower")


def scores(
    embeddings: np.ndarray, weight: np.ndarray, bias: np.ndarray, seen: np.ndarray, unknown: np.ndarray
) -> dict[str, np.ndarray]:
    """(N,) each, higher is more like a known class; NaN for the photos that a score was fitted on.

    Args:
        seen: (M, D) training photos of the known classes, at length 1.
        unknown: (N,) bool.
    """
    logits = embeddings @ weight.T + bias
    nearest = np.partition(normalize(embeddings) @ seen.T, -NEIGHBOR, axis=1)[:, -NEIGHBOR]
    return {
        "maximum softmax probability": softmax(logits, axis=1).max(axis=1),
        "maximum logit": logits.max(axis=1),
        "energy": known_score(logits),
        f"{NEIGHBOR}th nearest neighbor": nearest,
        "ViM": virtual_logit(embeddings, weight, bias, unknown),
    }


def virtual_logit(embeddings: np.ndarray, weight: np.ndarray, bias: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """Virtual-logit matching (Wang et al. 2022), fitted on every second known photo."""
    fitted = ~unknown & (np.arange(len(unknown)) % 2 == 0)
    centered = embeddings + np.linalg.pinv(weight) @ bias
    _, vectors = np.linalg.eigh(centered[fitted].T @ centered[fitted] / fitted.sum())
    residual = np.linalg.norm(centered @ vectors[:, :-SUBSPACE], axis=1)
    logits = embeddings @ weight.T + bias
    factor = logits[fitted].max(axis=1).mean() / residual[fitted].mean()
    return np.where(fitted, np.nan, known_score(logits) - factor * residual)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How good is the ranking of label suspects, and what does it buy to correct what was found?

python -m benchmarks.label_suspects [RUN] [--judged CSV] [--out corrected.csv]

RUN (default: the shipped one) has been analyzed: it holds the embeddings of its training photos.  Prints

1. precision at 50, at 200 and of all judged photos, from two passes of judging by eye.  The judge saw the photo and two labels
   in random order, not which of them is the data set's;
2. recall on labels that are flipped at random: 5 % of the photos, five seeds;
3. linear heads on the embeddings, fitted with the training labels as they are and as corrected, scored under the test labels
   as they are and as corrected.

A label counts as wrong if both passes say so.  --out writes the corrections for train.py --labels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.preprocessing import normalize

from har_core.analysis import duplicate_groups
from har_core.analysis.compare import mcnemar
from har_core.analysis.label_suspects import find_suspects, out_of_sample_probabilities
from har_core.analysis.scores import wilson_interval
from har_core.runs.corrected_labels import labels_bytes
from har_core.runs.file_names import DUPLICATES
from har_core.runs.run import Run, assets_folder, shipped_run
from har_core.runs.tables import read_table
from har_core.runs.training_embeddings import read_training_embeddings

WRONG = ("suggested", "neither")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--judged", type=Path, default=assets_folder() / "judged_suspects.csv")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    run = Run.open(given.run) if given.run else shipped_run()
    judged = pd.read_csv(given.judged, keep_default_na=False)
    print_precision(judged)
    corrected = corrections(judged)
    if given.out:
        given.out.write_bytes(labels_bytes(sorted((name, label) for name, label in corrected.items() if label)))
    training, predictions = read_training_embeddings(run), run.predictions()
    features = np.concatenate([training.project(run.embeddings()), training.embeddings.astype(np.float32)])
    labels = np.concatenate([predictions.true, training.labels])
    samples = np.concatenate([predictions.samples, training.samples.astype(object)])
    print_recall(run, samples, features, labels)
    print_effect(run, samples, normalize(features), labels, corrected, tested=len(predictions))


def print_precision(judged: pd.DataFrame) -> None:
    """Of rows in the order of the ranking, each judged twice."""
    first, second = judged["first"], judged["second"]
    kappa = cohen_kappa_score(first, second)
    print(f"{len(judged)} judged; the passes agree on {(first == second).mean():.1%} (kappa {kappa:.2f})")
    wrong = (first.isin(WRONG) & second.isin(WRONG)).to_numpy()
    unclear = ((first == "both fit") | (second == "both fit")).to_numpy() & ~wrong
    for count in (50, 200, len(judged)):
        low, high = wilson_interval(int(wrong[:count].sum()), count)
        print(
            f"first {count}: label wrong {wrong[:count].mean():.3f} ({low:.3f} to {high:.3f}), both fit by one pass or both "
            f"{unclear[:count].mean():.3f}"
        )
    print(judged[wrong].groupby("split").size().to_dict(), "wrong by split")


def corrections(judged: pd.DataFrame) -> dict[str, str]:
    """Photo → its right label by both passes; empty if they do not name the same one: it is left out."""
    found = {}
    for row in judged.to_dict("records"):
        if row["first"] in WRONG and row["second"] in WRONG:
            named = [
                row["suggested"] if row[way] == "suggested" else row[f"{way}_other"] for way in ("first", "second")
            ]
            found[row["filename"]] = named[0] if named[0] == named[1] and named[0] != "none" else ""
    return found


def print_recall(run: Run, samples: np.ndarray, features: np.ndarray, labels: np.ndarray) -> None:
    """On labels that are flipped at random, after the network has learned from them as they were: better than in earnest."""
    groups = np.arange(len(labels))
    if run.has(DUPLICATES):
        table = read_table(run, DUPLICATES, duplicate_groups.SCHEMA)
        groups = duplicate_groups.group_numbers(samples.tolist(), duplicate_groups.from_table(table))
    size, splits = len(run.classes), np.full(len(labels), "test", dtype=object)
    outcomes = []
    for seed in range(5):
        random = np.random.default_rng(seed)
        flipped = random.choice(len(labels), len(labels) // 20, replace=False)
        noisy = labels.copy()
        noisy[flipped] = (noisy[flipped] + random.integers(1, size, len(flipped))) % size
        probabilities = out_of_sample_probabilities(features, noisy, classes=size, groups=groups)
        found = find_suspects(samples, splits, noisy, probabilities, None, run.classes)
        hit = found["sample"].isin(samples[flipped]).to_numpy()
        outcomes.append((hit.sum() / len(flipped), hit.mean(), hit[: len(flipped)].mean()))
    recall, precision, at_count = np.mean(outcomes, axis=0)
    print(
        f"{len(labels) // 20} of {len(labels):,} labels flipped, 5 seeds: recall {recall:.3f}, precision {precision:.3f}, among as "
        f"many of the first as were flipped {at_count:.3f}"
    )


def print_effect(
    run: Run, samples: np.ndarray, features: np.ndarray, labels: np.ndarray, corrected: dict[str, str], *, tested: int
) -> None:
    """Accuracy of heads with old and new training labels, under old and new test labels."""
    number = {name: index for index, name in enumerate(run.classes)}
    new, kept = labels.copy(), np.ones(len(labels), dtype=bool)
    for row, sample in enumerate(samples):
        if sample in corrected:
            kept[row] = corrected[sample] in number
            new[row] = number.get(corrected[sample], new[row])
    test, train = np.arange(len(labels)) < tested, np.arange(len(labels)) >= tested
    changed = new != labels
    print(
        f"corrected: {int((changed & train).sum())} training and {int((changed & test).sum())} test labels; left out: "
        f"{int((~kept & train).sum())} and {int((~kept & test).sum())}"
    )
    answers = {}
    for name, given, rows in (("as they are", labels, train), ("corrected", new, train & kept)):
        head = LogisticRegression(C=10.0, max_iter=300).fit(features[rows], given[rows])
        answers[name] = head.predict(features[test])
    answers["the model itself"] = run.predictions().predicted
    for under, given, rows in (
        ("as they are", labels[test], np.ones(tested, bool)),
        ("corrected", new[test], kept[test]),
    ):
        for name, answer in answers.items():
            right = int((answer == given)[rows].sum())
            low, high = wilson_interval(right, int(rows.sum()))
            print(
                f"test labels {under}, {name}: {right / rows.sum():.4f} ({low:.4f} to {high:.4f}), n {int(rows.sum())}"
            )
        found = mcnemar((answers["as they are"] == given)[rows], (answers["corrected"] == given)[rows])
        print(f"  heads, before and after: fixed {found.fixed}, broken {found.broken}, p {found.p:.3f}")


if __name__ == "__main__":
    main()

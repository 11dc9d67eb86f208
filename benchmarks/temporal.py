#!/usr/bin/env python3
"""Does it help to see how frames follow one another?  Kinds of models of clips, on two public sets, three seeds each.

python -m benchmarks.temporal OUT --surveillance FOLDER --interaction FOLDER [--kinds A,B] [--seeds 0,1,2] [--cache FOLDER]
                              [--quick]

--surveillance: fight/, noFight/ and videos.txt of the Surveillance Camera Fight Dataset (Aktı, Tataroğlu and Ekenel 2019, MIT
license, https://github.com/seymanurakti/fight-detection-surv-dataset).  A seed decides the split by source video (a quarter
tests) and the training.  --interaction: set1/ and set2/ of UT-Interaction (Ryoo and Aggarwal 2010) with the segmented clips
`<n>_<sequence>_<class>.avi`, classes 0 to 5; set1 trains, set2 tests, a seed decides the training.

All kinds get the same frames.  `photo` and `photo_peak` are the shipped photo model as it is, which has never seen a clip: its
probability of fighting, or of hugging and fighting, as the mean or the peak of the frames; the training part chooses nothing but
the threshold.  Each result is a run folder in OUT and a line in OUT/results.jsonl; what is there is not made again, and a
training that was interrupted goes on.  Prints a table with 95 % intervals of a bootstrap over source videos.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from har_core.analysis.scores import scores_of
from har_core.data.clip_split import ClipSplit, split_clips
from har_core.data.samples import Sample
from har_core.errors import RunError
from har_core.media.clips import ClipReader
from har_core.models.external.carried import load_carried
from har_core.models.registry import head
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run, shipped_run
from har_core.runs.writing import write_results
from har_core.training.clip_features import ClipFeatures
from har_core.training.state import STATE
from har_core.training.temporal_config import TemporalConfig
from har_core.training.temporal_pipeline import ClipCallbacks, start, train_clips

KINDS = ("photo", "photo_peak", "frames", "frames_peak", "transformer", "convlstm", "inflated")
RESAMPLES = 1000
INTERACTION = ("shake hands", "hug", "kick", "point", "punch", "push")
COARSE = {"hug": "hugging", "kick": "fighting", "punch": "fighting", "push": "fighting"}
"""What the photo model knows of UT-Interaction's actions; the others are "none"."""


@dataclass(frozen=True)
class Clips:
    """`source`: clip → source video.  `test`: clips that test, where these come as a folder of their own."""

    name: str
    samples: list[Sample]
    source: dict[str, str]
    test: list[Sample]

    def split(self, seed: int) -> ClipSplit:
        return split_clips(self.samples, self.source, dev_fraction=0.2, test_fraction=0.25, seed=seed, test=self.test)


def surveillance(folder: Path, most: int | None) -> Clips:
    """The sources are the videos of videos.txt; of two other data sets, each counts as one."""
    text = (folder / "videos.txt").read_text(encoding="utf-8")
    source: dict[str, str] = {}
    address = ""
    for line in text.splitlines():
        if line.startswith("http"):
            address = line.strip()
        elif found := re.match(r"(nofi|fi)(\d+) *- *nofi(\d+) *: *(.+)", line):
            for number in range(int(found[2]), int(found[3]) + 1):
                source.setdefault(f"{found[1]}{number:03}", found[4].strip())
        elif found := re.match(r"(fi|nofi)(\d+):", line):
            source[f"{found[1]}{int(found[2]):03}"] = address
    paths = [path for name in ("fight", "noFight") for path in sorted((folder / name).glob("*.mp4"))[:most]]
    samples = [Sample(f"{path.parent.name}/{path.name}", path, path.parent.name) for path in paths]
    alone = [sample.name for sample in samples if sample.path.stem not in source]
    print(f"surveillance: {len(samples)} clips, {len(alone)} of no known source: {', '.join(alone[:10])}")
    return Clips("surveillance", samples, {one.name: source.get(one.path.stem, one.name) for one in samples}, [])


def interaction(folder: Path, most: int | None) -> Clips:
    """The sources are the sequences of each set."""
    parts: list[list[Sample]] = []
    source: dict[str, str] = {}
    for part in ("set1", "set2"):
        samples: list[Sample] = []
        for path in sorted((folder / part).glob("*_*_[0-5].avi")):
            _, sequence, action = path.stem.split("_")
            label = INTERACTION[int(action)]
            if sum(one.label == label for one in samples) == (most or 10**6):
                continue
            samples.append(Sample(f"{part}/{label}/{path.name}", path, label))
            source[samples[-1].name] = f"{part} sequence {sequence}"
        parts.append(samples)
    return Clips("interaction", parts[0], source, parts[1])


def photo_alone(clips: Clips, split: ClipSplit, features: ClipFeatures, peak: bool) -> Predictions:
    """The photo model without training on clips, with the one threshold that is best on those that others train on."""
    model, spec = load_carried(shipped_run())
    last = head(model)

    def shares(samples: Iterable[Sample]) -> np.ndarray:
        """(N, 2): the probabilities of hugging and fighting."""
        with torch.no_grad():
            logits = [last(features.pooled(sample).flatten(1)) / spec.temperature for sample in samples]
        each = [one.softmax(dim=1)[:, [spec.classes.index(name) for name in ("hugging", "fighting")]] for one in logits]
        return np.stack([(one.max(dim=0).values if peak else one.mean(dim=0)).numpy() for one in each])

    known = [*split.train, *split.dev]
    if clips.name == "surveillance":
        classes: tuple[str, ...] = ("fight", "noFight")
        learned, asked = shares(known)[:, 1], shares(split.test)[:, 1]
        truth = np.array([sample.label == "fight" for sample in known])
        threshold = best_threshold(learned, lambda cut: float(np.mean((learned >= cut) == truth)))
        fight = np.where(
            asked < threshold, 0.5 * asked / threshold, 0.5 + 0.5 * (asked - threshold) / max(1e-9, 1 - threshold)
        )
        return predictions(classes, split.test, np.stack([fight, 1 - fight], axis=1))
    classes = ("fighting", "hugging", "none")
    learned, asked = shares(known)[:, ::-1], shares(split.test)[:, ::-1]
    true = np.array([classes.index(COARSE.get(sample.label, "none")) for sample in known])

    def with_none(scores: np.ndarray, cut: float) -> np.ndarray:
        rows = np.column_stack([scores, np.full(len(scores), cut)])
        return np.asarray(rows / rows.sum(axis=1, keepdims=True))

    threshold = best_threshold(
        learned.max(axis=1), lambda cut: float(np.mean(with_none(learned, cut).argmax(1) == true))
    )
    coarse = [Sample(one.name, one.path, COARSE.get(one.label, "none")) for one in split.test]
    return predictions(classes, coarse, with_none(asked, threshold))


def best_threshold(scores: np.ndarray, accuracy: Callable[[float], float]) -> float:
    """The middle between two scores at which the accuracy is highest."""
    ordered = np.unique(scores)
    cuts = (ordered[1:] + ordered[:-1]) / 2 if len(ordered) > 1 else ordered
    return float(max(cuts, key=accuracy))


def predictions(classes: tuple[str, ...], samples: Iterable[Sample], probabilities: np.ndarray) -> Predictions:
    chosen = list(samples)
    return Predictions(
        classes,
        np.array([sample.name for sample in chosen], dtype=object),
        np.array([classes.index(sample.label) for sample in chosen], dtype=np.int64),
        probabilities.astype(np.float32),
    )


def result(clips: Clips, kind: str, seed: int, given: argparse.Namespace) -> Run:
    """The run of one kind and seed: made, gone on with, or read."""
    folder = given.out / f"{clips.name}-{kind}-{seed}"
    try:
        if (run := Run.open(folder)).manifest.status == COMPLETE:
            return run
    except RunError:
        pass
    split, quick = clips.split(seed), {"epochs": 2, "frames": 4} if given.quick else {}
    if kind.startswith("photo"):
        config = TemporalConfig.of_kind("frames", **{"seed": seed, **quick})
        network, _ = start(split.classes, config, shipped_run())
        features = ClipFeatures(given.cache, network, ClipReader(), torch.device("cpu"))
        if problems := features.compute((*split.train, *split.dev, *split.test)):
            raise SystemExit("\n".join(map(str, problems)))
        found = photo_alone(clips, split, features, kind == "photo_peak")
        manifest = Manifest(status=COMPLETE, classes=found.classes, scores=scores_of(found), source="clips")
        folder.mkdir(parents=True, exist_ok=True)
        return write_results(folder, found, None, None, manifest)
    options = quick | ({"weights": given.weights} if kind not in KINDS else {})
    return train_clips(
        split,
        TemporalConfig.of_kind(kind, **{"seed": seed, **options}),
        folder,
        photo_run=shipped_run(),
        cache=given.cache,
        device=torch.device("cpu"),
        resume=(folder / STATE).exists(),
        callbacks=ClipCallbacks(
            start=lambda line: print(line, flush=True),
            epoch=lambda row, best: print(
                f"  epoch {row['epoch']:.0f} loss {row['train_loss']:.3f} dev {row['eval_accuracy']:.3f} {row['seconds']:.0f} s",
                flush=True,
            ),
        ),
    )


def coarse(found: Predictions) -> Predictions:
    """UT-Interaction's six actions as what the photo model knows of them: the likeliest action decides."""
    if "none" in found.classes:
        return found
    classes = ("fighting", "hugging", "none")
    meant = np.array([classes.index(COARSE.get(name, "none")) for name in found.classes])
    return Predictions(classes, found.samples, meant[found.true], np.eye(3, dtype=np.float32)[meant[found.predicted]])


def accuracy(found: Predictions, weight: np.ndarray) -> float:
    return float(np.average(found.correct, weights=weight))


def area(found: Predictions, weight: np.ndarray) -> float:
    """Under the ROC curve of the first class, fight."""
    return float(roc_auc_score(found.true == 0, found.probabilities[:, 0], sample_weight=weight))


def intervals(
    by_kind: dict[str, list[Predictions]], clips: Clips, score: Callable[[Predictions, np.ndarray], float]
) -> dict[str, tuple[float, float, float, float, float]]:
    """Kind → mean over the seeds, its 95 % interval, and that of the difference to `frames`, of one bootstrap over sources."""
    sources = sorted(set(clips.source.values()))
    number = {name: index for index, name in enumerate(sources)}
    random = np.random.default_rng(0)
    places = {
        kind: [np.array([number[clips.source[name]] for name in found.samples]) for found in runs]
        for kind, runs in by_kind.items()
    }

    def value(kind: str, drawn: np.ndarray) -> float:
        return float(np.mean([score(one, drawn[at]) for one, at in zip(by_kind[kind], places[kind], strict=True)]))

    drawn: dict[str, list[float]] = {kind: [] for kind in by_kind}
    for _ in range(RESAMPLES):
        counts = np.bincount(random.integers(0, len(sources), len(sources)), minlength=len(sources)).astype(float)
        try:
            row = {kind: value(kind, counts) for kind in by_kind}
        except (ValueError, ZeroDivisionError):  # a resample without test clips, or without one of the classes
            continue
        for kind, one in row.items():
            drawn[kind].append(one)
    table = {}
    for kind in by_kind:
        low, high = np.nanquantile(drawn[kind], [0.025, 0.975])
        worse, better = np.nan, np.nan
        if "frames" in by_kind:
            worse, better = np.nanquantile(np.subtract(drawn[kind], drawn["frames"]), [0.025, 0.975])
        table[kind] = (value(kind, np.ones(len(sources))), low, high, worse, better)
    return table


def show(title: str, table: dict[str, tuple[float, float, float, float, float]]) -> None:
    print(f"\n{title}\n| kind | mean | 95 % | minus frames, 95 % |\n|---|---|---|---|")
    for kind, (mean, low, high, worse, better) in table.items():
        print(f"| {kind} | {mean:.3f} | {low:.3f} to {high:.3f} | {worse:+.3f} to {better:+.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--surveillance", type=Path)
    parser.add_argument("--interaction", type=Path)
    parser.add_argument("--kinds", default=",".join(KINDS), help="also networks of torchvision (default: %(default)s)")
    parser.add_argument("--seeds", default="0,1,2", help="(default: %(default)s)")
    parser.add_argument("--weights", default="kinetics", help="of networks of torchvision (default: %(default)s)")
    parser.add_argument("--cache", type=Path, help="of what is seen in the frames (default: OUT/cache)")
    parser.add_argument(
        "--quick", action="store_true", help="8 clips a class, 2 epochs, 4 frames: whether it works at all"
    )
    given = parser.parse_args()
    given.cache = given.cache or given.out / "cache"
    given.out.mkdir(parents=True, exist_ok=True)
    most = 8 if given.quick else None
    sets = [interaction(given.interaction, most)] if given.interaction else []
    sets += [surveillance(given.surveillance, most)] if given.surveillance else []
    found: dict[str, dict[str, list[Predictions]]] = {clips.name: {} for clips in sets}
    lines = given.out / "results.jsonl"
    done = {tuple(json.loads(line)["of"]) for line in lines.read_text().splitlines()} if lines.is_file() else set()
    for kind in given.kinds.split(","):
        for clips in sets:
            for seed in map(int, given.seeds.split(",")):
                began = time.monotonic()
                run = result(clips, kind, seed, given)
                found[clips.name].setdefault(kind, []).append(run.predictions())
                if (clips.name, kind, seed) not in done:
                    scores = run.manifest.scores
                    assert scores is not None
                    row = {
                        "of": [clips.name, kind, seed],
                        "seconds": round(time.monotonic() - began),
                        **scores.model_dump(),
                    }
                    with lines.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
                    print(json.dumps(row), flush=True)
    for clips in sets:
        by_kind = found[clips.name]
        trained = {kind: runs for kind, runs in by_kind.items() if not kind.startswith("photo")}
        if clips.name == "surveillance":
            show("surveillance: accuracy", intervals(by_kind, clips, accuracy))
            show("surveillance: area under the ROC curve", intervals(by_kind, clips, area))
        else:
            show("interaction: accuracy, six actions", intervals(trained, clips, accuracy))
            merged = {kind: [coarse(one) for one in runs] for kind, runs in by_kind.items()}
            show("interaction: accuracy, hugging, fighting or none", intervals(merged, clips, accuracy))


if __name__ == "__main__":
    main()

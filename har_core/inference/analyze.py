"""A run and its photos → what takes too long to compute while somebody waits, stored with the run.

Near-duplicates, labels that are probably wrong, what the photos are like, a map of the embeddings, and whether the heatmaps
show what the model uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from har_core.analysis import duplicate_groups, embedding_map
from har_core.analysis import faithfulness as faithful
from har_core.analysis.label_suspects import find_suspects, out_of_sample_probabilities, suspects_schema
from har_core.data.near_duplicates import hash_pairs, hash_photos
from har_core.data.photo_properties import measure_photos, write_photo_properties
from har_core.data.samples import Problem, Sample
from har_core.data.scan import Progress
from har_core.errors import DataError
from har_core.inference.evaluate import evaluate
from har_core.inference.faithfulness import measure_faithfulness
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.media.photo_store import PhotoStore
from har_core.runs.file_names import (
    DROPPED,
    DUPLICATES,
    EMBEDDING_MAP,
    EMBEDDINGS,
    FAITHFULNESS,
    MODEL,
    SUSPECTS,
    TRAINING_EMBEDDINGS,
    TRAINING_PHOTOS,
)
from har_core.runs.predictions import evenly_spaced
from har_core.runs.run import Run
from har_core.runs.tables import TEST, TRAINED, TRAINING, read_table, training_schema, write_table
from har_core.runs.training_embeddings import (
    TrainingEmbeddings,
    read_training_embeddings,
    reduce_embeddings,
    write_training_embeddings,
)

_WITHOUT_MODEL = "this run has no model of train.py or timm: skipped"

MAPS_JUDGED = 24
"""Photos, evenly drawn, by which heatmaps are judged."""

MakeProgress = Callable[[str], Progress]
"""What a step is called → where its progress goes."""


@dataclass(frozen=True)
class Photos:
    """Of a data folder: the photos that the run was evaluated on, in its order; those that it learned from; and those that were
    left out of the training, as near-duplicates of the evaluation.
    """

    test: list[Sample]
    training: list[Sample]
    left_out: list[Sample]

    @classmethod
    def of(cls, run: Run, samples: Sequence[Sample]) -> Photos:
        """Sort a data folder's photos.

        A run tells which photos it learned from, and with which labels; of one that does not, all others count whose labels the
        model knows.

        Raises:
            DataError: if none of the run's photos is there.
        """
        predictions = run.predictions()
        by_name = {sample.name: sample for sample in samples}
        labels = zip(predictions.samples, predictions.true.tolist(), strict=True)
        test = [replace(by_name[name], label=run.classes[true]) for name, true in labels if name in by_name]
        if not test:
            raise DataError(
                f"expected some of the {len(predictions):,} photos that run {run.name} was evaluated on, found none; name the "
                "folder they are in"
            )
        if run.has(TRAINING_PHOTOS):
            table = read_table(run, TRAINING_PHOTOS, training_schema(run.classes))
            used = table[table["used"] == TRAINED]
            pairs = zip(used["sample"], used["label"], strict=True)
            trained = [replace(by_name[name], label=label) for name, label in pairs if name in by_name]
            listed = {*predictions.samples, *table["sample"]}
            return cls(test, trained, [one for one in samples if one.name not in listed and one.name in _dropped(run)])
        tested, dropped = set(predictions.samples), _dropped(run)
        known = [] if run.manifest.data.train is None else [one for one in samples if one.label in run.classes]
        others = [one for one in known if one.name not in tested]
        return cls(
            test,
            [one for one in others if one.name not in dropped],
            [one for one in others if one.name in dropped],
        )

    @classmethod
    def evaluated(cls, run: Run, folder: Path) -> Photos:
        """The photos of a run of which nothing is known but what it was evaluated on, however they lie in a folder.

        Raises:
            DataError: as `of`.
        """
        store = PhotoStore(folder)
        found = ((name, store.find(name)) for name in run.predictions().samples)
        test = [Sample(name, path, "") for name, path in found if path is not None]
        return cls.of(run, test)  # with the labels of the run


@dataclass
class Analysis:
    """What the steps share.  Each returns the run with what it stored, and one line that says what was found."""

    run: Run
    photos: Photos
    device: torch.device
    progress: MakeProgress

    def embed(self) -> tuple[Run, str]:
        """The embeddings of the training photos."""
        if not self.photos.training:
            return self.run, "no training photos in this folder: none are embedded"
        if not self.run.has(MODEL):
            return self.run, _WITHOUT_MODEL
        found = evaluate(
            self.photos.training, Predictor.from_run(self.run, self.device), progress=self.progress("embedding")
        )
        assert found.embeddings is not None  # these networks have some
        samples = [str(name) for name in found.predictions.samples]
        reduced = reduce_embeddings(samples, found.predictions.true, found.embeddings)
        kept = reduced.neighbors_kept(found.embeddings)
        line = (
            f"{len(reduced):,} training photos, {reduced.embeddings.shape[1]} components, which keep {kept:.1%} of the ten "
            "nearest neighbors"
        )
        return write_training_embeddings(self.run, reduced), line + _and(found.skipped)

    def find_near_duplicates(self) -> tuple[Run, str]:
        """Groups of photos that show the same, over test and training photos."""
        parts = zip(
            duplicate_groups.SPLITS, (self.photos.test, self.photos.training, self.photos.left_out), strict=True
        )
        splits = {sample.name: split for split, part in parts for sample in part}
        hashed = hash_photos(
            [*self.photos.test, *self.photos.training, *self.photos.left_out], progress=self.progress("hashing")
        )
        samples = [sample.name for sample in hashed.samples]
        groups = duplicate_groups.find_groups(
            samples,
            [sample.label for sample in hashed.samples],
            [splits[name] for name in samples],
            hashed.hashes,
            hash_pairs(hashed.hashes, hashed.digests),
            embeddings=self._embeddings_of(samples),
        )
        run = write_table(self.run, DUPLICATES, duplicate_groups.to_table(groups), duplicate_groups.SCHEMA)
        across, differ = (sum(getattr(group, name) for group in groups) for name in ("across_split", "labels_differ"))
        return (
            run,
            f"{len(groups):,} groups of near-duplicates, {across:,} across the split, {differ:,} with different labels"
            + _and(hashed.problems),
        )

    def find_suspects(self) -> tuple[Run, str]:
        """Labels that are probably wrong, by heads that never saw the photo they judge."""
        if not self.run.has(EMBEDDINGS):
            return self._suspects_by_own_answers()
        features, labels, samples, splits = self._all_features()
        groups = np.arange(len(labels))
        if self.run.has(DUPLICATES):
            table = read_table(self.run, DUPLICATES, duplicate_groups.SCHEMA)
            groups = duplicate_groups.group_numbers(samples.tolist(), duplicate_groups.from_table(table))
        probabilities = out_of_sample_probabilities(
            features, labels, classes=len(self.run.classes), groups=groups, progress=self.progress("fitting heads")
        )
        found = find_suspects(samples, splits, labels, probabilities, features, self.run.classes, groups=groups)
        run = write_table(self.run, SUSPECTS, found, suspects_schema(self.run.classes))
        return run, f"{len(found):,} label suspects among {len(labels):,} photos"

    def _suspects_by_own_answers(self) -> tuple[Run, str]:
        """Without embeddings: the model's own answers to the photos that it was evaluated on."""
        predictions = self.run.predictions()
        splits = np.full(len(predictions), TEST, dtype=object)
        found = find_suspects(
            predictions.samples, splits, predictions.true, predictions.probabilities, None, self.run.classes
        )
        run = write_table(self.run, SUSPECTS, found, suspects_schema(self.run.classes))
        return run, f"{len(found):,} label suspects among {len(predictions):,} photos, by the model's own answers"

    def measure(self) -> tuple[Run, str]:
        """Brightness, sharpness, size, … of the test photos."""
        model = self.run.manifest.model
        found = measure_photos(
            [(sample.name, sample.path) for sample in self.photos.test],
            crop_size=model.crop_size,
            resize=model.resize,
            progress=self.progress("measuring"),
        )
        return write_photo_properties(self.run, found.table), f"{len(found.table):,} photos measured" + _and(
            found.problems
        )

    def draw_map(self) -> tuple[Run, str]:
        """The map of the embeddings of test and training photos."""
        if not self.run.has(EMBEDDINGS):
            return self.run, "this run has no embeddings: nothing is drawn"
        predictions, training = self.run.predictions(), self._training()
        features, *_ = self._all_features()
        table, method = embedding_map.map_table(
            predictions, features, (training.samples.astype(object), training.labels) if training is not None else None
        )
        run = write_table(self.run, EMBEDDING_MAP, table, embedding_map.SCHEMA)
        trust = embedding_map.trust_in_map(features, table[["x", "y"]].to_numpy())
        return run, f"a map of {len(table):,} photos by {method}, trustworthiness {trust:.3f}"

    def judge_maps(self) -> tuple[Run, str]:
        """Deletion, insertion and ROAD of the class maps."""
        if not self.run.has(MODEL):
            return self.run, _WITHOUT_MODEL
        chosen = [self.photos.test[row] for row in evenly_spaced(len(self.photos.test), MAPS_JUDGED)]
        table = measure_faithfulness(
            Predictor.from_run(self.run, self.device),
            [open_photo(sample.path, sample.name) for sample in chosen],
            progress=self.progress("judging heatmaps"),
        )
        return write_table(self.run, FAITHFULNESS, table, faithful.SCHEMA), f"heatmaps judged on {len(chosen):,} photos"

    def _training(self) -> TrainingEmbeddings | None:
        return read_training_embeddings(self.run) if self.run.has(TRAINING_EMBEDDINGS) else None

    def _all_features(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(M, d) features, class indices, names and split of the test photos, then of the training photos."""
        predictions, training = self.run.predictions(), self._training()
        tested = np.asarray(self.run.embeddings())
        splits = np.full(len(predictions), TEST, dtype=object)
        if training is None:
            return tested, predictions.true, predictions.samples, splits
        return (
            np.concatenate([training.project(tested), training.embeddings.astype(np.float32)]),
            np.concatenate([predictions.true, training.labels]),
            np.concatenate([predictions.samples, training.samples.astype(object)]),
            np.concatenate([splits, np.full(len(training), TRAINING, dtype=object)]),
        )

    def _embeddings_of(self, samples: Sequence[str]) -> np.ndarray | None:
        """(M, D) float32; NaN where a photo has none; None if none has any."""
        if not self.run.has(EMBEDDINGS):
            return None
        predictions, training = self.run.predictions(), self._training()
        tested = np.asarray(self.run.embeddings(), dtype=np.float32)
        found = np.full((len(samples), tested.shape[1]), np.nan, dtype=np.float32)
        row = {name: number for number, name in enumerate(samples)}
        for names, values in (
            (predictions.samples, tested),
            (training.samples, training.restore()) if training else ((), tested),
        ):
            places = [(row[name], number) for number, name in enumerate(names) if name in row]
            if places:
                to, of = np.array(places).T
                found[to] = values[of]
        return found


STEPS: dict[str, Callable[[Analysis], tuple[Run, str]]] = {
    "photos": Analysis.measure,
    "embeddings": Analysis.embed,
    "near-duplicates": Analysis.find_near_duplicates,
    "suspects": Analysis.find_suspects,
    "map": Analysis.draw_map,
    "faithfulness": Analysis.judge_maps,
}
"""In their order: later ones use what earlier ones stored, where it is there."""


def _dropped(run: Run) -> set[str]:
    """Of the near-duplicates that were dropped, the manifest names the first hundred, a file of the run all."""
    listed = run.folder / DROPPED
    named = set(run.manifest.data.near_duplicates_dropped)
    return named | set(listed.read_text(encoding="utf-8").splitlines()) if listed.is_file() else named


def _and(problems: Sequence[Problem]) -> str:
    return f"; {len(problems):,} could not be read, such as {problems[0]}" if problems else ""

"""Training on clips: order is learned where it can be, and the run is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from har_core.data.clip_split import ClipSplit
from har_core.data.samples import Sample
from har_core.errors import ClipError, ConfigError, DataError
from har_core.inference.temporal import TemporalPredictor, evaluate_temporal
from har_core.models.temporal import list_temporal
from har_core.runs.clip_table import PEAK_FRAMES, read_clips
from har_core.runs.file_names import CLIP_MODEL, TRAINING_PHOTOS
from har_core.runs.run import Run
from har_core.training.state import BEST, STATE
from har_core.training.temporal_config import TemporalConfig
from har_core.training.temporal_pipeline import train_clips
from tests.training.moving_squares import PlainReader
from tests.training.temporal_runs import CPU, QUICK, config, trained


@pytest.fixture(scope="module")
def runs(split: ClipSplit, base: Run, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """One of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    return {kind: trained(split, kind, folder / kind, base, cache) for kind in QUICK}


@pytest.mark.parametrize("kind", ["frames", "frames_peak"])
def test_frames_one_by_one_do_not_tell_a_clip_from_the_same_one_backwards(runs: dict[str, Run], kind: str) -> None:
    assert runs[kind].manifest.scores is not None
    assert runs[kind].manifest.scores.accuracy == 0.5


@pytest.mark.parametrize("kind", ["convlstm", "transformer", "inflated"])
def test_temporal_models_learn_what_only_order_tells(runs: dict[str, Run], kind: str) -> None:
    assert runs[kind].manifest.scores is not None
    assert runs[kind].manifest.scores.accuracy >= 0.85


@pytest.mark.parametrize("kind", QUICK)
def test_the_run_is_whole(runs: dict[str, Run], split: ClipSplit, kind: str) -> None:
    run = Run.open(runs[kind].folder)
    manifest, predictions = run.manifest, run.predictions()
    assert manifest.status == "complete" and run.classes == ("left", "right")
    assert list(predictions.samples) == [sample.name for sample in split.test]
    assert len(run.history()) == manifest.training.epochs == QUICK[kind]["epochs"]
    best = run.history()["eval_accuracy"].to_numpy()
    assert best[(manifest.training.epoch or 0) - 1] == best.max()
    assert run.embeddings().shape[0] == len(predictions)
    if kind == "transformer":
        assert manifest.model.explanation == "occlusion" and not run.has("heatmaps.npy")
    else:
        assert manifest.model.explanation == "closed form" and run.class_maps().shape[:2] == (len(predictions), 2)
    assert manifest.model.fit == "squash" and manifest.data.train == len(split.train)
    assert set(np.genfromtxt(run.file(TRAINING_PHOTOS), delimiter=",", dtype=str, skip_header=1)[:, 0]) == {
        sample.name for sample in split.train
    }
    table = read_clips(run)
    assert list(table["sample"]) == list(predictions.samples) and (table["frames"] == 8).all()
    assert table["seconds"].between(0.8, 1.2).all() and table["peak"].between(0.4, 0.7).all()
    assert all((run.folder / PEAK_FRAMES / f"{name}.jpg").is_file() for name in predictions.samples)
    assert not {STATE, BEST} & {path.name for path in run.folder.iterdir()}


@pytest.mark.parametrize("kind", QUICK)
def test_the_file_alone_predicts_what_the_run_holds(runs: dict[str, Run], split: ClipSplit, kind: str) -> None:
    predictor = TemporalPredictor.from_run(runs[kind], reader=PlainReader())
    found = evaluate_temporal(split.test[:3], predictor)
    stored = runs[kind].predictions()
    np.testing.assert_allclose(found.predictions.probabilities, stored.probabilities[:3], atol=1e-5)
    one = predictor.predict(split.test[0].path, "clip")
    np.testing.assert_allclose(one.finding.probabilities, stored.probabilities[0], atol=1e-5)
    assert one.predicted == one.classes[stored.predicted[0]] and one.confidence == pytest.approx(
        stored.confidence[0], abs=1e-5
    )
    assert len(one.times) == 8 and (np.diff(one.times) >= 0).all() and one.middle.size == (64, 64)


def test_by_default_clips_are_decoded_in_a_process_of_their_own(runs: dict[str, Run], split: ClipSplit) -> None:
    ours = TemporalPredictor.from_run(runs["frames"]).predict(split.test[0].path, "clip")
    plain = TemporalPredictor.from_run(runs["frames"], reader=PlainReader()).predict(split.test[0].path, "clip")
    np.testing.assert_allclose(ours.finding.probabilities, plain.finding.probabilities, atol=0.02)


def test_labels_that_the_model_does_not_know_are_skipped_and_named(runs: dict[str, Run], split: ClipSplit) -> None:
    predictor = TemporalPredictor.from_run(runs["frames"], reader=PlainReader())
    first, second = split.test[:2]
    samples = [first, Sample("x/1.mkv", second.path, "jumping"), Sample("x/2.mkv", second.path, "to left")]
    found = evaluate_temporal(samples, predictor, mapping={"to left": "left"})
    assert list(found.predictions.samples) == [first.name, "x/2.mkv"]
    assert [problem.name for problem in found.skipped] == ["x/1.mkv"]
    with pytest.raises(DataError, match="jumping"):
        evaluate_temporal(samples[1:2], predictor)


def test_features_are_computed_once(
    split: ClipSplit, base: Run, runs: dict[str, Run], cache: Path, tmp_path: Path
) -> None:
    tested = {sample.path for sample in split.test}

    class Sparing(PlainReader):
        def open(self, clip: Any, name: str, **options: Any) -> Any:
            assert clip in tested, "only the frames that the pages show are decoded again"
            return super().open(clip, name, **options)

    again = train_clips(
        split, config("convlstm"), tmp_path / "run", photo_run=base, cache=cache, device=CPU, reader=Sparing()
    )
    first, second = (load_file(run.file(CLIP_MODEL)) for run in (runs["convlstm"], again))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_clip_that_cannot_be_read_stops_the_training_or_is_listed(
    split: ClipSplit, base: Run, cache: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"nothing")

    class Careful(PlainReader):
        def open(self, clip: Any, name: str, **options: Any) -> Any:
            if clip == broken:
                raise ClipError(f"{name} cannot be read")
            return super().open(clip, name, **options)

    worse = ClipSplit(
        split.classes,
        (*split.train, Sample("left/broken.mkv", broken, "left")),
        split.dev,
        split.test,
        split.sources,
        "x",
    )
    options: dict[str, Any] = {"photo_run": base, "cache": cache, "device": CPU, "reader": Careful()}
    with pytest.raises(DataError, match="broken"):
        train_clips(worse, config("frames", epochs=1), tmp_path / "run", **options)
    run = train_clips(worse, config("frames", epochs=1), tmp_path / "run", skip_bad=True, **options)
    assert run.manifest.data.skipped_count == 1 and run.manifest.data.train == len(split.train)


@pytest.mark.parametrize("kind", list_temporal())
def test_every_kind_has_values_that_are_accepted(kind: str) -> None:
    values = TemporalConfig.of_kind(kind).as_dict()
    assert TemporalConfig(**values).as_dict() == values and values["temporal"] == kind


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"epochs": 0}, "--epochs"),
        ({"unfreeze": ("fc",)}, "--unfreeze"),
        ({"lr": float("nan")}, "--lr"),
        ({"frames": 99}, "--frames"),
    ],
)
def test_values_that_cannot_be_are_refused_by_their_flag(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        TemporalConfig.of_kind("frames", **changes)
    with pytest.raises(ConfigError, match="convlstm"):
        TemporalConfig.of_kind("lstm")

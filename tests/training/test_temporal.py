"""Training on clips: order is learned where it can be, the run is whole, and a killed training ends as if nothing happened."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from har_core.cli import main
from har_core.cli.train import _resumed_config
from har_core.data.clip_split import ClipSplit, split_clips
from har_core.data.samples import Sample
from har_core.errors import CheckpointError, ConfigError, DataError, RunError
from har_core.inference.temporal import TemporalPredictor, evaluate_temporal
from har_core.models.temporal import list_temporal
from har_core.runs.clip_table import PEAK_FRAMES, read_clips
from har_core.runs.file_names import CLIP_MODEL, TRAINING_PHOTOS
from har_core.runs.run import Run
from har_core.training.config import RECIPES
from har_core.training.state import BEST, FORMAT, STATE, read_state, write
from har_core.training.temporal_config import TemporalConfig
from har_core.training.temporal_pipeline import ClipCallbacks, train_clips
from tests.conftest import ROOT
from tests.media.clip_makers import make_clip
from tests.training.moving_squares import FPS, SIDE, PlainReader, make_clips, moving_square
from tests.training.tiny_resnet import photo_run

CPU = torch.device("cpu")
QUICK: dict[str, dict[str, Any]] = {
    "frames": {"epochs": 10},
    "frames_peak": {"epochs": 10},
    "convlstm": {"epochs": 8, "lr": 3e-3, "dropout": 0.0},
    "transformer": {"epochs": 30, "lr": 1e-3, "dropout": 0.0},
    "inflated": {"epochs": 12, "lr": 3e-3, "head_lr_factor": 1.0, "dropout": 0.0},
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return make_clips(tmp_path_factory.mktemp("clips"), 32)


@pytest.fixture(scope="module")
def split(clips: list[Sample]) -> ClipSplit:
    groups = {sample.name: sample.path.stem for sample in clips}
    return split_clips(clips, groups, dev_fraction=0.2, test_fraction=0.25, seed=0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return photo_run(tmp_path_factory.mktemp("photo") / "run")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def config(kind: str, **changes: Any) -> TemporalConfig:
    return TemporalConfig.of_kind(kind, **{"frames": 8, "batch_size": 8, "weight_decay": 0.0, **QUICK[kind], **changes})


def trained(split: ClipSplit, kind: str, folder: Path, photos: Run, cache: Path, **options: Any) -> Run:
    changes = options.pop("changes", {})
    return train_clips(
        split,
        config(kind, **changes),
        folder,
        photo_run=photos,
        cache=cache,
        device=CPU,
        reader=PlainReader(),
        **options,
    )


@pytest.fixture(scope="module")
def runs(split: ClipSplit, photos: Run, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """One of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    return {kind: trained(split, kind, folder / kind, photos, cache) for kind in QUICK}


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
    split: ClipSplit, photos: Run, runs: dict[str, Run], cache: Path, tmp_path: Path
) -> None:
    tested = {sample.path for sample in split.test}

    class Sparing(PlainReader):
        def open(self, clip: Any, name: str, **options: Any) -> Any:
            assert clip in tested, "only the frames that the pages show are decoded again"
            return super().open(clip, name, **options)

    again = train_clips(
        split, config("convlstm"), tmp_path / "run", photo_run=photos, cache=cache, device=CPU, reader=Sparing()
    )
    first, second = (load_file(run.file(CLIP_MODEL)) for run in (runs["convlstm"], again))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_clip_that_cannot_be_read_stops_the_training_or_is_listed(
    split: ClipSplit, photos: Run, cache: Path, tmp_path: Path
) -> None:
    from har_core.errors import ClipError

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
    options: dict[str, Any] = {"photo_run": photos, "cache": cache, "device": CPU, "reader": Careful()}
    with pytest.raises(DataError, match="broken"):
        train_clips(worse, config("frames", epochs=1), tmp_path / "run", **options)
    run = train_clips(worse, config("frames", epochs=1), tmp_path / "run", skip_bad=True, **options)
    assert run.manifest.data.skipped_count == 1 and run.manifest.data.train == len(split.train)


_KILL = """
import os, signal, sys
from pathlib import Path
import torch
import har_core.training.temporal as temporal
from tests.training.test_temporal import config, continue_training

torch.set_num_threads(1)
save, calls = temporal.ClipTrainer.save, []

def saving(self):
    save(self)
    calls.append(self)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

temporal.ClipTrainer.save = saving
continue_training(Path(sys.argv[1]), Path(sys.argv[2]), resume=False)
"""


def continue_training(root: Path, folder: Path, *, resume: bool) -> Run:
    """A training with dropout, on what lies in `root`: clips/, photo/ and cache/."""
    from tests.training.tiny_resnet import photo_model

    photo_model()  # registers the network
    paths = sorted((root / "clips").rglob("*.mkv"))
    samples = [Sample(f"{path.parent.name}/{path.name}", path, path.parent.name) for path in paths]
    split = split_clips(samples, dev_fraction=0.2, test_fraction=0.25, seed=0)
    return trained(
        split, "convlstm", folder, Run.open(root / "photo"), root / "cache",
        resume=resume, changes={"dropout": 0.3, "epochs": 4},
    )  # fmt: skip


@pytest.mark.slow
def test_a_killed_training_resumes_to_bit_identical_weights(tmp_path: Path) -> None:
    make_clips(tmp_path / "clips", 10)
    photo_run(tmp_path / "photo")
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_KILL), tmp_path, tmp_path / "killed"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert (tmp_path / "killed" / STATE).exists() and not (tmp_path / "killed" / CLIP_MODEL).exists()
    assert read_state(tmp_path / "killed")["progress"]["epoch"] == 3  # two are done
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = continue_training(tmp_path, tmp_path / "whole", resume=False)
        resumed = continue_training(tmp_path, tmp_path / "killed", resume=True)
    finally:
        torch.set_num_threads(threads)
    first, second = (load_file(run.file(CLIP_MODEL)) for run in (whole, resumed))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    columns = ["train_loss", "eval_loss", "eval_accuracy", "learning_rate"]
    assert whole.history()[columns].equals(resumed.history()[columns])
    assert np.array_equal(whole.predictions().probabilities, resumed.predictions().probabilities)


def test_a_state_of_other_clips_is_refused(split: ClipSplit, photos: Run, cache: Path, tmp_path: Path) -> None:
    def stop(row: dict[str, float], best: bool) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(split, "frames", tmp_path / "run", photos, cache, callbacks=ClipCallbacks(epoch=stop))
    fewer = ClipSplit(split.classes, split.train[2:], split.dev, split.test, split.sources, split.description)
    with pytest.raises(CheckpointError, match="clips"):
        trained(fewer, "frames", tmp_path / "run", photos, cache, resume=True)
    with pytest.raises(RunError, match="--resume"):
        trained(split, "frames", tmp_path / "run", photos, cache)
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    assert trained(split, "frames", tmp_path / "run", photos, cache, resume=True).manifest.status == "complete"


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


@pytest.fixture
def command(tmp_path: Path, photos: Run) -> list[str]:
    """`har-lens train` on a few clips, in tmp_path/run."""
    make_clips(tmp_path / "clips", 5)
    return ["train", str(tmp_path / "clips"), "--temporal", "frames", "--frames", "2", "--epochs", "2", "--device", "cpu",
            "--photo-run", str(photos.folder), "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "run")]  # fmt: skip


def test_the_command_trains_and_says_what_counts_as_a_source(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    assert "--groups" in capsys.readouterr().err
    run = Run.open(tmp_path / "run")
    assert run.manifest.model.architecture == "frames on tiny-resnet" and len(run.history()) == 2
    groups = tmp_path / "groups.csv"
    rows = [f"{path.parent.name}/{path.name},{path.stem}" for path in (tmp_path / "clips").rglob("*.mkv")]
    groups.write_text("\n".join(["clip,group", *rows]) + "\n")
    test = tmp_path / "clips"
    assert main([*command[:-1], str(tmp_path / "other"), "--groups", str(groups), "--test-clips", str(test)]) == 0
    assert "--groups" not in capsys.readouterr().err
    other = Run.open(tmp_path / "other")
    assert len(other.predictions()) == 10 and other.manifest.data.train == 8
    assert main([*command, "--resume"]) == 1


def test_what_was_given_is_remembered_and_may_be_given_again(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = sorted((tmp_path / "clips").rglob("*.mkv"))
    rows = [f"{path.parent.name}/{path.name},{path.stem}" for path in paths]
    for name in ("groups.csv", "others.csv"):
        (tmp_path / name).write_text("\n".join(["clip,group", *rows]) + "\n")
    command = [*command, "--groups", str(tmp_path / "groups.csv")]

    def stop(row: dict[str, float], best: bool) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("har_core.cli.temporal_options._print_epoch", stop)
        assert main(command) == 130
    for name in ("again", "moved"):
        shutil.copytree(tmp_path / "run", tmp_path / name)
    resume = ["--resume", "--out", str(tmp_path / "run")]
    least = [*command[:4], "--device", "cpu", *resume]
    capsys.readouterr()
    for changed, found in ((["--frames", "3"], ("2", "3")), (["--groups", str(tmp_path / "others.csv")], ("groups", "others")),
                           (["--test-clips", str(tmp_path)], ("no --test-clips", str(tmp_path)))):  # fmt: skip
        assert main([*least, *changed]) == 1
        said = capsys.readouterr().err
        assert changed[0] in said and said.index(found[0]) < said.rindex(found[1])
    assert main(least) == 0
    assert "--groups" not in capsys.readouterr().err
    assert main([*command, *resume[:2], str(tmp_path / "again")]) == 0
    (tmp_path / "groups.csv").rename(tmp_path / "new.csv")
    assert main([*least[:-1], str(tmp_path / "moved"), "--groups", str(tmp_path / "new.csv")]) == 0
    runs = [Run.open(tmp_path / name) for name in ("run", "again", "moved")]
    assert [len(run.history()) for run in runs] == [2, 2, 2] and len({run.manifest.data.split for run in runs}) == 1
    assert "source videos" in (runs[0].manifest.data.split or "")
    assert not any(str(tmp_path) in (run.folder / "run.json").read_text() for run in runs)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        (["--unfreeze", "fc"], "--unfreeze"),
        (["--recipe", "best"], "--recipe"),
        (["--frames", "0"], "--frames"),
        (["--resume"], "training state"),
    ],
)
def test_the_command_refuses_what_cannot_be(
    command: list[str], changed: list[str], match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *changed]) == 1
    assert match in capsys.readouterr().err


def test_a_training_on_photos_may_be_given_the_same_again(tmp_path: Path) -> None:
    best = RECIPES["best"]
    write(tmp_path / STATE, {"format": FORMAT, "config": best.as_dict()})
    same = {"lr": best.lr, "unfreeze": best.unfreeze}
    assert _resumed_config(tmp_path, "best", same) == best
    with pytest.raises(ConfigError, match=r"--lr .*found --lr 7"):
        _resumed_config(tmp_path, None, {"lr": 7.0})


def test_photos_have_no_frames(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument for argument in command if argument not in ("--temporal", "frames")]) == 1
    assert "--temporal" in capsys.readouterr().err


def test_the_command_line_answers_and_scores_by_a_model_of_clips(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "clips"
    for label in ("left", "right", "up"):
        (data / label).mkdir(parents=True)
        pictures = moving_square(to_right=label == "right", seed=99)
        (data / label / "a.mp4").write_bytes(make_clip(rate=FPS, size=(SIDE, SIDE), pictures=pictures))
    model = str(runs["convlstm"].folder)
    assert main(["video", str(data / "left"), "--run", model, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["predicted"] in ("left", "right") and sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert main(["video", str(data / "left" / "a.mp4"), "--run", model, "--frames", str(tmp_path / "f.csv")]) == 1
    assert "--frames" in capsys.readouterr().err and not (tmp_path / "f.csv").exists()
    assert (
        main(["evaluate", str(data), "--run", model, "--unknown", "skip", "--out", str(tmp_path / "run"), "--json"])
        == 0
    )
    printed = capsys.readouterr()
    assert "a.mp4" in printed.err and json.loads(printed.out)["n"] == 2
    run = Run.open(tmp_path / "run")
    assert sorted(run.predictions().samples) == ["left/a.mp4", "right/a.mp4"] and not run.has_model
    assert len(read_clips(run)) == 2 and (run.folder / PEAK_FRAMES / "left" / "a.mp4.jpg").is_file()

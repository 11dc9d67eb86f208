"""`har-lens train --temporal`: what is given, remembered and refused; and what its models answer on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from har_core.cli import main
from har_core.cli.train import _resumed_config
from har_core.errors import ConfigError
from har_core.runs.clip_table import PEAK_FRAMES, read_clips
from har_core.runs.run import Run
from har_core.training.config import RECIPES
from har_core.training.state import FORMAT, STATE, write
from tests.media.clip_makers import make_clip
from tests.training.moving_squares import FPS, SIDE, make_clips, moving_square
from tests.training.temporal_runs import moving_split, trained
from tests.training.tiny_resnet import photo_run


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run whose model looks at the frames."""
    return photo_run(tmp_path_factory.mktemp("photo") / "run")


@pytest.fixture(scope="module")
def clip_run(base: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of a model of clips."""
    folder = tmp_path_factory.mktemp("clips")
    return trained(moving_split(folder / "clips"), "convlstm", folder / "run", base, folder / "cache")


@pytest.fixture
def command(tmp_path: Path, base: Run) -> list[str]:
    """`har-lens train` on a few clips, in tmp_path/run."""
    make_clips(tmp_path / "clips", 5)
    return ["train", str(tmp_path / "clips"), "--temporal", "frames", "--frames", "2", "--epochs", "2", "--device", "cpu",
            "--photo-run", str(base.folder), "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "run")]  # fmt: skip


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


def cut_off(path: Path) -> Path:
    """A clip of which half is missing."""
    noise = np.random.default_rng(0).integers(0, 255, (24, SIDE, SIDE, 3)).astype(np.uint8)
    whole = make_clip("matroska", "mjpeg", format="yuvj420p", size=(SIDE, SIDE), pictures=list(noise))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole[: len(whole) // 2])
    return path


def test_clips_that_are_cut_off_are_not_learned_from_in_silence(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_off(tmp_path / "clips" / "left" / "cut.mkv")
    (tmp_path / "clips" / "right" / "none.mkv").write_bytes(b"no clip")
    for _ in range(2):  # nothing of them is stored either
        assert main(command) == 1
        said = capsys.readouterr().err
        assert said.count("cut.mkv") == 1 and "is cut off" in said and "--skip-bad" in said
    assert main([*command, "--skip-bad"]) == 0
    data = Run.open(tmp_path / "run").manifest.data
    assert data.skipped_count == 2 and "right/none.mkv: is not a clip" in data.skipped[1]
    assert data.skipped[0].startswith("left/cut.mkv: is cut off") and "minutes." not in " ".join(data.skipped)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_model_of_clips_says_that_a_clip_is_cut_off(
    clip_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    clips = [str(cut_off(tmp_path / "cut.mkv"))]
    assert main(["video", *clips, "--run", str(clip_run.folder), *["--json"] * as_json]) == 0
    said = capsys.readouterr().out
    assert "is cut off" in (json.loads(said)["broken"] if as_json else said.splitlines()[1])


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
    clip_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "clips"
    for label in ("left", "right", "up"):
        (data / label).mkdir(parents=True)
        pictures = moving_square(to_right=label == "right", seed=99)
        (data / label / "a.mp4").write_bytes(make_clip(rate=FPS, size=(SIDE, SIDE), pictures=pictures))
    model = str(clip_run.folder)
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
    assert run.manifest.source is not None and run.manifest.source.startswith("2 clips")
    assert len(read_clips(run)) == 2 and (run.folder / PEAK_FRAMES / "left" / "a.mp4.jpg").is_file()

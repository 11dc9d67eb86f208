"""Clips → answers of their frames and segments; labeled clips → a run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core.analysis.timeline import UNSURE, FrameRule
from har_core.data.clip_folder import holds_clips, scan_clips
from har_core.errors import Cancelled, ClipError, DataError
from har_core.inference.answer_rules import frame_rule, least_known_of
from har_core.inference.evaluate_clips import evaluate_clips, write_clip_evaluation
from har_core.inference.predictor import Predictor
from har_core.inference.video import (
    THUMBNAIL_SIDE,
    clip_answer,
    clip_label,
    frames_table,
    peak_frame,
    predict_clip,
    segments_table,
)
from har_core.media.clips import ClipInfo, ClipReader, Frame
from har_core.media.photo_store import PhotoStore
from har_core.models.checkpoint import save_checkpoint
from har_core.runs.clip_table import PEAK_FRAMES, deciding_times, read_clips
from har_core.runs.file_names import CLIPS, MODEL
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest
from tests.conftest import COLORS, picture
from tests.media.clip_makers import make_clip

INFO = ClipInfo("a.mp4", 3.0, 60, 48, 12.0)


def frames(count: int = 10, taken: list[int] | None = None) -> Iterator[Frame]:
    for number in range(count):
        if taken is not None:
            taken.append(number)
        yield Frame(number / 4, picture(COLORS[sorted(COLORS)[number % 3]], (600, 480), seed=number), number)


def test_the_answers_are_those_of_photos(tiny: Predictor) -> None:
    answers = list(predict_clip(tiny, frames()))
    assert [answer.time for answer in answers] == [number / 4 for number in range(10)]
    for answer, frame in zip(answers, frames(), strict=True):
        expected = tiny.predict(frame.photo, "a")
        assert answer.known == pytest.approx(expected.known, rel=1e-3)
        assert answer.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
        assert answer.class_maps is not None and answer.class_maps.dtype == np.float16
        assert answer.class_maps == pytest.approx(expected.class_maps, abs=1e-2)
        thumbnail = Image.open(io.BytesIO(answer.thumbnail))
        assert thumbnail.size == answer.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE * 48 // 60)
        small = expected.shrunk(THUMBNAIL_SIDE)
        assert (answer.crop.left, answer.crop.right) == pytest.approx((small.crop.left, small.crop.right))


def test_results_come_before_the_end_and_can_be_stopped(tiny: Predictor) -> None:
    taken: list[int] = []
    answers = predict_clip(tiny, frames(1000, taken), batch_size=2)
    next(answers)
    assert len(taken) <= 4
    stopped: list[bool] = []
    with pytest.raises(Cancelled):
        for number, _ in enumerate(predict_clip(tiny, frames(1000), cancelled=lambda: bool(stopped))):
            if number == 3:
                stopped.append(True)
    with pytest.raises(ClipError, match="broken"):
        list(predict_clip(tiny, _breaking()))


def _breaking() -> Iterator[Frame]:
    yield from frames(2)
    raise ClipError("a.mp4 is broken")


def test_a_clip_as_a_whole(tiny: Predictor) -> None:
    answers = list(predict_clip(tiny, frames()))
    found = clip_answer(INFO, tiny.spec.classes, answers, rule=FrameRule(threshold=0.0), finished=True)
    assert found.end == 3.0 == found.segments[-1].end and found.segments[0].start == 0
    assert found.mean == pytest.approx(found.probabilities.mean(axis=0)) and found.mean.sum() == pytest.approx(1)
    best = int(found.mean.argmax())
    assert found.peak == int(found.probabilities[:, best].argmax()) == peak_frame(found.probabilities)
    head, *rows = segments_table(found)
    assert len(rows) == len(found.segments) and all(len(row) == len(head) for row in rows)
    head, *rows = frames_table(found)
    assert head == ["time", "label", *(f"p:{name}" for name in tiny.spec.classes)]
    assert [row[1] for row in rows] == [tiny.spec.classes[label] for label in found.labels]
    unsure = clip_answer(INFO, tiny.spec.classes, answers[:3], rule=FrameRule(threshold=1.0))
    assert set(unsure.labels) == {UNSURE} and {row[1] for row in frames_table(unsure)[1:]} == {"unsure"}
    assert {row[2] for row in segments_table(unsure)[1:]} == {"unsure"} and unsure.end == 0.75
    two = clip_answer(INFO, tiny.spec.classes, answers, rule=FrameRule(lowest=0.0, threshold=0.0))
    assert {row[1] for row in frames_table(two)[1:]} == {"unsure"}  # of three classes each is possible
    second = float(np.sort(found.probabilities, axis=1)[0, 1])
    two = clip_answer(INFO, tiny.spec.classes, answers[:1], rule=FrameRule(lowest=second, threshold=0.0))
    (first, *_), (start, *_) = frames_table(two)[1:], segments_table(two)[1:]
    order = np.argsort(-two.probabilities[0])
    assert first[1] == start[2] == clip_label(two) == " or ".join(two.classes[index] for index in order[:2])
    none = clip_answer(INFO, tiny.spec.classes, answers, rule=FrameRule(least_known=1e9))
    assert {row[1] for row in frames_table(none)[1:]} == {"none"} == {row[2] for row in segments_table(none)[1:]}
    with pytest.raises(ValueError, match="found none"):
        clip_answer(INFO, tiny.spec.classes, [], rule=FrameRule())


def test_the_rule_of_a_run(shipped: Predictor, tiny: Predictor, tiny_run: Run) -> None:
    from har_core.runs.run import shipped_run

    rule = frame_rule(shipped_run(), shipped)
    assert rule.least_known is not None and 0 < rule.threshold <= 1 and 0 < rule.lowest < 1
    assert frame_rule(tiny_run, tiny) == FrameRule()
    assert least_known_of(shipped_run(), shipped) == rule.least_known
    assert least_known_of(shipped_run(), tiny) is None  # embeddings of another network


@pytest.fixture
def tiny_run(tmp_path: Path, tiny: Predictor) -> Run:
    save_checkpoint(tiny.model, tiny.spec, tmp_path / "tiny" / MODEL)
    return write_manifest(tmp_path / "tiny", Manifest(status=COMPLETE, classes=tiny.spec.classes))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two clips of each color, and one of a class that no model knows."""
    folder = tmp_path / "clips"
    for label, color in {**COLORS, "violet": (120, 20, 160)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(2 if label != "violet" else 1):
            shown = [np.asarray(picture(color, (64, 48), seed=seed)) for seed in range(12)]
            (folder / label / f"{number}.mp4").write_bytes(make_clip(pictures=shown))
    return folder


def test_labeled_clips_become_a_run(clips: Path, tmp_path: Path, tiny: Predictor, tiny_run: Run) -> None:
    (clips / "red" / "bad.mp4").write_bytes(b"no clip")
    samples = scan_clips(clips)
    done: list[tuple[int, int]] = []
    found = evaluate_clips(samples, tiny, progress=lambda *now: done.append(now))
    assert done[-1] == (7, 7) and len(found.samples) == 6
    reasons = {problem.name: problem.reason for problem in found.evaluation.skipped}
    assert "not a clip" in reasons["red/bad.mp4"] and "does not know" in reasons["violet/0.mp4"]
    run = write_clip_evaluation(tmp_path / "run", found, tiny_run, title="clips")
    table, predictions, maps = read_clips(run), run.predictions(), run.class_maps()
    assert run.has(CLIPS) and list(table["sample"]) == list(predictions.samples) == [one.name for one in found.samples]
    assert run.manifest.source is not None and run.manifest.source.startswith("6 clips")
    with ClipReader().open(found.samples[0].path, "a") as clip:
        answers = list(predict_clip(tiny, clip))
    rows = np.stack([answer.probabilities for answer in answers])
    assert predictions.probabilities[0] == pytest.approx(rows.mean(axis=0), abs=1e-5)
    peak = answers[peak_frame(rows)]
    assert table["peak"][0] == peak.time and len(answers) == table["frames"][0] == 4
    assert maps is not None and np.array_equal(maps[0], peak.class_maps)
    assert np.allclose(run.embeddings()[0], np.mean([answer.embedding for answer in answers], axis=0), atol=2e-2)
    assert set(deciding_times(table["deciding"][0])) <= {answer.time for answer in answers}
    store = PhotoStore(clips, frames=run.folder / PEAK_FRAMES)
    path = store.find("blue/0.mp4")
    assert path is not None and Image.open(path).size == (64, 48)
    assert store.find_clip("blue/0.mp4") == clips / "blue" / "0.mp4" and store.find_clip("../blue/0.mp4") is None
    assert PhotoStore(clips).find("blue/0.mp4") is None and store.find("../blue/0.mp4") is None


def test_unknown_classes_count_as_errors_if_told(clips: Path, tiny: Predictor) -> None:
    samples = [one for one in scan_clips(clips) if one.label in ("red", "violet")]
    found = evaluate_clips(samples, tiny, unknown="error")
    predictions = found.evaluation.predictions
    assert predictions.classes == (*tiny.spec.classes, "violet") and len(predictions) == 3
    assert not predictions.probabilities[:, -1].any()
    mapped = evaluate_clips(samples, tiny, mapping={"violet": "red"}).evaluation.predictions
    assert [mapped.classes[index] for index in mapped.true] == ["red"] * 3
    with pytest.raises(DataError, match="found none"):
        evaluate_clips([one for one in samples if one.label == "violet"], tiny)


def test_a_folder_of_clips(clips: Path, kaggle_folder: Path) -> None:
    assert holds_clips(clips) and not holds_clips(kaggle_folder) and not holds_clips(clips / "red")
    assert [one.name for one in scan_clips(clips)][:2] == ["blue/0.mp4", "blue/1.mp4"]
    (clips / "red" / "notes.txt").write_text("these are notes")
    (clips / "loose.mp4").write_bytes(b"")
    with pytest.raises(DataError) as found:
        scan_clips(clips)
    assert [problem.name for problem in found.value.problems] == ["loose.mp4", "red/notes.txt"]
    assert len(scan_clips(clips, skip_bad=True)) == 7
    for wrong in (kaggle_folder, clips / "none"):
        with pytest.raises(DataError):
            scan_clips(wrong, skip_bad=True)

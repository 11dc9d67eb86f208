"""`har-lens video`: say what clips show from when to when."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_core.cli.options import Subparsers, add_device, add_json, add_run, add_views, chosen_run, warn_of_newer_library
from har_core.cli.predict import shown
from har_core.errors import ClipError, ConfigError, DataError
from har_core.files import atomic_path, csv_bytes, printable
from har_core.runs.file_names import CLIP_MODEL

if TYPE_CHECKING:
    from har_core.analysis.timeline import FrameRule
    from har_core.inference.predictor import Predictor
    from har_core.inference.video import ClipAnswer
    from har_core.runs.run import Run


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "video",
        description="Say what clips show from when to when, one line for each segment. The exit status is 1 if any could not "
        "be read.",
    )
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="clips, or folders of clips")
    parser.add_argument(
        "--fps", type=rate, default=4.0, help="frames a second to look at, up to 60 (default: %(default)g)"
    )
    parser.add_argument("--segments", type=Path, metavar="FILE", help="write the segments of all clips as a CSV")
    parser.add_argument("--frames", type=Path, metavar="FILE", help="write all probabilities of all frames as a CSV")
    parser.add_argument(
        "--engine",
        choices=("auto", "torch", "onnx"),
        default="auto",
        help="what runs the network, as of har-lens predict (default: %(default)s)",
    )
    add_views(parser)
    add_run(parser)
    add_device(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    from har_core.cli.terminal import device_named
    from har_core.inference.predictor import Predictor
    from har_core.inference.video import frame_rule, frames_table, segments_table

    tables = {given.segments: segments_table, given.frames: frames_table}
    rows: dict[Path, list[list[object]]] = {path: [] for path in tables if path is not None}
    for path in rows:
        path.parent.mkdir(parents=True, exist_ok=True)  # what cannot be written is found before the work
    by = chosen_run(given)
    if by.has(CLIP_MODEL):
        return _whole_clips(given, by)
    predictor = Predictor.from_run(by, device_named(given.device), views=given.views, engine=given.engine)
    warn_of_newer_library(predictor)
    rule, failed = frame_rule(by, predictor), False
    for path in list(_clips_below(given.clips)):
        file = shown(path)
        try:
            found, broken = _answer(path, predictor, rule, given.fps)
        except ClipError as error:
            failed = True
            print(json.dumps({"file": file, "error": str(error)}) if given.json else printable(str(error)), flush=True)
            continue
        for out, row in rows.items():
            head, *body = tables[out](found)
            row += [["file", *head]] * (not row) + [[file, *each] for each in body]
        if given.json:
            print(json.dumps(_as_json(file, found, broken)), flush=True)
        else:
            print("\n".join(map(printable, _as_lines(file, found, broken))), flush=True)
    for out, row in rows.items():
        with atomic_path(out) as partial:
            partial.write_bytes(csv_bytes(row))
    return 1 if failed else 0


def _whole_clips(given: argparse.Namespace, by: Run) -> int:
    """By a model of clips, which answers for each as a whole."""
    from har_core.cli.terminal import device_named
    from har_core.inference.temporal import TemporalPredictor

    if given.segments is not None or given.frames is not None:
        raise ConfigError(
            f"expected a model of photos for --segments and --frames, found one of whole clips in {by.folder}; leave them out, or "
            "name another --run"
        )
    predictor, failed = TemporalPredictor.from_run(by, device_named(given.device)), False
    for path in list(_clips_below(given.clips)):
        file = shown(path)
        try:
            found = predictor.predict(path, file)
        except ClipError as error:
            failed = True
            print(json.dumps({"file": file, "error": str(error)}) if given.json else printable(str(error)), flush=True)
            continue
        if given.json:
            pairs = zip(found.classes, found.finding.probabilities, strict=True)
            row = {
                "file": file,
                "predicted": found.predicted,
                "confidence": round(found.confidence, 6),
                "probabilities": {name: round(float(value), 6) for name, value in pairs},
                "times": [round(float(time), 3) for time in found.times],
            }
            print(json.dumps(row), flush=True)
        else:
            print(printable(f"{file}: {found.predicted} ({found.confidence:.1%})"), flush=True)
    return 1 if failed else 0


def _answer(path: Path, predictor: Predictor, rule: FrameRule, fps: float) -> tuple[ClipAnswer, str | None]:
    """What a clip shows; and what it lacks, if it is broken."""
    from har_core.cli.terminal import ProgressBar
    from har_core.inference.video import clip_answer, predict_clip
    from har_core.media.clips import ClipReader

    with ClipReader().open(path, shown(path), fps=fps) as clip:
        total = round((clip.info.seconds or 0) * fps)
        bar = ProgressBar(printable(path.name), "frame") if total and sys.stderr.isatty() else None
        answers = []
        for answer in predict_clip(predictor, clip):
            answers.append(answer)
            if bar is not None:
                bar(len(answers), max(total, len(answers) + 1))
        if bar is not None:
            bar(1, 1)
        return clip_answer(clip.info, predictor.spec.classes, answers, rule=rule, finished=True), clip.broken


def _clips_below(paths: list[Path]) -> Iterator[Path]:
    """The paths, with each folder replaced by the clips below it, in order.

    Raises:
        DataError: if a folder holds none.
    """
    from har_core.media.clips import is_clip_name
    from har_core.media.layout import is_system_file

    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = [each for each in sorted(path.rglob("*")) if each.is_file() and is_clip_name(each.name)]
        clips = [each for each in inside if not any(map(is_system_file, each.relative_to(path).parts))]
        if not clips:
            raise DataError(f"expected clips in {shown(path)}, found none; name the clips themselves")
        yield from clips


def _as_json(file: str, found: ClipAnswer, broken: str | None) -> dict[str, Any]:
    from har_core.inference.video import segments_table

    mean, info = found.mean, found.info
    head, *segments = segments_table(found)
    return {
        "file": file,
        "seconds": round(found.end, 3),
        "width": info.width,
        "height": info.height,
        "predicted": found.classes[int(mean.argmax())],
        "confidence": round(float(mean.max()), 6),
        "decided_at": round(float(found.times[found.peak]), 3),
        "probabilities": {name: round(float(value), 6) for name, value in zip(found.classes, mean, strict=True)},
        "segments": [dict(zip(map(str, head), row, strict=True)) for row in segments],
        "broken": broken,
    }


def _as_lines(file: str, found: ClipAnswer, broken: str | None) -> Iterator[str]:
    from har_core.inference.video import segment_label

    best = int(found.mean.argmax())
    yield f"{file}: {found.classes[best]} ({found.mean[best]:.1%} on average over {_clock(found.end)})"
    for one in found.segments:
        label = segment_label(one, found.classes)
        maybe = f", perhaps {found.classes[one.label]}" if not one.named and one.label < len(found.classes) else ""
        yield f"  {_clock(one.start)} to {_clock(one.end)}  {label}{maybe} ({one.confidence:.1%})"
    if broken:
        yield f"  {broken}"


def _clock(seconds: float) -> str:
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def rate(text: str) -> float:
    """Frames a second, as `--fps` has them."""
    from har_core.media.clips import MAX_FPS

    if not 0 < float(text) <= MAX_FPS:
        raise argparse.ArgumentTypeError(f"expected more than 0 and at most {MAX_FPS:g}, found {text}")
    return float(text)

"""`har-lens video`: say what clips show from when to when."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_core.cli.options import (
    Subparsers,
    add_device,
    add_json,
    add_run,
    add_views,
    chosen_run,
    given_path,
    warn_of_newer_library,
)
from har_core.cli.predict import shown
from har_core.errors import ClipError, ConfigError, DataError
from har_core.files import atomic_path, csv_bytes, printable, reason_of
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
    parser.add_argument("clips", nargs="+", type=given_path, metavar="CLIP", help="clips, or folders of clips")
    parser.add_argument(
        "--fps", type=rate, default=4.0, help="frames a second to look at, up to 60 (default: %(default)g)"
    )
    parser.add_argument("--segments", type=given_path, metavar="FILE", help="write the segments of all clips as a CSV")
    parser.add_argument(
        "--frames", type=given_path, metavar="FILE", help="write all probabilities of all frames as a CSV"
    )
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
    from har_core.inference.answer_rules import frame_rule
    from har_core.inference.predictor import Predictor
    from har_core.inference.video import frames_table, segments_table

    clips = list(_clips_below(given.clips))
    _check_outputs(given, clips)
    by = chosen_run(given)
    if by.has(CLIP_MODEL):
        return _whole_clips(given, by, clips)
    predictor = Predictor.from_run(by, device_named(given.device), views=given.views, engine=given.engine)
    warn_of_newer_library(predictor)
    rule = frame_rule(by, predictor)
    tables = {given.segments: segments_table, given.frames: frames_table}
    rows: dict[Path, list[list[object]]] = {path: [] for path in tables if path is not None}

    def answer(path: Path, file: str) -> str:
        found, broken = _answer(path, predictor, rule, given.fps)
        for out, row in rows.items():
            head, *body = tables[out](found)
            row += [["file", *head]] * (not row) + [[file, *each] for each in body]
        if given.json:
            return json.dumps(_as_json(file, found, broken))
        return "\n".join(map(printable, _as_lines(file, found, broken)))

    status = _print_each(clips, answer, as_json=given.json)
    for out, row in rows.items():
        with atomic_path(out) as partial:
            partial.write_bytes(csv_bytes(row))
    return status


def _whole_clips(given: argparse.Namespace, by: Run, clips: Sequence[Path]) -> int:
    """By a model of clips, which answers for each as a whole."""
    from har_core.cli.terminal import device_named
    from har_core.inference.temporal import TemporalPredictor

    if given.segments is not None or given.frames is not None:
        raise ConfigError(
            f"expected a model of photos for --segments and --frames, found one of whole clips in {by.folder}; leave them out, or "
            "name another --run"
        )
    predictor = TemporalPredictor.from_run(by, device_named(given.device))

    def answer(path: Path, file: str) -> str:
        read = predictor.read(path, file)
        shares = dict(
            zip(predictor.spec.classes, predictor.find(predictor.encode(read.frames)).probabilities, strict=True)
        )
        likeliest = max(shares, key=lambda name: shares[name])
        if not given.json:
            lines = [f"{file}: {likeliest} ({shares[likeliest]:.1%})", *([f"  {read.broken}"] if read.broken else [])]
            return "\n".join(map(printable, lines))
        return json.dumps(
            {
                "file": file,
                "predicted": likeliest,
                "confidence": round(float(shares[likeliest]), 6),
                "probabilities": {name: round(float(value), 6) for name, value in shares.items()},
                "times": [round(frame.time, 3) for frame in read.frames],
                "broken": read.broken,
            }
        )

    return _print_each(clips, answer, as_json=given.json)


def _print_each(clips: Sequence[Path], answer: Callable[[Path, str], str], *, as_json: bool) -> int:
    """Print what is answered of each clip, or why nothing is.  The exit status."""
    failed = False
    for path in clips:
        file = shown(path)
        try:
            if path.is_dir():
                raise DataError(
                    f"expected clips in {file}, found {_contents(_files_below(path))}; name the clips themselves"
                )
            print(answer(path, file), flush=True)
        except (ClipError, DataError) as error:
            failed = True
            print(json.dumps({"file": file, "error": str(error)}) if as_json else printable(str(error)), flush=True)
    return 1 if failed else 0


def _check_outputs(given: argparse.Namespace, clips: Sequence[Path]) -> None:
    """Before any work is done.

    Raises:
        ConfigError: if a table would replace a clip or the other table, or cannot be written.
    """
    from har_core.media.clips import is_clip_name

    own = {path.resolve() for path in clips}
    found: dict[Path, str] = {}
    for option, out in (("--segments", given.segments), ("--frames", given.frames)):
        if out is None:
            continue
        place, said = out.resolve(), f"for {option}, found {shown(out)}"
        if place in own or is_clip_name(out.name):
            raise ConfigError(f"expected a CSV {said}, which is a clip; name another file")
        if out.is_dir() or (out.exists() and not out.is_file()):
            kind = "a folder" if out.is_dir() else "a device or the like"
            raise ConfigError(f"expected a file {said}, which is {kind}; name a file")
        if place in found:
            raise ConfigError(f"expected another file than that of {found[place]} {said} again; name two files")
        try:
            if not out.parent.is_dir():
                raise ConfigError(f"expected a file in an existing folder {said}; make the folder first")
            tempfile.TemporaryFile(dir=out.parent).close()
        except OSError as error:
            raise ConfigError(
                f"expected a file in a folder that can be written {said} ({reason_of(error)}); choose another folder"
            ) from error
        found[place] = option


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


def _clips_below(paths: Sequence[Path]) -> Iterator[Path]:
    """The paths, with each folder replaced by the clips below it, in order; a folder that holds none stays."""
    from har_core.media.clip_files import is_clip_file

    for path in paths:
        inside = _files_below(path)
        clips = list(filter(is_clip_file, inside))
        if clips and len(clips) < len(inside):
            others = _contents(set(inside) - set(clips))
            print(printable(f"note: passed over in {shown(path)}, which are no clips: {others}"), file=sys.stderr)
        yield from clips or [path]


def _files_below(folder: Path) -> list[Path]:
    """In order, but for what systems leave there; of a file, none."""
    from har_core.media.layout import is_system_file

    files = [each for each in sorted(folder.rglob("*")) if each.is_file()]
    return [each for each in files if not any(map(is_system_file, each.relative_to(folder).parts))]


def _contents(files: Iterable[Path]) -> str:
    """How many files of which kinds these are, by the ends of their names."""
    kinds = Counter(path.suffix.lower() or "without a suffix" for path in files)
    some = [f"{count:,} {'files' if count > 1 else 'file'} {kind}" for kind, count in kinds.most_common(3)]
    return ", ".join(some) + (f", and {len(kinds) - 3:,} more kinds" if len(kinds) > 3 else "") or "none"


def _as_json(file: str, found: ClipAnswer, broken: str | None) -> dict[str, Any]:
    from har_core.inference.video import clip_label, segments_table

    mean, info = found.mean, found.info
    head, *segments = segments_table(found)
    return {
        "file": file,
        "seconds": round(found.end, 3),
        "width": info.width,
        "height": info.height,
        "answer": clip_label(found),
        "predicted": found.classes[int(mean.argmax())],
        "confidence": round(float(mean.max()), 6),
        "decided_at": round(float(found.times[found.peak]), 3),
        "probabilities": {name: round(float(value), 6) for name, value in zip(found.classes, mean, strict=True)},
        "segments": [dict(zip(map(str, head), row, strict=True)) for row in segments],
        "broken": broken,
    }


def _as_lines(file: str, found: ClipAnswer, broken: str | None) -> Iterator[str]:
    from har_core.inference.video import NONE_LABEL, clip_label, clip_names, segment_label
    from har_core.viz.formats import clock

    names = clip_names(found)
    likeliest = names or (int(found.mean.argmax()),)
    label = clip_label(found)
    if not names:
        label += f", {'likeliest' if label == NONE_LABEL else 'perhaps'} {found.classes[likeliest[0]]}"
    shares = " and ".join(f"{found.mean[index]:.1%}" for index in likeliest)
    yield f"{file}: {label} ({shares} on average over {clock(found.end, tenths=True)})"
    for one in found.segments:
        label = segment_label(one, found.classes)
        maybe = f", perhaps {found.classes[one.label]}" if not one.named and one.label < len(found.classes) else ""
        yield f"  {clock(one.start, tenths=True)} to {clock(one.end, tenths=True)}  {label}{maybe} ({one.confidence:.1%})"
    if broken:
        yield f"  {broken}"


def rate(text: str) -> float:
    """Frames a second, as `--fps` has them."""
    from har_core.media.clips import MAX_FPS

    if not 0 < float(text) <= MAX_FPS:
        raise argparse.ArgumentTypeError(f"expected more than 0 and at most {MAX_FPS:g}, found {text}")
    return float(text)

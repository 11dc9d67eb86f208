"""A folder of clips, one folder per class → labeled samples, and every problem with its remedy."""

from __future__ import annotations

from pathlib import Path

from har_core.data.given import require_folder
from har_core.data.layouts import entries, innermost, unusable_name
from har_core.data.samples import Problem, Sample, list_problems
from har_core.errors import DataError
from har_core.media.clip_files import ACCEPTED_CLIPS, is_clip_name
from har_core.media.layout import LABELS_FILE

_KINDS = "MP4, MOV, WebM, AVI or MKV"


def holds_clips(folder: Path) -> bool:
    """Whether this is a folder with one folder of clips per class: a clip lies in a folder inside, and there is no labels file.

    Folders around all the classes do not count (`layouts.innermost`)."""
    if not folder.is_dir() or (folder / LABELS_FILE).is_file():
        return False
    inside = (path for each in entries(innermost(folder)) if each.is_dir() for path in entries(each))
    return any(is_clip_name(path.name) and path.is_file() for path in inside)


def scan_clips(folder: Path, *, skip_bad: bool = False) -> tuple[Sample, ...]:
    """The labeled clips of a folder, sorted; a sample's name is its path below the folder, `CLASS/FILE`.  They are not opened.

    Args:
        skip_bad: pass over what does not belong there.

    Raises:
        DataError: if there are problems and `skip_bad` is false, or no clips.
    """
    require_folder(folder, "clips")
    samples: list[Sample] = []
    problems: list[Problem] = []
    for inside in entries(innermost(folder)):
        if not inside.is_dir():
            if is_clip_name(inside.name):
                problems.append(
                    Problem(inside.name, "a clip outside the class folders", "move it into one, or remove it")
                )
            continue
        for path in entries(inside):
            name = path.relative_to(folder).as_posix()
            if (problem := _problem(name, path)) is not None:
                problems.append(problem)
            else:
                samples.append(Sample(name, path, inside.name))
    if problems and not skip_bad:
        shown = "\n".join(f"  {line}" for line in list_problems(problems, most=20))
        raise DataError(
            f"expected clips alone in the class folders, found {len(problems):,} problem(s):\n{shown}\n"
            "Fix them, or pass --skip-bad to go on without these.",
            problems,
        )
    if not samples:
        raise DataError(
            f"expected one folder of clips ({_KINDS}) per class, found no clip in such a folder; choose the folder that "
            "holds them",
            problems,
        )
    return tuple(samples)


def unread_clip(name: str, reason: str) -> Problem:
    """Of a clip that cannot be read, or not to its end.

    Args:
        reason: the words of the error, or of `OpenClip.broken`, which begin with the name.
    """
    words = reason.removeprefix(name).removesuffix(ACCEPTED_CLIPS).strip().rstrip(".")
    what, _, remedy = words.partition(". ")
    return Problem(
        name, what, f"{remedy[:1].lower()}{remedy[1:]}, or leave it out" if remedy else "replace it, or leave it out"
    )


def _problem(name: str, path: Path) -> Problem | None:
    if (problem := unusable_name(name)) is not None:
        return problem
    if path.is_dir():
        return Problem(f"{name}/", "a folder inside a class folder", "move its clips up, or remove it")
    if not path.is_file():
        return Problem(name, "not a file, or a link that leads nowhere", "replace or remove it")
    if not is_clip_name(path.name):
        return Problem(name, f"not a clip ({_KINDS})", "convert or remove it")
    return None

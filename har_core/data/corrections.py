"""Labels that somebody corrected → photos with their new labels, and what exactly was changed by which file."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from har_core.data.labels_file import read_labels, read_names
from har_core.data.samples import Sample, list_problems
from har_core.data.scan import LabeledPhotos
from har_core.errors import DataError
from har_core.media.layout import PHOTOS_FOLDER


@dataclass(frozen=True)
class Source:
    """A file of corrections: its name, and the SHA-256 of its content in hexadecimal digits."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Corrections:
    """What is to be changed in a data set.

    `labels`: photo → its new label, of those whose label is another now.  `left_out`: photos that are not to be used.
    `sources`: the files that say so.
    """

    labels: Mapping[str, str]
    left_out: frozenset[str]
    sources: tuple[Source, ...]

    def apply(self, samples: Sequence[Sample]) -> list[Sample]:
        """The photos that are used, with their new labels."""
        return [
            replace(sample, label=self.labels.get(sample.name, sample.label))
            for sample in samples
            if sample.name not in self.left_out
        ]


NONE = Corrections({}, frozenset(), ())


def read_corrections(
    photos: LabeledPhotos, *, labels: Path | None = None, leave_out: Path | None = None
) -> Corrections:
    """Read what `train.py` is told by `--labels` and `--leave-out`.

    Args:
        photos: with the labels they have so far.
        labels: a CSV with columns filename and label; photos that it does not name keep theirs.
        leave_out: a CSV with a column filename, or a text file with one name a line.

    Raises:
        DataError: if a file cannot be read, names a photo that there is not, names one twice with different labels, or
            gives a label that is none of the photos' classes.
        OSError: if a file is missing.
    """
    before = {sample.name: sample.label for sample in photos.samples}
    after: dict[str, str] = {}
    problems = []
    for line, written, label in read_labels(labels) if labels is not None else ():
        name = _name(written, before)
        if name is None:
            problems.append(f"{labels.name if labels else ''} line {line}: no photo is called {written!r}")
        elif label not in photos.classes:
            problems.append(f"{name}: {label!r} is none of the classes {', '.join(photos.classes[:20])}")
        elif after.setdefault(name, label) != label:
            problems.append(f"{name}: {after[name]!r} and {label!r}")
    left_out = set()
    for line, written in read_names(leave_out) if leave_out is not None else ():
        name = _name(written, before)
        if name is None:
            problems.append(f"{leave_out.name if leave_out else ''} line {line}: no photo is called {written!r}")
        else:
            left_out.add(name)
    if problems:
        raise DataError(
            f"expected names and labels of photos that there are, found {len(problems):,} others: "
            + "; ".join(list_problems(problems, most=3))
            + "; correct the file",
        )
    changed = {name: label for name, label in after.items() if label != before[name]}
    return Corrections(changed, frozenset(left_out), tuple(_source(path) for path in (labels, leave_out) if path))


def _name(written: str, known: Mapping[str, str]) -> str | None:
    """The photo that is meant: names may be written with the photos' folder before them, or with accents put together."""
    plain = unicodedata.normalize("NFC", written).replace("\\", "/")
    candidates = (written, plain, plain.removeprefix(f"{PHOTOS_FOLDER}/"))
    return next((name for name in candidates if name in known), None)


def _source(path: Path) -> Source:
    return Source(path.name, hashlib.sha256(path.read_bytes()).hexdigest())

"""The photos that an exported file is compared on, and those that 8-bit arithmetic is scaled by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from har_core.data.scan import scan
from har_core.errors import ConfigError, DataError, ImageError
from har_core.media.images import is_photo_file, open_photo
from har_core.media.layout import is_system_file, photo_folder
from har_core.runs.file_names import PREDICTIONS, TRAINING_EMBEDDINGS
from har_core.runs.predictions import evenly_spaced
from har_core.runs.run import Run, assets_folder
from har_core.runs.training_embeddings import read_training_embeddings

FEWEST = 64
"""Photos that every file is compared on, at least."""

_CUTS = (1.0, 0.8, 0.6, 0.45)  # of the sides
_SIZES = ((1.0, 1.0), (1.0, 0.7), (0.7, 1.0))  # width and height, stretched


@dataclass(frozen=True)
class Photo:
    """A photo that is opened when it is needed.

    `label`: the class that is known to be right, if any.  `change`: a number of `stored_photos`, or none.
    """

    name: str
    path: Path
    label: str | None = None
    change: int | None = None

    def open(self) -> Image.Image:
        """Upright, RGB.

        Raises:
            ImageError: if it cannot be read.
        """
        photo = open_photo(self.path, self.name)
        return photo if self.change is None else _changed(photo, self.change)


@dataclass(frozen=True)
class Chosen:
    """`compared`: what the file is compared on; `unseen`: whether it is known that the network did not learn from them.
    `more`: what there is to compare on besides.  `scaling`: other photos, those that it learned from if they are known.
    `source`: what the compared ones are, for people.
    """

    compared: tuple[Photo, ...]
    scaling: tuple[Photo, ...]
    unseen: bool
    source: str
    more: tuple[Photo, ...] = ()


def stored_photos() -> tuple[Photo, ...]:
    """The packaged photos, cut, stretched and mirrored in ways that are always the same: `FEWEST` or more of them."""
    paths = sorted((assets_folder() / "samples").glob("*.jpg"))
    each = len(_CUTS) * len(_SIZES) * 2
    return tuple(Photo(f"{path.name} #{number}", path, change=number) for path in paths for number in range(each))


def choose_photos(run: Run, folder: Path | None, *, compared: int, scaling: int = 0) -> Chosen:
    """Photos of a folder, spread evenly over it; without one, the stored ones.

    The run's own test photos are compared, where the folder has them; all others may be scaled by.

    Args:
        compared: photos to compare on, at most.
        scaling: photos to scale by, at most; 0 for none.

    Raises:
        ConfigError: if photos are needed to scale by, and there is no folder.
        DataError: if the folder has too few.
    """
    if folder is None:
        if scaling:
            raise ConfigError("expected training photos to scale 8-bit arithmetic by, found none; pass --photos FOLDER")
        every = stored_photos()
        return Chosen(every, (), True, f"{len(every)} cuts of the packaged photos")
    photos = _in(folder)
    tested = set(run.predictions().samples) if run.has(PREDICTIONS) else set()
    learned = set(read_training_embeddings(run).samples) if run.has(TRAINING_EMBEDDINGS) else set()
    test = [photo for photo in photos if photo.name in tested]
    own = len(test) >= FEWEST
    others = [photo for photo in photos if photo.name not in tested]
    new = [photo for photo in others if photo.name not in learned]
    spare = len(new) - min(scaling, len(new) // 2) if not learned else len(new)
    chosen = _spread(test, compared) if own else _spread(new, min(compared, spare))
    if len(chosen) < FEWEST:
        raise DataError(
            f"expected {FEWEST} photos or more to compare on, found {len(chosen)} that the run did not learn from; name a "
            "folder of more, or leave --photos out"
        )
    taken = {photo.name for photo in chosen}
    left = [photo for photo in others if photo.name not in taken]
    scaled = _spread([photo for photo in left if photo.name in learned] or left, scaling)
    if scaling and len(scaled) < min(scaling, FEWEST // 2):
        raise DataError(
            f"expected {FEWEST // 2} photos or more that the run was not tested on, to scale 8-bit arithmetic by, found "
            f"{len(scaled)}; name the folder that it was trained on"
        )
    kind = "test photos of the run" if own else "photos"
    more = tuple(photo for photo in test if photo.name not in taken) if own else ()
    return Chosen(tuple(chosen), tuple(scaled), own or bool(learned), f"{len(chosen)} {kind}", more)


def readable(photos: Sequence[Photo]) -> Iterator[tuple[Photo, Image.Image]]:
    """Each photo that can be read, opened."""
    for photo in photos:
        try:
            yield photo, photo.open()
        except ImageError:
            continue


def _in(folder: Path) -> list[Photo]:
    """All photos below a folder, with their labels if it is a data folder."""
    try:
        found = scan(folder, verify=False)
    except DataError:
        if not folder.is_dir():
            raise
        found = None
    root = photo_folder(folder)
    paths = sorted(path for path in root.rglob("*") if is_photo_file(path) and not is_system_file(path.name))
    labels = {sample.name: sample.label for sample in found.samples} if found is not None else {}
    photos = [Photo(path.relative_to(root).as_posix(), path) for path in paths]
    return [Photo(photo.name, photo.path, labels.get(photo.name)) for photo in photos]


def _spread(photos: Sequence[Photo], count: int) -> list[Photo]:
    return [photos[number] for number in evenly_spaced(len(photos), count)]


def _changed(photo: Image.Image, number: int) -> Image.Image:
    number, mirrored = divmod(number, 2)
    cut, size = _CUTS[number % len(_CUTS)], _SIZES[number // len(_CUTS)]
    width, height = max(1, round(photo.width * cut)), max(1, round(photo.height * cut))
    left, top = (photo.width - width) // 3, (photo.height - height) // 3
    part = photo.crop((left, top, left + width, top + height))
    part = part.resize((max(1, round(width * size[0])), max(1, round(height * size[1]))), Image.Resampling.BILINEAR)
    return ImageOps.mirror(part) if mirrored else part

"""The data set of the published report, from Kaggle into a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread

from har_core.errors import DownloadError
from har_core.files import reason_of
from har_core.media.layout import LABELS_FILE, PHOTOS_FOLDER, UNLABELED_FOLDER

KAGGLE_HANDLE = "meetnagadia/human-action-recognition-har-dataset"
KAGGLE_PAGE = f"https://www.kaggle.com/datasets/{KAGGLE_HANDLE}"


BYTES = 330_000_000
"""Of the photos, about: what is fetched, and once more what is unpacked."""

_LOOK_EVERY = 0.5  # seconds


def download(target: Path, progress: Callable[[int, int], None] | None = None) -> Path:
    """Fetch the data set from Kaggle (public, no key; ODbL-1.0) and lay it out in `target`.

    Args:
        progress: called now and then with (bytes fetched and unpacked, `2 * BYTES`); the first half is the fetching.

    Returns:
        `target`, which then holds `Training_set.csv`, `train/` and `test/`.

    Raises:
        DownloadError: if there is no network, or what came is not the data set.
    """
    if (target / LABELS_FILE).is_file():
        return target
    try:
        target.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=target):
            pass  # what cannot be written is found before the photos are fetched
    except OSError as error:
        raise _cannot_write(target, error) from error
    import kagglehub  # here, because importing it reads credentials and takes half a second
    from kagglehub.config import get_cache_folder

    try:
        with _watched(Path(get_cache_folder()) / "datasets" / KAGGLE_HANDLE, progress):
            fetched = Path(kagglehub.dataset_download(KAGGLE_HANDLE))
    except Exception as error:  # kagglehub passes on the errors of several libraries under it
        with suppress(OSError):  # removes it only if nothing is in it
            target.rmdir()
        unreachable = isinstance(error, OSError) and "connection" in type(error).__name__.lower()
        found = "kaggle.com cannot be reached" if unreachable else " ".join(str(error).split())[:160]
        reason = found or type(error).__name__
        raise DownloadError(
            f"could not download {KAGGLE_PAGE} ({type(error).__name__}: {reason}); check the network, or download it "
            f"in a browser and unpack it so that {target / LABELS_FILE} exists"
        ) from error
    labels = next(iter(sorted(fetched.rglob(LABELS_FILE))), None)
    if labels is None or not (labels.parent / PHOTOS_FOLDER).is_dir():
        raise DownloadError(
            f"expected {LABELS_FILE} beside {PHOTOS_FOLDER}/ in the download, found neither in {fetched}"
        )
    try:
        _lay_out(labels, target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    return target


def _lay_out(labels: Path, target: Path) -> None:
    """Copy the labels file and the folders beside it."""
    for folder in (PHOTOS_FOLDER, UNLABELED_FOLDER):
        if (labels.parent / folder).is_dir():
            shutil.copytree(labels.parent / folder, target / folder, dirs_exist_ok=True)
    partial = target / f"{LABELS_FILE}.partial"
    shutil.copyfile(labels, partial)
    partial.replace(target / LABELS_FILE)  # last: its presence says that the photos are complete


def _cannot_write(target: Path, error: OSError) -> DownloadError:
    return DownloadError(
        f"the photos could not be written to {target} ({reason_of(error)}); make room, or choose another folder with --data"
    )


@contextmanager
def _watched(folder: Path, progress: Callable[[int, int], None] | None) -> Iterator[None]:
    """Tell how many bytes are in a folder that another library fills, which has no callback of its own."""
    if progress is None:
        yield
        return
    ended, most = Event(), 0

    def look() -> None:
        nonlocal most
        while not ended.wait(_LOOK_EVERY):
            most = max(most, _size(folder))  # the archive is removed once it is unpacked
            progress(min(most, 2 * BYTES), 2 * BYTES)

    thread = Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _size(folder: Path) -> int:
    """Of all files below a folder, in bytes; what vanishes meanwhile does not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(place) / name).stat().st_size
    return total

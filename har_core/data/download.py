"""The data set of the published report, from Kaggle into a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from har_core.errors import DownloadError
from har_core.media.layout import LABELS_FILE, PHOTOS_FOLDER, UNLABELED_FOLDER

KAGGLE_HANDLE = "meetnagadia/human-action-recognition-har-dataset"
KAGGLE_PAGE = f"https://www.kaggle.com/datasets/{KAGGLE_HANDLE}"


def download(target: Path) -> Path:
    """Fetch the data set from Kaggle (public, no key; ODbL-1.0) and lay it out in `target`.

    Returns:
        `target`, which then holds `Training_set.csv`, `train/` and `test/`.

    Raises:
        DownloadError: if there is no network, or what came is not the data set.
    """
    if (target / LABELS_FILE).is_file():
        return target
    import kagglehub  # here, because importing it reads credentials and takes half a second

    try:
        fetched = Path(kagglehub.dataset_download(KAGGLE_HANDLE))
    except Exception as error:  # kagglehub passes on the errors of several libraries under it
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise DownloadError(
            f"could not download {KAGGLE_PAGE} ({type(error).__name__}: {reason}); check the network, or download it "
            f"in a browser and unpack it so that {target / LABELS_FILE} exists"
        ) from error
    labels = next(iter(sorted(fetched.rglob(LABELS_FILE))), None)
    if labels is None or not (labels.parent / PHOTOS_FOLDER).is_dir():
        raise DownloadError(
            f"expected {LABELS_FILE} beside {PHOTOS_FOLDER}/ in the download, found neither in {fetched}"
        )
    target.mkdir(parents=True, exist_ok=True)
    for folder in (PHOTOS_FOLDER, UNLABELED_FOLDER):
        if (labels.parent / folder).is_dir():
            shutil.copytree(labels.parent / folder, target / folder, dirs_exist_ok=True)
    partial = target / f"{LABELS_FILE}.partial"
    shutil.copyfile(labels, partial)
    partial.replace(target / LABELS_FILE)  # last: its presence says that the photos are complete
    return target

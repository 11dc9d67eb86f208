"""A run → pictures for a notebook, which shows what the last line of a cell returns."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from har_core.analysis.examples import example_table
from har_core.analysis.filters import Filters, Sort, select, sorts_of
from har_core.analysis.known import what_is_known
from har_core.errors import ImageError
from har_core.media.images import open_photo
from har_core.media.photo_store import PhotoStore
from har_core.runs.run import Run
from har_core.viz.formats import class_label, percent
from har_core.viz.matrix_table import matrix_png

_INCHES, _DPI = 2.2, 100  # side of a photo


def matrix_picture(run: Run) -> Image.Image:
    """The confusion matrix: rows are true classes, columns predicted ones.

    Raises:
        RunError: if the run has no results, or they are damaged.
    """
    return Image.open(io.BytesIO(matrix_png(run.confusion_matrix(), run.classes)))


def gallery(run: Run, photos: str | Path, *, count: int = 12, columns: int = 4) -> Image.Image:
    """The errors that the model was most confident of, each photo with its true and its predicted class.

    Args:
        photos: the data folder that the run's names lie in.  Photos that are not there, or cannot be read, stay gray.
        count: photos at most.
        columns: photos in a row.

    Raises:
        RunError: if the run has no predictions, or they are damaged.
    """
    from matplotlib.figure import Figure  # slow import, rarely needed

    predictions = run.predictions()
    known = what_is_known(run.manifest.probabilities, predictions)
    table = example_table(predictions, known)
    sort: Sort = sorts_of(known)[0]
    rows = select(table, Filters(show="errors"), sort=sort).rows[:count]
    lines = max(1, -(-len(rows) // columns))
    figure = Figure(figsize=(columns * _INCHES, lines * (_INCHES + 0.45)), layout="constrained")
    store = PhotoStore(Path(photos))
    for place, row in enumerate(rows.tolist(), start=1):
        axes = figure.add_subplot(lines, columns, place)
        axes.set_axis_off()
        axes.imshow(_photo(store, str(table["sample"].iloc[row])))
        true, predicted = (class_label(predictions.classes[table[name].iloc[row]]) for name in ("true", "predicted"))
        sure = f" ({percent(table['confidence'].iloc[row])})" if known.confidence else ""
        axes.set_title(f"{true}\n→ {predicted}{sure}".replace("$", r"\$"), fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return Image.open(buffer)


def _photo(store: PhotoStore, name: str) -> Image.Image:
    path = store.find(name)
    try:
        photo = open_photo(path) if path is not None else None
    except (ImageError, OSError):
        photo = None
    if photo is None:
        return Image.new("RGB", (8, 8), (128, 128, 128))
    photo.thumbnail((int(2 * _INCHES * _DPI),) * 2)
    return photo

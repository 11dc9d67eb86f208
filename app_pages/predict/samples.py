"""Photos for whoever has none at hand: test photos whose true action is told after the answer, else three portraits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st
from PIL import Image, ImageOps

from app_pages.components import download_photos
from app_pages.state import own_runs, runs
from har_core.errors import ImageError
from har_core.media.images import open_photo
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run, assets_folder
from har_core.viz.formats import class_markdown, escape_markdown

PORTRAITS = {
    "astronaut.jpg": "Eileen Collins. NASA, public domain",
    "grace_hopper.jpg": "Grace Hopper. James S. Davis, US Navy, public domain",
    "camera.jpg": "A photographer. Lav Varshney, CC0",
}
_CHOSEN, _SHUFFLE = "sample", "sample-shuffle"
_SHOWN = 5


class Sample(NamedTuple):
    """A photo of this machine, what is said of it, and the class index of its true action, if it shows one."""

    name: str
    content: bytes
    source: str
    true: int | None


def offer(run: Run) -> None:
    """Some samples to choose from."""
    st.subheader("No photo at hand? Try a sample", anchor=False)
    rows = _one_of_each_class(run)
    if rows:
        st.caption("Test photos, which the model has never seen. What they show is told after the answer.")
        _pictures([(_test_photo(run, row), _name(run, row), "A test photo") for row in rows[:_SHOWN]])
        st.button("Other photos", icon=":material/shuffle:", on_click=_shuffle)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Three portraits. They show none of what the model knows: does it notice?")
        if download_photos.are_missing(run):
            st.caption("For real test photos:")
            download_photos.offer_download()
    folder = assets_folder() / "samples"
    _pictures([(open_photo(folder / name), name, source) for name, source in PORTRAITS.items()])


def chosen(run: Run) -> Sample | None:
    """The sample that was chosen last, if it is still here."""
    name: str | None = st.session_state.get(_CHOSEN)
    if name is None:
        return None
    if name in PORTRAITS:
        content = (assets_folder() / "samples" / name).read_bytes()
        return Sample(name, content, f"Sample: {PORTRAITS[name]}. It shows none of what the model knows.", None)
    path = own_runs.photo_store(run).find(name)
    places = (runs.predictions(run).samples == name).nonzero()[0] if run.has(PREDICTIONS) else []
    if path is None or not len(places):
        forget()
        return None
    return Sample(name, path.read_bytes(), f"Test photo {name}", int(runs.predictions(run).true[places[0]]))


def tell_truth(run: Run, sample: Sample, claimed: Sequence[int], likeliest: int) -> None:
    """Whether the answer is right, with the way to another sample.

    Args:
        claimed: the classes that the answer names.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        if sample.true is None:
            st.caption(sample.source)
            return
        if len(claimed) == 2 and sample.true in claimed:
            outcome = "One of the two is right"
        elif claimed:
            outcome = "The model is right" if sample.true in claimed else "The model is wrong"
        else:
            outcome = "The likeliest class is " + ("right" if sample.true == likeliest else "wrong")
        label = class_markdown(run.classes[sample.true])
        st.markdown(f"**{outcome}**: labeled *{label}*. {escape_markdown(sample.source)}.")
        others = [row for row in _one_of_each_class(run) if _name(run, row) != sample.name]
        if others:
            following = _name(run, others[0])
            st.button(
                "Another", icon=":material/shuffle:", key="sample-another", on_click=_choose, args=(following, True)
            )


def forget() -> None:
    st.session_state.pop(_CHOSEN, None)


def _name(run: Run, row: int) -> str:
    return str(runs.predictions(run).samples[row])


def _pictures(photos: list[tuple[Image.Image, str, str]]) -> None:
    for column, (photo, name, source) in zip(st.columns(max(3, len(photos)), gap="medium"), photos, strict=False):
        with column:
            st.image(ImageOps.fit(photo, (480, 480)), width=240, alt=source, output_format="JPEG")
            if name in PORTRAITS:
                st.caption(source)
            st.button("Try this sample", key=f"sample-{name}", on_click=_choose, args=(name,))


def _one_of_each_class(run: Run) -> list[int]:
    """Rows of the run's predictions whose photos are here, at most one of a class, in an order that `_shuffle` changes."""
    if not run.has(PREDICTIONS) or own_runs.is_own(run):
        return []
    predictions, store = runs.predictions(run), own_runs.photo_store(run)
    draw = random.Random(_turn())
    found = []
    for true in range(len(run.classes)):
        rows = (predictions.true == true).nonzero()[0].tolist()
        for row in draw.sample(rows, min(20, len(rows))):
            if store.find(predictions.samples[row]) is not None:
                found.append(row)
                break
    draw.shuffle(found)
    return found


def _test_photo(run: Run, row: int) -> Image.Image:
    path = own_runs.photo_store(run).find(_name(run, row))
    try:
        return open_photo(path) if path is not None else Image.new("RGB", (480, 480))
    except (ImageError, OSError):
        return Image.new("RGB", (480, 480))


def _turn() -> int:
    turn: int = st.session_state.setdefault(_SHUFFLE, 0)
    return turn


def _shuffle() -> None:
    st.session_state[_SHUFFLE] = _turn() + 1


def _choose(name: str, shuffle: bool = False) -> None:
    st.session_state[_CHOSEN] = name
    if shuffle:
        _shuffle()

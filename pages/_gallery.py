"""Photos with what the network saw in them, as cards in pages."""

from __future__ import annotations

from html import escape
from math import ceil

import numpy as np
import streamlit as st

from har_core import pictures
from har_core.runs import Run
from har_core.words import bare, percent, plain
from pages import _data, _evidence, _url

PAGE = 24
"""Cards a page."""

LOOKED_AT = "looked-at"
"""Where the session keeps the photo that was last seen in full."""


def show(run: Run, rows: np.ndarray, *, key: str, origin: dict[str, str]) -> dict[str, object | None]:
    """A page of cards, and the widgets to turn pages; returns what belongs into the address.

    Args:
        rows: (M,) of the run's table, in order.
        origin: the address of the errors page for this list, for the full view.
    """
    pages = max(1, ceil(len(rows) / PAGE))
    page_key = f"{key}-page-{pages}"
    number = min(max(1, st.session_state.get(page_key) or _first_page(run, rows)), pages)
    _missing_photos(run, rows)
    with_difference = st.toggle(
        "Show the difference",
        key=_url.seed(f"{key}-difference", "difference", False, _url.one_of({"True": True})),
        help="A further picture: where the first class has more evidence than the second.",
    )
    if _data.heatmaps(run) is not None:
        _evidence.colour_bar()
        if with_difference:
            _evidence.colour_bar("more for the second class", "more for the first", pictures.DIFFERENCE_SCALE)
    shown = rows[(number - 1) * PAGE : number * PAGE]
    for start in range(0, len(shown), 2):
        for column, row in zip(st.columns(2), shown[start : start + 2], strict=False):
            with column:
                _card(run, int(row), key, origin, with_difference)
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, default=number, key=page_key)
    return {"page": number if number > 1 else None, "difference": with_difference or None}


def _first_page(run: Run, rows: np.ndarray) -> int:
    """The page of the photo that somebody comes back from, else what the address says."""
    asked, looked_at = _url.once("page") or "1", st.session_state.pop(LOOKED_AT, None)
    places = (_data.predictions(run).samples[rows] == looked_at).nonzero()[0]
    if len(places):
        return int(places[0]) // PAGE + 1
    return int(asked) if asked.isdecimal() else 1


def _card(run: Run, row: int, key: str, origin: dict[str, str], with_difference: bool) -> None:
    photo = _data.table(run).iloc[row]
    sample = str(photo["sample"])
    predicted, true = bare(run.classes[int(photo["predicted"])]), bare(run.classes[int(photo["true"])])
    first, second = _evidence.pair(run, row)
    chances = _data.predictions(run).probabilities[row]
    right = predicted == true
    with st.container(border=True, key=f"card-{key}-{row}"):
        heads = [("photo", f"labelled {true}")] if _data.photos(run).find(sample) else []
        if _data.heatmaps(run) is not None or not heads:
            heads.append(("predicted, rightly" if right else "predicted", f"{predicted} {percent(chances[first])}"))
            other = bare(run.classes[second])
            heads.append(("next likeliest" if right else "true", f"{other} {percent(chances[second])}"))
            heads += [("difference", "first − second")] if with_difference else []
        cells = "".join(
            f'<div style="flex:1;min-width:0"><div style="opacity:.7">{escape(head)}</div>'
            f'<div style="font-weight:650;overflow-wrap:anywhere">{escape(text)}</div></div>'
            for head, text in heads
        )
        st.html(f'<div style="display:flex;gap:8px;font-size:.82rem;line-height:1.3">{cells}</div>')
        picture = _evidence.strip(run, row, with_difference=with_difference)
        if picture is not None:
            alt = f"{sample}: evidence for {bare(run.classes[first])} and for {bare(run.classes[second])}"
            st.image(picture, width="stretch", alt=alt)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(plain(sample))
            if st.button("Open", key=f"open-{key}-{row}", icon=":material/open_in_full:", type="tertiary"):
                st.switch_page("pages/errors.py", query_params={**origin, "photo": sample})


def _missing_photos(run: Run, rows: np.ndarray) -> None:
    """Say how many of these photos are not here, and offer to fetch them."""
    samples = _data.predictions(run).samples
    looked_at = rows[:200]
    missing = sum(_data.photos(run).find(samples[row]) is None for row in looked_at)
    if not missing:
        return
    count = "No photo of these is" if missing == len(looked_at) else f"{missing} of these photos are not"
    if len(rows) > len(looked_at) and missing < len(looked_at):
        count = "Some of these photos are not"
    instead = (
        "heatmap grids stand in their place" if _data.heatmaps(run) is not None else "cards show the figures alone"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f":material/image_not_supported: {count} on this machine: {instead}.")
        _data.offer_download(run)

"""Which photos are misclassified, and what did the network see in them?"""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from har_core.photo_table import SHOWS, SORTS, UNJUDGED, Filters, Selection, as_csv, select
from har_core.runs import PREDICTIONS, Run
from har_core.verdicts import VERDICTS, Verdict
from har_core.words import bare, capital, percent, photos, plain, readable, share
from pages import _data, _detail, _filters, _gallery, _shared, _url

NAMED = {"errors": "errors", "right": "right answers", "all": "all photos"}
TOP3 = {True: "in the top 3", False: "not in the top 3"}


def page() -> None:
    run = _data.current_run()
    if not run.scored:
        _shared.not_scored(run)
        return
    if not run.has(PREDICTIONS):
        st.title(f"{run.title} has no photos to look at")
        st.info("It is a matrix alone: which photos were misclassified was not published.", icon=":material/info:")
        _url.publish({})
        return
    keys = _filters.keys(run)
    judged = _data.verdicts(run).all()
    found = _find(run, keys, judged)
    sample = st.query_params.get("photo")
    rows, position = _position(run, keys, found, sample)
    if position is not None:
        _detail.show(run, rows, position, judged)
        _url.publish({**_filters.address(run, keys), "photo": sample})
        return
    number, total = len(found.rows), len(_data.table(run))
    st.title(f"{number:,} of {total:,} photos {_outcome(_filters.current(keys))} ({share(number / total)})")
    if sample is not None:
        st.warning(f"{plain(sample)} is not among these photos.", icon=":material/image_not_supported:")
    _controls(run, keys)
    _hidden(run, keys, found)
    st.download_button(
        "This list as CSV",
        lambda: as_csv(_data.predictions(run), found.rows, judged),
        "photos.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    address = _filters.address(run, keys)
    if len(found.rows):
        address |= _gallery.show(
            run, found.rows, key=f"errors-{abs(hash(tuple(address.values())))}", origin=_url.query(**address)
        )
    else:
        st.success("No photo passes these filters.", icon=":material/check:")
    _url.publish(address)


def _outcome(filters: Filters) -> str:
    """What the photos that pass have in common."""
    if filters.active == ["show"]:
        return "are misclassified" if filters.show == "errors" else "are rightly classified"
    return "pass these filters" if filters.active else "are shown"


def _find(run: Run, keys: dict[str, str], judged: dict[str, Verdict]) -> Selection:
    verdicts = {sample: verdict.verdict for sample, verdict in judged.items()}
    return select(_data.table(run), _filters.current(keys), sort=st.session_state[keys["sort"]], verdicts=verdicts)


def _position(run: Run, keys: dict[str, str], found: Selection, sample: str | None) -> tuple[np.ndarray, int | None]:
    """The list around the opened photo, and where in it the photo stands.

    A photo that has just been judged may no longer pass a filter by verdict: the way on is then that of the list
    without this filter.
    """
    filters, samples = _filters.current(keys), _data.predictions(run).samples
    lists = [found.rows]
    if filters.verdict is not None and sample is not None:
        lists.append(select(_data.table(run), filters.without("verdict"), sort=st.session_state[keys["sort"]]).rows)
    for rows in lists:
        places = (samples[rows] == sample).nonzero()[0]
        if len(places):
            return rows, int(places[0])
    return found.rows, None


def _controls(run: Run, keys: dict[str, str]) -> None:
    classes = list(range(len(run.classes)))
    one, two, three, four = st.columns(4)
    actions: dict[str, Any] = {
        "format_func": lambda index: bare(run.classes[index]),
        "index": None,
        "placeholder": "any action",
    }
    one.selectbox("True action", classes, key=keys["true"], **actions)
    two.selectbox("Taken for", classes, key=keys["predicted"], **actions)
    three.selectbox("Show", SHOWS, format_func=NAMED.__getitem__, key=keys["show"])
    four.selectbox(
        "Sort by",
        SORTS,
        key=keys["sort"],
        help="Loss: the most confidently wrong first. Confidence: the surest first. Margin: the closest calls first.",
    )
    one, two, three = st.columns([2, 1, 1])
    one.slider("Confidence of the prediction", 0.0, 1.0, step=0.05, key=keys["confidence"], format="percent")
    two.selectbox(
        "True action is",
        list(TOP3),
        index=None,
        placeholder="at any rank",
        format_func=TOP3.__getitem__,
        key=keys["top3"],
    )
    kinds = [*VERDICTS, UNJUDGED]
    three.selectbox("Verdict", kinds, index=None, placeholder="any verdict", key=keys["verdict"])


def _hidden(run: Run, keys: dict[str, str], found: Selection) -> None:
    """Each filter at work, how many photos it alone keeps away, and a button that removes it."""
    filters = _filters.current(keys)
    words = {
        "show": f"only {NAMED[filters.show]}",
        "true": f"true: {readable(run.classes[filters.true])}" if filters.true is not None else "",
        "predicted": f"taken for: {readable(run.classes[filters.predicted])}" if filters.predicted is not None else "",
        "confidence": f"confidence {percent(filters.low)} to {percent(filters.high)}",
        "top3": f"true action {TOP3.get(bool(filters.top3))}",
        "verdict": f"verdict: {filters.verdict}",
    }
    with st.container(horizontal=True):
        for name in filters.active:
            st.button(
                f"{capital(words[name])}: hides {photos(found.hidden[name])}",
                key=f"remove-{name}",
                icon=":material/close:",
                help="Remove this filter",
                on_click=_filters.remove,
                args=(keys, filters, name),
            )


page()

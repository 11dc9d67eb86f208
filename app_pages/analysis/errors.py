"""Which photos are misclassified, and what did the network see in them?"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import streamlit as st

from app_pages.analysis.workbench import FOLLOW, at_key, workbench
from app_pages.components.gallery import gallery
from app_pages.components.no_photos import says_no_photos
from app_pages.components.photo_detail import OPENED, ORIGIN, ORIGINS, photo_detail, turn
from app_pages.components.verdict_effect import offer_exports
from app_pages.state import filters as filter_state
from app_pages.state import groups, own_runs, runs, url
from har_core.analysis.examples import DRAWN, to_csv
from har_core.analysis.filters import SHOWS, TOP, UNJUDGED, Filters, Selection, sorts_of
from har_core.runs.run import Run
from har_core.runs.verdicts import VERDICTS, Verdict
from har_core.viz.formats import capitalize, class_label, class_markdown, count_photos, escape_markdown, percent, share
from har_core.viz.known_text import instead_sentence

SHOW_LABELS = {
    "errors": "Errors",
    "correct": "Correct predictions",
    "drawn": f"{DRAWN} drawn at random",
    "all": "All photos",
}
SORT_LABELS = {
    "loss": "Most confidently wrong",
    "confidence": "Most confident",
    "margin": "Closest calls",
    "file name": "File name",
}
VIEWS = {"cards": "Cards", "grid": "Grid"}
TOP3_LABELS = {True: "in the top 3", False: "not in the top 3"}


def page() -> None:
    run = runs.current_run()
    if says_no_photos(run):
        return
    keys = filter_state.seeded(run)
    judged = own_runs.verdicts(run).all()
    selection = _select(run, keys, filter_state.current(keys), judged)
    opened = url.seed(OPENED, "photo", None, str), url.seed(ORIGIN, "from", None, url.one_of({n: n for n in ORIGINS}))
    view_key = url.seed(f"errors-view-{run.folder}", "view", "cards", url.one_of({view: view for view in VIEWS}))
    turn()
    sample, origin = (st.session_state[key] for key in opened)
    rows, position = _position(run, keys, selection, judged, sample)
    if position is not None:
        address = filter_state.address(run, keys)
        if st.session_state[view_key] == "grid" and st.session_state[at_key(run)] != sample:
            url.put(at_key(run), sample)  # whoever goes back to the grid finds this photo there
            st.session_state[FOLLOW] = True
        photo_detail(run, rows, position, judged, origin=origin, filters=address)
        url.publish(address | _view(run) | {"photo": sample, "from": origin})
        return
    _list(run, keys, selection, judged, missing=sample)


def _list(
    run: Run, keys: dict[str, str], selection: Selection, judged: dict[str, Verdict], *, missing: str | None
) -> None:
    number, total = len(selection.rows), len(runs.examples(run))
    outcome = _outcome(filter_state.current(keys))
    st.title(f"{number:,} of {total:,} photos {outcome} ({share(number / total)})")
    if missing is not None:
        st.warning(f"{escape_markdown(missing)} is not among these photos.", icon=":material/image_not_supported:")
    _controls(run, keys)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.segmented_control(
            "View",
            list(VIEWS),
            format_func=VIEWS.__getitem__,
            required=True,
            label_visibility="collapsed",
            **url.widget(f"errors-view-{run.folder}"),
        )
        _active_filters(run, keys, selection)
        st.download_button(
            "This list as CSV",
            lambda: to_csv(runs.predictions(run), selection.rows, judged, known=runs.known(run)),
            "photos.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        offer_exports(run, judged)
        if judged and number:
            samples = runs.predictions(run).samples[selection.rows]
            st.caption(f"{sum(sample in judged for sample in samples):,} of these {number:,} judged")
    address = filter_state.address(run, keys) | _view(run)
    if len(selection.rows):
        key = f"errors-{abs(hash(tuple(address.values())))}"
        if address["view"] == "grid":
            address |= workbench(run, selection.rows, judged, key=key)
        else:
            address |= gallery(run, selection.rows, key=key, origin=url.query(**address))
    else:
        st.info("No photo matches these filters.", icon=":material/info:")
    url.publish(address)


def _view(run: Run) -> dict[str, object | None]:
    """How the list is shown, as in the address."""
    view = st.session_state[f"errors-view-{run.folder}"]
    return {"view": view if view != "cards" else None}


def _outcome(filters: Filters) -> str:
    """What the photos have in common that pass the filters."""
    if filters.active == ["show"] and filters.show == "drawn":
        return "were drawn at random"
    if filters.active == ["show"]:
        return "are misclassified" if filters.show == "errors" else "are predicted correctly"
    return "match these filters" if filters.active else "are shown"


def _select(run: Run, keys: dict[str, str], filters: Filters, judged: dict[str, Verdict]) -> Selection:
    verdicts = {sample: verdict.verdict for sample, verdict in judged.items()}
    pair, sort = filter_state.is_pair(keys), filter_state.current_sort(keys)
    return filter_state.select_photos(run, filters, pair=pair, sort=sort, verdicts=verdicts)


def _position(
    run: Run, keys: dict[str, str], selection: Selection, judged: dict[str, Verdict], sample: str | None
) -> tuple[np.ndarray, int | None]:
    """The list around the opened photo, and where in it the photo stands.

    A photo that has just been judged may no longer pass a filter by verdict: the way on is then that of the list
    without this filter.
    """
    filters, samples = filter_state.current(keys), runs.predictions(run).samples
    lists = [selection.rows]
    if filters.verdict is not None and sample is not None:
        lists.append(_select(run, keys, filters.without("verdict"), judged).rows)
    for rows in lists:
        places = (samples[rows] == sample).nonzero()[0]
        if len(places):
            return rows, int(places[0])
    return selection.rows, None


def _controls(run: Run, keys: dict[str, str]) -> None:
    """One line: what most people look for; the rest behind a button."""

    def one_direction() -> None:
        url.put(keys["both"], False)

    classes = list(range(len(run.classes)))
    line = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    actions: dict[str, Any] = {
        "format_func": lambda index: class_label(run.classes[index]),
        "index": None,
        "placeholder": "any class",
    }
    line.selectbox("True class", classes, **actions, **url.widget(keys["true"], one_direction))
    line.selectbox("Predicted as", classes, **actions, **url.widget(keys["predicted"], one_direction))
    line.selectbox("Show", SHOWS, format_func=SHOW_LABELS.__getitem__, **url.widget(keys["show"]))
    known = runs.known(run)
    if len(sorts := sorts_of(known)) > 1:
        line.selectbox("Sort by", sorts, format_func=SORT_LABELS.__getitem__, **url.widget(keys["sort"]))
    with line.popover("More", icon=":material/tune:"):
        if known.confidence:
            st.slider(
                "Confidence of the prediction", 0.0, 1.0, step=0.05, format="percent", **url.widget(keys["confidence"])
            )
        if known.ranks >= TOP:
            st.selectbox(
                "True class is",
                list(TOP3_LABELS),
                index=None,
                placeholder="at any rank",
                format_func=TOP3_LABELS.__getitem__,
                **url.widget(keys["top3"]),
            )
        kinds = [*VERDICTS, UNJUDGED]
        st.selectbox("Verdict", kinds, index=None, placeholder="any verdict", **url.widget(keys["verdict"]))
        counts = Counter(tag for tags in own_runs.verdicts(run).tags().values() for tag in tags)
        if counts:
            st.selectbox(
                "Tag",
                sorted(counts),
                index=None,
                placeholder="any or no tag",
                format_func=lambda tag: f"{tag} ({counts[tag]:,})",
                **url.widget(keys["tag"]),
            )
        if not known.margin or (known.ranks < TOP and len(run.classes) > TOP):
            sure, close = "which ones the model is sure of", "which are close calls and where the true class ranks"
            st.caption(instead_sentence(known, confidence=[sure], every_class=[close]))


def _active_filters(run: Run, keys: dict[str, str], selection: Selection) -> None:
    """Each active filter, how many photos it alone hides, and a button that removes it."""
    filters = filter_state.current(keys)
    classes = {
        name: class_markdown(run.classes[index]) if index is not None else ""
        for name, index in (("true", filters.true), ("predicted", filters.predicted))
    }
    words = {
        "show": f"only {SHOW_LABELS[filters.show].lower()}",
        "true": f"true: {classes['true']}",
        "predicted": f"predicted as: {classes['predicted']}",
        "confidence": f"confidence {percent(filters.low)} to {percent(filters.high)}",
        "top3": f"true class {TOP3_LABELS[bool(filters.top3)]}",
        "verdict": f"verdict: {filters.verdict}",
        "tag": f"tag: {escape_markdown(filters.tag or '')}",
        "group": f"group: {escape_markdown(groups.label(run, filters.group) if filters.group else '')}",
    }
    active = filters.active
    if filter_state.is_pair(keys):
        words["true"] = f"confused: {classes['true']} and {classes['predicted']}"
        active.remove("predicted")
    for name in active:
        st.button(
            f"{capitalize(words[name])}: hides {count_photos(selection.hidden[name])}",
            key=f"remove-{name}",
            icon=":material/close:",
            help="Remove this filter",
            on_click=filter_state.remove,
            args=(keys, name),
        )


page()

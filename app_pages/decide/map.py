"""Where do the errors lie, among the photos that look alike to the model?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import streamlit as st

from app_pages.components.no_results import no_results
from app_pages.components.run_title import run_title
from app_pages.decide.map_selection import map_chart, selected_photos, selected_points
from app_pages.state import own_runs, runs, url
from app_pages.state.once import once_per_run
from har_core.analysis import embedding_map as maps
from har_core.analysis.embedding_map import EmbeddingMap, Gathering
from har_core.analysis.label_suspects import suspects_schema
from har_core.runs.file_names import EMBEDDING_MAP, EMBEDDINGS, PREDICTIONS, SUSPECTS
from har_core.runs.run import Run
from har_core.runs.tables import TEST, TRAINING, read_table
from har_core.runs.verdicts import VERDICTS
from har_core.viz import map_figures as figures
from har_core.viz.formats import distinct_labels, short_labels
from har_core.viz.map_figures import MOST_COLORED
from har_core.viz.text import IN_HEADLINE

MOST = 100_000
"""Points that are drawn."""

COLORS = {
    "outcome": "correct or not",
    "true": "true class",
    "predicted": "predicted class",
    "verdict": "verdict",
    "suspect": "label suspect",
}
Drawn = tuple[EmbeddingMap, float, Gathering | None, np.ndarray, int]
"""A map, how far it can be trusted, where errors gather on it, what is said of its points, and the photos in all."""


def page() -> None:
    run = runs.current_run()
    if not run.is_scored:
        no_results(run)
        return
    if not run.has(PREDICTIONS) or not (run.has(EMBEDDING_MAP) or run.has(EMBEDDINGS)):
        _missing(run)
        return
    places, trust, gathering, hover, total = _drawn(run)
    errors = int((~runs.predictions(run).correct).sum())
    headline, in_full = (
        figures.errors_headline(gathering, names, errors=errors, photos=len(runs.predictions(run)))
        for names in (short_labels(run.classes, IN_HEADLINE), run.classes)
    )
    st.title(headline, help=in_full if in_full != headline else None)
    if gathering is not None:
        st.markdown(figures.gathering_sentence(gathering))
    color, highlighted, training, address = _controls(run, places, gathering)
    visible = places.scored | training
    kinds, names, others = _kinds(run, places, color, highlighted)
    groups = figures.point_groups(kinds, names, places.scored, others=others)
    groups = [group for group in groups if training or not group.training]
    map_chart(run, places, groups, hover, signature=(color, tuple(highlighted), training))
    _caption(run, places, trust, total)
    selected = selected_points(run)
    if selected is None:
        st.caption("Draw a line around points to see their photos below.")
    else:
        address |= selected_photos(run, places, selected[visible[selected]])
    url.publish(address)


def _missing(run: Run) -> None:
    run_title(lambda name: f"{name} has no map", run)
    again = "Evaluate the model again with: har-lens evaluate DATA --out runs/NAME"
    if own_runs.is_own(run):
        again = "A table cannot bring them: where this app's model predicts the photos themselves, on *Your photos*, there is a map."
    elif not run.has_model:
        again = "Import it again with: har-lens import TABLE --embeddings FILE.npy --out runs/NAME"
    st.info(
        f"It was stored without embeddings, which say what looks alike to the model. {again}"
        if run.has(PREDICTIONS)
        else "It is a matrix only: which photos were misclassified, and what they look like to the model, was not published.",
        icon=":material/info:",
    )
    url.publish({})


@once_per_run("Drawing the map …")
def _drawn(run: Run) -> Drawn:
    predictions, embeddings = runs.predictions(run), runs.embeddings(run)
    if run.has(EMBEDDING_MAP):
        every = maps.read_map(run, predictions)
        total, places = len(every), every.subset(maps.drawn_points(len(every), MOST))
    else:
        assert embeddings is not None
        total, places = len(predictions), maps.quick_map(predictions, embeddings, most=MOST)
    scored = places.subset(places.scored)
    trust = float("nan") if embeddings is None else maps.trust_in_map(embeddings, scored.positions, rows=scored.rows)
    predicted = np.where(places.scored, predictions.predicted[places.rows], -1)
    confidence = runs.examples(run)["confidence"].to_numpy()
    hover = figures.hover_texts(places.samples, places.true, predicted, confidence[places.rows], run.classes)
    gathering = maps.densest_errors(scored.positions, scored.true, predictions.predicted[scored.rows])
    return places, trust, gathering, hover, total


def _controls(
    run: Run, places: EmbeddingMap, gathering: Gathering | None
) -> tuple[str, list[int], bool, dict[str, object | None]]:
    """What the points are colored by, the highlighted classes, whether training photos are shown; and the address."""
    options = [name for name in COLORS if name != "suspect" or run.has(SUSPECTS)]
    if not own_runs.verdicts(run).all():
        options.remove("verdict")
    color_key = url.seed(f"map-color-{run.folder}", "color", "outcome", url.one_of({name: name for name in options}))
    if st.session_state[color_key] not in options:  # the last verdict was taken back
        url.put(color_key, "outcome")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        color = cast(
            "str",
            st.segmented_control(
                "Color by", options, format_func=COLORS.__getitem__, required=True, **url.widget(color_key)
            ),
        )
        training = False
        if not places.scored.all():
            layer = url.seed("map-training", "training", False, url.one_of({"shown": True}))
            training = st.toggle("Training photos", **url.widget(layer))
    address: dict[str, object | None] = {
        "color": color if color != "outcome" else None,
        "training": "shown" if training else None,
    }
    if color not in ("true", "predicted"):
        return color, [], training, address
    default = _default_highlight(run, gathering)
    key = url.seed(f"map-highlight-{run.folder}", "highlight", default, lambda text: _parse(text, len(run.classes)))
    labels = distinct_labels(run.classes)
    highlighted = st.multiselect(
        "Highlight",
        list(range(len(run.classes))),
        format_func=labels.__getitem__,
        max_selections=MOST_COLORED,
        placeholder="choose classes",
        help=f"At most {MOST_COLORED}: more colors could not be told apart.",
        **url.widget(key),
    )
    chosen = "-".join(map(str, highlighted)) or "none"
    return color, highlighted, training, address | {"highlight": chosen if highlighted != default else None}


def _default_highlight(run: Run, gathering: Gathering | None) -> list[int]:
    """All classes if they can be told apart; else those that are confused most, the headline's first."""
    if len(run.classes) <= MOST_COLORED:
        return list(range(len(run.classes)))
    confused = runs.confusion_matrix(run).copy()
    np.fill_diagonal(confused, 0)
    order = np.argsort(-(confused.sum(axis=0) + confused.sum(axis=1)), kind="stable").tolist()
    first = [] if gathering is None else [gathering.first, gathering.second]
    return (first + [index for index in order if index not in first])[:4]


def _parse(text: str, size: int) -> list[int]:
    """The class indices of an address: '3-7', or 'none'."""
    chosen = [] if text == "none" else [int(part) for part in text.split("-")]
    if len(chosen) > MOST_COLORED or len(set(chosen)) < len(chosen) or not all(0 <= index < size for index in chosen):
        raise ValueError(text)
    return chosen


def _kinds(run: Run, places: EmbeddingMap, color: str, highlighted: Sequence[int]) -> tuple[np.ndarray, list[str], str]:
    """What each point is colored as: (M,) index into the names, -1 if muted; the names; what the muted are called."""
    predicted = np.where(places.scored, runs.predictions(run).predicted[places.rows], -1)
    if color in ("true", "predicted"):
        values = places.true if color == "true" else predicted
        kinds = figures.kinds_of_classes(values, highlighted, len(run.classes))
        return kinds, figures.class_names(run.classes, highlighted), "other classes"
    if color == "outcome":
        return np.where(places.scored & (predicted != places.true), 0, -1), ["misclassified"], "correct"
    if color == "suspect":
        suspects = read_table(run, SUSPECTS, suspects_schema(run.classes))
        layer = np.where(places.scored, TEST, TRAINING)
        found = [np.isin(places.samples, suspects["sample"][suspects["split"] == split]) for split in (TEST, TRAINING)]
        return np.where(np.where(layer == TEST, *found), 0, -1), ["label suspects"], "not suspected"
    judged = own_runs.verdicts(run).all()
    kinds = np.full(len(places), -1)
    for number, verdict in enumerate(VERDICTS):
        named = [sample for sample, found in judged.items() if found.verdict == verdict]
        kinds[places.scored & np.isin(places.samples, named)] = number
    return kinds, [figures.verdict_name(verdict) for verdict in VERDICTS], "not judged"


def _caption(run: Run, places: EmbeddingMap, trust: float, total: int) -> None:
    words = ["Photos that look alike to the model lie near each other; how far groups are apart says little."]
    if not np.isnan(trust):
        words.append(
            f"Trustworthiness {trust:.2f} (1 is best): how far neighbors on the map are neighbors to the model."
        )
    if len(places) < total:
        words.append(f"{len(places):,} of {total:,} photos are drawn, chosen at random.")
    if not run.has(EMBEDDING_MAP):
        better = "" if own_runs.is_own(run) else ": `har-lens analyze RUN DATA` makes a better one"
        words.append(f"A quick map of the two principal components{better}.")
    st.caption(" ".join(words))


page()

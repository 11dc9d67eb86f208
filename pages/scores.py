"""How good is the model, action by action, and how sure can one be of the figures?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from har_core import analysis, plots, words
from har_core.runs import PREDICTIONS, Run
from har_core.words import bare, readable
from pages import _data, _shared, _url

MEASURES = {"recall": "recall", "precision": "precision", "f1": "F1"}


def page() -> None:
    run = _data.current_run()
    if not run.scored:
        _shared.not_scored(run)
        return
    counts = _data.counts(run)
    table = analysis.class_table(counts, run.classes).sort_values("f1", kind="stable", ignore_index=True)
    tested = table[table["support"] > 0]
    found = analysis.summary(counts)
    low, high = found.interval
    st.title(f"{words.share(found.accuracy)} of {words.photos(found.n)} recognised")
    st.markdown(
        f"The 95 % interval is {low * 100:.1f} to {high * 100:.1f} % (Wilson). "
        f"**{words.capital(readable(tested['class'].iloc[-1]))}** is the strongest action, "
        f"**{readable(tested['class'].iloc[0])}** the weakest."
    )
    _figures(run, found)
    st.subheader("The weakest and the strongest", anchor=False)
    for column, position in zip(st.columns(2), (0, -1), strict=True):
        with column.container(border=True, height="stretch"):
            _extreme(run, tested.iloc[position])
    st.subheader("Action by action", anchor=False)
    measure = _bars(table)
    _table(table)
    _downloads(run, counts)
    _url.publish({"measure": measure if measure != "f1" else None})


def _figures(run: Run, found: analysis.Summary) -> None:
    figures = {
        "Accuracy": words.share(found.accuracy),
        "Macro F1": f"{found.macro_f1:.4f}",
        "Weighted F1": f"{found.weighted_f1:.4f}",
    }
    if run.has(PREDICTIONS):
        predictions = _data.predictions(run)
        if len(run.classes) > 3:
            figures["True action in the top 3"] = words.share(analysis.top_accuracy(predictions, 3))
        figures["Log loss (nats)"] = f"{analysis.log_loss(predictions):.4f}"
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(name, value, border=True)


def _extreme(run: Run, row: pd.Series) -> None:
    """A class with its main confusion."""
    name = words.capital(readable(row["class"]))
    st.markdown(f"**{name}**: F1 {row['f1']:.2f} ({row['f1_low']:.2f} to {row['f1_high']:.2f})")
    if not row["times"]:
        st.caption("Never taken for another action.")
        return
    times = words.photos(int(row["times"]))
    st.caption(f"Most often taken for {readable(row['taken_for'])}: {times} of {int(row['support']):,}.")
    if run.has(PREDICTIONS):
        st.page_link(
            "pages/errors.py",
            label=f"See {'it' if row['times'] == 1 else 'them'}",
            icon=":material/photo_library:",
            query_params=_url.query(true=row["class"], predicted=row["taken_for"]),
        )


def _bars(table: pd.DataFrame) -> str:
    measure: str = st.segmented_control(
        "Bars show",
        list(MEASURES),
        format_func=MEASURES.__getitem__,
        required=True,
        key=_url.seed("scores-measure", "measure", "f1", _url.one_of({name: name for name in MEASURES})),
    )  # type: ignore[assignment]
    st.plotly_chart(
        plots.class_bars(table.sort_values(measure, kind="stable"), measure),
        config={"displayModeBar": False},
        alt=f"{MEASURES[measure]} of each action with its 95 % interval, the lowest on top",
    )
    st.caption(
        "Bars with 95 % intervals: Wilson's for precision and recall; for F1, Wilson's interval of Jaccard's index "
        "TP / (TP + FP + FN), of which F1 is a rising function. Click a column head of the table to sort it."
    )
    return measure


def _table(table: pd.DataFrame) -> None:
    shown = table.assign(**{name: table[name].map(bare) for name in ("class", "taken_for")})
    columns: dict[str, Any] = {
        "class": "action",
        "support": "photos",
        "taken_for": "most often taken for",
        "times": "how often",
    }
    for name, label in MEASURES.items():
        bounds = zip(shown[name + "_low"], shown[name + "_high"], strict=True)
        shown[name + "_interval"] = [f"{low:.2f}–{high:.2f}" for low, high in bounds]
        columns |= {name: st.column_config.NumberColumn(label, format="%.4f"), name + "_interval": "95 %"}
    order = ["class", *(part for name in MEASURES for part in (name, name + "_interval"))]
    st.dataframe(
        shown,
        hide_index=True,
        height="content" if len(shown) <= 20 else 640,
        column_order=[*order, "support", "taken_for", "times"],
        column_config=columns,
        alt="Precision, recall and F1 of each action with their 95 % intervals",
    )


def _downloads(run: Run, counts: np.ndarray) -> None:
    kinds: dict[str, tuple[str, str, Callable[[], bytes]]] = {
        "Classification report as CSV": (
            "classification_report.csv",
            "text/csv",
            lambda: analysis.report(counts, run.classes)[1].to_csv(index=False).encode(),
        ),
        "As text": (
            "classification_report.txt",
            "text/plain",
            lambda: analysis.report(counts, run.classes)[0].encode(),
        ),
    }
    with st.container(horizontal=True):
        for label, (name, mime, make) in kinds.items():
            st.download_button(label, make, name, mime, icon=":material/download:", on_click="ignore")


page()

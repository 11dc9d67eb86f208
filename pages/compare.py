"""Which of two runs is better, where, and on which photos?"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import streamlit as st

from har_core import analysis, plots, words
from har_core.runs import Run
from har_core.words import bare, readable
from pages import _changed, _data, _url
from pages._settings import ROOT


def page() -> None:
    run = _data.current_run()
    named = {name: other for name, other in _data.all_runs()[0].items() if other.folder != run.folder}
    comparable = [name for name, other in named.items() if other.classes == run.classes and other.scored]
    if not comparable or not run.scored:
        st.title(f"Nothing to compare {run.title} with")
        st.info("A comparison needs two scored runs on the same actions.", icon=":material/info:")
        _published()
        _url.publish({})
        return
    key = _url.seed(f"compare-{run.folder}", "with", comparable[0], _url.one_of({name: name for name in comparable}))
    called, top = _data.labels(named), st.container()
    other = named[st.selectbox("Compared with", comparable, key=key, format_func=lambda name: called[name], width=320)]
    before, after = _data.counts(other), _data.counts(run)
    with top:
        _headline(run, other, before, after)
    for one in (run, other):
        if "note" in one.card:
            st.caption(f"{one.title}: {words.plain(one.card['note'])}")
    _classes(run, other, before, after)
    _matrices(run, before, after)
    _changed.show(run, other)
    _published()
    _url.publish({"with": st.session_state[key]})


def _headline(run: Run, other: Run, before: np.ndarray, after: np.ndarray) -> None:
    a, b = analysis.summary(before), analysis.summary(after)
    points = (b.accuracy - a.accuracy) * 100
    chance = b.interval[0] <= a.accuracy <= b.interval[1] or a.interval[0] <= b.accuracy <= a.interval[1]
    if abs(points) < 0.05:
        st.title(f"{run.title} and {other.title} are equally accurate")
    elif chance:
        st.title(f"{run.title} and {other.title} differ by {abs(points):.1f} points, which may be chance")
        st.markdown("One accuracy lies within the 95 % interval of the other.")
    else:
        st.title(f"{run.title} is {abs(points):.1f} points {'better' if points > 0 else 'worse'} than {other.title}")
    rows = {}
    for one, found in ((run, b), (other, a)):
        low, high = found.interval
        rows[one.title] = {
            "accuracy": words.share(found.accuracy),
            "95 % interval": f"{low * 100:.1f}–{high * 100:.1f} %",
            "right": f"{found.right:,} of {found.n:,}",
            "macro F1": f"{found.macro_f1:.4f}",
            "weighted F1": f"{found.weighted_f1:.4f}",
        }
    rows["difference"] = {
        "accuracy": f"{points:+.1f} points",
        "macro F1": f"{b.macro_f1 - a.macro_f1:+.4f}",
        "weighted F1": f"{b.weighted_f1 - a.weighted_f1:+.4f}",
    }
    st.dataframe(pd.DataFrame(rows).T.fillna("").rename_axis("run"), alt="Scores of both runs and their difference")


def _classes(run: Run, other: Run, before: np.ndarray, after: np.ndarray) -> None:
    first, second = analysis.class_table(before, run.classes), analysis.class_table(after, run.classes)
    change = second["f1"] - first["f1"]
    best, worst = int(change.to_numpy().argmax()), int(change.to_numpy().argmin())
    st.subheader("F1, action by action", anchor=False)
    said = []
    if change[best] > 0:
        said.append(f"{readable(run.classes[best])} gains most ({change[best]:+.2f})")
    if change[worst] < 0:
        said.append(f"{readable(run.classes[worst])} loses most ({change[worst]:+.2f})")
    st.markdown(words.capital(", ".join(said)) + "." if said else "No action changes.")
    order = change.sort_values(kind="stable").index
    st.plotly_chart(
        plots.paired_bars(
            first["f1"][order], second["f1"][order], [run.classes[i] for i in order], (other.title, run.title)
        ),
        config={"displayModeBar": False},
        alt="F1 of each action in both runs",
    )
    with st.expander("All scores and their differences"):
        table = pd.DataFrame({"action": [bare(name) for name in run.classes]})
        for name in ("precision", "recall", "f1"):
            table[f"{name}, {other.title}"], table[f"{name}, {run.title}"] = first[name], second[name]
            table[f"{name}, difference"] = second[name] - first[name]
        st.dataframe(table.round(4), hide_index=True, height="content" if len(table) <= 20 else 640)


def _matrices(run: Run, before: np.ndarray, after: np.ndarray) -> None:
    same = bool((before.sum(axis=1) == after.sum(axis=1)).all())
    unit: analysis.Unit = "count" if same else "recall"
    change = analysis.normalised(after, unit) - analysis.normalised(before, unit)
    st.subheader("What changed in the matrix", anchor=False)
    off = change - np.diag(np.diag(change))
    named = []
    for flat in np.argsort(-np.abs(off), axis=None, kind="stable")[:3]:
        true, predicted = np.unravel_index(flat, off.shape)
        value = off[true, predicted]
        if value:
            amount = f"{value:+.0f} photos" if same else f"{value * 100:+.1f} points of its recall"
            named.append(f"{readable(run.classes[true])} taken for {readable(run.classes[predicted])}: {amount}")
    st.markdown("Largest changes: " + "; ".join(named) + "." if named else "The matrices are the same.")
    st.plotly_chart(
        plots.matrix_difference(change, run.classes, shares=not same),
        config={"displayModeBar": False},
        alt="Difference of the two confusion matrices: blue where there are fewer photos, orange where there are more",
    )
    if not same:
        st.caption("The runs were scored on different numbers of photos, so shares of the true action are compared.")


def _published() -> None:
    """Other results on the same photos, each with its protocol."""
    published = json.loads((ROOT / "assets" / "published.json").read_text(encoding="utf-8"))
    st.subheader("Other published results on this data set", anchor=False)
    table = pd.DataFrame(published["results"])[["model", "accuracy", "macro_f1", "n", "protocol", "source"]]
    low, high = analysis.intervals((table["accuracy"] * table["n"]).round().to_numpy(), table["n"].to_numpy())
    table.insert(2, "95 %", [f"{a * 100:.1f}–{b * 100:.1f} %" for a, b in zip(low, high, strict=True)])
    table["macro_f1"] = [f"{value:.3f}" if value == value else "–" for value in table["macro_f1"]]
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            "accuracy": st.column_config.NumberColumn(format="%.4f"),
            "macro_f1": "macro F1",
            "n": "photos",
            "protocol": st.column_config.TextColumn(width=330),
            "source": st.column_config.TextColumn(width="small"),
        },
        alt="Published accuracies with the protocol of each",
    )
    st.caption(
        "Read the protocol before the figure: an epoch or a model that was picked on the scored photos looks better than "
        f"it is. {published['not_counted']}"
    )


page()

"""The photos that one run recognises and another does not."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from har_core import analysis, runs, words
from har_core.runs import Run
from har_core.words import readable
from pages import _data, _evidence, _url

_MOST = 30  # photos of each kind that are listed


def show(run: Run, other: Run) -> None:
    """Fixed and broken photos, where both runs have predictions for the same ones."""
    st.subheader("Photos fixed and broken", anchor=False)
    if not (run.has(runs.PREDICTIONS) and other.has(runs.PREDICTIONS)):
        without = other if run.has(runs.PREDICTIONS) else run
        st.info(
            f"{without.title} is a matrix alone, so its photos cannot be compared one by one.", icon=":material/info:"
        )
        return
    first, second = _data.table(other), _data.table(run)
    both = first.merge(second, on="sample", suffixes=("_before", "_after"))
    both = both[both["true_before"] == both["true_after"]]
    if both.empty:
        st.info("The two runs were scored on different photos.", icon=":material/info:")
        return
    was, now = both["true_before"] == both["predicted_before"], both["true_after"] == both["predicted_after"]
    found = analysis.mcnemar(was.to_numpy(), now.to_numpy())
    st.markdown(words.comparison(found, other.title, run.title) + f" {words.photos(len(both))} are in both.")
    for column, title, chosen in zip(
        st.columns(2), ("Fixed", "Broken"), (both[~was & now], both[was & ~now]), strict=True
    ):
        with column:
            _list(run, title, chosen)


def _list(run: Run, title: str, chosen: pd.DataFrame) -> None:
    """A list of photos, each with its picture and a way to its full view."""
    st.markdown(f"**{title}: {words.photos(len(chosen))}**")
    worst = chosen.sort_values("loss_after", ascending=title == "Fixed").head(_MOST)
    samples = _data.predictions(run).samples
    rows = pd.Index(samples).get_indexer(worst["sample"])
    classes = worst[["true_after", "predicted_before", "predicted_after"]].to_numpy()
    with st.container(height=480 if len(worst) > 4 else "content", border=True):
        for row, (true, before, after) in zip(rows.tolist(), classes.tolist(), strict=True):
            picture, text = st.columns([2, 3], vertical_alignment="center", wrap=False)
            strip = _evidence.strip(run, row, with_difference=False)
            if strip is not None:
                picture.image(strip, width="stretch", alt=f"{samples[row]} with the evidence of {run.title}")
            earlier = f"taken for {readable(run.classes[before])}" if true != before else "recognised"
            now = f"taken for {readable(run.classes[after])}" if true != after else "recognised"
            text.markdown(f"{words.capital(readable(run.classes[true]))}: was {earlier}, is now {now}")
            text.page_link(
                "pages/errors.py",
                label=words.plain(samples[row]),
                icon=":material/open_in_full:",
                query_params=_url.query(show="all", true=run.classes[true], photo=samples[row]),
            )
    if len(chosen) > len(worst):
        st.caption(f"The {len(worst)} clearest are shown.")

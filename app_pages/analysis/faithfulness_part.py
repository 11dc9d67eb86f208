"""Of the Scores page: do the heatmaps show what the model uses?"""

from __future__ import annotations

import streamlit as st

from app_pages.state import own_runs
from har_core.analysis.faithfulness import SCHEMA, compare, mean_areas, mean_curves
from har_core.runs.file_names import FAITHFULNESS, MODEL
from har_core.runs.run import Run
from har_core.runs.tables import read_table
from har_core.viz import faithfulness_figures
from har_core.viz.formats import count_photos

_COMMAND = "`har-lens analyze RUN DATA --only faithfulness`"


def faithfulness_part(run: Run) -> None:
    """For any run; one that was not measured says by what command it is."""
    st.subheader("Do the heatmaps show what the model uses?", anchor=False)
    if not run.has(FAITHFULNESS):
        if own_runs.is_own(run):
            st.caption("Not measured: that is done with the run of the model itself, which takes minutes.")
        elif run.has_model and not run.has(MODEL):
            st.caption("Not measured: that needs a network of `train.py` or timm.")
        elif run.has_model:
            st.caption(f"Not measured for this run. With its photos at hand, {_COMMAND} measures it.")
        else:
            st.caption(f"Not measured: the run is without its model. In the run's own folder, {_COMMAND} measures it.")
        return
    table = read_table(run, FAITHFULNESS, SCHEMA)
    means, compared = mean_areas(table), compare(table)
    st.markdown(faithfulness_figures.answer(compared))
    if sentence := faithfulness_figures.shuffled_sentence(means, compared):
        st.markdown(sentence)
    st.plotly_chart(
        faithfulness_figures.faithfulness_figure(means),
        config={"displayModeBar": False},
        key="faithfulness",
        alt="Deletion, insertion and ROAD of the heatmaps and of three other maps, with 95 % intervals",
    )
    st.caption(
        f"Means over {count_photos(table['photo'].nunique())}, with 95\u00a0% intervals over photos; the differences above are "
        "paired. Each map says in which order parts of the center crop are hidden; measured is how probable the predicted "
        "class then is. Deletion (lower is better) paints the most important part in the mean color, insertion (higher is "
        "better) shows it on the blurred photo; both are areas under the curves (RISE). ROAD (higher is better, 0 for a map "
        "that knows nothing) fills parts in from their surroundings, so that no edge gives them away: half of what the "
        "probability is higher without the least important part than without the most important one. Of a model that looks "
        "at more than the center, only that look is measured."
        + ("" if own_runs.is_own(run) else f" {_COMMAND} measures it again.")
    )
    with st.expander("The curves"):
        st.plotly_chart(
            faithfulness_figures.faithfulness_curves(mean_curves(table)),
            config={"displayModeBar": False},
            key="faithfulness-curves",
            alt="Probability of the predicted class over the share of the photo that is hidden, shown or imputed",
        )

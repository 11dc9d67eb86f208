"""Below two heatmaps: what made the one class win, in parts that add up, and why the brighter map may be the loser's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from har_core.cam.contributions import contributions
from har_core.viz.formats import class_markdown, percent

_WHY = {
    "area": "its evidence, though weaker at its strongest, covers more of the photo",
    "against": "less in the photo speaks against it",
    "bias": "the model starts out in its favor (bias)",
}


def contribution_table(
    classes: tuple[str, str], maps: np.ndarray, probabilities: np.ndarray, *, temperature: float
) -> None:
    """Of the two classes that are compared, in either order.

    Args:
        maps: (2, h, w) raw signed class maps.
        probabilities: (2,).
    """
    order = [0, 1] if probabilities[0] >= probabilities[1] else [1, 0]
    found = contributions(np.asarray(maps)[order], np.asarray(probabilities)[order], temperature=temperature)
    winner, loser = (class_markdown(classes[index]) for index in order)
    if found.second_is_brighter:
        st.markdown(
            f"The map of *{loser}* is the brighter one, yet *{winner}* is more probable: {_WHY[found.reason]}. A heatmap shows only "
            "what speaks for a class, and brightness is its strongest spot."
        )
    with st.expander(f"What put {winner} before {loser}, in numbers"):
        rows = {
            "evidence for the two, over the whole map": found.evidence_for,
            "evidence against the two": found.evidence_against,
            "bias of the last layer": found.bias,
            "sum: difference of the logits": found.difference,
        }
        st.dataframe(
            pd.DataFrame({"part": rows.keys(), "logits": [f"{round(value, 2) + 0.0:+.2f}" for value in rows.values()]}),
            hide_index=True,
            height="content",
            alt="Contributions that add up to the difference of the logits",
        )
        areas = [percent(found.areas[place]) for place in (0, 1)]
        st.caption(
            f"Positive is for {winner}. Half of its strongest evidence or more: {winner} on {areas[0]} of the map, {loser} on {areas[1]}."
        )

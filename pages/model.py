"""How far can this model be trusted, and what is it not for?"""

from __future__ import annotations

import streamlit as st

from har_core import runs
from har_core.analysis import per_class
from pages import _shared

run = _shared.current_run()
card = run.card
scores, data, trained = card["scores"], card["data"], card["training"]
low, high = scores["accuracy_interval"]

st.title(f"{scores['accuracy']:.1%} right on {scores['n']:,} photos that it was not trained on")
st.markdown(
    f"The 95 % interval is {low:.1%} to {high:.1%}, macro F1 {scores['macro_f1']:.3f}. Read it as slightly too good: "
    f"epoch {trained['best_epoch']} of {trained['epochs']} was chosen because it did best on these very photos."
)

st.subheader("Which actions it finds")
st.dataframe(
    _shared.for_people(per_class(run.predictions())),
    hide_index=True,
    height="content",
    column_config={
        "class": "action",
        "recall": st.column_config.ProgressColumn("found (recall)", format="%.0f %%", min_value=0, max_value=100),
        "support": "photos",
        "taken_for": "most often taken for",
        "times": "how often",
    },
    alt="Recall of each action, the lowest first, with the action it is most often taken for",
)

left, right = st.columns(2, gap="large")
with left:
    st.subheader("What it is")
    st.markdown(
        f"- {card['model']['architecture']}, started from {card['model']['starting_weights']}\n"
        f"- trained on {data['training']:,} photos of the Kaggle data set Human Action Recognition (ODbL-1.0); "
        f"scored on {data['validation']:,} others, {data['split']}\n"
        f"- sees the centre of a photo, {card['model']['crop_size']} × {card['model']['crop_size']} pixels, and nothing else of it\n"
        f"- knows {len(run.classes)} actions and always answers with one of them"
    )
with right:
    st.subheader("What it is not for")
    st.markdown(
        "- deciding anything about a person: the photos come from the web, were labelled by unknown hands and hold "
        "wrong and doubtful labels\n"
        "- watching people, or judging their work, health or behaviour\n"
        "- recognising who somebody is\n"
        "- photos unlike those it was trained on: drawings, night shots, crowds, surveillance cameras"
    )

if run.has(runs.HISTORY):
    with st.expander("The training, epoch by epoch"):
        st.dataframe(run.history(), hide_index=True)

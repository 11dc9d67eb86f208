"""How good is the model, action by action, and how sure can one be of the figures?"""

from __future__ import annotations

import streamlit as st

from har_core import analysis, plots, runs, words
from har_core.words import readable
from pages import _data, _url

MEASURES = {"recall": "recall", "precision": "precision", "f1": "F1"}

run = _data.current_run()
counts = _data.counts(run)
found = analysis.summary(counts)
table = analysis.class_table(counts, run.classes)
ordered = table.sort_values("f1", kind="stable", ignore_index=True)
weakest, strongest = ordered.iloc[0], ordered.iloc[-1]

low, high = found.interval
st.title(f"{words.share(found.accuracy)} of {words.photos(found.n)} recognised")
st.markdown(
    f"The 95 % interval is {low * 100:.1f} to {high * 100:.1f} % (Wilson). "
    f"**{words.capital(readable(strongest['class']))}** is the strongest action, "
    f"**{readable(weakest['class'])}** the weakest."
)
figures = {
    "Accuracy": words.share(found.accuracy),
    "Macro F1": f"{found.macro_f1:.4f}",
    "Weighted F1": f"{found.weighted_f1:.4f}",
}
if run.has(runs.PREDICTIONS):
    predictions = _data.predictions(run)
    if len(run.classes) > 3:
        figures["True action in the top 3"] = words.share(analysis.top_accuracy(predictions, 3))
    figures["Log loss (nats)"] = f"{analysis.log_loss(predictions):.4f}"
with st.container(horizontal=True):
    for name, value in figures.items():
        st.metric(name, value, border=True)

st.subheader("The weakest and the strongest", anchor=False)
for column, row in zip(st.columns(2), (weakest, strongest), strict=True):
    name = readable(row["class"])
    with column.container(border=True):
        st.markdown(f"**{words.capital(name)}**: F1 {row['f1']:.2f} ({row['f1_low']:.2f} to {row['f1_high']:.2f})")
        if not row["times"]:
            st.caption("Never taken for another action.")
        else:
            times = words.photos(int(row["times"]))
            st.caption(f"Most often taken for {readable(row['taken_for'])}: {times} of {int(row['support']):,}.")
            if run.has(runs.PREDICTIONS):
                st.page_link(
                    "pages/errors.py",
                    label=f"See {'it' if row['times'] == 1 else 'them'}",
                    icon=":material/photo_library:",
                    query_params=_url.query(true=row["class"], predicted=row["taken_for"]),
                )

st.subheader("Action by action", anchor=False)
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
shown = ordered.assign(**{"class": ordered["class"].map(readable), "taken_for": ordered["taken_for"].map(readable)})
columns = {"class": "action", "support": "photos", "taken_for": "most often taken for", "times": "how often"}
for name, label in MEASURES.items():
    shown[name + "_interval"] = [
        f"{a:.2f}–{b:.2f}" for a, b in zip(shown[name + "_low"], shown[name + "_high"], strict=True)
    ]
    columns |= {name: st.column_config.NumberColumn(label, format="%.4f"), name + "_interval": "95 %"}  # type: ignore[dict-item]
st.dataframe(
    shown,
    hide_index=True,
    height="content" if len(shown) <= 20 else 640,
    column_order=["class", *(part for name in MEASURES for part in (name, name + "_interval")), *list(columns)[1:4]],
    column_config=columns,
    alt="Precision, recall and F1 of each action with their 95 % intervals",
)
with st.container(horizontal=True):
    st.download_button(
        "Classification report as CSV",
        lambda: analysis.report(counts, run.classes)[1].to_csv(index=False).encode(),
        "classification_report.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    st.download_button(
        "As text",
        lambda: analysis.report(counts, run.classes)[0].encode(),
        "classification_report.txt",
        "text/plain",
        icon=":material/download:",
        on_click="ignore",
    )
_url.publish({"measure": measure if measure != "f1" else None})

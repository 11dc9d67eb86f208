"""How good is the model at each class, and how certain are the numbers?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
import streamlit as st

from app_pages.analysis.calibration_part import calibration_part
from app_pages.analysis.faithfulness_part import faithfulness_part
from app_pages.analysis.sets_part import sets_part
from app_pages.components.follow import follow
from app_pages.components.no_results import no_results
from app_pages.components.verdict_effect import verdict_effect
from app_pages.state import runs, url
from har_core.analysis.filters import TOP
from har_core.analysis.scores import Summary, class_scores, classification_report, summarize, wilson_intervals
from har_core.files import csv_bytes
from har_core.runs.file_names import CLASS_MAPS, FAITHFULNESS, PREDICTIONS, ROBUSTNESS
from har_core.runs.robustness import read_robustness
from har_core.runs.run import Run
from har_core.viz import figures, formats
from har_core.viz.formats import class_label, class_markdown, count_photos
from har_core.viz.known_text import instead_sentence

MEASURES = {"recall": "recall", "precision": "precision", "f1": "F1"}


def page() -> None:
    run = runs.current_run()
    if not run.is_scored:
        no_results(run)
        return
    matrix = runs.confusion_matrix(run)
    scores = class_scores(matrix, run.classes).sort_values("f1", kind="stable", ignore_index=True)
    occurring = scores[(scores["support"] > 0) & scores["f1"].notna()]
    summary = summarize(matrix)
    st.title(f"{formats.share(summary.accuracy)} of {count_photos(summary.n)} correct")
    weakest, strongest = occurring.iloc[0], occurring.iloc[-1]
    differ = bool(weakest["f1"] < strongest["f1"])
    extremes = (
        f"**{formats.capitalize(class_markdown(strongest['class']))}** is the strongest class, "
        f"**{class_markdown(weakest['class'])}** the weakest."
    )
    st.markdown(
        f"The 95\u00a0% interval (Wilson) is {formats.interval(*summary.interval)}. "
        + (extremes if differ else "No class is better than another.")
    )
    verdict_effect(run)
    _metrics(run, summary)
    if differ:
        st.subheader("The weakest and the strongest", anchor=False)
        for column, row in zip(st.columns(2), (weakest, strongest), strict=True):
            with column.container(border=True, height="stretch"):
                _extreme(run, row)
    st.subheader("All classes", anchor=False)
    leads = run.has(PREDICTIONS)
    measure = _bars(scores, leads=leads)
    _table(scores, leads=leads)
    _downloads(run, matrix)
    if run.has(PREDICTIONS):
        _probabilities(run)
        if any(run.has(file) for file in (FAITHFULNESS, CLASS_MAPS)) or run.has_model:
            faithfulness_part(run)
    else:
        st.caption("This run is a matrix alone: it has no probabilities that could be trusted or not.")
    if run.has(ROBUSTNESS):
        _robustness(read_robustness(run))
    url.publish({"measure": measure if measure != "f1" else None})


def _metrics(run: Run, summary: Summary) -> None:
    metrics = {
        "Accuracy": formats.share(summary.accuracy),
        "Macro F1": f"{summary.macro_f1:.4f}",
        "Weighted F1": f"{summary.weighted_f1:.4f}",
    }
    if run.has(PREDICTIONS):
        examples, known = runs.examples(run), runs.known(run)
        top = min(TOP, known.ranks)
        if len(run.classes) > TOP and top > 1:
            metrics[f"True class in the top {top}"] = formats.share(float((examples["true_rank"] <= top).mean()))
        if known.every_class:
            metrics["Log loss"] = f"{float(examples['loss'].to_numpy().mean(dtype=np.float64)):.4f}"
    with st.container(horizontal=True):
        for name, value in metrics.items():
            st.metric(name, value, border=True)


def _probabilities(run: Run) -> None:
    """How far they can be trusted and what they are good for, as far as they are known."""
    known = runs.known(run)
    if known.confidence:
        calibration_part(run)
    if known.every_class:
        sets_part(run)
        return
    if not known.confidence:
        st.subheader("How sure is the model?", anchor=False)
    ranks = [f"how often the true class is in the top {TOP}"] if known.ranks < TOP < len(run.classes) else []
    confidence = ["whether it is right as often as it says"]
    every_class = [*ranks, "log loss", "Brier score", "sets of classes that contain the true one"]
    st.caption(instead_sentence(known, confidence=[] if known.confidence else confidence, every_class=every_class))


def _as_csv(table: pd.DataFrame) -> bytes:
    return csv_bytes([table.columns, *table.itertuples(index=False)])


def _extreme(run: Run, row: pd.Series) -> None:
    """A class with its main confusion."""
    name = formats.capitalize(class_markdown(row["class"]))
    st.markdown(f"**{name}**: F1 {formats.score(row['f1'])} ({row['f1_low']:.2f}–{row['f1_high']:.2f})")
    if not row["times"]:
        st.caption("Never predicted as another class.")
        return
    times = f"{int(row['times']):,} of {count_photos(int(row['support']))}"
    st.caption(f"Most often predicted as {class_markdown(row['predicted_as'])}: {times}.")
    if run.has(PREDICTIONS):
        st.page_link(
            "app_pages/analysis/errors.py",
            label=f"See {'it' if row['times'] == 1 else 'them'}",
            icon=":material/photo_library:",
            query_params=url.query(true=row["class"], predicted=row["predicted_as"]),
        )


def _open_photos(row: pd.Series, measure: str) -> None:
    """Those that lower a class's measure: of precision among the photos predicted as it, else among those that show it."""
    end, show = "predicted" if measure == "precision" else "true", "all" if row.get(measure) == 1 else None
    follow("app_pages/analysis/errors.py", "See the photos", url.query(show=show, **{end: row["class"]}))


def _bars(scores: pd.DataFrame, *, leads: bool) -> str:
    """A chart of one measure, whose name is returned.

    Args:
        leads: whether a click on a bar leads to its photos.
    """
    measure = cast(
        "str",
        st.segmented_control(
            "Bars show",
            list(MEASURES),
            format_func=MEASURES.__getitem__,
            required=True,
            **url.widget(url.seed("scores-measure", "measure", "f1", url.one_of({name: name for name in MEASURES}))),
        ),
    )
    shown = scores.sort_values(measure, kind="stable", ignore_index=True)
    chart: dict[str, Any] = {
        "figure_or_data": figures.class_score_bars(shown, measure),
        "config": {"displayModeBar": False},
        "alt": f"{MEASURES[measure]} of each class with its 95 % interval, the lowest on top",
    }
    if leads:
        chosen = st.plotly_chart(**chart, key="score-bars", on_select="rerun", selection_mode="points")
        if chosen.selection.points:
            _open_photos(shown.iloc[chosen.selection.points[0]["point_index"]], measure)
    else:
        st.plotly_chart(**chart)
    caption = "With 95\u00a0% intervals (Wilson; that of F1 by way of the Jaccard index)."
    st.caption(caption + " Click a bar or a row for its misclassified photos." if leads else caption)
    return measure


def _table(scores: pd.DataFrame, *, leads: bool) -> None:
    shown = scores.assign(**{name: scores[name].map(class_label) for name in ("class", "predicted_as")})
    columns: dict[str, Any] = {
        "class": "class",
        "support": "photos",
        "predicted_as": "most often predicted as",
        "times": "how often",
    }
    for name, label in MEASURES.items():
        bounds = zip(shown[name + "_low"], shown[name + "_high"], strict=True)
        shown[name + "_interval"] = [f"{low:.2f}–{high:.2f}" for low, high in bounds]
        shown.loc[shown[name].isna(), name + "_interval"] = "–"
        columns |= {name: st.column_config.NumberColumn(label, format="%.4f"), name + "_interval": "95 %"}
    order = ["class", *(part for name in MEASURES for part in (name, name + "_interval"))]
    table: dict[str, Any] = {
        "data": shown,
        "hide_index": True,
        "height": "content" if len(shown) <= 20 else 640,
        "column_order": [*order, "support", "predicted_as", "times"],
        "placeholder": "–",
        "column_config": columns,
        "alt": "Precision, recall and F1 of each class with their 95 % intervals",
    }
    if not leads:
        st.dataframe(**table)
        return
    chosen = st.dataframe(**table, key="score-table", on_select="rerun", selection_mode="single-cell")
    if chosen.selection.cells:
        row, column = chosen.selection.cells[0]
        _open_photos(scores.iloc[row], column.removesuffix("_interval"))


def _robustness(table: pd.DataFrame) -> None:
    """What is left of the accuracy when photos are shown as they come from elsewhere."""
    accuracy = table["correct"] / table["photos"]
    worst = int(accuracy[1:].to_numpy().argmin()) + 1 if len(table) > 1 else 0
    st.subheader("On photos as they come from elsewhere", anchor=False)
    st.markdown(
        f"{formats.share(accuracy[0])} of {count_photos(int(table['photos'][0]))} as they are; "
        f"**{formats.share(float(accuracy[1:].mean()))}** on average when they are shifted or damaged, least "
        f"({formats.share(accuracy[worst])}) for: {formats.escape_markdown(str(table['shift'][worst]))}."
    )
    low, high = wilson_intervals(table["correct"].to_numpy(), table["photos"].to_numpy())
    shown = table[["group", "shift"]].assign(accuracy=accuracy * 100)
    shown["95 %"] = [formats.interval(*bounds) for bounds in zip(low, high, strict=True)]
    with st.expander("Every shift and damage"):
        st.dataframe(
            shown,
            hide_index=True,
            height="content",
            column_config={
                "accuracy": st.column_config.ProgressColumn("accuracy", format="%.0f %%", min_value=0, max_value=100)
            },
            alt="Accuracy for every shift of the photos, with its 95 % interval",
        )


def _downloads(run: Run, matrix: np.ndarray) -> None:
    files: dict[str, tuple[str, str, Callable[[], bytes]]] = {
        "Classification report as CSV": (
            "classification_report.csv",
            "text/csv",
            lambda: _as_csv(classification_report(matrix, run.classes)[1]),
        ),
        "As text": (
            "classification_report.txt",
            "text/plain",
            lambda: classification_report(matrix, run.classes)[0].encode(),
        ),
    }
    with st.container(horizontal=True):
        for label, (name, mime, make) in files.items():
            st.download_button(label, make, name, mime, icon=":material/download:", on_click="ignore")


page()

"""Of the Scores page: does a probability of 70 % mean 70 %, and what is gained by saying "unsure"?"""

from __future__ import annotations

import streamlit as st

from app_pages.components.import_note import import_note
from app_pages.state import runs
from har_core.analysis.calibration import BINS, answered
from har_core.runs.run import Run
from har_core.viz import figures, formats, text

_THRESHOLDS = (0.5, 0.7, 0.9)


def calibration_part(run: Run) -> None:
    """For a run whose predictions have a confidence."""
    found, table, curve, area = runs.calibration(run)
    st.subheader("Does a probability of 70\u00a0% mean 70\u00a0%?", anchor=False)
    st.markdown(text.calibration_sentence(found))
    import_note(run)
    left, right = st.columns(2, gap="large")
    with left:
        st.plotly_chart(
            figures.reliability_diagram(table),
            config={"displayModeBar": False},
            key="reliability",
            alt="Reliability diagram: how many answers of each probability are correct, with 95 % intervals",
        )
        of_every_class = ""
        if found.class_wise_ece is not None and found.brier is not None:
            of_every_class = f", class-wise {found.class_wise_ece:.3f}, Brier score {found.brier:.3f}"
        st.caption(
            "Each dot is as many photos; above the dotted line the answers are better than they claim. Expected calibration "
            f"error {found.ece:.3f} ({BINS} bins of equal width; 0 is best){of_every_class}."
        )
    with right:
        st.plotly_chart(
            figures.coverage_figure(curve),
            config={"displayModeBar": False},
            key="coverage",
            alt="Share of correct answers if only the surest photos are answered",
        )
        predictions = runs.predictions(run)
        lines = []
        for threshold in _THRESHOLDS:
            count, correct = answered(predictions, threshold)
            if count:
                shares = (
                    f"answers {formats.share(count / len(predictions))} of the photos, {formats.share(correct / count)}"
                )
                lines.append(f"- from {formats.percent(threshold)} on: {shares} of these correctly")
        if lines:
            st.markdown("Saying “unsure” below a threshold, the model\n" + "\n".join(lines))
        st.caption(f"Area under this curve: {area:.3f} (1 is best).")

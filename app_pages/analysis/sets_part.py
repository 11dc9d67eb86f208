"""Of the Scores page: how many classes does one have to name to be right as often as stated?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from app_pages.state import runs
from har_core.analysis.conformal import Reached, fewest
from har_core.runs.run import Run
from har_core.viz import formats, text
from har_core.viz.set_figures import SHOWN, class_coverage_figure

_STATED = 0.9


def sets_part(run: Run) -> None:
    """For a run with predictions."""
    found, known = runs.sets(run), runs.predictions(run)
    together, apart = (_at(found, method) for method in ("LAC", "LAC per class"))
    needed = 2 * fewest(1 - _STATED)  # every other photo calibrates
    st.subheader("Sets that contain the truth", anchor=False)
    if len(known) < needed:
        st.markdown(
            f"**{formats.count_photos(len(known))} cannot tell which classes {formats.percent(_STATED)} of photos need**: "
            f"from {needed} on they can."
        )
    else:
        st.markdown(text.sets_sentence(together, run.classes))
    left, right = st.columns([3, 2], gap="large")
    with left:
        _table(found, run.classes)
        few = int((np.bincount(known.true, minlength=len(run.classes)) < needed).sum())
        alone = (
            f" {few:,} of {len(run.classes):,} classes have fewer than {needed} and are in every set." if few else ""
        )
        st.caption(
            "Split conformal prediction: half of the photos, drawn at random, sets the threshold for the other half; means of "
            "20 such draws. LAC takes all classes above one probability, RAPS the likeliest ones until they add up to a "
            "sum, and no set is empty. Both state the coverage for all photos together, LAC per class for those of each "
            f"class, as far as there are enough of them for {formats.percent(_STATED)}.{alone} All of this holds for photos that "
            "could as well be among the scored ones; for photos from elsewhere, less is reached."
        )
    with right:
        st.plotly_chart(
            class_coverage_figure(together, apart, run.classes),
            config={"displayModeBar": False},
            key="set-coverage",
            alt=f"How many sets of a stated {formats.percent(_STATED)} contain the true class, for each class, the least on top",
        )
        least = f" The {SHOWN} classes with the least." if len(run.classes) > SHOWN else ""
        st.caption(f"For each class, with sets of a stated {formats.percent(_STATED)}.{least}")


def _at(found: list[Reached], method: str) -> Reached:
    return next(one for one in found if one.method == method and abs(one.stated - _STATED) < 1e-9)


def _table(found: list[Reached], classes: tuple[str, ...]) -> None:
    table = pd.DataFrame(
        {
            "sets": [one.method for one in found],
            "stated": [one.stated * 100 for one in found],
            "reached": [one.coverage * 100 for one in found],
            "classes in a set": [one.size for one in found],
            "sets of one": [one.singles * 100 for one in found],
            "least for": [formats.class_label(classes[one.worst]) for one in found],
            "reached there": [one.class_coverage[one.worst] * 100 for one in found],
        }
    )
    printf = {"stated": "%.0f %%", "classes in a set": "%.2f"}
    shares = dict.fromkeys(("reached", "sets of one", "reached there"), "%.1f %%")
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            name: st.column_config.NumberColumn(name, format=one) for name, one in (printf | shares).items()
        },
        alt="Stated and reached coverage of prediction sets by three methods, their size, and the class covered least",
    )

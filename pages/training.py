"""How did the training go, and did it learn or memorise?"""

from __future__ import annotations

import streamlit as st

from har_core import analysis, plots, words
from har_core.errors import RunError
from har_core.runs import HISTORY, PREDICTIONS, TRAINING, Run
from pages import _data, _url

_EVERY = 2.0  # seconds between two looks at a training that is still going on


def curves(folder_run: Run) -> None:
    """Read anew at every call, since the training may have written another epoch."""
    run = Run.open(folder_run.folder)
    running = run.card.get("status") == TRAINING
    if not running and not run.has(HISTORY):
        st.title(f"How {run.title} was trained is not known")
        st.info("Its history was not published or not kept: there are no curves to show.", icon=":material/info:")
        return
    try:
        history = run.history()
    except RunError:
        if not running:
            raise
        history = None
    if history is None or history.empty:
        st.title("The first epoch is under way")
        st.caption("A point appears here as soon as it is complete.")
        return
    config = run.card.get("config", {})
    last = config.get("selection") == "last"
    members, epochs = config.get("members", 1), config.get("epochs", len(history))
    begins = list(range(epochs + 1, len(history) + 1, epochs)) if members > 1 else []
    found = analysis.curves(history.iloc[begins[-1] - 1 :] if begins else history, keeps_last=last)
    state = f"running, {len(history)} of {epochs * members} epochs so far" if running else f"{len(history)} epochs"
    when = f"After epoch {found.kept_epoch}" if last else f"Best after epoch {found.kept_epoch}"
    accuracy = found.kept_accuracy
    if members > 1 and not running and run.has(PREDICTIONS):
        table = run.predictions()
        when, accuracy = f"{members} trainings averaged", float((table.true == table.predicted).mean())
    st.title(f"{when}: {words.share(accuracy)} on the photos it is scored on")
    st.markdown(words.training_verdict(found))
    st.plotly_chart(
        plots.training_curves(history, found, begins=begins),
        config={"displayModeBar": False},
        key="curves",
        alt=f"Accuracy and loss over {len(history)} epochs; the weights of epoch {found.kept_epoch} are kept",
    )
    seconds = history["seconds"]
    st.caption(
        f"{words.capital(state)}; {seconds.median():.0f} seconds an epoch (median), {seconds.sum() / 60:.0f} minutes in "
        "all. "
        + ("Dashed lines: the learning rate was reduced. " if found.reductions else "")
        + ("Behind the line another training begins, from the same weights in another order. " if begins else "")
        + ("Training loss counts the smoothing of the labels. " if config.get("label_smoothing") else "")
        + "Training accuracy is measured on random crops, while the network learns"
        + (", validation on the moving average of its weights" if config.get("average") else "")
        + "; both are measured in the arithmetic of the training"
        + (f" ({precision})" if (precision := run.card.get("machine", {}).get("precision")) else "")
        + ", the scores on other pages in 32 bit from the stored weights."
    )
    with st.expander("Every epoch in figures"):
        st.dataframe(history, hide_index=True, alt="The history of the training, one row an epoch")


run = _data.current_run()
if run.card.get("status") == TRAINING:
    st.fragment(curves, run_every=_EVERY)(run)
else:
    curves(run)
_url.publish({})

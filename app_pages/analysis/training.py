"""How did the training go, and did it overfit?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app_pages.components.run_title import run_title
from app_pages.state import runs, url
from har_core.analysis.history import Curves, read_curves
from har_core.errors import RunError
from har_core.runs.file_names import HISTORY
from har_core.runs.run import Run
from har_core.viz import figures, formats, text

_EVERY = 2.0  # seconds between two looks at a training that is still going on
_NUMBERS = {1: "One training", 2: "Two trainings", 3: "Three trainings", 4: "Four trainings"}


def training(run: Run) -> None:
    """Read anew at every call, since the training may have written another epoch."""
    run = Run.open(run.folder)
    running = runs.is_training(run)
    if not running and not run.has(HISTORY):
        run_title(lambda name: f"How {name} was trained is not known", run)
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
    _curves(run, history, running)


def _curves(run: Run, history: pd.DataFrame, running: bool) -> None:
    number, epochs = _plan(run, len(history))
    trainings = _split(history, epochs)
    split = _measured_on(run)
    curves = read_curves(trainings[-1], checkpoint=run.manifest.training.checkpoint or "best")
    if running:
        accuracy = formats.share(float(history["eval_accuracy"].iloc[-1]))
        st.title(f"{len(history)} of {epochs * number} epochs done, {split} accuracy {accuracy}")
    elif number > 1:
        title = f"{_NUMBERS.get(number, f'{number} trainings')} of {epochs} epochs, averaged"
        scores = run.manifest.scores
        st.title(
            f"{title}: {run.manifest.data.eval_split} accuracy {formats.share(scores.accuracy)}" if scores else title
        )
    else:
        st.title(f"{len(history)} epochs, {split} accuracy {formats.share(curves.shipped_accuracy)}")
    st.markdown(f"**{text.overfitting_headline(curves, split)}.** {text.generalization_gap(curves, split)}")
    st.plotly_chart(
        figures.training_curves(trainings, curves, eval_split=split),
        config={"displayModeBar": False},
        key="curves",
        alt=f"Accuracy and loss over {epochs} epochs, on training and on {split} photos",
    )
    seconds = history["seconds"]
    st.caption(f"{seconds.sum() / 60:.0f} minutes in all, {seconds.median():.0f} seconds per epoch (median).")
    with st.expander("How were these curves measured?"):
        st.markdown("\n".join(f"- {line}" for line in _measurement(run, curves)))
    with st.expander("All epochs as a table"):
        st.dataframe(history, hide_index=True, alt="The history of the training, one row per epoch")


def _measured_on(run: Run) -> str:
    """Which photos the curves beside those of training are of: those that the epoch was chosen by, if others than were scored."""
    return run.manifest.training.selected_on or run.manifest.data.eval_split


def _plan(run: Run, done: int) -> tuple[int, int]:
    """How many trainings the run consists of, and the epochs of each."""
    training, config = run.manifest.training, run.manifest.config
    number = max(training.soup_size, int(config.get("soup_size", 1)))
    return number, int(config.get("epochs") or (training.epochs or done) // number or 1)


def _split(history: pd.DataFrame, epochs: int) -> list[pd.DataFrame]:
    """The history of each training, with epochs from 1."""
    parts = [history.iloc[start : start + epochs] for start in range(0, len(history), epochs)]
    return [part.assign(epoch=part["epoch"] - number * epochs) for number, part in enumerate(parts)]


def _measurement(run: Run, curves: Curves) -> list[str]:
    """What one must know to read the curves, as far as the manifest says it."""
    config, machine, split = run.manifest.config, run.manifest.machine, _measured_on(run)
    crops = "" if config.get("temporal") else " on random crops,"
    lines = [f"Training accuracy is measured{crops} while the network still learns."]
    if config.get("ema_decay"):
        lines.append(f"On {split} photos, the moving average of the weights is measured.")
    if run.manifest.training.soup_size > 1:
        lines.append(
            "Each training starts from the same weights and sees the photos in another order or augmented otherwise."
        )
        lines.append("Scores on other pages are those of the averaged weights, which have no curve of their own.")
    if config.get("label_smoothing"):
        lines.append("Training loss includes label smoothing.")
    if curves.lr_drops:
        lines.append("Dashed vertical lines: the learning rate was reduced.")
    if precision := machine.get("precision"):
        lines.append(
            f"Both are computed in {formats.escape_markdown(str(precision))}; scores on other pages in 32 bit, from the stored weights."
        )
    return lines


def page() -> None:
    run = runs.current_run()
    if runs.is_training(run):
        st.fragment(training, run_every=_EVERY)(run)
    else:
        training(run)
    url.publish({})


page()

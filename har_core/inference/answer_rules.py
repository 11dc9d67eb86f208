"""A run and its model → when an answer names a class, and when it says "none of these"."""

from __future__ import annotations

import numpy as np

from har_core.analysis import unknown
from har_core.analysis.answers import answer_rule, named_in_order
from har_core.analysis.known import what_is_known
from har_core.analysis.timeline import FrameRule
from har_core.errors import RunError
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.inference.video import NONE_LABEL, UNSURE_LABEL
from har_core.runs.file_names import EMBEDDINGS, PREDICTIONS
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run


def least_known_of(run: Run, predictor: Predictor) -> float | None:
    """What 95 % of the photos that a run was scored on reach (`analysis.unknown`): those below show none of the classes.

    None if that cannot be told: without embeddings, if they are too few or damaged, or of another network.
    """
    if not run.has(EMBEDDINGS):
        return None
    try:
        return unknown.least_known(unknown.known_score(predictor.logits(run.embeddings())))
    except (RunError, ValueError):  # its model answers all the same
        return None


def frame_rule(run: Run, predictor: Predictor) -> FrameRule:
    """As Predict answers by the model of a run, from the photos that the run was scored on, as far as it holds them."""
    lowest, threshold = np.inf, None
    try:
        predictions = run.predictions() if run.has(PREDICTIONS) else None
        if predictions is not None and len(predictions) and _all_known(run, predictions):
            rule = answer_rule(predictions)
            lowest, threshold = rule.lowest, rule.threshold
    except (RunError, ValueError):  # damaged: its model answers all the same
        pass
    return FrameRule(lowest, FrameRule.threshold if threshold is None else threshold, least_known_of(run, predictor))


def answer_label(prediction: Prediction, rule: FrameRule) -> str:
    """What the answer to a photo is called, as in tables of clips: one class, "a or b", "unsure" or "none"."""
    if rule.is_none(prediction.known):
        return NONE_LABEL
    named = named_in_order(prediction.probabilities[None], rule.lowest, rule.threshold)[0]
    return " or ".join(prediction.classes[index] for index in named) or UNSURE_LABEL


def _all_known(run: Run, predictions: Predictions) -> bool:
    return what_is_known(run.manifest.probabilities, predictions).every_class

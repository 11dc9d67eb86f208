"""What is known of a run's probabilities → what a page says in place of what that does not give."""

from __future__ import annotations

import math
from collections.abc import Sequence

from har_core.analysis.known import Known
from har_core.viz.formats import percent


def in_parentheses(probability: float) -> str:
    """0.91 → ' (91 %)'; empty where it is not known (NaN)."""
    return "" if math.isnan(probability) else f" ({percent(probability)})"


def known_sentence(known: Known) -> str:
    """How much is known, of a run of which not everything is."""
    if not known.confidence:
        return "Of each photo, only the predicted class is known, not how probable it was."
    if known.ranks < 2:
        return "Of each photo, only the probability of the predicted class is known."
    return f"Of each photo, only the probabilities of the {known.ranks} likeliest classes are known."


def instead_sentence(known: Known, *, confidence: Sequence[str] = (), every_class: Sequence[str] = ()) -> str:
    """What would be shown in a place if the table that the run was imported from held more.

    Args:
        confidence: what the probability of the predicted class is enough for.
        every_class: what takes the probability of each class.
    """
    words = known_sentence(known)
    if confidence and not known.confidence:
        words += f" A table with the confidence of each prediction would show {_and(confidence)}"
        return words + (f"; one with a probability for each class, {_and(every_class)}." if every_class else ".")
    return f"{words} A table with a probability for each class would show {_and((*confidence, *every_class))}."


def others_sentence(probabilities: Sequence[float], others: int) -> str:
    """What is left for the classes whose probability is not known.

    Args:
        probabilities: of the others.
        others: how many are not known, one or more.
    """
    rest = max(0.0, 1 - math.fsum(probabilities))
    return f"The other {others:,} classes share the remaining {percent(rest)}; how, is not known."


def _and(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last

"""Probabilities of frames over time → segments: what goes on from when to when.

A hidden Markov model (Rabiner 1989) whose states are the classes and, where it can be told, "none of them".  Two numbers
say how it smooths, both in seconds, so that neither depends on how many frames a second are taken: `MEAN_LENGTH` and
`INDEPENDENT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np

from har_core.analysis.answers import named, named_in_order
from har_core.analysis.unknown import KEPT

MEAN_LENGTH = 3.0
"""Seconds that a state lasts on average.  Larger: fewer and longer segments."""

INDEPENDENT = 0.5
"""Seconds after which a frame tells something new.  Frames that follow each other look alike: those of such a span count
together as one photo does.  Larger: a single frame counts for less."""

UNSURE = -1
"""In place of a class: none is probable enough to be named."""

_LEAST = 1e-6  # probability: no frame rules a class out


@dataclass(frozen=True)
class FrameRule:
    """When a frame names a class, as on Predict (`analysis.answers.named`, `analysis.unknown`).

    `lowest`, `threshold`: of `named`.  `least_known`: frames whose `known` is below show none of the classes; None where
    that cannot be told.
    """

    lowest: float = np.inf
    threshold: float = 0.5
    least_known: float | None = None

    @overload
    def is_none(self, known: float) -> bool: ...

    @overload
    def is_none(self, known: np.ndarray) -> np.ndarray: ...

    def is_none(self, known: float | np.ndarray) -> bool | np.ndarray:
        """Whether a photo or frame that is so `known` shows none of the classes; of (T,) of them (T,) bool."""
        found = np.less(known, -np.inf if self.least_known is None else self.least_known)
        return found if isinstance(known, np.ndarray) else bool(found)


@dataclass(frozen=True)
class Segment:
    """A stretch of frames with one state.  Segments touch: each begins where the one before ends.

    `start`, `end`: seconds.  `label`: class index; K is "none".  `first`, `last`: its frames, both included.
    `confidence`: mean over its frames of the probability of `label`, for "none" the share of them that the rule takes for
    it; in [0, 1].  `peak`: the frame that decided: where `label` is most probable, of those that name it if any do; for "none"
    the least known one.  `named`: the one or two classes that the rule names for the mean of its frames' probabilities,
    the likeliest first; empty for "none", and where it is unsure whether `label` is right.
    """

    start: float
    end: float
    label: int
    confidence: float
    first: int
    last: int
    peak: int
    named: tuple[int, ...]

    @property
    def frames(self) -> slice:
        """Cuts its frames out of an array of all."""
        return slice(self.first, self.last + 1)


def frame_labels(probabilities: np.ndarray, known: np.ndarray | None = None, *, rule: FrameRule) -> np.ndarray:
    """(T,) int64: the likeliest class of each frame, K where it shows none of them, `UNSURE` where none is named.

    Args:
        probabilities: (T, K), rows sum to 1.
        known: (T,) of `analysis.unknown.known_score`, higher is more like the known classes.
    """
    claimed = named(probabilities, rule.lowest, rule.threshold).any(axis=1)
    labels = np.where(claimed, probabilities.argmax(axis=1), UNSURE)
    none = rule.is_none(known) if known is not None else False
    return np.where(none, probabilities.shape[1], labels).astype(np.int64)


def segments(
    times: np.ndarray,
    probabilities: np.ndarray,
    known: np.ndarray | None = None,
    *,
    rule: FrameRule,
    end: float | None = None,
    mean_length: float = MEAN_LENGTH,
    independent: float = INDEPENDENT,
) -> tuple[Segment, ...]:
    """The stretches of the likeliest sequence of states (Viterbi), in order; none of no frames.

    S states: the K classes, and "none" as the last one where the rule can tell.  From one frame to another, dt seconds later,
    a state is left with probability (1 - exp(-dt / m)) (S - 1) / S, where m is `mean_length` (S - 1) / S, for each other state
    alike: the jumps of a process in continuous time whose states last `mean_length` seconds on average.  What a frame says,
    the logarithm of its probabilities, is weighed by the time that it stands for over `independent`, by 1 at most.  "None" has
    the probability `KEPT` in frames below `rule.least_known`, as so many photos of the classes are above; in others
    1 - `KEPT` shared out among all states.  All states are equally likely to begin with.  It takes O(T S) steps.

    Args:
        times: (T,) seconds, increasing, at any distances.
        probabilities: (T, K), rows sum to 1.
        known: (T,); without it, or without `rule.least_known`, there is no state "none".
        end: seconds, until when the last frame is shown; by default as long as the one before it.

    Raises:
        ValueError: of times that do not increase, or not as many as rows.
    """
    path = _viterbi(*_model(times, probabilities, known, rule, end, mean_length, independent))
    if not len(path):
        return ()
    firsts = np.flatnonzero(np.r_[True, path[1:] != path[:-1]])
    lasts = np.r_[firsts[1:], len(path)] - 1
    until = times[-1] + _durations(times, end, 0.0)[-1]
    ends = np.r_[times[firsts[1:]], until]
    labels = frame_labels(probabilities, known, rule=rule)
    return tuple(
        _segment(
            int(first),
            int(last),
            float(times[first]),
            float(stop),
            int(path[first]),
            labels,
            probabilities,
            known,
            rule,
        )
        for first, last, stop in zip(firsts, lasts, ends, strict=True)
    )


def _segment(
    first: int,
    last: int,
    start: float,
    end: float,
    label: int,
    labels: np.ndarray,
    probabilities: np.ndarray,
    known: np.ndarray | None,
    rule: FrameRule,
) -> Segment:
    inside = slice(first, last + 1)
    if label == probabilities.shape[1]:
        assert known is not None
        share, peak = float((labels[inside] == label).mean()), first + int(np.argmin(known[inside]))
        return Segment(start, end, label, share, first, last, peak, ())
    own = probabilities[inside, label].astype(np.float64)
    names_it = labels[inside] == label
    peak = first + int(np.argmax(np.where(names_it, own, own - 2 * names_it.any())))
    mean = probabilities[inside].mean(axis=0, dtype=np.float64)
    names = named_in_order(mean[None], rule.lowest, rule.threshold)[0]
    return Segment(start, end, label, float(own.mean()), first, last, peak, names if label in names else ())


def _model(
    times: np.ndarray,
    probabilities: np.ndarray,
    known: np.ndarray | None,
    rule: FrameRule,
    end: float | None,
    mean_length: float,
    independent: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T, S) weighed log evidence; (T - 1,) log probabilities that nothing happens on the way to the next frame, and that
    the state is drawn anew, from all alike, and is a certain one.
    """
    if times.ndim != 1 or probabilities.ndim != 2 or len(times) != len(probabilities):
        raise ValueError(f"expected times (T,) and probabilities (T, K), found {times.shape} and {probabilities.shape}")
    if not (np.diff(times) > 0).all():
        raise ValueError("expected times that increase")
    shares = _shares(probabilities, known, rule)
    states = shares.shape[1]
    weights = np.minimum(1.0, _durations(times, end, independent) / independent)
    events = np.diff(times) / mean_length * (states / max(1, states - 1))
    with np.errstate(divide="ignore"):
        drawn = np.log(-np.expm1(-events) / states)
    return weights[:, None] * np.log(np.maximum(shares, _LEAST)), -events, drawn


def _viterbi(evidence: np.ndarray, kept: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """(T,) the likeliest path.  Of equally likely ones, that which stays longer, then that of the first class."""
    count, states = evidence.shape
    if not count:
        return np.zeros(0, dtype=np.int64)
    came = np.empty((count, states), dtype=np.int64)
    best, own = evidence[0].copy(), np.arange(states)
    for time in range(1, count):
        top = int(best.argmax())
        stay, switch = best + np.logaddexp(kept[time - 1], drawn[time - 1]), best[top] + drawn[time - 1]
        came[time] = np.where(stay >= switch, own, top)
        best = np.maximum(stay, switch) + evidence[time]
    path = np.empty(count, dtype=np.int64)
    path[-1] = best.argmax()
    for time in range(count - 1, 0, -1):
        path[time - 1] = came[time, path[time]]
    return path


def _shares(probabilities: np.ndarray, known: np.ndarray | None, rule: FrameRule) -> np.ndarray:
    """(T, S) the probability of each state by each frame alone."""
    own = probabilities.astype(np.float64)
    if known is None or rule.least_known is None:
        return own
    none = np.where(rule.is_none(known), KEPT, (1 - KEPT) / (own.shape[1] + 1))
    return np.column_stack([own * (1 - none)[:, None], none])


def _durations(times: np.ndarray, end: float | None, alone: float) -> np.ndarray:
    """(T,) for how long each frame is shown; `alone`: a single one, if nothing tells."""
    if not len(times):
        return np.zeros(0)
    gaps = np.diff(times)
    last = (gaps[-1] if len(gaps) else alone) if end is None else max(0.0, end - times[-1])
    return np.append(gaps, last)

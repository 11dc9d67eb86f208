"""Predictions of a moving picture → their mean over the last moments, so that an answer does not flicker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Recent:
    """What was found in the frames of the last `seconds`, the newest last.

    `times`: (N,) in seconds, never decreasing.  `values`: N arrays of one shape.
    """

    seconds: float = 1.0
    times: tuple[float, ...] = ()
    values: tuple[np.ndarray, ...] = ()

    def followed_by(self, time: float, values: np.ndarray) -> Recent:
        """The same with one more frame, and without those that lie `seconds` or more before it.

        Raises:
            ValueError: if the frame is older than the newest one, or of another shape.
        """
        if self.times and time < self.times[-1]:
            raise ValueError(f"expected a frame from {self.times[-1]} s on, found one of {time} s")
        if self.values and values.shape != self.values[-1].shape:
            raise ValueError(f"expected values of shape {self.values[-1].shape}, found {values.shape}")
        first = sum(time - earlier >= self.seconds for earlier in self.times)
        return Recent(self.seconds, (*self.times[first:], time), (*self.values[first:], values))

    @property
    def mean(self) -> np.ndarray:
        """Of the values, each frame weighing the same: the newest alone where it is the only one of the last `seconds`.

        Raises:
            ValueError: before the first frame.
        """
        if not self.values:
            raise ValueError("expected at least one frame, found none")
        return np.asarray(np.mean(self.values, axis=0))

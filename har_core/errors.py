"""Every exception a user can meet.

HarError
├── ConfigError        a setting that cannot work
├── ImageError         a photo that cannot be read, or is not accepted
├── ClipError          a clip that cannot be read, or is not accepted
├── DataError          a data folder that is not what training expects (carries the list of problems)
├── ArchiveError       a zip that is not a zip of photos, or more than may be unpacked
├── DownloadError      the data set could not be fetched
├── WeightsError       starting weights that cannot be had or do not fit
├── CheckpointError    a model or training-state file that is damaged or of another version
├── RunError           a run folder with a missing, damaged or contradictory file
├── TrainingDiverged   the loss is no longer a number
└── Cancelled          the user stopped a long computation

Every message says what was expected, what was found, and what to do next; the command lines print
it as one line and the pages show it as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from har_core.data.samples import Problem


class HarError(Exception):
    """Base of all errors that are reported to a user without a traceback."""


class ConfigError(HarError):
    """A setting is out of its range, or two settings contradict each other."""


class ImageError(HarError):
    """A photo cannot be read, or is not of an accepted kind or size."""


class ClipError(HarError):
    """A clip cannot be read, or is not of an accepted kind, size or length."""


class DataError(HarError):
    """A data folder is not what training expects.

    `problems` lists every finding, not just the first.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class ArchiveError(HarError):
    """A zip is damaged, holds what it should not, or more than may be unpacked."""


class DownloadError(HarError):
    """The data set could not be fetched."""


class WeightsError(HarError):
    """Starting weights cannot be had, or do not fit the architecture."""


class CheckpointError(HarError):
    """A model or training-state file is damaged, incomplete or of another version."""


class RunError(HarError):
    """A run folder holds a missing, damaged or contradictory file."""


class TrainingDiverged(HarError):
    """The training loss is no longer a finite number."""


class Cancelled(HarError):
    """The user stopped a long computation; nothing was left behind."""

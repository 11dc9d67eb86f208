"""A labeled photo, and what may be wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from har_core.errors import ImageError
from har_core.files import printable
from har_core.media.images import ACCEPTED

SplitFolder = Literal["train", "val", "test"]
_NAMED = 100
"""Problems that are named one by one; of more, the number is told."""


@dataclass(frozen=True)
class Sample:
    """A labeled photo. `name` identifies it in every table: its path below the photos folder, with '/'.

    `split`: which folder of the data set's own split it lies in, if it has one.
    """

    name: str
    path: Path
    label: str
    split: SplitFolder | None = None


@dataclass(frozen=True)
class Problem:
    """What is wrong with one photo, row, folder or class, and the remedy."""

    name: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return printable(f"{self.name}: {self.reason}; {self.remedy}")

    @classmethod
    def of_photo(cls, name: str, error: ImageError | OSError) -> Problem:
        """Of a photo that cannot be read, in the words of the error; those of an OSError name a folder, which is left out."""
        if isinstance(error, OSError):
            return cls(name, f"cannot be read ({error.strerror or type(error).__name__})", "replace it")
        words = str(error).removeprefix(name).removeprefix(Path(name).name).removesuffix(ACCEPTED).strip().rstrip(".")
        reason, _, remedy = words.partition(". ")
        return cls(name, reason, remedy[:1].lower() + remedy[1:] or "replace it")


def list_problems(problems: Sequence[object], *, most: int = _NAMED) -> list[str]:
    """One line for each of the first `most` problems, and one that counts the others."""
    more = [f"… and {len(problems) - most:,} more"] if len(problems) > most else []
    return [*map(str, problems[:most]), *more]

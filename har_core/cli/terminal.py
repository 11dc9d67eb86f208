"""What the subcommands share: the device, progress bars, and errors as one line."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from har_core.errors import ConfigError, HarError
from har_core.files import printable

if TYPE_CHECKING:
    import torch
    from tqdm import tqdm


def device_named(name: str) -> torch.device:
    """'auto' (CUDA, then MPS, then CPU) or the name of a torch device.

    Raises:
        ConfigError: if this machine does not have it.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {name!r} is not available here; choose --device cpu, cuda or mps") from error
    return torch.device(name)


class ProgressBar:
    """A progress bar for functions that report (done, total); a new count from the start opens a new bar."""

    def __init__(self, label: str, unit: str = "photo") -> None:
        self.label, self.unit = label, unit
        self._bar: tqdm[Any] | None = None

    def __call__(self, done: int, total: int) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(
                total=total, desc=self.label, unit=f" {self.unit}s", dynamic_ncols=True, leave=False, file=sys.stderr
            )
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
            self._bar = None


def run_command(command: Callable[[], int]) -> int:
    """The exit status of a command: its own, 1 after an error that is told in one line, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a name shows it escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        return command()
    except (HarError, OSError) as error:
        print("error: " + "\n".join(map(printable, str(error).split("\n"))), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130

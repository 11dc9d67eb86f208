"""What the subcommands share: the device, progress bars, and errors as one line."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import warnings
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


_OF_SYSTEM = {
    errno.ENAMETOOLONG: "has a longer name than can be; choose a shorter one",
    errno.EACCES: "may not be read or written here (permission denied); change its rights, or choose another",
    errno.EPERM: "may not be changed here (not permitted); change its rights, or choose another",
    errno.EROFS: "lies on a disk that cannot be written; choose another",
    errno.ENOSPC: "could not be written, the disk is full; make room, or choose another disk",
    errno.EDQUOT: "could not be written, your share of the disk is used up; make room, or choose another disk",
    errno.ENOENT: "is not there; check the path",
    errno.ENOTDIR: "lies in what is no folder; check the path",
    errno.EISDIR: "is a folder; name a file",
    errno.EEXIST: "is there already; choose another name",
    errno.EMFILE: "could not be opened, too many files are open; close other programs, or raise ulimit -n",
}
_OF_BUCKETS = (
    (r"NETWORK_CONNECTION|resolv|TIMEOUT|UNAVAILABLE", "cannot be reached; check the network, and AWS_ENDPOINT_URL if you set it"),
    (r"ACCESS_DENIED|FORBIDDEN|CREDENTIAL|SIGNATURE|INVALID_ACCESS|UNAUTH|PERMISSION", "may not be used; check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS)"),
    (r"NO_SUCH_BUCKET|NOT_FOUND|404", "is not there; check its name and the region (AWS_REGION)"),
)  # fmt: skip


def _told(error: OSError) -> str:
    """What the system, or a bucket, could not do, in a sentence with what to do."""
    said = " ".join(str(error).split())
    if re.search("AWS Error|google::cloud|GcsFileSystem|GCS", said):
        reason = next(
            (told for words, told in _OF_BUCKETS if re.search(words, said, re.IGNORECASE)),
            f"failed ({said[:200]}); try again",
        )
        bucket = re.search("bucket '([^']*)'", said)
        return f"the bucket {bucket[1] if bucket else 'of photos or outcomes'} {reason}"
    if (sentence := _OF_SYSTEM.get(error.errno or 0)) is None:
        return said
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    name = f"{name[:100]}…" if len(name) > 200 else name
    return f"{name or 'a file'} {sentence}"


def run_command(command: Callable[[], int]) -> int:
    """The exit status of a command: its own, 1 after an error that is told in one line, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a name shows it escaped
            stream.reconfigure(errors="backslashreplace")
    warnings.filterwarnings("ignore", module="PIL")  # of damaged metadata: what costs a photo is told of it
    try:
        return command()
    except (HarError, OSError) as error:
        said = _told(error) if isinstance(error, OSError) else str(error)
        print("error: " + "\n".join(map(printable, said.split("\n"))), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130

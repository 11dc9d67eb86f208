"""Files and folders, here or in a bucket, by one text: a path, or s3://BUCKET/KEY or gs://BUCKET/KEY.

The file systems are pyarrow's.  They come with a package that is needed anyway, read a part of an object without fetching all of it,
release Python's lock while they wait, and can be sent to other processes; fsspec would bring a package and an event loop for each kind
of bucket.  Who may read and where a bucket is, the environment says, as it does for other programs: AWS_ACCESS_KEY_ID,
AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL; GOOGLE_APPLICATION_CREDENTIALS.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pyarrow import fs
from pydantic import BaseModel

from har_core.errors import ConfigError
from har_core.files import atomic_path, printable, reason_of

_SCHEMES = ("s3", "gs")
_PATIENCE = 20  # seconds for a bucket that does not answer

R = TypeVar("R", bound=BaseModel)


def is_url(place: str) -> bool:
    """Whether a place is in a bucket.

    Raises:
        ConfigError: if it is a URL of another kind, or has no bucket.
    """
    scheme, mark, rest = place.partition("://")
    if not mark or "/" in scheme:
        return False
    if scheme not in _SCHEMES or not rest.strip("/") or rest.startswith("/"):
        raise ConfigError(
            f"expected a path, s3://BUCKET/KEY or gs://BUCKET/KEY; found {printable(place)[:120]}; copy the photos to one of these"
        )
    return True


def join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/') if folder != '/' else ''}/{name}"


def base_name(place: str) -> str:
    return place.rstrip("/").rpartition("/")[2]


def parent(place: str) -> str:
    return place.rstrip("/").rpartition("/")[0] or "/"


def absolute(place: str) -> str:
    """The same place for a process in another working directory."""
    return place.rstrip("/") if is_url(place) else str(Path(place).absolute())


def size_of(place: str) -> int | None:
    """Bytes of a file; None if there is none.

    Raises:
        OSError: if that cannot be found out.
    """
    if not is_url(place):
        path = Path(place)
        return path.stat().st_size if path.is_file() else None
    system, path_in = _opened(place)
    (info,) = system.get_file_info([path_in])
    return int(info.size) if info.type == fs.FileType.File else None


def is_folder(place: str) -> bool:
    if not is_url(place):
        return Path(place).is_dir()
    system, path_in = _opened(place)
    (info,) = system.get_file_info([path_in])
    return bool(info.type == fs.FileType.Directory)


def entries(folder: str) -> Iterator[tuple[str, bool, int]]:
    """(name, whether it is a folder, bytes) of what lies in a folder, sorted; pipes and dead links have -1 bytes.

    The names of one folder are held in memory, not those of the folders in it.  None, if there is no such folder.

    Raises:
        OSError: if it cannot be listed.
    """
    if is_url(folder):
        system, path_in = _opened(folder)
        found = system.get_file_info(fs.FileSelector(path_in, allow_not_found=True))
        for info in sorted(found, key=lambda info: info.base_name):
            yield info.base_name, info.type == fs.FileType.Directory, int(info.size or 0)
        return
    if not Path(folder).is_dir():
        return
    with os.scandir(folder) as listed:
        inside = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listed)
    for name, is_directory in inside:
        path = Path(folder, name)
        yield name, is_directory, path.stat().st_size if not is_directory and path.is_file() else -1


def open_file(place: str) -> Any:
    """A file to read from, at any position: a `pyarrow.NativeFile`, or a local file in binary mode.

    Raises:
        OSError: if there is none, or it cannot be read.
    """
    if not is_url(place):
        return Path(place).open("rb")
    system, path_in = _opened(place)
    return system.open_input_file(path_in)


def read_bytes(place: str, start: int = 0, size: int = -1) -> bytes:
    """Bytes of a file from `start`, at most `size` of them, all if that is negative.

    Raises:
        OSError: as `open_file`.
    """
    with open_file(place) as file:
        if start:
            file.seek(start)
        return bytes(file.read(size) if size >= 0 else file.read())


def read_record(place: str, kind: type[R]) -> R:
    """A JSON file of a model of pydantic that has its version as the default of `format`.

    Raises:
        ValueError: if it is something else, or of another version.
        OSError: as `open_file`.
    """
    record = kind.model_validate_json(read_bytes(place))
    found, known = getattr(record, "format", None), kind.model_fields["format"].default
    if found != known:
        raise ValueError(f"{found} in place of {known}")
    return record


def write_bytes(place: str, data: bytes) -> None:
    """Replace a file in one step: it is there as a whole, or as it was.  An object in a bucket appears when its upload ends.

    Raises:
        OSError: if it cannot be written.
    """
    if not is_url(place):
        with atomic_path(Path(place)) as partial:
            partial.write_bytes(data)
        return
    system, path_in = _opened(place)
    with system.open_output_stream(path_in) as stream:
        stream.write(data)


def put_file(path: Path, place: str) -> None:
    """Replace a file in one step by a local one, which may be large; of the same disk, it is moved.

    Raises:
        OSError: if it cannot be written.
    """
    if not is_url(place):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
        return
    system, path_in = _opened(place)
    with path.open("rb") as file, system.open_output_stream(path_in) as stream:
        shutil.copyfileobj(file, stream, 2**24)


def remove(place: str) -> None:
    """Remove a file, if it is there."""
    if not is_url(place):
        Path(place).unlink(missing_ok=True)
    elif size_of(place) is not None:
        system, path_in = _opened(place)
        system.delete_file(path_in)


def remove_partials(folder: str) -> None:
    """Remove what killed processes left of files; those of a bucket were never visible."""
    if not is_url(folder):
        for path in Path(folder).glob(".*.partial"):
            path.unlink(missing_ok=True)


def _opened(place: str) -> tuple[fs.FileSystem, str]:
    scheme, _, path = place.partition("://")
    return _system(scheme, path.partition("/")[0], os.getpid()), path.rstrip("/")


@lru_cache(maxsize=64)
def _system(scheme: str, bucket: str, process: int) -> fs.FileSystem:
    if scheme == "gs":
        return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=_PATIENCE))  # by default 15 minutes
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and endpoint is None:
        _require_network(bucket)
        region = fs.resolve_s3_region(bucket)
    return fs.S3FileSystem(region=region or "us-east-1", endpoint_override=endpoint)


def _require_network(bucket: str) -> None:
    """Find out once whether there is a way to S3: `resolve_s3_region` tries thirty times, of which none can be told to stop.

    Raises:
        OSError: in the words of pyarrow, if there is none.
    """
    try:
        socket.create_connection(("s3.us-east-1.amazonaws.com", 443), timeout=_PATIENCE / 4).close()
    except OSError as error:
        raise OSError(f"AWS Error NETWORK_CONNECTION: bucket '{bucket}', {reason_of(error)}") from error

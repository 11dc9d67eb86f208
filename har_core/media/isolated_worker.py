"""The worker process of `media.isolated`.  It imports Pillow and nothing heavier, so that it starts in a moment.

Reads requests from standard input and answers on standard output, until its input ends:

    request   name length, data length (two unsigned 32-bit integers, big-endian), name (UTF-8), data
    answer    status ('k' photo, 'e' refused), two unsigned 32-bit integers, and
              'k': width, height, then width × height × 3 bytes RGB;  'e': length, 0, then the reason (UTF-8)
"""

from __future__ import annotations

import ctypes
import struct
import sys
import warnings
from contextlib import suppress
from typing import BinaryIO

from PIL import Image

from har_core.errors import ImageError
from har_core.media.images import add_decoders, open_photo
from har_core.media.no_processes import forbid_processes

HEADER = struct.Struct(">II")
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # of sched.h


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the input ends."""
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        name_length, data_length = HEADER.unpack(header)
        name = requests.read(name_length).decode("utf-8", "replace")
        try:
            photo = open_photo(requests.read(data_length), name)
            answers.write(b"k" + HEADER.pack(*photo.size))
            answers.write(photo.tobytes())
        except ImageError as error:
            reason = str(error).encode()
            answers.write(b"e" + HEADER.pack(len(reason), 0) + reason)
        answers.flush()


def give_up_rights(memory: int) -> None:
    """Allow `memory` bytes of address space, no new files, processes or connections, where the system can enforce it."""
    try:
        import resource
    except ImportError:
        return  # Windows: limits on pixels and time remain
    with suppress(AttributeError, OSError):  # Linux alone has it, and may forbid it
        ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK)
    limits = [("RLIMIT_AS", memory), ("RLIMIT_FSIZE", 0), ("RLIMIT_NOFILE", 16)]
    if not forbid_processes():
        limits.append(("RLIMIT_NPROC", 0))  # on Linux this forbids threads too: no HEIC
    for name, most in limits:
        with suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (most, most))


def main(memory: int) -> None:
    """What the process does: it answers requests, with the rights that this takes."""
    Image.init()  # all decoders are imported before files can be opened no more
    add_decoders()
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    give_up_rights(memory)
    serve(sys.stdin.buffer, sys.stdout.buffer)

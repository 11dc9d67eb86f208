"""The worker process of `media.isolated`.  It imports Pillow and nothing heavier, so that it starts in a moment.

Reads requests from standard input and answers on standard output, until its input ends:

    request   name length, data length (two unsigned 32-bit integers, big-endian), name (UTF-8), data
    answer    status ('k' photo, 'e' refused), two unsigned 32-bit integers, and
              'k': width, height, then width × height × 3 bytes RGB;  'e': length, 0, then the reason (UTF-8)
"""

from __future__ import annotations

import struct
import sys
import warnings
from typing import BinaryIO

from PIL import Image

from har_core.errors import ImageError
from har_core.media.images import open_photo

HEADER = struct.Struct(">II")


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


def limit_memory(size: int) -> None:
    """Allow `size` bytes of address space, where the system can enforce it (Linux)."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    except (ImportError, ValueError, OSError):
        pass  # Windows, macOS: limits on pixels and time remain


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    serve(sys.stdin.buffer, sys.stdout.buffer)

#!/usr/bin/env python3
"""Damage real photos at random and see that nothing worse than a refusal comes of it.

python -m benchmarks.fuzz_photos FOLDER [--count 10000] [--seed 0] [--kind JPEG|PNG|WEBP|HEIF|AVIF]

Takes 30 photos below FOLDER, as they are or saved anew as another kind, changes them (bits flipped, cut off, pieces exchanged) and decodes each through
`har_core.media.isolated`, as the app does with what strangers bring.  Exits with 1 if a worker died or a photo took too long.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
from pathlib import Path

from tqdm import tqdm

from har_core.errors import ImageError
from har_core.media.images import add_decoders, open_photo
from har_core.media.isolated import IsolatedDecoder
from har_core.media.layout import PHOTO_SUFFIXES


def mutate(data: bytes, other: bytes, stream: random.Random) -> bytes:
    """One damage, drawn from `stream`: up to 64 flipped bits, a cut, or a piece of `other` spliced in."""
    kind = stream.choice(("flip", "flip", "cut", "splice"))
    if kind == "cut":
        return data[: stream.randrange(1, len(data))]
    changed = bytearray(data)
    if kind == "flip":
        # Half of the flips hit the first kilobyte: headers and tables, where decoders are most easily misled.
        reach = min(len(data), 1024) if stream.random() < 0.5 else len(data)
        for _ in range(stream.randint(1, 64)):
            changed[stream.randrange(reach)] ^= 1 << stream.randrange(8)
        return bytes(changed)
    start, size = stream.randrange(len(data)), stream.randrange(1, 4096)
    origin = stream.randrange(len(other))
    changed[start : start + size] = other[origin : origin + size]
    return bytes(changed)


def content(path: Path, kind: str | None) -> bytes:
    """A photo's bytes, as they are or saved anew as another kind."""
    if kind is None:
        return path.read_bytes()
    add_decoders()  # and with them the encoder of HEIC
    buffer = io.BytesIO()
    open_photo(path).save(buffer, format=kind)
    return buffer.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=("JPEG", "PNG", "WEBP", "HEIF", "AVIF"))
    given = parser.parse_args()
    files = sorted(path for path in given.folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    stream = random.Random(given.seed)
    photos = [content(path, given.kind) for path in stream.sample(files, min(30, len(files)))]
    if not photos:
        print(f"error: expected photos below {given.folder}, found none; name a folder of photos", file=sys.stderr)
        return 1
    decoder = IsolatedDecoder()
    decoded = refused = 0
    worst = 0.0
    for number in tqdm(range(given.count), unit=" files"):
        data = mutate(stream.choice(photos), stream.choice(photos), stream)
        start = time.perf_counter()
        try:
            decoder.open(data, f"mutation-{number}")
            decoded += 1
        except ImageError:
            refused += 1
        worst = max(worst, time.perf_counter() - start)
    peak = decoder.peak_memory()
    decoder.close()
    print(
        f"tried {given.count}, decoded {decoded}, refused {refused}, worker deaths {decoder.crashes}, "
        f"worst {worst:.2f} s, peak memory of a worker {peak / 1e6:.0f} MB"
    )
    return 1 if decoder.crashes else 0


if __name__ == "__main__":
    sys.exit(main())

"""Tables with a bit turned over, read one after the other: python -m tests.imports.damaging FOLDER.

It prints how many could be read and how many were refused; it fails where one ends in another way.  A process of its own, because
the faults that it looks for end the process.
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from har_core.errors import HarError
from tests.imports.making import read


def main(folder: Path) -> None:
    path, counts = folder / "table.parquet", Counter[str]()
    for data in (*damaged_footers(), *damaged_values()):
        path.write_bytes(data)
        counts[outcome(path)] += 1
    print(*(f"{name} {count}" for name, count in sorted(counts.items())))


def outcome(path: Path) -> str:
    """What becomes of a table; no exception but the project's own is caught."""
    try:
        read(path, classes=("cat", "dog"))
    except HarError:
        return "refused"
    return "read"


def damaged_footers() -> Iterator[bytes]:
    """Of a small Parquet file, one bit of every other byte that describes its columns."""
    table = pa.table({"file": ["a.jpg", "b.jpg"], "label": ["cat", "dog"], "pred": ["cat", "cat"]})
    whole = written(table)
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for place in range(start, len(whole) - 8, 2):
        yield flipped(whole, place, 2)


def damaged_values() -> Iterator[bytes]:
    """Of larger ones, some of the bits of the values: texts, places in a dictionary, lists, floats."""
    random = np.random.default_rng(0)
    files, labels = [f"{number}.jpg" for number in range(40)], ["cat", "dog"] * 20
    scores = pa.array([[0.75, 0.25], [0.5, 0.5]] * 20, pa.list_(pa.float32()))
    for repeated in (True, False):
        for columns in ({"pred": labels}, {"probs": scores}):
            whole = written(pa.table({"file": files, "label": labels, **columns}), dictionary=repeated)
            footer = int.from_bytes(whole[-8:-4], "little")
            for place in random.integers(4, len(whole) - 8 - footer, 50).tolist():
                yield flipped(whole, place, int(random.integers(8)))


def written(table: pa.Table, *, dictionary: bool = True) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="none", use_dictionary=dictionary)
    return buffer.getvalue()


def flipped(whole: bytes, place: int, bit: int) -> bytes:
    data = bytearray(whole)
    data[place] ^= 1 << bit
    return bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

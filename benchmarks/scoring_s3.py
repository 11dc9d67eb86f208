#!/usr/bin/env python3
"""Scoring from a bucket into a bucket, and looking at photos in one, against a server that speaks S3 on this machine (`moto`).

python -m benchmarks.scoring_s3 [--photos 600]

score     photos a second that one worker fetches, decodes and stores the answers of, its network a stub: from disk, from the bucket.
          A bucket that is far away answers later, but sixteen requests are always under way.
rows      of both, which must be the same
look      the index made in the bucket, and fifty photos of it as bytes

Exits with 1 if the rows differ.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.servers import free_port

BUCKET = "bench"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=600)
    count = parser.parse_args().photos
    port = free_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return compare(Path(folder), count, port)
    finally:
        server.kill()


def compare(folder: Path, count: int, port: int) -> int:
    from pyarrow import fs

    from benchmarks.bench_scoring import made, seconds
    from har_core.scoring.index import make_index
    from har_core.scoring.local import LocalEngine
    from har_core.scoring.output import open_manifest
    from har_core.scoring.stored_photos import StoredPhotos
    from tests.scoring.conftest import rows, score
    from tests.scoring.stub import Stub

    photos, bucket = made(folder / "photos", count), f"s3://{BUCKET}"
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    system = fs.S3FileSystem(
        endpoint_override=f"http://127.0.0.1:{port}", region="us-east-1", allow_bucket_creation=True
    )
    system.create_dir(BUCKET)
    fs.copy_files(str(photos), f"{BUCKET}/photos", destination_filesystem=system)
    rates = {}
    for name, source, out in (
        ("disk", str(photos), str(folder / "out")),
        ("bucket", f"{bucket}/photos", f"{bucket}/out"),
    ):
        rates[name] = 1 / seconds(source, out, LocalEngine(1), Stub(), 50, 1)
        print(f"score from {name}: {rates[name]:,.0f} photos/s", flush=True)
    print(f"  bucket / disk: {rates['bucket'] / rates['disk']:.2f}")
    answers = []
    for source, out in ((str(photos), str(folder / "again")), (f"{bucket}/photos", f"{bucket}/again")):
        answers.append(rows(out, score(source, out, LocalEngine(2), size=50, stub=Stub())))
    same = answers[0] == answers[1] and len(answers[0]) == count
    print(f"rows: {len(answers[1]):,}, {'the same' if same else 'NOT the same'}")
    start = time.perf_counter()
    make_index(f"{bucket}/again", open_manifest(f"{bucket}/again"))
    print(f"look: index {time.perf_counter() - start:.1f} s", end=", ", flush=True)
    fs.copy_files(f"{BUCKET}/again", str(folder / "copy"), source_filesystem=system)
    stored = StoredPhotos(folder / "copy", f"{bucket}/photos")
    start = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda row: stored.read(str(row["sample"]), 0), answers[1][:50]))
    print(f"fifty photos {time.perf_counter() - start:.2f} s, {sum(one is not None for one in found)} read")
    return 0 if same and all(found) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Photos decoded in worker processes: the same pixels, the same reasons, and a crash costs one worker."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from benchmarks.fuzz_photos import mutate
from har_core.errors import ImageError
from har_core.media.images import MAX_BYTES, open_photo
from har_core.media.isolated import IsolatedDecoder
from tests.conftest import ROOT, picture
from tests.media.test_images import encoded


@pytest.fixture(scope="module")
def decoder() -> Iterator[IsolatedDecoder]:
    decoder = IsolatedDecoder()
    yield decoder
    decoder.close()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(90, 60), (3400, 2000)])
def test_the_same_pixels(decoder: IsolatedDecoder, kind: str, size: tuple[int, int]) -> None:
    data = encoded(picture((200, 90, 30), size), kind)
    photo, expected = decoder.open(data, "photo"), open_photo(data, "photo")
    assert photo.size == expected.size and photo.mode == "RGB"
    assert ImageChops.difference(photo, expected).getbbox() is None


@pytest.mark.parametrize("data", [b"", b"these are notes", b"GIF89a", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" * 9])
def test_the_same_reasons(decoder: IsolatedDecoder, data: bytes) -> None:
    with pytest.raises(ImageError) as expected:
        open_photo(data, "föto.jpg")
    with pytest.raises(ImageError) as found:
        decoder.open(data, "föto.jpg")
    assert str(found.value) == str(expected.value) and decoder.crashes == 0


def test_a_file_that_is_too_large_is_refused_as_such(decoder: IsolatedDecoder) -> None:
    with pytest.raises(ImageError, match="Save a smaller copy"):
        decoder.open(b"\xff\xd8" + bytes(MAX_BYTES), "large.jpg")


def other_worker(monkeypatch: pytest.MonkeyPatch, decoder: IsolatedDecoder, code: str) -> None:
    """The next worker runs other code; those after it are real ones again."""
    real, used = decoder._start, []

    def start() -> subprocess.Popen[bytes]:
        if used:
            return real()
        used.append(1)
        command = [sys.executable, "-c", code]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(decoder, "_start", start)


@pytest.mark.parametrize("code", ["import os; os.abort()", "import sys; sys.stdin.buffer.read(20); print('k')"])
def test_a_worker_that_crashes_costs_one_photo(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    decoder, good = IsolatedDecoder(), encoded(picture((10, 20, 200)), "PNG")
    other_worker(monkeypatch, decoder, code)
    with pytest.raises(ImageError, match=r"hostile\.png could not be decoded"):
        decoder.open(good, "hostile.png")
    assert decoder.crashes == 1
    assert decoder.open(good, "good.png").size == (60, 48)
    decoder.close()


def test_a_photo_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder, good = IsolatedDecoder(seconds=0.5), encoded(picture((10, 20, 200)), "PNG")
    other_worker(monkeypatch, decoder, "import time; time.sleep(60)")
    with pytest.raises(ImageError, match=r"took longer than 0\.5 seconds"):
        decoder.open(good, "slow.png")
    decoder.seconds = 30
    assert decoder.crashes == 1 and decoder.open(good, "good.png").size == (60, 48)
    decoder.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces a limit on memory")
def test_a_photo_that_needs_too_much_memory_is_refused() -> None:
    """39 megapixels of one color: 130 kB of file, 117 MB of photo."""
    decoder = IsolatedDecoder(memory=120 * 2**20)
    data = encoded(Image.new("RGB", (6500, 6000), (9, 9, 9)), "PNG")
    with pytest.raises(ImageError):
        decoder.open(data, "heavy.png")
    assert decoder.open(encoded(picture((1, 2, 3)), "PNG"), "light.png").size == (60, 48)
    decoder.close()


def test_threads_get_their_own_photos(decoder: IsolatedDecoder) -> None:
    wrong: list[int] = []

    def visit(number: int) -> None:
        for turn in range(15):
            size = 20 + number, 20 + turn
            if decoder.open(encoded(picture((5, 5, 5), size), "PNG"), "p.png").size != size:
                wrong.append(number)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and decoder.crashes == 0


def test_workers_end_with_the_process_that_started_them() -> None:
    code = (
        "from har_core.media.isolated import IsolatedDecoder; d = IsolatedDecoder()\n"
        "try: d.open(b'x', 'x')\n"
        "except Exception: print(d._idle.queue[0].pid, flush=True)\n"
        "import os; os._exit(0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    worker, patience = int(found.stdout), threading.Event()
    for _ in range(50):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{worker}/status").exists() and "Z (zombie)" in Path(f"/proc/{worker}/status").read_text():
            return
        patience.wait(0.1)
    pytest.fail("the worker outlived its parent")


def test_odd_images_are_shown_or_refused(decoder: IsolatedDecoder) -> None:
    """Broken, hostile and unusual files of an imaging library's own test suite."""
    folder = Path(os.environ.get("HAR_ODD_IMAGES", ROOT.parent / "shared" / "odd_images"))
    if not folder.is_dir():
        pytest.skip("needs a folder of odd images, which are other people's: set HAR_ODD_IMAGES to one")
    shown, reasons = 0, {}
    for path in sorted(folder.iterdir()):
        try:
            photo = decoder.open(path.read_bytes(), path.name)
            assert photo.mode == "RGB" and min(photo.size) > 0
            shown += 1
        except ImageError as error:
            reasons[path.name] = str(error)
    assert shown > 50 and len(reasons) > 50 and decoder.crashes == 0
    assert all(reason.startswith(name) for name, reason in reasons.items())


def test_three_hundred_mutations(decoder: IsolatedDecoder) -> None:
    stream = random.Random(1)
    photos = [
        encoded(picture((200, 90, 30), (160, 120), seed), kind) for seed, kind in enumerate(("JPEG", "PNG", "WEBP"))
    ]
    outcomes = set()
    for number in range(300):
        data = mutate(photos[number % 3], stream.choice(photos), stream)
        try:
            decoder.open(data, "mutation")
            outcomes.add("shown")
        except ImageError:
            outcomes.add("refused")
    assert outcomes == {"shown", "refused"} and decoder.crashes == 0

"""No source video is both learned from and tested on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from har_core.data.clip_frames import evenly_spaced
from har_core.data.clip_split import read_groups, split_clips
from har_core.data.samples import Sample
from har_core.errors import DataError
from har_core.media.clips import Frame


def clips(count: int = 60, labels: tuple[str, ...] = ("fight", "none")) -> list[Sample]:
    names = [(f"{labels[number % len(labels)]}/{number}.mp4", labels[number % len(labels)]) for number in range(count)]
    return [Sample(name, Path(name), label) for name, label in names]


def test_parts_share_no_source_and_have_about_the_wanted_shares() -> None:
    samples = clips(240)
    groups = {sample.name: f"video{number // 6}" for number, sample in enumerate(samples)}
    split = split_clips(samples, groups, dev_fraction=0.2, test_fraction=0.25, seed=3)
    parts = (split.train, split.dev, split.test)
    assert sorted(one.name for part in parts for one in part) == sorted(one.name for one in samples)
    sources = [{groups[one.name] for one in part} for part in parts]
    assert not any(first & second for number, first in enumerate(sources) for second in sources[number + 1 :])
    assert split.sources == tuple(map(len, sources)) and split.classes == ("fight", "none")
    assert [round(len(part) / 240, 1) for part in parts] == [0.6, 0.2, 0.2] or len(split.test) == 60
    for part in parts:
        counts = Counter(one.label for one in part)
        assert abs(counts["fight"] - counts["none"]) <= 0.2 * len(part)


def test_the_seed_decides() -> None:
    samples = clips()

    def tested(seed: int) -> tuple[Sample, ...]:
        return split_clips(samples, dev_fraction=0.2, test_fraction=0.25, seed=seed).test

    assert tested(1) == tested(1)
    assert len({tested(seed) for seed in range(4)}) > 1


def test_test_clips_of_their_own_leave_the_others_to_learn_from() -> None:
    samples, other = clips(40), [Sample("none/other.mp4", Path("elsewhere"), "none")]
    split = split_clips(samples, dev_fraction=0.25, test_fraction=0.25, seed=0, test=other)
    assert split.test == tuple(other) and len(split.train) + len(split.dev) == 40 and len(split.dev) == 10
    with pytest.raises(DataError, match="running"):
        split_clips(samples, dev_fraction=0.2, test_fraction=0.2, seed=0, test=[Sample("x", Path("x"), "running")])


def test_a_hundred_classes() -> None:
    samples = clips(800, tuple(f"class{number:03}" for number in range(100)))
    split = split_clips(samples, dev_fraction=0.2, test_fraction=0.25, seed=0)
    assert len({one.label for one in split.train}) == 100


def test_too_little_is_told() -> None:
    few = split_clips(clips(8), dev_fraction=0.2, test_fraction=0.25, seed=0)
    assert len(few.train) + len(few.dev) + len(few.test) == 8 and few.train and few.dev and few.test
    same = {sample.name: "one" for sample in clips()}
    for samples, groups in ((clips(1), None), (clips(), same)):
        with pytest.raises(DataError, match="source videos"):
            split_clips(samples, groups, dev_fraction=0.2, test_fraction=0.25, seed=0)
    one_video = {sample.name: "same" if sample.label == "fight" else sample.name for sample in clips()}
    with pytest.raises(DataError, match="fight"):
        for seed in range(
            20
        ):  # wherever the one video of fights goes, some part has none; that must not be the training
            split_clips(clips(), one_video, dev_fraction=0.4, test_fraction=0.5, seed=seed)


def test_groups_are_read_and_must_be_complete(tmp_path: Path) -> None:
    samples, path = clips(4), tmp_path / "groups.csv"
    rows = [f"{sample.name},video {number // 2}" for number, sample in enumerate(samples)]
    path.write_text("\ufeff" + "\n".join(["clip,group", *rows, "elsewhere.mp4,video 9"]) + "\n", encoding="utf-8")
    assert list(read_groups(path, samples).values()) == ["video 0", "video 0", "video 1", "video 1"]
    for text, match in (
        ("clip,group\n" + rows[0], "2/2|none/1"),
        ("clip,video\na,b", "clip and group"),
        ("clip,group\n" + "\n".join([*rows, f"{samples[0].name},other"]), "found two"),
        ("", "clip and group"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=match):
            read_groups(path, samples)
    path.write_bytes(b"clip,group\n\xff\xfe")
    with pytest.raises(DataError, match="can be read"):
        read_groups(path, samples)
    with pytest.raises(DataError, match="can be read"):
        read_groups(tmp_path / "absent.csv", samples)


@pytest.mark.parametrize("length", [1, 3, 8, 16, 17, 100, 5000])
@pytest.mark.parametrize("count", [1, 8, 16])
def test_frames_are_taken_evenly_from_clips_of_any_length(length: int, count: int) -> None:
    frames = (Frame(number / 30, None, number) for number in range(length))  # type: ignore[arg-type]
    found = np.array([frame.number for frame in evenly_spaced(frames, count)])
    wanted = (np.arange(count) + 0.5) / count * length - 0.5  # the middles of equal parts
    assert len(found) == count and (np.diff(found) >= 0).all()
    assert np.abs(found - wanted.clip(0, length - 1)).max() <= 1 + length / count / 4


def test_a_clip_without_frames_has_none_to_take() -> None:
    with pytest.raises(ValueError, match="frame"):
        evenly_spaced(iter(()), 4)

"""What the names of a table mean, and what they do not."""

from __future__ import annotations

import pytest

from har_core.data.listed_names import match_names

CLASSES = ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg")


@pytest.mark.parametrize(
    ("written", "present", "folder", "meant"),
    [
        (("a.jpg", "./b.jpg", "x\\c.jpg"), ("a.jpg", "b.jpg", "x/c.jpg"), "", ("a.jpg", "b.jpg", "x/c.jpg")),
        (("a", "b", "c"), ("a.JPG", "b.png", "b.jpg", "c.jpeg"), "", ("a.JPG", None, "c.jpeg")),
        (("a.b", "caf\xe9"), ("a.b.jpg", "cafe\u0301.jpg"), "", ("a.b.jpg", "cafe\u0301.jpg")),
        (("x/a.jpg", "x/b.jpg", "y/c.jpg"), ("a.jpg", "b.jpg", "c.jpg"), "", ("a.jpg", "b.jpg", None)),
        (("x/a.jpg", "y/a.jpg", "x/b.jpg"), ("a.jpg", "b.jpg"), "", (None, None, "b.jpg")),
        (("x/a.jpg", "a.jpg"), ("a.jpg",), "", (None, "a.jpg")),
        (("D:\\p\\a.jpg", "D:\\p\\q\\b.jpg"), ("p/a.jpg", "p/q/b.jpg"), "", ("p/a.jpg", "p/q/b.jpg")),
        (("1.jpg", "2.jpg"), CLASSES, "", (None, None)),
        (("3.jpg", "deep/4.jpg"), ("x/3.jpg", "y/deep/4.jpg"), "", ("x/3.jpg", None)),
        (("old/1.jpg", "old/2.jpg"), ("new/set/1.jpg", "new/set/2.jpg"), "", ("new/set/1.jpg", "new/set/2.jpg")),
        (("pig/1.jpg", "pig/2.jpg"), CLASSES, "", (None, None)),  # not another class's
        ((*CLASSES[2:], "pig/1.jpg", "pig/2.jpg", "pig/3.jpg"), CLASSES[2:], "", (*CLASSES[2:], None, None, None)),
        (("test/1.jpg", "test/2.jpg"), ("1.jpg", "2.jpg"), "train", (None, None)),
        (("train/1.jpg", "train/2.jpg"), ("test/1.jpg", "test/2.jpg"), "", (None, None)),
        (("training/1.jpg", "training/2.jpg"), ("1.jpg", "2.jpg"), "train", ("1.jpg", "2.jpg")),
        (("../a.jpg", "/etc/passwd", "", ".", "/"), ("passwd/x.jpg",), "", (None,) * 5),
    ],
)  # fmt: skip
def test_names(written: tuple[str, ...], present: tuple[str, ...], folder: str, meant: tuple[str | None, ...]) -> None:
    found = match_names(written, present, folder=folder)
    assert tuple(found.get(name) for name in written) == meant


def test_many_names_that_all_need_a_change() -> None:
    present = [f"images/{number}.jpg" for number in range(20_000)]
    found = match_names([f"/srv/x/{number}.jpg" for number in range(20_000)], present)
    assert found["/srv/x/19999.jpg"] == "images/19999.jpg" and len(found) == 20_000

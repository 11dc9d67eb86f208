"""Names, shares and counts as pages write them."""

from __future__ import annotations

import pytest

from har_core.viz import formats


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "<\u00a01\u00a0%"),
        (0.004, "<\u00a01\u00a0%"),
        (0.154, "15\u00a0%"),
        (0.99, "99\u00a0%"),
        (0.999, ">\u00a099\u00a0%"),
    ],
)
def test_no_probability_is_said_to_be_0_or_100(value: float, expected: str) -> None:
    assert formats.percent(value) == expected


def test_numbers() -> None:
    assert formats.share(0.0952) == "9.5\u00a0%"
    assert formats.interval(0.831, 0.8642) == "83.1–86.4\u00a0%"
    assert formats.interval(0.05, 0.2, decimals=0) == "5–20\u00a0%"
    assert [formats.count_photos(number) for number in (0, 1, 1890)] == ["0 photos", "1 photo", "1,890 photos"]


def test_names_are_no_markup() -> None:
    assert formats.class_markdown("[a](javascript:b)_*c*") == r"\[a\](javascript\:b) \*c\*"
    assert formats.capitalize("using iPad") == "Using iPad"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (" cat ", "cat"),
        ("_under_", "under"),
        ("_", "\\_"),
        ("\u3000cat\u00a0", "cat"),
        ("R&amp;B", r"R\&amp;B"),
        ("1. first", r"1\. first"),
        ("- dash", r"\- dash"),
        ("$a$ `b` **", r"\$a\$ \`b\` \*\*"),
        (":smile:", r"\:smile\:"),
        (":material/home:", "\\:\u2060material/home\\:"),
        ("a :streamlit: b", "a \\:\u2060streamlit\\: b"),
    ],
)
def test_any_name_stands_between_stars(name: str, expected: str) -> None:
    assert formats.escape_markdown(name.replace("_", " ").strip() or name) == expected
    assert formats.class_markdown(name) == expected


def test_clock() -> None:
    assert [formats.clock(seconds) for seconds in (0, 59.9, 60, 605.4)] == ["0:00", "0:59", "1:00", "10:05"]
    assert [formats.clock(seconds, tenths=True) for seconds in (0, 5.25, 59.96, 61.04)] == [
        "0:00.0",
        "0:05.2",
        "1:00.0",
        "1:01.0",
    ]


def test_names_from_right_to_left_are_isolated() -> None:
    """Else the arrow of "true → predicted" and a number after a name change sides."""
    assert formats.class_label("\u062f\u0648\u06cc\u062f\u0646") == "\u2068\u062f\u0648\u06cc\u062f\u0646\u2069"
    assert formats.class_label("a_b") == "a b" and formats.class_label("\u4e2d") == "\u4e2d"


def test_a_long_name_loses_its_middle() -> None:
    name = "a_very_long_class_name_of_number_"
    assert formats.short_label(name + "1") != formats.short_label(name + "2")
    assert all(len(formats.short_label(name, longest)) == longest for longest in (10, 11, 26))
    assert formats.short_label("listening_to_music") == "listening to music"


def test_of_long_names_what_they_share_goes_first() -> None:
    names = [f"a_very_long_class_name_number_{number}_of_the_animal_kingdom" for number in range(12, 15)]
    assert formats.short_labels([*names, "cat"]) == ["… 12 …", "… 13 …", "… 14 …", "cat"]
    alone = formats.short_labels([names[0], "cat"])
    assert len(alone[0]) == 26 and alone[0].startswith("a very") and alone[0].endswith("kingdom")
    nested = ["one_more_rather_long_name", "one_more_rather_long_name_of_a_class"]
    assert len(set(formats.short_labels(nested, 20))) == 2
    assert all(len(label) <= 10 for label in formats.short_labels(["x" * 50 + " a", "y" * 50 + " a"], 10))
    assert formats.short_labels([]) == []

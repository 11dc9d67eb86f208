"""Names, shares and counts as pages write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from har_core.files import as_written

_MARKUP = re.compile(r"([\\`*_\[\]<>#$~|:&])")
_LIST = re.compile(r"^(\d*)([-+.)])(?=\s|$)")
"""What may begin a list at the beginning of a line."""

_ICON = re.compile(r":(?=(?:material/\w+|streamlit):)")
"""What Streamlit replaces by a picture though it is escaped."""

_JOINER = "\u2060"  # has no width
_NO_BREAK = "\u00a0"  # a space at which no line ends


def class_label(name: str) -> str:
    """A class name for places that show text as it is: 'listening_to_music' → 'listening to music', without spaces around it.

    A name that is written from right to left is isolated, so that arrows and numbers beside it stay where they are (Unicode's
    bidirectional algorithm, UAX #9).
    """
    shown = name.replace("_", " ").strip() or name
    from_right = any(unicodedata.bidirectional(one) in ("R", "AL") for one in shown)
    return f"\u2068{shown}\u2069" if from_right else shown


def short_label(name: str, longest: int = 26) -> str:
    """`class_label` in at most so many characters: a longer one loses its middle, since names often differ at their ends."""
    label = class_label(name)
    half = longest // 2
    return label if len(label) <= longest else f"{label[:half]}…{label[half + 1 - longest :]}"


def short_labels(names: Sequence[str], longest: int = 26) -> list[str]:
    """Class labels of at most so many characters: of names that are longer, the words with which all these begin or end go first."""
    labels = [class_label(name) for name in names]
    long = [label.split() for label in labels if len(label) > longest]
    first, last = (_shared(words) for words in (long, [words[::-1] for words in long]))

    def short(label: str) -> str:
        words = label.split()
        if len(label) <= longest or len(long) < 2 or first + last >= len(words):
            return short_label(label, longest)
        own = f"{'… ' if first else ''}{' '.join(words[first : len(words) - last])}{' …' if last else ''}"
        return short_label(own, longest)

    return [short(label) for label in labels]


def _shared(rows: list[list[str]]) -> int:
    """How many words at the beginning are the same in all rows."""
    equal = [len(set(words)) == 1 for words in zip(*rows, strict=False)]
    return [*equal, False].index(False)


def class_markdown(name: str) -> str:
    """A class name for Markdown, in which its own punctuation means nothing."""
    return escape_markdown(class_label(name))


def escape_markdown(text: str) -> str:
    """Any text for Markdown: names of files and classes come from anywhere, and markup in them is shown as text.

    It has no spaces at its ends, beside which "**" would mean nothing.
    """
    escaped = _MARKUP.sub(r"\\\1", _ICON.sub(f":{_JOINER}", text.strip()))
    return _LIST.sub(r"\1\\\2", escaped)


def distinct_labels(names: Iterable[str]) -> list[str]:
    """Labels for a select box, which takes two equal ones for one option: the later one is numbered."""
    labels: list[str] = []
    for name in names:
        label, number = class_label(name), 2
        while label in labels:
            label, number = f"{class_label(name)} ({number})", number + 1
        labels.append(label)
    return labels


def rounded(value: float, decimals: int = 0) -> str:
    """A share as a number of percent, but never a false 0 or 100: 0.154 → '15', 0.995 → '> 99'; '–' if not defined."""
    if np.isnan(value):
        return "–"
    number, smallest = f"{value * 100:.{decimals}f}", 10**-decimals
    if 0 < value < 1 and float(number) in (0, 100):
        return f"< {smallest:g}" if value < 0.5 else f"> {100 - smallest:g}"
    return number


def percent(value: float) -> str:
    """A probability in whole percent: 0.154 → '15 %'; no model is ever certain."""
    return _with_sign(rounded(float(np.clip(value, 1e-9, 1 - 1e-9))))


def share(value: float, *, decimals: int = 1) -> str:
    """A share of photos: 0.0952 → '9.5 %'."""
    return _with_sign(rounded(value, decimals))


def score(value: float) -> str:
    """A score with two decimals, '–' where it is not defined."""
    return "–" if np.isnan(value) else f"{value:.2f}"


def interval(low: float, high: float, *, decimals: int = 1) -> str:
    """The bounds of a share: (0.831, 0.864) → '83.1–86.4 %'."""
    return _with_sign(f"{rounded(low, decimals)}–{rounded(high, decimals)}")


def _with_sign(number: str) -> str:
    """Number and sign stay on one line."""
    return f"{number} %".replace(" ", _NO_BREAK)


def clock(seconds: float, *, tenths: bool = False) -> str:
    """'1:05', or '1:05.2'."""
    rounded = round(max(0.0, seconds), 1) if tenths else int(max(0.0, seconds))
    minutes, rest = divmod(rounded, 60)
    return f"{int(minutes)}:{rest:04.1f}" if tenths else f"{int(minutes)}:{int(rest):02d}"


def capitalize(text: str) -> str:
    """With its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def short_name(name: str, length: int = 60) -> str:
    """A name from a visitor's file as people write it, in at most so many characters."""
    text = as_written(name[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def count_photos(number: int) -> str:
    """'1 photo', '1,890 photos'."""
    return f"{number:,} photo{'' if number == 1 else 's'}"

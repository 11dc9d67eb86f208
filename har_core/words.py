"""Results → sentences, computed from the run at hand and never fixed."""

from __future__ import annotations

import re

import numpy as np

from har_core.analysis import TOTAL, Curves, McNemar, confusions, with_totals

_MARKUP = re.compile(r"([\\`*_\[\]<>#$~|:])")


def bare(name: str) -> str:
    """A class name as prose, for places that show text as it is: 'listening_to_music' → 'listening to music'."""
    return name.replace("_", " ")


def readable(name: str) -> str:
    """The same for Markdown, in which a name's own punctuation means nothing."""
    return plain(bare(name))


def plain(text: str) -> str:
    """Any text for Markdown: names of files and classes come from anywhere, and markup in them is shown as text."""
    return _MARKUP.sub(r"\\\1", text)


def percent(value: float) -> str:
    """A probability for people: whole per cents, but never a false 0 or 100."""
    if value < 0.005:
        return "< 1 %"
    return "> 99 %" if value > 0.995 else f"{value:.0%}".replace("%", " %")


def share(value: float) -> str:
    """A share of photos with one decimal: 0.0952 → '9.5 %'."""
    return f"{value * 100:.1f} %"


def capital(text: str) -> str:
    """With its first letter in upper case."""
    return text[:1].upper() + text[1:]


def photos(number: int) -> str:
    """'1 photo', '1,890 photos'."""
    return f"{number:,} photo{'' if number == 1 else 's'}"


def cell(counts: np.ndarray, classes: tuple[str, ...], true: int, predicted: int) -> str:
    """What a cell of the confusion matrix holds, either index of which may be `TOTAL`."""
    number = int(with_totals(counts)[true, predicted])
    if true == TOTAL:
        return f"{photos(number)} " + ("in all" if predicted == TOTAL else f"taken for {readable(classes[predicted])}")
    name, total = readable(classes[true]), int(counts[true].sum())
    what = f"{number:,} {name} photo{'' if number == 1 else 's'}"
    if predicted == TOTAL:
        return f"{what}, whatever they were taken for"
    verb = "recognised" if true == predicted else f"taken for {readable(classes[predicted])}"
    return f"{what} {verb}" + (f": {share(number / total)} of {name}" if total else "")


def pair(counts: np.ndarray, classes: tuple[str, ...], true: int, predicted: int) -> str:
    """What two cells that mirror each other hold together."""
    number, total = int(counts[true, predicted] + counts[predicted, true]), int(counts[[true, predicted]].sum())
    names = f"{readable(classes[true])} and {readable(classes[predicted])}"
    return f"{photos(number)} confused between {names}: {share(number / total)} of both"


def worst_confusion(counts: np.ndarray, classes: tuple[str, ...]) -> str:
    """The most frequent confusion as a sentence; ties are all counted."""
    found = confusions(counts)
    if not found:
        return f"No photo of {int(counts.sum()):,} is confused"
    number = found[0].photos
    top = [one for one in found if one.photos == number]
    names = [f"{readable(classes[one.true])} taken for {readable(classes[one.predicted])}" for one in top]
    if len(names) > 3:
        return f"{len(names)} confusions lead with {photos(number)} each"
    if len(names) > 1:
        return f"Most frequent confusions: {' and '.join(names)} ({photos(number)} each)"
    return f"Most frequent confusion: {names[0]} ({photos(number)})"


def training_verdict(found: Curves) -> str:
    """The gap between training and validation at the epoch that is kept, and whether validation loss has turned."""
    points = abs(found.gap) * 100
    side = "above" if found.gap > 0 else "below"
    gap = f"At epoch {found.kept_epoch}, whose weights are kept, training accuracy is {points:.1f} points {side} validation"
    if found.gap <= 0:
        gap += " (it is measured on random crops while the network still learns, so it can be the lower one)"
    if found.turned:
        return (
            f"{gap}. Validation loss was lowest after epoch {found.lowest_loss_epoch} ({found.lowest_loss:.3f}) and has "
            f"turned since: it is now {found.last_loss:.3f}, a sign of overfitting."
        )
    return f"{gap}. Validation loss has not turned: its lowest value is {found.lowest_loss:.3f}, its last {found.last_loss:.3f}."


def comparison(found: McNemar, first: str, second: str) -> str:
    """Whether two runs on the same photos differ by more than chance would have it."""
    if found.fixed == found.broken:
        return f"{second} fixes {found.fixed} photos of {first} and breaks as many: no difference."
    chance = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
    judged = "more than chance would give" if found.p < 0.05 else "a difference that chance alone could give"
    return f"{second} fixes {photos(found.fixed)} of {first} and breaks {found.broken:,}: {judged} ({chance}, McNemar)."

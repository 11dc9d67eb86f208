"""What the page calls things for which the library's errors name flags of the command line, and what is missing in a table."""

from __future__ import annotations

import re
from typing import Final

from har_core.analysis.known import Known

ROLES: Final = {
    "file": "Photo's file",
    "true": "True label",
    "predicted": "Predicted label",
    "confidence": "Confidence",
    "scores": "Scores",
    "top": "Most probable classes",
}
"""What the parts of a table are called above their select boxes."""

_PHRASES = (
    (
        r"pass --unknown skip to leave such rows out(, or --unknown error to count each as an error)?",
        "choose what becomes of such rows",
    ),
    (r"pass --scores probabilities or --scores logits", "choose which of the two the scores are"),
    (r"pass --scores logits if they are logits", "choose “logits” as scores if they are"),
    (r"pass --scores percentages if they are percentages", "choose “percentages” as scores if they are"),
    (r"say which with --scores", "choose what the scores are"),
    (r"found --scores logits", "found “logits” as the choice of scores"),
    (r"pass --no-confidence to leave the column out", "choose “none” as confidence"),
    (r"name (?:it|the column|another column|other columns) with --(file|true|predicted|confidence)(?= and|\b)", None),
    (r"(?:or )?pass --true-from-folder", "or choose the folder in the file's name as true label"),
    (r"(?:pass|name (?:all|the classes|them) with) --classes FILE", "add a file of class names"),
    (r"(?:name them with|add them to) --classes", "add a file of class names"),
    (r"--classes( FILE)?", "the file of class names"),
    (r"--(file|true|predicted|confidence)\b", None),
)
_LIKELIEST = "A column with a probability for each class would give these."


def page_words(error: str) -> str:
    """A sentence of `har_core.imports` with this page's words in place of flags of the command line."""
    for pattern, words in _PHRASES:
        if words is not None:
            error = re.sub(pattern, words, error)
        elif pattern.startswith("name"):
            error = re.sub(pattern, lambda found: f"choose “{ROLES[found[1]]}”", error)
        else:
            error = re.sub(pattern, lambda found: f"“{ROLES[found[1]]}”", error)
    return error


def asks_for_classes(error: str) -> bool:
    """Whether an error of the library could be answered by a file of class names."""
    return "--classes" in error


def missing_sentence(known: Known) -> str:
    """What the pages cannot show of such a table, and what would give it."""
    rest = "Heatmaps and the map of similar photos need more than a table."
    if known.every_class:
        return rest
    if not known.confidence:
        return (
            f"The table has labels alone: no calibration, prediction sets or order by probability. {_LIKELIEST} {rest}"
        )
    if known.ranks < 2:
        return f"The table has one probability a photo: no prediction sets and no second guesses. {_LIKELIEST} {rest}"
    return f"The table has the {known.ranks} likeliest classes alone: no prediction sets. {_LIKELIEST} {rest}"

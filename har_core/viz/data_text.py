"""What was found out about a run's photos and labels → headlines."""

from __future__ import annotations

from har_core.viz.formats import class_markdown, count_photos, share


def suspects_headline(number: int | None) -> str:
    """Of label suspects; None: nobody has looked."""
    if number is None:
        return "Which labels are wrong is not known"
    if not number:
        return "No label looks wrong"
    return f"{number:,} label{' is' if number == 1 else 's are'} probably wrong"


def duplicates_headline(groups: int | None, leaked: int = 0) -> str:
    """Of groups of photos that show the same; None: nobody has looked.

    Args:
        leaked: test photos among them that show what a training photo shows.
    """
    if groups is None:
        return "Which photos are there twice is not known"
    if not groups:
        return "No two photos show the same"
    words = "One group of photos shows" if groups == 1 else f"{groups:,} groups of photos show"
    seen = f"{count_photos(leaked)} of the test {'was' if leaked == 1 else 'were'} seen in training"
    return f"{words} the same" + (f"; {seen}" if leaked else "")


def photo_issues_headline(number: int | None, photos: int = 0) -> str:
    """Of photos that are dark, blurred, tiny or cut, of so many that were measured; None: nobody has measured them."""
    if number is None or not photos:
        return "Which photos are hard to see is not known"
    if not number:
        return "The photo is not hard to see" if photos == 1 else f"None of {count_photos(photos)} is hard to see"
    verb = "is" if number == 1 else "are"
    return f"{number:,} of {count_photos(photos)} ({share(number / photos)}) {verb} hard to see"


def slices_headline(weak: int | None, groups: int = 0, worst: str = "") -> str:
    """Of groups of photos that the model gets wrong significantly more often; None: nobody has looked.

    Args:
        groups: that were compared.
        worst: the name of the worst one.
    """
    if weak is None:
        return "Where the model is wrong more often is not known"
    if not groups:
        return "There are no groups of photos to compare"
    if not weak:
        return "In no group of photos is the model wrong significantly more often"
    return f"The model is wrong more often in {weak:,} of {groups:,} groups of photos, above all in {class_markdown(worst)}"

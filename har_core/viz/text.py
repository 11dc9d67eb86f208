"""Results → words.  Every sentence is computed from the run at hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from har_core.analysis.after_verdicts import AfterVerdicts
from har_core.analysis.answers import AnswerRule
from har_core.analysis.calibration import Calibration
from har_core.analysis.compare import McNemar
from har_core.analysis.conformal import Reached
from har_core.analysis.confusion import TOTAL, confused_pairs, with_totals
from har_core.analysis.history import Curves
from har_core.analysis.scores import Summary
from har_core.runs.manifest import CENTER_ALONE, View
from har_core.viz.formats import class_label, class_markdown, count_photos, interval, percent, share, short_labels

IN_HEADLINE = 40
"""Characters of a class's name in a headline."""

_VIEWS: dict[View, str] = {
    "center": "at the center of a photo",
    "whole": "at all of it",
    "evidence": "once more, from nearer, at where it found its evidence",
}


def what_it_sees(views: Sequence[View], crop_size: int, *, whole: bool = False) -> str:
    """The parts of a photo that a model looks at, in a sentence.

    Args:
        whole: whether photos are squeezed into a square, so that the center is all of them.
    """
    if tuple(views) == CENTER_ALONE and whole:
        return f"It looks at the whole photo, squeezed into {crop_size} × {crop_size} pixels."
    if tuple(views) == CENTER_ALONE:
        return f"It looks only at the center of a photo, scaled to {crop_size} × {crop_size} pixels."
    *first, last = (_VIEWS[view] for view in views)
    return f"It looks {', '.join(first)}{' and ' if first else ''}{last}; the mean of these looks answers."


def calibration_sentence(found: Calibration) -> str:
    """Whether the probabilities can be taken as they are, as far as there are enough photos to tell."""
    means = f"the answers are {share(found.confidence)} probable on average, and {share(found.accuracy)} of them are correct"
    gap = found.accuracy - found.confidence
    if abs(gap) > max(found.margin, 0.02):
        return f"**No, the answers deserve {'more' if gap > 0 else 'less'} trust than they claim**: {means}."
    if found.margin > 0.05:
        return f"**There are too few photos to tell**: {means}."
    if found.ece > max(2 * found.chance_ece, 0.03):
        return f"**On average, but not in each range**: {means}."
    return f"**Yes, nearly**: {means}."


def sets_sentence(found: Reached, classes: tuple[str, ...]) -> str:
    """How large sets of a stated coverage are, how many contain the truth, and for which class the fewest do."""
    name, least = class_markdown(classes[found.worst]), found.class_coverage[found.worst]
    return (
        f"For a stated {percent(found.stated)}, sets of **{found.size:.1f} classes** on average contain the true one for "
        f"**{share(found.coverage)}** of photos; for *{name}*, least, {share(least)}."
    )


def answer_words(
    classes: tuple[str, ...],
    probabilities: np.ndarray,
    named: Sequence[int],
    candidates: Sequence[int],
    stated: float,
) -> tuple[str, str]:
    """The headline of an answer, and a line on how sure it is.

    Args:
        probabilities: (K,).
        named: of `analysis.answers.named`: class indices, the likeliest first; none for "unsure".
        candidates: two or more, from which "unsure" cannot choose.
        stated: how often the true class is among those named, if they are two.
    """
    labels, short = [class_label(classes[index]) for index in named or candidates], short_labels(classes, IN_HEADLINE)
    if len(named) == 1:
        headline, full = short[named[0]], labels[0]
        return headline, f"{'' if headline == full else f'{full}: '}{percent(probabilities[named[0]])} probable"
    shares = [percent(probabilities[index]) for index in named or candidates]
    if named:
        parts = ", ".join(" ".join(pair) for pair in zip(labels, shares, strict=True))
        return (
            " or ".join(short[index] for index in named),
            f"one of the two: over all photos, {percent(stated)} of such answers of one or two classes hold the right one; {parts}",
        )
    if len(labels) > 4:
        return "unsure", f"perhaps {', '.join(labels[:3])} or one of {len(labels) - 3} others"
    *first, last = labels
    *others, least = shares
    return "unsure", f"perhaps {', '.join(first)} or {last} ({', '.join(others)} and {least})"


def none_words(classes: Sequence[str], probabilities: np.ndarray, *, kinds: str = "classes") -> tuple[str, str]:
    """The headline for a photo that probably shows none of the classes, and a line that says why.

    Args:
        kinds: what the classes are, in a word.
    """
    likeliest = int(probabilities.argmax())
    return (
        "none of these?",
        f"Probably none of the {len(classes)} {kinds}: it shows less evidence than 95 % of photos of them. If one after all, "
        f"{class_label(classes[likeliest])} ({percent(float(probabilities[likeliest]))}).",
    )


def answer_rule_caption(rule: AnswerRule, threshold: float) -> str:
    """When an answer names a class, and what that buys on the scored photos."""
    row = rule.outcomes.iloc[int(np.abs(rule.outcomes["threshold"].to_numpy() - threshold).argmin())]
    if np.isinf(rule.lowest):
        first = "The likeliest class is named if it reaches the threshold."
    else:
        first = (
            f"Only classes of at least {percent(rule.lowest)} are considered: for {percent(rule.stated)} of photos like those "
            "that were scored, the true one is among them. If there are one or two and together they reach the threshold, the "
            "answer names them; else it is “unsure”."
        )
    bought = []
    if row["one"]:
        bought.append(f"one for {share(row['one'])} of the scored photos, {share(row['one_right'])} of these correctly")
    if row["two"]:
        bought.append(
            f"two for {share(row['two'])}, and one of the two is right for {share(row['two_right'])} of these"
        )
    return f"{first} At {percent(threshold)}: {'; '.join(bought) or 'none for any of the scored photos'}."


def after_verdicts_sentence(found: AfterVerdicts) -> str:
    """The accuracy with corrected labels, and what was corrected."""
    counted = {"relabeled": found.relabeled, "left out": found.left_out, "where both fit": found.both_fit}
    parts = ", ".join(f"{number:,} {what}" for what, number in counted.items() if number)
    verdicts = "1 verdict" if found.judged == 1 else f"{found.judged:,} verdicts"
    summary = found.summary
    return (
        f"After your {verdicts}{f' ({parts})' if parts else ''}: **{share(summary.accuracy)}** correct "
        f"({interval(*summary.interval)})."
    )


def fairness_sentence(judged: AfterVerdicts | None, drawn: int) -> str:
    """How far the accuracy after verdicts can be trusted, and what photos drawn at random say instead."""
    first = "If the verdicts are right. Verdicts on errors alone can only raise it: correct answers may have wrong labels too."
    if judged is None:
        return f"{first} {count_photos(drawn)} drawn at random, errors or not, would give a fair figure."
    found, left_out = judged.summary, f" ({judged.left_out:,} left out)" if judged.left_out else ""
    return (
        f"{first} Of {judged.judged:,} judged so far among {drawn:,} drawn at random{left_out}, {share(found.accuracy)} are "
        f"correct ({interval(*found.interval, decimals=0)})."
    )


def accuracy_headline(summary: Summary, *, unseen: bool) -> str:
    """'84.8 % correct on 1,890 unseen photos (83.1–86.4 %)'."""
    which = f"{summary.n:,} {'unseen ' if unseen else ''}photo{'' if summary.n == 1 else 's'}"
    return f"{share(summary.accuracy)} correct on {which} ({interval(*summary.interval)})"


def matrix_headline(
    matrix: np.ndarray, classes: tuple[str, ...], chosen: tuple[int, int] | None, *, both: bool
) -> tuple[str, str | None]:
    """What a confusion matrix shows, or the cell of it that is chosen, and the same with names in full where some were shortened.

    Args:
        both: whether the cell that mirrors the chosen one is meant, too.
    """
    words = pair_headline if both else cell_headline
    headline, full = (
        words(matrix, names, *chosen) if chosen is not None else confusions_headline(matrix, names)
        for names in (tuple(short_labels(classes, IN_HEADLINE)), classes)
    )
    return headline, full if full != headline else None


def cell_headline(matrix: np.ndarray, classes: tuple[str, ...], true: int, predicted: int) -> str:
    """What a cell of the confusion matrix holds, either index of which may be `TOTAL`."""
    number = int(with_totals(matrix)[true, predicted])
    if true == TOTAL:
        which = "in all" if predicted == TOTAL else f"predicted as {class_markdown(classes[predicted])}"
        return f"{count_photos(number)} {which}"
    name, total = class_markdown(classes[true]), int(matrix[true].sum())
    what = f"{number:,} {name} photo{'' if number == 1 else 's'}"
    if predicted == TOTAL:
        return f"{what}, whatever was predicted"
    outcome = "predicted correctly" if true == predicted else f"predicted as {class_markdown(classes[predicted])}"
    return f"{what} {outcome}" + (f": {share(number / total)} of {name}" if total else "")


def pair_headline(matrix: np.ndarray, classes: tuple[str, ...], true: int, predicted: int) -> str:
    """What two cells that mirror each other hold together."""
    number, total = int(matrix[true, predicted] + matrix[predicted, true]), int(matrix[[true, predicted]].sum())
    names = f"{class_markdown(classes[true])} and {class_markdown(classes[predicted])}"
    return f"{count_photos(number)} confused between {names}: {share(number / total)} of both"


def confusions_headline(matrix: np.ndarray, classes: tuple[str, ...]) -> str:
    """The most frequent confusion; ties are all counted."""
    pairs = confused_pairs(matrix)
    if not pairs:
        return f"All {count_photos(int(matrix.sum()))} are predicted correctly"
    number = pairs[0].count
    top = [pair for pair in pairs if pair.count == number]
    names = [
        f"{class_markdown(classes[pair.true])} predicted as {class_markdown(classes[pair.predicted])}" for pair in top
    ]
    if len(names) > 3:
        return f"{len(names)} confusions lead with {count_photos(number)} each"
    if len(names) > 1:
        return f"Most frequent confusions: {' and '.join(names)} ({count_photos(number)} each)"
    return f"Most frequent confusion: {names[0]} ({count_photos(number)})"


def overfitting_headline(curves: Curves, eval_split: str) -> str:
    """Whether the loss on photos that do not train has risen again."""
    if curves.overfits:
        return (
            f"Overfitting: {eval_split} loss was lowest after epoch {curves.lowest_loss_epoch} "
            f"({curves.lowest_loss:.3f}) and has risen to {curves.last_loss:.3f}"
        )
    still = "still at its lowest" if curves.last_loss <= curves.lowest_loss else "within 1 % of its lowest"
    return f"No overfitting seen: {eval_split} loss is {still} ({curves.last_loss:.3f})"


def generalization_gap(curves: Curves, eval_split: str) -> str:
    """Training accuracy against that on photos that do not train, at the epoch whose weights are kept."""
    points = abs(curves.gap) * 100
    side = "above" if curves.gap > 0 else "below"
    gap = f"After epoch {curves.shipped_epoch}, training accuracy is {points:.1f} points {side} {eval_split} accuracy"
    if curves.gap <= 0:
        gap += ". It is measured on random crops while the network still learns, so it can be the lower one"
    return f"{gap}."


def difference_headline(first: str, second: str, points: float, *, certain: bool) -> str:
    """Which of two runs is the better one, by so many points of accuracy.

    Args:
        first, second: their names in Markdown; `points` is how far the first is ahead.
        certain: whether the difference is more than chance would give.
    """
    if not certain and abs(points) < 0.05:
        return f"{first} and {second} are equally accurate"
    if not certain:
        return f"{first} and {second} differ by {abs(points):.1f} points, which may be chance"
    return f"{first} is {abs(points):.1f} points {'better' if points > 0 else 'worse'} than {second}"


def mcnemar_sentence(result: McNemar, first: str, second: str) -> str:
    """Whether two runs on the same photos differ by more than chance would have it."""
    if result.fixed == result.broken:
        return f"{second} fixes {count_photos(result.fixed)} of {first} and breaks as many: no difference."
    p = "p < 0.001" if result.p < 0.001 else f"p = {result.p:.3f}"
    verdict = "more than chance would give" if result.p < 0.05 else "a difference that chance alone could give"
    return f"{second} fixes {count_photos(result.fixed)} of {first} and breaks {result.broken:,}: {verdict} ({p}, McNemar)."

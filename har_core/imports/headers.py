"""What the columns of other people's tables are called."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from har_core.data.labels_file import FILE_COLUMNS, LABEL_COLUMNS

FILE: Final = (
    *FILE_COLUMNS, "sample", "filenames",
    "files", "paths", "samples", "filepaths", "fname", "img", "imgpath", "imgname", "relpath", "samplename", "sampleid",
    "imageid", "photoname", "uri", "name", "key", "id",
)  # fmt: skip
TRUE_STRONG: Final = (
    "true", "ytrue", "truelabel", "trueclass", "groundtruth", "groundtruthlabel", "gt", "gtlabel", "actual", "truth",
    "actuallabel", "actualclass", "gold", "goldlabel", "expected", "truelabels", "truename", "givenlabel",
)  # fmt: skip
TRUE: Final = (
    *TRUE_STRONG, *LABEL_COLUMNS, "target", "targets", "y", "labelid", "classid",
)  # fmt: skip
PREDICTED: Final = (
    "predicted", "predictedlabel", "predictedclass", "prediction", "predictions", "pred", "preds", "predlabel", "predclass",
    "ypred", "yhat", "output", "top1", "top1label", "top1class", "argmax", "predictionlabel", "predictionslabel",
    "predictedcategory", "predictedname", "predname", "modelprediction", "predictedlabels",
)  # fmt: skip
CONFIDENCE: Final = (
    "confidence", "conf", "prob", "probability", "score", "maxprob", "maxprobability", "predictedprobability", "predprob",
    "predictedprob", "predictionconfidence", "predictionsconfidence", "predictionscore", "predconf", "predscore",
    "predictedconfidence", "confidencescore", "top1prob", "top1score", "top1probability", "top1confidence", "certainty",
)  # fmt: skip
"""Names without case, spaces, underscores, hyphens and points (see `plain`).  The first of each wins over the others."""

EITHER: Final = ("label", "labels", "class", "classname", "labelname", "category", "tag", "labelid", "classid", "name")
"""What programs call the true label, and others their own answer."""

_LABEL_WORDS = (
    "label",
    "labels",
    "class",
    "classname",
    "labelname",
    "category",
    "categoryname",
    "target",
    "targets",
    "tag",
    "cls",
)
_NUMBER_WORDS = (
    "id",
    "idx",
    "index",
    "labelid",
    "labelidx",
    "labelindex",
    "classid",
    "classidx",
    "classindex",
    "categoryid",
)
_TRUTHS = ("true", "ytrue", "gt", "groundtruth", "actual", "truth", "gold")
_ANSWERS = ("pred", "predicted", "ypred", "yhat", "argmax", "top1")


def _pairs(words: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """'truelabel' and 'labeltrue' of each two words."""
    return tuple(name for one in words for other in others for name in (one + other, other + one))


TRUE_UNSURE: Final = (
    *_pairs(("real", "correct", "reference", "human", "manual", "annotated", "verified"), _LABEL_WORDS),
    "observed", "reference", "references", "correctanswer",
)  # fmt: skip
"""What may be a second opinion beside a column that is called like a label."""

TRUE_FURTHER: Final = (
    (
        *_pairs((*_TRUTHS, "expected"), _LABEL_WORDS), "truey", "ytest", "yactual", "yreal", "ygt", "actualname", "gtname",
        "goldname", "groundtruths", *TRUE_UNSURE,
    ),
    _pairs(_TRUTHS, _NUMBER_WORDS),
    ("choice", "labelorig", "classorig", "targetorig", "yorig"),
)  # fmt: skip
PREDICTED_FURTHER: Final = (
    (
        *_pairs((*_ANSWERS, "prediction", "predictions", "inferred", "estimated", "hat"), _LABEL_WORDS),
        *_pairs(("output", "result", "inference", "top", "best"), ("label", "class", "classname", "labelname", "category")),
        *(f"prediction({word})" for word in _LABEL_WORDS),
        "predy", "ypredicted", "yprediction", "predclasses", "predictedclasses", "guess", "inferred", "estimated",
        "top1name", "top1pred", "top1prediction", "toppred", "topprediction", "modellabel", "modelpred", "modeloutput",
        "modelanswer", "classifiedas", "ypredname",
    ),
    _pairs(_ANSWERS, _NUMBER_WORDS),
)  # fmt: skip
CONFIDENCE_FURTHER: Final = (
    *_pairs(
        ("pred", "predicted", "prediction", "predictions", "predclass", "predlabel", "predictedclass", "predictedlabel", "max", "top",
         "top1", "best", "argmax", "output", "result", "inference"),
        ("confidence", "conf", "prob", "proba", "probability", "score"),
    ),
    "proba", "yprob", "yproba", "yscore", "yconf", "predictproba", "confscore", "confidencelevel", "modelconfidence", "modelprob",
    "modelprobability", "msp", "pmax", "maxp", "maxsoftmax", "softmax", "softmaxscore", "softmaxprob",
)  # fmt: skip
"""Names that count where none of those above is there, the surest first; of the true label, before `EITHER`."""

ARRAYS: Final = (
    "predprobs", "probs", "probabilities", "proba", "yscore", "yprob", "yproba", "logits", "scores", "softmax", "outputs",
    "predictions", "predictproba", "predictionslogits", "prob", "predictionlogits", "output",
)  # fmt: skip
"""Columns, or arrays, of one value a class."""

PHOTO: Final = re.compile(r"(?i).+\.(jpe?g|png|webp|bmp|gif|tiff?|heic|avif)")

_PREFIX = re.compile(
    r"((?:pred[_ -]?(?:probs?|scores?|logits?)|predict[_ -]?proba|(?:y[_ -]?)?(?:predicted[_ -]?)?(?:p|prob|probs|proba|probability|probabilities|score|"
    r"scores|logit|logits|pred|prediction|predictions|conf|confidence|softmax|output|outputs|class))"
    r"(?:\.logits|\.probabilities)?)(?:(:|_+| ?[./-] ?| +)(.+)|([\[(])(.+)[\])])",
    re.IGNORECASE,
)
_NESTED = re.compile(
    r"((?:[^.]+\.)+?(?:probs?|proba|probabilit(?:y|ies)|scores?|logits?|softmax|confidences?|(?:pred|class)(?:iction)?[_ -]?(?:probs?|"
    r"probabilities|scores|logits))(?:\.|_(?=[0-9]+$)))(.+)",
    re.IGNORECASE,
)
"""'output.probs.running', whatever stands outside."""

_UNIT = r"\s*[(\[]?\s*(?:in\s+)?[%％]\s*[)\]]?"
_SUFFIX = re.compile(
    rf"(.+?)((?:[_ .:-]+(?:p|probs?|proba|probability|probabilities|scores?|logits?|conf|confidence|softmax|percent|percentage|pct))?(?:{_UNIT})?)",
    re.IGNORECASE,
)
"""'running_logit', 'running (%)'."""

_GIVEN = re.compile(
    r"((?:p|pr|prob|probability)\s*[(\[]\s*[^=()\[\]]+?\s*==?\s*)(.+?)(?:\s*\|\s*[^|()\[\]]+)?\s*[)\]]", re.IGNORECASE
)
"""'P (class=running)', as KNIME writes it, and 'P(y=running|x)'."""

_RANKED = ("top", "rank", "predictions", "results", "result", "outputs")
_RANKED_LABELS = {
    *PREDICTED, *TRUE, "index", "name", "indices", "idx", "displaynames", "classnames", "labelnames", "tagname", "tagnames", "classids",
    "labelids", "",
}  # fmt: skip
_RANKED_VALUES = {*CONFIDENCE, *ARRAYS, "p", "value", "confidences"}
_OF_A_RANK = {
    *CONFIDENCE,
    *LABEL_COLUMNS,
    "p",
    "value",
    "id",
    "name",
    "index",
    "classid",
    "labelid",
    "tag",
    "tagname",
    "tagid",
}


class Prefixed(NamedTuple):
    """'prob_running' → prefix 'prob_', name 'running'."""

    prefix: str
    name: str


def plain(name: str) -> str:
    """A column's name without case, spaces, underscores, hyphens and points, and without '(%)', '_pct' at its end."""
    return re.sub(rf"(?<=.)(?:{_UNIT}|[\s_.-](?:percent|percentage|pct))$|[\s_.-]+", "", name.casefold())


def prefixed(column: str) -> Prefixed | None:
    """What a column's name says before and after one of the usual prefixes; None if it has none."""
    for known in (_GIVEN, _NESTED):
        if inner := known.fullmatch(column):
            return Prefixed(inner[1], inner[2])
    found = _PREFIX.fullmatch(column)
    rank = re.fullmatch(r"[0-9]+\.(.+)", (found[3] or "") if found else "")
    if rank and plain(rank[1]) in _OF_A_RANK:
        return None  # 'predictions_0.score', of a rank, not of a class
    return Prefixed(found[1] + (found[2] or found[4]), found[3] or found[5]) if found else None


def suffixed(column: str) -> Prefixed | None:
    """As `prefixed`, of a name with '_prob', '_logit', '(%)' or such behind it; None if it has nothing there."""
    found = _SUFFIX.fullmatch(column)
    if found is None or not found[2]:
        return None
    inner = prefixed(found[1])
    return Prefixed((inner.prefix if inner else "") + found[2], inner.name if inner else found[1])


def classes_in(column: str) -> tuple[str, ...]:
    """What may be the class's name in a column's: all of it, or without what stands before or behind it."""
    return (column, *(one.name for one in (prefixed(column), suffixed(column)) if one is not None))


def says_logits(column: str) -> bool:
    """Whether a column's name claims that its values are logits."""
    found = prefixed(column)
    return "logit" in (found.prefix if found else column).casefold()


def says_label(column: str) -> bool:
    """Whether a column with a prefix is called one of labels, as `pred_class` is."""
    found = prefixed(column)
    return found is not None and plain(found.name) in (
        "label",
        "class",
        "id",
        "name",
        "index",
        "category",
        "labelid",
        "classid",
    )


def ranked(column: str) -> tuple[str, int, bool] | None:
    """(family, rank, whether it may hold labels) of a column of the k most probable classes, as `top_2_label`, `prob_1`."""
    numbers = re.findall(r"\d+", column)
    if len(numbers) != 1 or len(numbers[0]) > 4:
        return None
    family = plain(re.sub(r"\d+", "#", column))
    rest = family.replace("#", "")
    for word in _RANKED:
        rest = rest.removeprefix(word) if rest != word or word in ("top", "rank") else rest
    if rest in _RANKED_VALUES and rest not in ("output",):
        return family, int(numbers[0]), False
    return (family, int(numbers[0]), True) if rest in _RANKED_LABELS else None

"""Which column of a table is what: told by name and by content, or named by the caller; never guessed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from har_core.errors import ConfigError, DataError
from har_core.imports import headers, score_columns, single_score
from har_core.imports.contents import (
    can_be_labels,
    counts_rows,
    folders_fit,
    folders_of,
    fractions_as_labels,
    is_numeric,
    share_like,
    values_of,
)
from har_core.imports.folder_truth import answers_of, is_answer
from har_core.imports.label_columns import (
    name_beside,
    named,
    predicted_further,
    some,
    true_by_content,
    true_further,
    true_named,
)
from har_core.imports.tables import Table, shown


@dataclass(frozen=True)
class Chosen:
    """Columns that the caller names, over what their names and contents say.

    `file`, `true`, `predicted`, `confidence`: names of columns.  `folders`: the true label is the folder in the file's name.
    `no_confidence`: leave the column of confidences out.
    """

    file: str | None = None
    true: str | None = None
    predicted: str | None = None
    confidence: str | None = None
    folders: bool = False
    no_confidence: bool = False


@dataclass(frozen=True)
class Columns:
    """What a table's columns are.

    `true`: None if the folder in the file's name is the label.  `classes`: K names in the order of the scores; of a table
    without scores, those that were given, else empty.  `scores`: K columns, a value a class; or one, of the second of two classes
    (`single`).  `top`: (column of the class,
    column of its value) of the k most probable classes, the first first.  `ignored`: what plays no part.
    `given`: the numbers in a column of labels may be places in `classes`.
    """

    file: str
    true: str | None
    predicted: str | None = None
    confidence: str | None = None
    classes: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    top: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    given: bool = False

    @property
    def single(self) -> bool:
        return len(self.scores) == 1

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold names."""
        found = [self.file, self.true, self.predicted, *(label for label, _ in self.top)]
        return tuple(dict.fromkeys(name for name in found if name is not None))

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that hold numbers."""
        found = [*self.scores, self.confidence, *(value for _, value in self.top)]
        return tuple(dict.fromkeys(name for name in found if name is not None))

    def rows(self) -> list[tuple[str, str]]:
        """(what it is, which column) of each part, for people."""
        found = [
            ("file", shown(self.file)),
            ("true label", shown(self.true) if self.true else "the folder in the file's name"),
        ]
        if self.predicted is not None:
            found.append(("predicted label", shown(self.predicted)))
        if self.confidence is not None:
            found.append(("confidence", shown(self.confidence)))
        if self.single:
            found.append(
                (f"score of {shown(self.classes[1])}, the rest is of {shown(self.classes[0])}", shown(self.scores[0]))
            )
        elif self.scores:
            found.append((f"scores of {len(self.classes)} classes", some(self.scores)))
        if self.top:
            found.append(
                (f"the {len(self.top)} most probable", some([f"{label} with {value}" for label, value in self.top]))
            )
        if self.ignored:
            found.append(("not used", some(self.ignored)))
        return found


def recognize(table: Table, *, classes: Sequence[str] | None = None, chosen: Chosen | None = None) -> Columns:
    """Tell the columns of a table.

    Args:
        classes: names in the order of numbered columns and of labels that are numbers; None: those that the table brings.

    Raises:
        ConfigError: if `chosen` names a column that is not there, or one twice.
        DataError: if which column is what is not certain, or something is missing; in one sentence.
    """
    chosen = chosen or Chosen()
    _check_chosen(table, chosen)
    order = tuple(classes) if classes is not None else table.classes
    numeric = {name for name, values in table.head.items() if is_numeric(values)}
    used = {name for name in (chosen.file, chosen.true, chosen.predicted, chosen.confidence) if name is not None}
    counted = {name for name in numeric - used if counts_rows(table, name)}
    numeric -= counted
    file = chosen.file or _file(table, used)
    used.add(file)
    top = score_columns.find_top(table, used)
    used |= {name for pair in top for name in pair}
    # of p_blue and p_red, the second is no "pred"
    families = score_columns.families([name for name in table.columns if name in numeric])
    scored = {name for names in families.values() for name in names if not headers.says_label(name)}
    labels = [
        name
        for name in table.columns
        if name not in counted and (name not in numeric or (name not in scored and can_be_labels(table, name)))
    ]
    labels += fractions_as_labels(table, numeric - scored)
    predicted = chosen.predicted or named(
        table, (headers.PREDICTED,), used, "predicted label", "--predicted", among=labels
    )
    for name, flag in ((chosen.predicted, "--predicted"), (chosen.true, "--true")):
        if name is not None and name in numeric and name not in labels and not can_be_labels(table, name):
            raise DataError(
                f"expected labels in the column {shown(name)} of {table.place}, found numbers with fractions; name another with {flag}"
            )
    used |= _named_set(predicted)
    true = None if chosen.folders else chosen.true or true_named(table, used, labels, predicted)
    used |= _named_set(true)
    seen = values_of(table, [true, predicted]) or folders_of(table, file)
    names, scores = ((), ()) if top else score_columns.find_scores(table, numeric - used, seen, order)
    if predicted is None and not scores and not top:
        predicted = predicted_further(table, used, labels, true, folders=chosen.folders)
        used |= _named_set(predicted)
    lone = [name for name in table.columns if name in numeric - used and headers.plain(name) in headers.CONFIDENCE]
    folder_is_truth = False
    if true is not None and chosen.true is None:
        if predicted is None and not scores and not top:
            true = name_beside(table, used, true) or true
            used.add(true)
        answers = answers_of(table, predicted or (top[0][0] if top else None), scores, names)
        if is_answer(table, file, true, answers, lone[0] if len(lone) == 1 else None, order):
            folder_is_truth = True
            used.discard(true)
            predicted, true = predicted or (None if top else true), None
            used |= _named_set(predicted)
    if not scores and not top and chosen.confidence is None and not chosen.no_confidence:
        names, scores = _single(table, numeric - used, seen, predicted, order)
    used |= set(scores)
    confidence = None
    if not scores and not top and predicted is not None and not chosen.no_confidence:
        wanted = [name for name in table.columns if name in numeric or name == chosen.confidence]
        tiers = (headers.CONFIDENCE, headers.CONFIDENCE_FURTHER)
        confidence = chosen.confidence or named(table, tiers, used, "confidence", "--confidence", among=wanted)
        used |= _named_set(confidence)
    known = names or order or tuple(values_of(table, [predicted, *(label for label, _ in top)]))
    if true is None and not chosen.folders and not folder_is_truth:
        true = true_by_content(table, used, numeric, known) or true_further(table, used, labels)
        used |= _named_set(true)
    if not scores and not top and predicted is None:
        if len(lone) == 1:
            own = (
                f"name {shown(true)} with --predicted if it is the model's answer, "
                if true and headers.plain(true) in headers.EITHER
                else ""
            )
            raise DataError(
                f"expected a predicted label, or a probability a class, in {table.place}, found one column of numbers "
                f"({shown(lone[0])}); {own}add the predicted label or, of two classes, pass --classes FILE with their names, last the one "
                "whose probability it is"
            )
        raise DataError(
            f"expected a predicted label, or a probability a class, in {table.place}, found {_found(table)}; name the column with "
            "--predicted, call the others prob_CLASS, or pass --classes FILE"
        )
    if true is None and not chosen.folders and not folder_is_truth and not folders_fit(table, file, known):
        raise DataError(
            f"expected a column with the true labels in {table.place}, found {_found(table)}; name it with --true, or pass "
            "--true-from-folder"
        )
    ignored = tuple(name for name in table.columns if name not in used)
    given = order is not None and not (table.form != "NPZ" and score_columns.named_by_number(scores, names))
    return Columns(file, true, predicted, confidence, names or order or (), scores, top, ignored, given)


def _single(
    table: Table, numeric: Collection[str], labels: Sequence[str], predicted: str | None, order: Sequence[str] | None
) -> score_columns.Found:
    """The classes and the one column of two classes' scores; none if there is none, or it may be of the predicted one."""
    found = single_score.find_single(table, numeric, labels, order, predicted)
    if found is None:
        return (), ()
    column, classes = found
    if predicted is not None and not single_score.agrees(table, column, predicted, classes):
        return (), ()
    return classes, (column,)


def _named_set(name: str | None) -> set[str]:
    return set() if name is None else {name}


def _check_chosen(table: Table, chosen: Chosen) -> None:
    named = {
        f"--{role}": name
        for role in ("file", "true", "predicted", "confidence")
        if (name := getattr(chosen, role)) is not None
    }
    for flag, name in named.items():
        if name not in table.head:
            raise ConfigError(
                f"expected {flag} to name a column of {table.place}, one of {_found(table)}; found {shown(name)!r}"
            )
    if len(set(named.values())) < len(named):
        raise ConfigError(
            f"expected another column for each of {', '.join(named)}, found one named twice; name each once"
        )
    if chosen.folders and chosen.true is not None:
        raise ConfigError("expected --true or --true-from-folder, found both; pass one of them")


def _file(table: Table, used: Collection[str]) -> str:
    """The column of file names: by its name, and by what is in it where that is not enough."""
    free = [name for name in table.columns if name not in used]
    by_name = [name for name in free if headers.plain(name) in headers.FILE]
    by_content = [name for name in free if share_like(table.head[name], headers.PHOTO) > 0.5]
    for first in headers.FILE[:2]:
        if len(found := [name for name in by_name if headers.plain(name) == first]) == 1:
            return found[0]
    both = [name for name in by_name if name in by_content]
    for found in (both, by_name or by_content, by_content):
        if len(found) == 1:
            return found[0]
    what = f"{len(by_name)} that may be it ({some(by_name)})" if by_name else _found(table)
    raise DataError(
        f"expected a column with the names of the photos' files in {table.place}, found {what}; name it with --file"
    )


def _found(table: Table) -> str:
    return f"the columns {some(table.columns)}" if len(table.columns) else "none"

"""Which column of a table is what: shown with an example, and changed with a select box."""

from __future__ import annotations

import streamlit as st

from app_pages.own import table_upload
from app_pages.own.table_upload import Held
from app_pages.own.table_words import ROLES
from app_pages.own.understanding import FOLDER, KINDS, NONE, Understanding, example, score_names
from har_core.imports.columns import Columns
from har_core.viz.formats import escape_markdown, short_name

_NAMES = {NONE: "none", FOLDER: "the folder in the file's name"}
_WIDTH = 176  # two beside each other on a phone


def column_boxes(held: Held, found: Understanding) -> None:
    """A box for each part of the table, with what it holds."""
    columns, choices = found.columns, held.choices
    has_scores = bool(columns and columns.scores) or choices.scores is not None or bool(score_names(held.table))
    has_top = bool(columns and columns.top) or choices.top is not None
    alone = not (columns and (columns.scores or columns.top))
    with st.container(horizontal=True, key="table-columns"):
        _column(held, found, "file", ())
        _column(held, found, "true", (FOLDER,))
        _column(held, found, "predicted", (NONE,))
        if alone:
            _column(held, found, "confidence", (NONE,))
        if has_scores:
            _scores(held, found)
        if has_top:
            _top(held, columns)
    if columns is not None and columns.ignored:
        some = ", ".join(escape_markdown(short_name(name, 24)) for name in columns.ignored[:6])
        more = f" and {len(columns.ignored) - 6:,} more" if len(columns.ignored) > 6 else ""
        st.caption(f"Not used: {some}{more}")


def _column(held: Held, found: Understanding, role: str, more: tuple[str, ...]) -> None:
    columns = found.columns
    own = {"file": None, "true": FOLDER, "predicted": NONE, "confidence": NONE}[role]
    value: str | None = getattr(held.choices, role)
    if value is None and columns is not None and found.asked != role:
        value = getattr(columns, role) or own
    scores = set(columns.scores) if columns is not None else set()
    options = [*(name for name in held.table.columns if name not in scores or name == value), *more]
    note = None
    if value in held.table.columns:
        note = example(held.table, value)
    elif value == FOLDER and columns is not None:
        path = example(held.table, columns.file).replace("\\", "/").split("/")
        note = path[-2] if len(path) > 1 else None
    _box(held, role, ROLES[role], options, value, note)


def _scores(held: Held, found: Understanding) -> None:
    columns = found.columns
    value = held.choices.scores or found.kind or (NONE if columns is not None and not columns.scores else None)
    label, note = ROLES["scores"], None
    if columns is not None and columns.scores:
        first, last = columns.scores[0], columns.scores[-1]
        label = f"Scores of {len(columns.classes):,} classes"
        where = short_name(first, 24) if columns.single else f"{short_name(first, 24)} to {short_name(last, 24)}"
        note = f"{where}, such as {_short(example(held.table, first))}"
        if columns.single:
            label, note = (
                f"Score of {escape_markdown(short_name(columns.classes[1], 24))}",
                f"{note}; the rest is {short_name(columns.classes[0], 24)}",
            )
    _box(held, "scores", label, [*KINDS, NONE], value, note)


def _top(held: Held, columns: Columns | None) -> None:
    label, note, value = ROLES["top"], None, held.choices.top
    if columns is not None and columns.top:
        (first, probability), value = columns.top[0], "use"
        label = f"The {len(columns.top)} most probable classes"
        note = f"{short_name(first, 24)} = {short_name(example(held.table, first), 24)} with {_short(example(held.table, probability))}"
    _box(held, "top", label, ["use", NONE], value, note)


def _short(text: str) -> str:
    """A number with three digits, as far as it is one."""
    try:
        return f"{float(text):.3g}"
    except ValueError:
        return short_name(text, 12)


def _box(held: Held, role: str, label: str, options: list[str], value: str | None, note: str | None) -> None:
    """A select box of its own for each value: one that the browser still shows cannot set a later one back."""
    place = options.index(value) if value in options else None
    key = f"table-{role}-{held.number}-{place}"

    def take() -> None:
        chosen = st.session_state[key]
        table_upload.choose(**{role: None if chosen == "use" and role == "top" else chosen})

    labels = _labels(options)
    with st.container(width=_WIDTH, gap="xsmall"):
        st.selectbox(
            label,
            options,
            index=place,
            placeholder="Choose" if role in ("scores", "top") else "Choose a column",
            format_func=labels.__getitem__,
            key=key,
            on_change=take,
        )
        if note:
            st.caption(escape_markdown(short_name(note, 80)))


def _labels(options: list[str]) -> dict[str, str]:
    """What options are called: no two alike, as a select box needs it."""
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for option in options:
        name, number = _NAMES.get(option) or short_name(option), 2
        label = name
        while label in taken:
            label, number = f"{name} ({number})", number + 1
        labels[option] = label
        taken.add(label)
    return labels

"""Which photos are there twice, on both sides of the split, or with different labels?"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages.components.download_photos import say_what_is_missing
from app_pages.components.on_disk import by_command
from app_pages.components.photo_tile import SIDE, photo_tile
from app_pages.state import runs, url
from app_pages.state.once import once_per_run
from har_core.analysis.duplicate_groups import SCHEMA, Group, Member, from_table, without_leaks
from har_core.analysis.scores import Summary, summarize
from har_core.runs.file_names import DUPLICATES, PREDICTIONS
from har_core.runs.run import Run
from har_core.runs.tables import TEST, read_table
from har_core.viz.data_text import duplicates_headline
from har_core.viz.formats import capitalize, class_label, class_markdown, count_photos, escape_markdown, interval, share

PER_PAGE = 12
"""Groups."""

_SHOWN = 8  # photos of a group
_PAGE = "groups"  # in the address


class _Found(NamedTuple):
    groups: list[Group]
    without: Summary | None  # scores without the test photos that were seen in training
    leaked: int


def leaks(run: Run) -> int:
    """Test photos that show what a training photo shows; 0 where nobody has looked."""
    return _found(run).leaked if run.has(DUPLICATES) and run.has(PREDICTIONS) else 0


def duplicates_part(run: Run, top: DeltaGenerator) -> dict[str, object | None]:
    """Of a run with or without the table of groups; returns what belongs into the address."""
    if not run.has(DUPLICATES):
        top.title(duplicates_headline(None))
        how = by_command(run, "`har-lens analyze RUN DATA` finds photos that show the same.")
        st.markdown(f"The photos were not compared with each other. {how}")
        return {}
    found = _found(run)
    top.title(duplicates_headline(len(found.groups), found.leaked))
    if not found.groups:
        return {}
    st.markdown(_answer(run, found))
    pages = ceil(len(found.groups) / PER_PAGE)
    key = url.seed(f"duplicates-{run.folder}-{pages}", _PAGE, 1, lambda text: _page(text, pages))
    number: int = st.session_state[key]
    shown = found.groups[(number - 1) * PER_PAGE : number * PER_PAGE]
    say_what_is_missing(run, [member.sample for group in shown for member in group.members[:_SHOWN]])
    for start in range(0, len(shown), 2):
        for column, group in zip(st.columns(2), shown[start : start + 2], strict=False):
            with column.container(border=True, height="stretch"):
                _card(run, group)
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, **url.widget(key))
    return {_PAGE: number if number > 1 else None}


def _page(text: str, pages: int) -> int:
    number = int(text)
    if not 1 <= number <= pages:
        raise ValueError(text)
    return number


def _answer(run: Run, found: _Found) -> str:
    groups = found.groups
    photos = sum(len(group.members) for group in groups)
    parts = [f"They are {count_photos(photos)} in all."]
    across, differ = (sum(getattr(group, flag) for group in groups) for flag in ("across_split", "labels_differ"))
    if not across:
        parts.append("None lies across the split: no test photo was seen in training.")
    else:
        parts.append(
            f"{_lie(across)} across the split, a training photo beside a test photo, and the score may be a little too good. "
            f"{_without(run, found)}"
        )
    if differ:
        parts.append(
            f"In {differ:,} of them the labels differ: at least one is wrong, or the picture fits more than one class."
        )
    else:
        parts.append("In none do the labels differ.")
    return " ".join(parts)


def _without(run: Run, found: _Found) -> str:
    if found.without is None or not run.has(PREDICTIONS):
        return ""
    plain = summarize(runs.confusion_matrix(run))
    return (
        f"Without {'it' if found.leaked == 1 else 'them'}, {share(found.without.accuracy)} are correct "
        f"({interval(*found.without.interval)}) instead of {share(plain.accuracy)}."
    )


def _lie(groups: int) -> str:
    return f"{groups:,} group{' lies' if groups == 1 else 's lie'}"


def _card(run: Run, group: Group) -> None:
    flags = [
        word
        for word, is_so in (("different labels", group.labels_differ), ("across the split", group.across_split))
        if is_so
    ]
    head = capitalize(", ".join(flags)) or "Same label, same side"
    st.markdown(f"**{head}** · {count_photos(len(group.members))}")
    with st.container(horizontal=True, gap="small"):
        for place, member in enumerate(group.members[:_SHOWN]):
            with st.container(width=SIDE, gap=None):
                _photo(run, member, first=place == 0)
    if len(group.members) > _SHOWN:
        others = ", ".join(
            f"{member.sample} ({class_label(member.label)}, {member.split})" for member in group.members[_SHOWN:][:50]
        )
        more = len(group.members) - _SHOWN - 50
        st.caption(escape_markdown(f"And {others}" + (f" and {more:,} more" if more > 0 else "")))


def _photo(run: Run, member: Member, *, first: bool) -> None:
    tile = photo_tile(run, member.sample)
    if tile is not None:
        st.image(tile, width=SIDE, alt=f"{member.sample}, labeled {class_label(member.label)}")
    st.markdown(f"**{class_markdown(member.label)}** · {member.split}")
    if not first:
        known = "" if member.cosine != member.cosine else f", cosine {member.cosine:.2f}"
        st.caption(f"{member.distance} of 64 bits differ{known}")
    if member.split == TEST:
        st.page_link(
            "app_pages/analysis/errors.py",
            label=escape_markdown(member.sample),
            icon=":material/open_in_full:",
            query_params=url.query(show="all", photo=member.sample),
        )
    else:
        st.caption(escape_markdown(member.sample))


@once_per_run("Reading the run …")
def _found(run: Run) -> _Found:
    groups = from_table(read_table(run, DUPLICATES, SCHEMA))
    without, leaked = without_leaks(runs.predictions(run), groups) if run.has(PREDICTIONS) else (None, 0)
    return _Found(groups, without, leaked)

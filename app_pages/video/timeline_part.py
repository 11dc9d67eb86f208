"""A clip's timeline: shares of the classes, segments, and the ways from them to a frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

import numpy as np
import pandas as pd
import streamlit as st

from app_pages.components.color_bar import heatmap_color_bar
from app_pages.video.strip import strip_picture
from har_core.analysis.timeline import INDEPENDENT, MEAN_LENGTH
from har_core.files import csv_bytes
from har_core.inference.video import ClipAnswer, frames_table, segments_table
from har_core.viz.formats import class_label, clock, escape_markdown, percent, short_labels
from har_core.viz.text import IN_HEADLINE
from har_core.viz.timeline_figures import chosen_frame, segment_words, timeline_figure

CHOSEN = "clip-frame"
_DRAWN = "clip-drawn"
_AT_ONCE = 8  # pictures of the strip
_PICTURE = 116  # pixels: its width


HOW_SMOOTHED = (
    f"Segments are the likeliest path of a hidden Markov model with two parameters: something goes on for {MEAN_LENGTH:g} s on "
    f"average, and frames within {INDEPENDENT:g} s count together as one photo, since they look alike. Hatched: two that it may be, "
    "unsure, or none of what the model knows."
)


def headline(found: ClipAnswer) -> str:
    """What happens, one after the other."""
    words = [segment_words(segment, short_labels(found.classes, IN_HEADLINE)) for segment in found.segments]
    words = [word for number, word in enumerate(words) if not number or word != words[number - 1]]
    first = words[:3]
    more = f", and {len(words) - 3} more parts" if len(words) > 4 else f", then {words[3]}" if len(words) == 4 else ""
    return f"{', then '.join(first)}{more}"


def timeline(found: ClipAnswer) -> None:
    """The figure; a click chooses a frame."""
    frame = chosen(found)
    figure = timeline_figure(
        found.times,
        found.end,
        found.probabilities,
        found.labels,
        found.segments,
        found.classes,
        chosen=frame,
    )
    key = f"clip-timeline-{st.session_state.get(_DRAWN, 0)}"

    def take() -> None:
        points = st.session_state[key]["selection"]["points"]
        if (number := chosen_frame(points, found.times)) is not None:
            choose(number)

    st.plotly_chart(
        figure, config={"displayModeBar": False}, key=key, on_select=take, selection_mode="points", alt=_alt(found)
    )


def growing_timeline(found: ClipAnswer, length: float | None) -> None:
    """The figure of what is answered so far."""
    figure = timeline_figure(
        found.times, found.end, found.probabilities, found.labels, found.segments, found.classes, length=length
    )
    st.plotly_chart(figure, config={"displayModeBar": False}, key="clip-growing", alt=_alt(found))


def segments(found: ClipAnswer) -> None:
    """The segments as a table; a click on one chooses the frame that decided it."""
    table = pd.DataFrame(
        {
            "from": [clock(one.start, tenths=True) for one in found.segments],
            "to": [clock(one.end, tenths=True) for one in found.segments],
            "what": [segment_words(one, found.classes) for one in found.segments],
            "probability": [one.confidence * 100 for one in found.segments],
        }
    )
    key = f"clip-segments-{st.session_state.get(_DRAWN, 0)}"

    def take() -> None:
        if cells := st.session_state[key]["selection"]["cells"]:
            choose(found.segments[cells[0][0]].peak)

    st.dataframe(
        table,
        key=key,
        hide_index=True,
        height=min(38 * (len(table) + 1), 330),
        on_select=take,
        selection_mode="single-cell",
        column_config={
            "probability": st.column_config.ProgressColumn("probability", format="%.0f %%", min_value=0, max_value=100)
        },
        alt="The segments with their times",
    )


def strip(found: ClipAnswer) -> None:
    """The frames that decided, and others where there is room, each with the heat of its class; a button chooses it."""
    with st.container(horizontal=True, gap="small"):
        for number in shown_frames(found):
            row = found.probabilities[number]
            label = f"{class_label(found.classes[int(row.argmax())])} {percent(float(row.max()))}"
            with st.container(width=_PICTURE):
                st.image(
                    strip_picture(found.frames[number]),
                    width=_PICTURE,
                    alt=f"{label} at {clock(found.times[number])}",
                    output_format="JPEG",
                )
                st.button(
                    clock(found.times[number], tenths=True),
                    key=f"clip-at-{number}",
                    help=escape_markdown(label),
                    width="stretch",
                    type="primary" if number == chosen(found) else "secondary",
                    on_click=choose,
                    args=(number,),
                )
    heatmap_color_bar()


def shown_frames(found: ClipAnswer) -> list[int]:
    """Those that decided, at most `_AT_ONCE`; then, one after the other, the frame that is farthest from all that are shown."""
    frames = list(dict.fromkeys(one.peak for one in found.segments))[:_AT_ONCE]
    while len(frames) < min(_AT_ONCE, len(found.times)):
        away = np.abs(found.times[:, None] - found.times[frames]).min(axis=1)
        frames.append(int(away.argmax()))
    return sorted(frames)


def ways(found: ClipAnswer) -> None:
    """To the frames beside the chosen one."""
    number = chosen(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Before", icon=":material/chevron_left:", disabled=number == 0, on_click=choose, args=(number - 1,))
        st.button(
            "After",
            icon=":material/chevron_right:",
            disabled=number == len(found.times) - 1,
            on_click=choose,
            args=(number + 1,),
        )
        st.caption(f"Frame {number + 1:,} of {len(found.times):,}, at {clock(found.times[number], tenths=True)}")


def downloads(name: str, found: ClipAnswer) -> None:
    stem = PurePath(name).stem
    tables: dict[str, Callable[[ClipAnswer], list[list[object]]]] = {"Segments": segments_table, "Frames": frames_table}
    with st.container(horizontal=True):
        for what, table in tables.items():
            st.download_button(
                f"{what} as CSV",
                csv_bytes(table(found)),
                f"{stem}-{what.lower()}.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
            )


def chosen(found: ClipAnswer) -> int:
    """The frame that is looked at: the one that decided the longest segment, until the visitor chooses."""
    number: int | None = st.session_state.get(CHOSEN)
    if number is not None and number < len(found.times):
        return number
    return max(found.segments, key=lambda one: one.end - one.start).peak if found.segments else 0


def choose(number: int | None) -> None:
    """A new figure and table are drawn, in which nothing is selected: so that the same place can be clicked again."""
    st.session_state[CHOSEN] = number
    st.session_state[_DRAWN] = st.session_state.get(_DRAWN, 0) + 1


def _alt(found: ClipAnswer) -> str:
    parts = (f"{clock(one.start)} {segment_words(one, found.classes)}" for one in found.segments[:20])
    return f"What the clip shows over time: {', '.join(parts)}"
